"""What the recipe chosen of many finds on sky that took no part in the choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recipe_trials.evaluation import ListEvaluation
from skykin.core.shapes import Numbers
from skykin.evaluation.measures import BLOCK_DEG, Measurement
from skykin.evaluation.rotated import OFF_PLANE

#: Weights of AUC over all the sky, off the plane, and against contaminants in what a choice maximises.
WEIGHTS = (1.0, 1.0, 0.5)


@dataclass(frozen=True, eq=False)
class Trials:
    """What recipes reach at each object.

    Parameters
    ----------
    evaluation : ListEvaluation
    names : tuple of str
    rotated, contaminants : array (recipes, objects)
        Shares of rotated positions and of contaminants that score less.
    """

    evaluation: ListEvaluation
    names: tuple[str, ...]
    rotated: Numbers
    contaminants: Numbers

    @classmethod
    def of(cls, evaluation: ListEvaluation, shares: Mapping[str, tuple[Numbers, Numbers]]) -> Trials:
        """Gather what `ListEvaluation.per_object` says of each recipe."""
        rotated, contaminants = (np.array(each) for each in zip(*shares.values(), strict=True))
        return cls(evaluation, tuple(shares), rotated, contaminants)

    @property
    def off_plane(self) -> np.ndarray:
        """Which objects lie off the plane."""
        return OFF_PLANE.contains(self.evaluation.objects.lat_deg)

    def merit(self, chosen: np.ndarray) -> Numbers:
        """Give what a choice maximises, of each recipe, on the chosen objects."""
        away = chosen & self.off_plane
        parts = self.rotated[:, chosen], self.rotated[:, away], self.contaminants[:, chosen]
        return sum(
            weight * part.mean(axis=1) for weight, part in zip(WEIGHTS, parts, strict=True) if part.size
        )

    def left_out(self) -> tuple[dict[int, str], Numbers, Numbers]:
        """Choose on all blocks of longitude but one, and score the objects of that one.

        Rotated positions and contaminants of all blocks take part in each choice.

        Returns
        -------
        chosen : dict of int to str
            The recipe for each block.
        rotated, contaminants : array (objects,)
        """
        block = (self.evaluation.objects.lon_deg // BLOCK_DEG).astype(int)
        chosen, rotated, contaminants = {}, np.empty(len(block)), np.empty(len(block))
        for each in np.unique(block):
            mine = block == each
            best = int(self.merit(~mine).argmax())
            chosen[int(each)] = self.names[best]
            rotated[mine], contaminants[mine] = self.rotated[best, mine], self.contaminants[best, mine]
        return chosen, rotated, contaminants

    def report(self, finalists: int) -> list[str]:
        """Give lines on the choice left out and the best on the whole list, beside plain contrasts."""
        contrasts = {
            name: self.evaluation.per_object(score)[0]
            for name, score in self.evaluation.brightness.contrasts().items()
        }
        chosen, rotated, contaminants = self.left_out()
        lines = [f"{len(self.names)} recipes, {len(rotated)} objects, {self.off_plane.sum()} off the plane"]
        lines += [f"block {block * BLOCK_DEG:g}°: {name}" for block, name in chosen.items()]
        lines += self._compared("chosen block by block", rotated, contrasts)
        lines.append(f"  against contaminants {self._told(contaminants)}")
        for best in np.argsort(-self.merit(np.ones(len(rotated), bool)), kind="stable")[:finalists]:
            lines += self._compared(f"chosen on all: {self.names[best]}", self.rotated[best], contrasts)
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
        return told(self.evaluation.measurement(shares, everything if chosen is None else chosen))


def told(number: Measurement) -> str:
    """Write a number and its interval."""
    low, high = number.interval
    return f"{number.value:.3f} [{low:.3f}, {high:.3f}]"
