"""Maps that should find nothing, or no more than what they still know."""

from __future__ import annotations

import numpy as np

from skykin.core.errors import DataQualityError
from skykin.core.picture import Picture
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.pipeline.judged_map import JudgedMap
from skykin.pipeline.remake import Change, remade
from skykin.products.result import numbers

RANDOM_NETWORK, RANDOM_PHASES, EMPTY = "random-weight network", "phase-randomised sky", "empty reference"
NAMES = (RANDOM_NETWORK, RANDOM_PHASES, EMPTY)
#: An empty place is at least so far from the plane, and covered so well.
EMPTY_ABOVE_DEG, EMPTY_COVERAGE = 40.0, 0.99


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
    """Galactic position of the darkest well covered tile at high latitude.

    Raises
    ------
    DataQualityError
        If there is none.
    """
    centres, intensity = judged.centres, judged.intensity
    good = (np.abs(centres.lat_deg) >= EMPTY_ABOVE_DEG) & np.isfinite(intensity)
    good &= numbers(judged.tiles["coverage"]) >= EMPTY_COVERAGE
    if not good.any():
        raise DataQualityError(
            f"no tile of the map lies at |b| ≥ {EMPTY_ABOVE_DEG:g}° and is covered to {EMPTY_COVERAGE:.0%}, "
            "so there is no empty reference; leave out the nulls",
            code="DQ-FEWVALID",
        )
    darkest = np.flatnonzero(good)[np.argmin(intensity[good])]
    return f"{centres.lon_deg[darkest]:.4f},{centres.lat_deg[darkest]:.4f}"


class PhaseRandomiser:
    """Gives the waves of a picture random phases, the same for its three colours.

    Parameters
    ----------
    seed : int
        With the picture's own values it decides the phases: the same picture becomes the same noise.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, picture: Picture) -> Picture:
        """Return a picture with the same mean colours and power spectra."""
        rgb = picture.rgb.astype(np.float64)
        print_of_values = int(np.frombuffer(picture.rgb.tobytes(), np.uint32).sum(dtype=np.uint64))
        rng = np.random.default_rng([self.seed, print_of_values & 0xFFFFFFFF])
        noise = np.fft.rfft2(rng.standard_normal(rgb.shape[:2]))
        phase = noise / np.maximum(np.abs(noise), 1e-12)
        phase[0, 0] = 1
        waves = np.fft.rfft2(rgb, axes=(0, 1)) * phase[..., None]
        made = np.fft.irfft2(waves, s=rgb.shape[:2], axes=(0, 1))
        return Picture(np.clip(made, 0, 1).astype(np.float32), picture.coverage, picture.footprint)
