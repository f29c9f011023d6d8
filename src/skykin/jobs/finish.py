"""From scores to a finished map: significance, match criterion, and the further tests that were requested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from astropy.table import QTable

from skykin.catalogue.query import Query
from skykin.core.criterion import MatchCriterion, ScoreCut
from skykin.core.errors import DataQualityError
from skykin.core.footprint import Footprint
from skykin.core.protocols import NoisySurvey, Progress, Survey
from skykin.core.provenance import Provenance
from skykin.core.robustness import Robustness
from skykin.core.shapes import Numbers
from skykin.evaluation.ranking import threshold_of_top
from skykin.jobs.streamed import Scorer
from skykin.products.mapped import SurveyFacts
from skykin.products.sky_map import SkyMap
from skykin.products.summarised import MeasuredSource
from skykin.scale.local import ordered_map
from skykin.significance.surrogates import phase_randomised, surrogate_p
from skykin.significance.tile_scores import CONSTANT, PARTIAL, TileScores, fisher, ranks
from skykin.style.recipe import Recipe

#: Tiles that are measured again.
BEST = 50
#: Tiles that are named in a sentence.
MOST_NAMED = 5
#: Where more of the tiles have holes, the others are compared with what is left of the sky.
MANY_PARTIAL = 0.1
#: Quantiles of the interval of a score.
INTERVAL = (0.05, 0.95)
#: Columns of a finished map before those of `TileScores` that follow the sides of a tile.
FIRST = ("name", "lon", "lat", "ra", "dec", "width", "height", "turn", "score")


class ScoredSource(MeasuredSource, Protocol):
    """Where the scores come from: a survey that is streamed, or an index."""

    def scorer(self) -> Scorer:
        """Return what scores single tiles, measured by the network."""

    def scorer_of(self, survey: Survey) -> Scorer:
        """Return the scorer of another survey in the same colours, its references measured there."""


def finished_map(
    scores: TileScores,
    query: Query,
    source: ScoredSource,
    *,
    criterion: MatchCriterion,
    robustness: Robustness,
    survey: SurveyFacts,
    provenance: Provenance,
    workers: int,
    progress: Progress,
) -> SkyMap:
    """Make a map of scored tiles: the same for a survey that is streamed and for an index.

    Parameters
    ----------
    scores : TileScores
    query : Query
    source : ScoredSource
        Looked at again for surrogates and noise, and whenever a picture of the map is wanted.
    criterion : MatchCriterion
        The recipe's own where nothing is given.
    robustness : Robustness
    survey : SurveyFacts
    provenance : Provenance
    workers : int
        Threads that compute.
    progress : Progress
    """
    _tell_flags(scores, progress)
    overlapping = query.overlapped(scores.lon_deg, scores.lat_deg, scores.tile_deg)
    found = scores.significance(overlapping)
    tiles = QTable({"rank": ranks(scores.score)})
    for name in FIRST:
        if name in scores.tiles.colnames:
            tiles[name] = scores.tiles[name]
    tiles["match"] = np.zeros(len(tiles), dtype=bool)
    tiles["standardised"], tiles["p"], tiles["q"] = found.standardised, found.p, found.q
    for name in scores.tiles.colnames:
        if name not in FIRST:
            tiles[name] = scores.tiles[name]
    if "hubness" in tiles.colnames:
        tiles["csls"] = scores.scaled
    again = _Again(tiles, scores.footprints, source, robustness, workers, progress)
    surrogates, noise = again.with_surrogates(), again.with_noise()
    cut = _cut(tiles, source.query_style.recipe, criterion, overlapping)
    tiles["match"] = cut.matches(tiles[cut.column])
    return SkyMap(
        replace(scores, tiles=tiles),
        query,
        cut,
        survey,
        provenance,
        found.independent,
        surrogates,
        noise,
        source,
    )


def with_criterion(found: SkyMap, chosen: Recipe, criterion: MatchCriterion) -> SkyMap:
    """Choose the matches of a map anew: by the criterion, by its recipe's own where none is given."""
    cut = _cut(found.tiles, chosen, criterion, found.overlapping)
    tiles = found.tiles.copy(copy_data=False)
    tiles["match"] = cut.matches(tiles[cut.column])
    return replace(found, scored=replace(found.scored, tiles=tiles), cut=cut)


def _tell_flags(scores: TileScores, progress: Progress) -> None:
    """Name the tiles whose scores are missing or doubtful."""
    told = {
        CONSTANT: "have no score, because their pictures are the same everywhere",
        PARTIAL: "have holes in more than 5 % of their area, which may decide their scores "
        "(a larger --min-coverage leaves them out)",
    }
    for flag, sentence in told.items():
        names = [str(name) for name in scores.tiles["name"][scores.flagged(flag)]]
        if names:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            progress.say(
                f"warning: {len(names)} of {len(scores.tiles)} tiles {sentence}: "
                f"{', '.join(names[:MOST_NAMED])}{more}, {flag} in the column flag of tiles.ecsv"
            )
    partial = float(scores.flagged(PARTIAL).mean())
    if partial > MANY_PARTIAL:
        progress.say(
            f"warning: with holes in {partial:.0%} of the tiles, the scores of the others may change by 0.1 "
            "when the holes are filled: colours and the average tile are measured on what is covered"
        )


def _cut(tiles: QTable, chosen: Recipe, criterion: MatchCriterion, overlapping: np.ndarray) -> ScoreCut:
    """Return the cut between matches and other tiles: as was asked, else as the recipe says.

    That tiles which overlap a reference are similar to it is no detection.
    """
    rule: MatchCriterion | Recipe = criterion if criterion.given else chosen
    if rule.max_q is not None:
        cut = ScoreCut("q", rule.max_q)
        if rule.top_fraction is None or (cut.matches(tiles["q"]) & ~overlapping).any():
            return cut
    if rule.top_fraction is not None:
        threshold = threshold_of_top(tiles["score"], rule.top_fraction, tiles["area"])
        return ScoreCut("score", threshold, rule.max_q)
    assert rule.threshold is not None  # noqa: S101 - a recipe has one of the three
    return ScoreCut("score", rule.threshold)


@dataclass(frozen=True, eq=False)
class _Again:
    """The most unusual tiles, measured again with random phases and with more noise."""

    tiles: QTable
    footprints: tuple[Footprint, ...]
    source: ScoredSource
    robustness: Robustness
    workers: int
    progress: Progress

    @cached_property
    def rows(self) -> Numbers:
        """Rows of these tiles."""
        return most_unusual(self.tiles)

    def with_surrogates(self) -> Mapping[str, float] | None:
        """Add the column ``p_surrogate``; return what was done, None if nothing was requested."""
        draws, seed = self.robustness.surrogates, self.robustness.seed
        if not draws:
            return None
        scorer = self.source.scorer()

        def scores(row: int) -> Numbers:
            picture = scorer.look(self.footprints[row])
            made = (phase_randomised(picture, [seed, row, draw]) for draw in range(draws))
            return fisher(np.array([scorer.score(each) for each in (picture, *made)]))

        found = self._counted("Surrogates", scores)
        p = surrogate_p(found[:, 0], found[:, 1:])
        self.tiles["p_surrogate"] = self._spread_out(p)
        return {"tiles": len(self.rows), "draws": draws, "unusual": int(np.sum(p <= 0.05))}

    def with_noise(self) -> Mapping[str, float] | None:
        """Add the columns ``score_low`` and ``score_high``; return what was done."""
        draws, seed = self.robustness.noise_draws, self.robustness.seed
        if not draws:
            return None
        scorer = self.source.scorer()
        if not isinstance(scorer.survey, NoisySurvey):
            return {"tiles": 0, "draws": 0}
        found = []
        for draw in range(draws):
            noisy = scorer.survey.resampled(int(np.random.SeedSequence([seed, draw]).generate_state(1)[0]))
            other = self.source.scorer_of(noisy)
            found.append(self._counted(f"Noise {draw + 1} of {draws}", self._score_by(other)))
        again = np.stack(found, axis=-1)
        first = self._counted("Without more noise", self._score_by(scorer))
        middle = np.nanmedian(again, axis=-1)
        score = fisher(np.asarray(self.tiles["score"])[self.rows])
        for name, level in zip(("score_low", "score_high"), INTERVAL, strict=True):
            edge = np.tanh(score + np.nanquantile(again, level, axis=-1) - middle)
            self.tiles[name] = self._spread_out(edge)
        return {
            "tiles": len(self.rows),
            "draws": draws,
            "median_width": float(np.nanmedian(self.tiles["score_high"] - self.tiles["score_low"])),
            "median_shift": float(np.nanmedian(np.tanh(middle) - np.tanh(first))),
        }

    def _score_by(self, scorer: Scorer) -> Callable[[int], Numbers]:
        def score(row: int) -> Numbers:
            try:
                return fisher(np.array(scorer.score(scorer.look(self.footprints[row]))))
            except DataQualityError:  # A tile stretched by itself may be blank or flat.
                return np.array(np.nan)

        return score

    def _counted(self, title: str, measure: Callable[[int], Numbers]) -> Numbers:
        """Measure every row; array (rows, ...)."""
        found = []
        with self.progress.stage(title, len(self.rows), "tiles") as counter:
            for values in ordered_map(measure, self.rows.tolist(), self.workers):
                found.append(values)
                counter.advance()
        return np.array(found)

    def _spread_out(self, values: Numbers) -> Numbers:
        """Put values into their rows of a column of NaN."""
        column = np.full(len(self.tiles), np.nan)
        column[self.rows] = values
        return column


def most_unusual(tiles: QTable) -> Numbers:
    """Rows of the best tiles by q, then by p, then by rank, that have a score."""
    p, q = (np.nan_to_num(np.asarray(tiles[name]), nan=2.0) for name in ("p", "q"))
    order = np.lexsort((np.asarray(tiles["rank"]), p, q))
    scored = np.isfinite(np.asarray(tiles["score"]))
    return np.asarray(order[scored[order]][:BEST])
