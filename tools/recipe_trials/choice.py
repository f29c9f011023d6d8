"""What choosing among recipes is worth on sky that took no part in the choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recipe_trials.judge import Judge
from skykin.core.shapes import Numbers
from skykin.evaluation.measurement import BLOCK_DEG, Measurement
from skykin.evaluation.zone import OFF_PLANE

#: Weights of AUC over all the sky, off the plane, and against confusers in what a choice maximises.
WEIGHTS = (1.0, 1.0, 0.5)


@dataclass(frozen=True, eq=False)
class Trials:
    """What recipes reach at each object.

    Parameters
    ----------
    judge : Judge
    names : tuple of str
    turned, confusers : array (recipes, objects)
        Shares of turned positions and of confusers that score less.
    """

    judge: Judge
    names: tuple[str, ...]
    turned: Numbers
    confusers: Numbers

    @classmethod
    def of(cls, judge: Judge, shares: Mapping[str, tuple[Numbers, Numbers]]) -> Trials:
        """Gather what `Judge.per_object` says of each recipe."""
        turned, confusers = (np.array(each) for each in zip(*shares.values(), strict=True))
        return cls(judge, tuple(shares), turned, confusers)

    @property
    def off_plane(self) -> np.ndarray:
        """Which objects lie off the plane."""
        return OFF_PLANE.contains(self.judge.objects.lat_deg)

    def merit(self, chosen: np.ndarray) -> Numbers:
        """Give what a choice maximises, of each recipe, on the chosen objects."""
        away = chosen & self.off_plane
        parts = self.turned[:, chosen], self.turned[:, away], self.confusers[:, chosen]
        return sum(
            weight * part.mean(axis=1) for weight, part in zip(WEIGHTS, parts, strict=True) if part.size
        )

    def left_out(self) -> tuple[dict[int, str], Numbers, Numbers]:
        """Choose on all blocks of longitude but one, and score the objects of that one.

        Turned positions and confusers of all blocks take part in each choice.

        Returns
        -------
        chosen : dict of int to str
            The recipe for each block.
        turned, confusers : array (objects,)
        """
        block = (self.judge.objects.lon_deg // BLOCK_DEG).astype(int)
        chosen, turned, confusers = {}, np.empty(len(block)), np.empty(len(block))
        for each in np.unique(block):
            mine = block == each
            best = int(self.merit(~mine).argmax())
            chosen[int(each)] = self.names[best]
            turned[mine], confusers[mine] = self.turned[best, mine], self.confusers[best, mine]
        return chosen, turned, confusers

    def report(self, finalists: int) -> list[str]:
        """Lines about the choice left out, the best on the whole list, and how they beat no network."""
        contrasts = {
            name: self.judge.per_object(score)[0] for name, score in self.judge.brightness.contrasts().items()
        }
        chosen, turned, confusers = self.left_out()
        lines = [f"{len(self.names)} recipes, {len(turned)} objects, {self.off_plane.sum()} off the plane"]
        lines += [f"block {block * BLOCK_DEG:g}°: {name}" for block, name in chosen.items()]
        lines += self._compared("chosen block by block", turned, contrasts)
        lines.append(f"  against confusers {self._told(confusers)}")
        for best in np.argsort(-self.merit(np.ones(len(turned), bool)), kind="stable")[:finalists]:
            lines += self._compared(f"chosen on all: {self.names[best]}", self.turned[best], contrasts)
        for name, values in contrasts.items():
            lines += self._compared(f"contrast {name}", values, {})
        return lines

    def _compared(self, name: str, shares: Numbers, contrasts: Mapping[str, Numbers]) -> list[str]:
        lines = [f"{name}: {self._told(shares)}, off the plane {self._told(shares, self.off_plane)}"]
        for other, values in contrasts.items():
            difference = shares - values
            away = self._told(difference, self.off_plane)
            lines.append(f"  less contrast {other}: {self._told(difference)}, off the plane {away}")
        return lines

    def _told(self, shares: Numbers, chosen: np.ndarray | None = None) -> str:
        everything = np.ones(len(shares), dtype=bool)
        return told(self.judge.measurement(shares, everything if chosen is None else chosen))


def told(number: Measurement) -> str:
    """Write a number and its interval."""
    low, high = number.interval
    return f"{number.value:.3f} [{low:.3f}, {high:.3f}]"
