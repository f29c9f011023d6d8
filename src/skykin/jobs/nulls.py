"""Maps that should find nothing, or no more than what they still know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skykin.catalogue.target_list import TargetList
from skykin.core.errors import DataQualityError
from skykin.core.picture import Picture
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.jobs.judged_map import JudgedMap
from skykin.jobs.remake import Change, bench_of, remade, settings_of, store_of
from skykin.products.result import numbers
from skykin.scale.local import ordered_map
from skykin.significance.surrogates import phase_randomised

RANDOM_NETWORK, RANDOM_PHASES, EMPTY = "random-weight network", "phase-randomised sky", "empty reference"
NAMES = (RANDOM_NETWORK, RANDOM_PHASES, EMPTY)
#: An empty place is at least so far from the plane.
EMPTY_ABOVE_DEG = 40.0
#: Tiles that are measured one by one for a null, those of the lists among them.
MOST_TILES = 4000


def null_scores(
    judged: JudgedMap, lists: Sequence[TargetList], seed: int, workers: int, progress: Progress
) -> dict[str, Numbers]:
    """Score the map's own tiles in ways that have no right to find anything; each array (tiles,).

    - *random-weight network*: the same architecture, never trained;
    - *phase-randomised sky*: every picture, the reference's too, keeps its mean colours and power spectra but
      not the phases that make structure of them; measured tile by tile, and so on the tiles of the lists and
      a few thousand others at most, NaN elsewhere;
    - *empty reference*: what is looked for is a dark piece of sky far from the plane.
    """
    random = Change(RANDOM_NETWORK, {}, random_seed=seed)
    empty = empty_reference(judged)
    return {
        RANDOM_NETWORK: remade(judged, random, workers, progress).at(judged.centres),
        RANDOM_PHASES: _with_random_phases(judged, tiles_of(judged, lists, seed), seed, workers, progress),
        EMPTY: remade(judged, empty, workers, progress).at(judged.centres),
    }


def empty_reference(judged: JudgedMap) -> Change:
    """Ask for a dark piece of sky."""
    return Change(EMPTY, {"reference": empty_place(judged)})


def tiles_of(judged: JudgedMap, lists: Sequence[TargetList], seed: int) -> Numbers:
    """Rows of the tiles of all objects, and of random others until there are `MOST_TILES`, in order."""
    centres = judged.centres
    known = np.isfinite(judged.score)
    own = np.zeros(len(centres), dtype=bool)
    for each in lists:
        row = centres.nearest(each.lon_deg, each.lat_deg)
        own[row[row >= 0]] = True
    others = np.random.default_rng(seed).permutation(np.flatnonzero(known & ~own))
    chosen = own & known
    chosen[others[: max(0, MOST_TILES - int(chosen.sum()))]] = True
    return np.flatnonzero(chosen)


def _with_random_phases(
    judged: JudgedMap, rows: Numbers, seed: int, workers: int, progress: Progress
) -> Numbers:
    change = Change(RANDOM_PHASES, {"engine": "tiles"}, alter=PhaseRandomiser(seed))
    store = store_of(judged, change, rows)
    scores = store.get("scores")
    if scores is None:
        settings = replace(settings_of(judged, workers), **change.settings)
        made = bench_of(judged, change, settings, store, progress)
        judge = made.judge(made.sought())
        footprints = judged.footprints()
        found = []
        with progress.stage(RANDOM_PHASES, len(rows), "tiles") as counter:
            pictures = (footprints[row] for row in rows)
            for score in ordered_map(lambda each: judge.score(judge.cutter(each)), pictures, workers):
                found.append(score)
                counter.advance()
        scores = np.array(found)
        store.clear()
        store.put("scores", scores)
    whole = np.full(len(judged.centres), np.nan)
    whole[rows] = scores
    return whole


def empty_place(judged: JudgedMap) -> str:
    """Galactic position of the darkest tile at high latitude, among the better covered half of those.

    Raises
    ------
    DataQualityError
        If there is none.
    """
    centres, intensity = judged.centres, judged.intensity
    coverage = numbers(judged.tiles["coverage"])
    high = (np.abs(centres.lat_deg) >= EMPTY_ABOVE_DEG) & np.isfinite(intensity) & np.isfinite(judged.score)
    if not high.any():
        raise DataQualityError(
            f"no tile of the map lies at |b| ≥ {EMPTY_ABOVE_DEG:g}°, so there is no empty reference; leave "
            "out the nulls",
            code="DQ-FEWVALID",
        )
    seen = np.flatnonzero(high & (coverage >= np.median(coverage[high])))
    darkest = seen[np.argmin(intensity[seen])]
    return f"{centres.lon_deg[darkest]:.4f},{centres.lat_deg[darkest]:.4f}"


@dataclass(frozen=True)
class PhaseRandomiser:
    """Gives every picture random phases; the same picture becomes the same noise.

    Parameters
    ----------
    seed : int
        With the picture's own values it decides the phases.
    """

    seed: int

    def __call__(self, picture: Picture) -> Picture:
        """Return a picture with the same mean colours and power spectra."""
        values = np.frombuffer(np.ascontiguousarray(picture.rgb).tobytes(), np.uint32)
        return phase_randomised(picture, [self.seed, int(values.sum(dtype=np.uint64)) & 0xFFFFFFFF])
