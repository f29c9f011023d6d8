"""Signatures of all tiles of a finished map, measured again as the map measured them."""

from __future__ import annotations

import numpy as np

from skykin.core.errors import ResourceError, shown
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.jobs.bench import Bench
from skykin.jobs.judged_map import JudgedMap
from skykin.jobs.remake import Change, bench_of, settings_of
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.style.engine.cells import Lattice
from skykin.style.engine.meter import ContextMeter
from skykin.style.engine.stream import PlaneSource
from skykin.survey.download import cache_folder
from skykin.tiling.facets import Facet

#: The styles of all tiles are held at once.
MOST_BYTES = 4 * 2**30


def tile_styles(judged: JudgedMap, workers: int, progress: Progress) -> list[Numbers]:
    """Measure the style of every tile of a map.

    Returns
    -------
    list of float32 array (tiles, n)
        One per layer, in the order of the map's rows; NaN where nothing is covered.

    Raises
    ------
    ResourceError
        If they take more than `MOST_BYTES`.
    """
    settings = settings_of(judged, workers)
    store = WorkStore.of(cache_folder(), {"styles of": judged.provenance.as_dict()})
    made = bench_of(judged, Change("style of every tile"), settings, store, progress)
    size = sum(vector.size for vector in made.sought().signatures[0].values()) * 4 * len(judged.centres)
    if size > MOST_BYTES:
        raise ResourceError(
            f"the styles of {len(judged.centres)} tiles by recipe {shown(settings.recipe)} take "
            f"{size / 2**30:.0f} GiB of memory, more than {MOST_BYTES / 2**30:.0f}; "
            "use a map by core-contrast or mean-std",
            code="RS-MEM",
        )
    read = _by_facets if made.pieces else _tile_by_tile
    found = read(made, judged, workers, progress)
    store.clear()
    return found


def _tile_by_tile(made: Bench, judged: JudgedMap, workers: int, progress: Progress) -> list[Numbers]:
    footprints = judged.footprints()
    rows: list[list[Numbers]] = []
    with progress.stage("Style of every tile", len(footprints), "tiles") as counter:
        for signature in ordered_map(lambda each: made.meter(made.look(each)), footprints, workers):
            rows.append(list(signature.values()))
            counter.advance()
    return [np.stack(layer) for layer in zip(*rows, strict=True)]


def _by_facets(made: Bench, judged: JudgedMap, workers: int, progress: Progress) -> list[Numbers]:
    """Read facet after facet, and put each tile into the row of the map that has its centre."""
    layers = made.meter.recipe.layers
    styles: list[Numbers] = []
    with progress.stage("Style of every facet", len(made.pieces), "facets") as counter:
        found = ordered_map(lambda piece: _facet_styles(made, piece), made.pieces, workers)
        for piece, vectors in zip(made.pieces, found, strict=True):
            row, here = judged.rows_of(piece)
            if not styles:
                styles = [
                    np.full((len(judged.centres), vectors[layer].shape[1]), np.nan, np.float32)
                    for layer in layers
                ]
            for whole, layer in zip(styles, layers, strict=True):
                whole[row[here]] = vectors[layer][here]
            counter.advance()
    return styles


def _facet_styles(made: Bench, piece: Facet) -> dict[str, Numbers]:
    """Signatures of the facet's own tiles, layer by layer (tiles, n)."""
    meter = made.meter
    assert isinstance(meter, ContextMeter)  # noqa: S101 - there are facets
    halo, (height, width) = meter.halo, piece.shape
    picture = piece.picture(made.sky, halo)
    source = PlaneSource(picture.rgb, picture.coverage, halo, halo, height, width)
    own = piece.own.ravel()
    rows: dict[str, list[Numbers]] = {layer: [] for layer in meter.recipe.layers}
    lattice = Lattice(height, width, piece.tile, piece.spacing)
    for mine, signature in zip(own, meter.shared.signatures(source, lattice), strict=True):
        if mine:
            measured = signature if meter.standard is None else meter.standard.apply(signature)
            for layer, vector in measured.items():
                rows[layer].append(vector)
    return {layer: np.stack(vectors) for layer, vectors in rows.items()}
