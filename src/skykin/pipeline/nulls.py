"""Maps that should find nothing, or no more than what they still know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.errors import DataQualityError
from skykin.core.picture import Picture
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.pipeline.judged_map import JudgedMap
from skykin.pipeline.remake import Change, remade
from skykin.products.result import numbers
from skykin.search.surrogates import phase_randomised

RANDOM_NETWORK, RANDOM_PHASES, EMPTY = "random-weight network", "phase-randomised sky", "empty reference"
NAMES = (RANDOM_NETWORK, RANDOM_PHASES, EMPTY)
#: An empty place is at least so far from the plane.
EMPTY_ABOVE_DEG = 40.0


def null_scores(judged: JudgedMap, seed: int, workers: int, progress: Progress) -> dict[str, Numbers]:
    """Score the map's own tiles in ways that have no right to find anything; each array (tiles,).

    - *random-weight network*: the same architecture, never trained;
    - *phase-randomised sky*: every picture, the reference's too, keeps its mean colours and power spectra but
      not the phases that make structure of them;
    - *empty reference*: what is looked for is a dark piece of sky far from the plane.
    """
    changes = (
        Change(RANDOM_NETWORK, {}, random_seed=seed),
        Change(RANDOM_PHASES, {"engine": "tiles"}, alter=PhaseRandomiser(seed)),
        Change(EMPTY, {"reference": empty_place(judged)}),
    )
    return {change.name: remade(judged, change, workers, progress).at(judged.centres) for change in changes}


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
