"""Copies of the reference put where the sky is empty, for the map to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from astropy.table import QTable

from skykin.core.footprint import Footprint
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.evaluation.ranking import threshold_of_top
from skykin.evaluation.share import share_interval
from skykin.evaluation.turned import EXCLUDE_DEG
from skykin.jobs.bench import Bench
from skykin.jobs.copies import Copy, Injection, dark_scatter, near_references, plan, reference_copy
from skykin.jobs.judged_map import JudgedMap
from skykin.jobs.remake import Change, bench_of, settings_of
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.sought import Sought
from skykin.survey.derived.altered import AlteredSurvey
from skykin.survey.download import cache_folder
from skykin.survey.intensity import mean_intensity

#: Share of the sky that the best injections must be within.
TOP = 0.01
#: Places at which single changes are tried, at most.
MOST_SINGLE = 40
#: Limits of intensity between which the copies of the whole test are counted by themselves.
SCALES = (0.3, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Injections:
    """What became of the copies.

    Parameters
    ----------
    copies : QTable
        A row per copy: ``reference`` (its number), ``lon_deg``, ``lat_deg``, ``turn_deg``, ``scale``,
        ``blur_deg``, ``noise``, ``intensity_before`` (of the nearest tile), ``score`` (best tile around),
        ``score_before``, ``found``, ``found_before``, ``found_by_intensity`` (whether ranking by mean
        intensity finds it).
    changes : QTable
        What takes how much of it: ``change``, ``n``, ``found`` (share), ``low`` and ``high`` (95 %), and
        ``score`` (mean).
    """

    copies: QTable
    changes: QTable


def injections(judged: JudgedMap, number: int, seed: int, workers: int, progress: Progress) -> Injections:
    """Inject copies of the reference, or of several in turn, and score the tiles around each.

    The copy is turned by a random angle, its intensity multiplied by 0.3 to 1, blurred by up to half a beam,
    and given noise of up to the scatter of the dark sky.  It is found if the best of the tiles around it
    scores as high as the best 1 % of the map.  At the first places each change is then tried alone.

    Parameters
    ----------
    judged : JudgedMap
        With its survey.
    number : int
    seed : int
    """
    trial = Trial.of(judged, workers, progress)
    planned = plan(judged, number, seed)
    nearest = [one.tiles[0] for one in planned]
    before = np.array([np.nanmax(judged.score[list(one.tiles)]) for one in planned])
    with progress.stage("Injections", number, "copies") as counter:
        looked = []
        for each in ordered_map(partial(trial.look, copies=trial.copies), planned, workers):
            looked.append(each)
            counter.advance()
    score, intensity = np.array(looked).T
    copies = QTable(
        {
            "reference": [one.reference for one in planned],
            "lon_deg": [one.footprint.lon_deg for one in planned],
            "lat_deg": [one.footprint.lat_deg for one in planned],
            "turn_deg": [one.footprint.turn_deg for one in planned],
            "scale": [one.scale for one in planned],
            "blur_deg": [one.blur_deg for one in planned],
            "noise": [one.noise for one in planned],
            "intensity_before": judged.intensity[nearest],
            "score": score,
            "score_before": before,
            "found": score >= trial.least,
            "found_before": before >= trial.least,
            "found_by_intensity": intensity >= best_of(judged, judged.intensity),
        }
    )
    return Injections(copies, _changes(trial, planned[:MOST_SINGLE], copies, workers, progress))


@dataclass(frozen=True, eq=False)
class Trial:
    """All that scores a copy at a place."""

    ready: Bench
    sought: Sought
    copies: tuple[Copy, ...]
    scatter: Numbers
    footprints: tuple[Footprint, ...]
    least: float

    @classmethod
    def of(cls, judged: JudgedMap, workers: int, progress: Progress) -> Trial:
        """Set up the map's own instruments."""
        assert judged.survey is not None  # noqa: S101 - asked for by the caller
        store = WorkStore.of(cache_folder(), {"injections": judged.provenance.to_dict()})
        ready = bench_of(judged, Change("as it is"), settings_of(judged, workers), store, progress)
        return cls(
            ready,
            ready.sought(),
            tuple(reference_copy(judged.survey, each) for each in judged.references),
            dark_scatter(judged.survey, judged),
            judged.footprints(),
            best_of(judged, judged.score),
        )

    def look(self, one: Injection, copies: tuple[Copy, ...]) -> tuple[float, float]:
        """Best score and best mean intensity of the tiles around a copy."""
        survey = self.ready.sky.survey
        altered = AlteredSurvey(survey, patch=copies[one.reference].patch(one, survey.beam_deg, self.scatter))
        judge = self.ready.judge_of(altered, self.sought)
        tiles = [self.footprints[i] for i in one.tiles]
        score = float(np.nanmax([judge.score(judge.cutter(tile)) for tile in tiles]))
        return score, max(mean_intensity(altered, tile) for tile in tiles)

    def centred(self, one: Injection) -> Injection:
        """Return the injection on the very centre of its nearest tile."""
        tile = self.footprints[one.tiles[0]]
        moved = replace(one.footprint, lon_deg=tile.lon_deg, lat_deg=tile.lat_deg)
        return replace(one, footprint=moved, tiles=one.tiles[:1])


def best_of(judged: JudgedMap, ranking: Numbers) -> float:
    """Value from which a tile is among the best 1 % of the sky away from the references."""
    away = ~near_references(judged, EXCLUDE_DEG) & np.isfinite(ranking)
    return threshold_of_top(ranking[away], TOP, judged.centres.area[away])


def _changes(
    trial: Trial, planned: Sequence[Injection], copies: QTable, workers: int, progress: Progress
) -> QTable:
    """Try each change alone at the same places, the unchanged copy first; the whole test last."""
    beam_deg = trial.ready.sky.survey.beam_deg
    whole = [one.unchanged() for one in planned]
    copied = trial.copies
    kinds: dict[str, tuple[list[Injection], tuple[Copy, ...]]] = {
        "nothing, on the centre of a tile": ([trial.centred(one) for one in whole], copied),
        "nothing": (whole, copied),
        "holes filled": (whole, tuple(copy.without_holes() for copy in copied)),
        "turned": (
            [replace(one, footprint=old.footprint) for one, old in zip(whole, planned, strict=True)],
            copied,
        ),
        **{
            f"intensity × {scale:g}": ([replace(one, scale=scale) for one in whole], copied)
            for scale in SCALES[1::-1]
        },
        "blurred by half a beam": ([replace(one, blur_deg=beam_deg / 2) for one in whole], copied),
        "noise as the dark sky's": ([replace(one, noise=1.0) for one in whole], copied),
    }
    rows = []
    with progress.stage("Single changes", len(kinds) * len(planned), "copies") as counter:
        for name, (changed, put) in kinds.items():
            looked = ordered_map(partial(trial.look, copies=put), changed, workers)
            scores = []
            for score, _ in looked:
                scores.append(score)
                counter.advance()
            rows.append(_row(name, np.array(scores), trial.least))
    score_of, scale_of = np.asarray(copies["score"]), np.asarray(copies["scale"])
    for low, high in pairwise(SCALES):
        inside = (scale_of >= low) & (scale_of < high)
        rows.append(_row(f"all, intensity × {low:g} to {high:g}", score_of[inside], trial.least))
    return QTable(rows=[*rows, _row("all", score_of, trial.least)])


def _row(change: str, scores: Numbers, least: float) -> dict[str, object]:
    found, number = int(np.sum(scores >= least)), len(scores)
    low, high = share_interval(found, number)
    return {
        "change": change,
        "n": number,
        "found": found / number if number else np.nan,
        "low": low,
        "high": high,
        "score": float(np.mean(scores)) if number else np.nan,
    }
