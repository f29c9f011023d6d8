"""The pictures that a report shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.table import QTable

from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.jobs.judge import Cutter
from skykin.products.result import Gallery

GALLERY_TILES = 8


def gallery(
    references: Sequence[Picture], tiles: QTable, footprints: Sequence[Footprint], cutter: Cutter
) -> Gallery:
    """Choose the best matches, or the best tiles where none matches, and the least alike.

    None of them is centred in another or a reference.
    """
    order = np.argsort(tiles["rank"])
    matches = [i for i in order if tiles["match"][i]]
    finite = [i for i in order[::-1] if np.isfinite(tiles["score"][i])]

    def apart(candidates: list[int], taken: list[Footprint]) -> tuple[Picture, ...]:
        chosen: list[Footprint] = []
        for i in candidates:
            footprint = footprints[i]
            if not any(other.contains(footprint.center) for other in (*taken, *chosen)):
                chosen.append(footprint)
            if len(chosen) == GALLERY_TILES:
                break
        return tuple(cutter(footprint) for footprint in chosen)

    own = [each.footprint for each in references if each.footprint is not None]
    # Where nothing matches, the upper half of the tiles still shows what comes nearest.
    nearest = [i for i in finite[::-1] if tiles["rank"][i] <= len(tiles) / 2]
    best = apart(matches, own) or apart(nearest, own)
    return Gallery(tuple(references), best, apart(finite, [*own, *(where(picture) for picture in best)]))


def where(picture: Picture) -> Footprint:
    """Footprint of a picture that was cut out of the sky."""
    assert picture.footprint is not None  # noqa: S101 - it was cut out of the sky
    return picture.footprint
