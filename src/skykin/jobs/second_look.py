"""A second look at the most unusual tiles: with random phases, and with new noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from astropy.table import QTable

from skykin.core.errors import DataQualityError
from skykin.core.footprint import Footprint
from skykin.core.protocols import NoisySurvey, Progress
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.jobs.judge import Judge, cutter_of, look_of
from skykin.jobs.trust import fisher
from skykin.scale.local import ordered_map
from skykin.significance.surrogates import phase_randomised, surrogate_p
from skykin.survey.render import RenderedSurvey, Stretch

#: Tiles that are looked at again.
BEST = 50
#: Quantiles of the interval of a score.
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class SecondLook:
    """Measures the most unusual tiles of a map again.

    Parameters
    ----------
    judge : Judge
    footprints : tuple of Footprint
        Those of all tiles of the map.
    references : tuple of Footprint
    settings : MapSettings
    stretch : Stretch
    """

    judge: Judge
    footprints: Sequence[Footprint]
    references: tuple[Footprint, ...]
    settings: MapSettings
    stretch: Stretch

    def with_surrogates(self, tiles: QTable, progress: Progress) -> dict[str, object] | None:
        """Add the column ``p_surrogate``; return what was done, None if nothing was asked for."""
        asked = self.settings.robustness
        draws, seed = asked.surrogates, asked.seed
        if not draws:
            return None
        rows = most_unusual(tiles)

        def scores(row: int) -> Numbers:
            picture = self.judge.cutter(self.footprints[row])
            made = (phase_randomised(picture, [seed, row, draw]) for draw in range(draws))
            return fisher(np.array([self.judge.score(each) for each in (picture, *made)]))

        found = self._counted("Surrogates", scores, rows, progress)
        p = surrogate_p(found[:, 0], found[:, 1:])
        tiles["p_surrogate"] = _spread_out(p, rows, len(tiles))
        return {"tiles": len(rows), "draws": draws, "unusual": int(np.sum(p <= 0.05))}

    def with_noise(self, tiles: QTable, progress: Progress) -> dict[str, object] | None:
        """Add the columns ``score_low`` and ``score_high``; return what was done."""
        asked, survey = self.settings.robustness, self.judge.survey
        draws, seed = asked.noise_draws, asked.seed
        if not draws:
            return None
        if not isinstance(survey, NoisySurvey):
            return {"tiles": 0, "draws": 0}
        rows = most_unusual(tiles)
        found = []
        for draw in range(draws):
            noisy = survey.resampled(int(np.random.SeedSequence([seed, draw]).generate_state(1)[0]))
            sky = RenderedSurvey(noisy, self.stretch)
            look = look_of(self.judge.meter, self.settings, sky, cutter_of(self.settings, noisy, sky))
            styles = tuple(self.judge.meter(look(each)) for each in self.references)
            judge = replace(self.judge, cutter=look, sought=replace(self.judge.sought, signatures=styles))
            found.append(self._counted(f"Noise {draw + 1} of {draws}", self._score_by(judge), rows, progress))
        again = np.stack(found, axis=-1)
        first = self._counted("Without new noise", self._score_by(self.judge), rows, progress)
        middle = np.nanmedian(again, axis=-1)
        score = fisher(np.asarray(tiles["score"])[rows])
        for name, level in zip(("score_low", "score_high"), INTERVAL, strict=True):
            edge = np.tanh(score + np.nanquantile(again, level, axis=-1) - middle)
            tiles[name] = _spread_out(edge, rows, len(tiles))
        return {
            "tiles": len(rows),
            "draws": draws,
            "median_width": float(np.nanmedian(tiles["score_high"] - tiles["score_low"])),
            "median_shift": float(np.nanmedian(np.tanh(middle) - np.tanh(first))),
        }

    def _score_by(self, judge: Judge) -> Callable[[int], Numbers]:
        def score(row: int) -> Numbers:
            try:
                return fisher(np.array(judge.score(judge.cutter(self.footprints[row]))))
            except DataQualityError:  # A tile stretched by itself may be blank or flat.
                return np.array(np.nan)

        return score

    def _counted(
        self, title: str, measure: Callable[[int], Numbers], rows: Numbers, progress: Progress
    ) -> Numbers:
        """Measure every row; array (rows, ...)."""
        found = []
        with progress.stage(title, len(rows), "tiles") as counter:
            for values in ordered_map(measure, rows.tolist(), self.settings.workers):
                found.append(values)
                counter.advance()
        return np.array(found)


def most_unusual(tiles: QTable) -> Numbers:
    """Rows of the best tiles by q, then by p, then by rank, that have a score."""
    p, q = (np.nan_to_num(np.asarray(tiles[name]), nan=2.0) for name in ("p", "q"))
    order = np.lexsort((np.asarray(tiles["rank"]), p, q))
    scored = np.isfinite(np.asarray(tiles["score"]))
    return np.asarray(order[scored[order]][:BEST])


def _spread_out(values: Numbers, rows: Numbers, count: int) -> Numbers:
    """Put values into their rows of a column of NaN."""
    column = np.full(count, np.nan)
    column[rows] = values
    return column
