"""Several maps of the same reference, made from different surveys, put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy_healpix import HEALPix

from skykin.core.errors import SkyError, UsageError, shown
from skykin.core.extent import Extent
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.provenance import Provenance
from skykin.core.shapes import Numbers
from skykin.evaluation.agreement import ROTATIONS, RotatedMaps, rank_product
from skykin.evaluation.measures import rank_correlation_in_rows
from skykin.evaluation.ranking import rank_correlation, sky_share
from skykin.evaluation.tile_centres import TileCentres
from skykin.products.agreement import SHARE, Agreement
from skykin.products.folder import check_output_folder
from skykin.products.map_folder import MapFolder, read_map_folder
from skykin.products.result import numbers
from skykin.products.score_map import BASE_PIXEL_DEG, FINEST_NSIDE
from skykin.products.sky_map import SkyMap

RECIPE = "rank product"
#: References closer than this are the same.
SAME_DEG = 0.5
MOST_ROTATIONS = 10_000
TENTH = 0.10
#: Columns of the first map's survey that an evaluation needs.
_FIRST = ("coverage", "brightness", "mean_intensity")


def agree(
    sky_maps: Sequence[SkyMap | str | Path],
    *,
    top_fraction: float = TENTH,
    rotations: int = ROTATIONS,
    seed: int = 0,
    any_reference: bool = False,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Agreement:
    r"""Put maps of the same reference together, to see where different surveys agree.

    Scores are converted to ranks (fraction of sky at or above) and multiplied (rank product) at the tiles of
    the finest map; of the others the nearest tile counts.  Where a map has no score, the product is that of
    the others.

    Parameters
    ----------
    sky_maps : sequence of SkyMap, str or Path
        Two maps or more, or the folders that ``skykin map`` wrote.
    top_fraction : float
        Share of the sky that is shown as matches.
    rotations : int
        How often the maps are rotated against each other in longitude for the p-values.
    seed : int
        Random seed of the rotations.
    any_reference : bool
        Whether the maps may be of different references.
    output : path, optional
        Folder for the products; nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    Agreement

    Raises
    ------
    UsageError
        If there are fewer than two maps, their references differ, or a number is out of range.
    SkyError
        If the maps have no sky in common.
    InputRefusedError
        If a folder holds no map.

    Examples
    --------
    >>> both = skykin.agree([found, found], rotations=20)
    >>> len(both.tiles) == len(found.tiles)
    True
    """
    sky_maps = [sky_maps] if isinstance(sky_maps, SkyMap | str | Path) else sky_maps
    _check(len(sky_maps), top_fraction, rotations)
    progress = progress or SilentProgress()
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    read = [_folder(each) for each in sky_maps]
    if not any_reference:
        _check_references(read)
    names = _names(read)
    with progress.stage("Agreement", len(read) + 1, "maps") as counter:
        places = _places(read)
        rows = [TileCentres.of(each.tiles).nearest(places.lon_deg, places.lat_deg) for each in read]
        shares = np.array([_share_on(*parts) for parts in zip(read, rows, strict=True)])
        known = np.isfinite(shares).sum(axis=0)
        if not (known > 1).any():
            raise SkyError("the maps have no part of the sky in common; choose maps that overlap")
        nside, on_pixels = max(_nside(each) for each in read), []
        for each in read:
            on_pixels.append(_share_on(each, _rows_on(each, nside)))
            counter.advance()
        pixel = HEALPix(nside, order="ring").lonlat_to_healpix(places.lon_deg * u.deg, places.lat_deg * u.deg)
        p = RotatedMaps(nside, rotations, seed).p_values(
            np.array(on_pixels), rank_product(shares), known, pixel
        )
        counter.advance()
    tiles = _tiles(read[0], rows[0], places, shares, names=names, p=p, top_fraction=top_fraction)
    reference: Any = read[0].provenance.query
    result = Agreement(
        reference_name=str(reference["name"]),
        maps=dict(zip(names, (_title(each) for each in read), strict=True)),
        tiles=tiles,
        nside=nside,
        top_fraction=top_fraction,
        correlations=_correlations(tiles, names, seed),
        provenance=_provenance(read, names, nside, rotations=rotations, seed=seed),
    )
    if output is not None:
        result.write(output, overwrite=overwrite, progress=progress)
    return result


def _check(number: int, top_fraction: float, rotations: int) -> None:
    if number < 2:
        raise UsageError(f"{number} map was given, but agreement needs two or more; name another folder")
    if not 0 < top_fraction <= 1:
        raise UsageError(
            f"top_fraction is {top_fraction}, but it must be above 0 and at most 1; the default is {TENTH}"
        )
    if not 1 <= rotations <= MOST_ROTATIONS:
        raise UsageError(
            f"rotations is {rotations}, but it must be from 1 to {MOST_ROTATIONS}; the default is {ROTATIONS}"
        )


def _folder(each: SkyMap | str | Path) -> MapFolder:
    if isinstance(each, SkyMap):
        return MapFolder(each.tiles, each.summary.to_dict(), each.provenance)
    return read_map_folder(Path(each))


def _check_references(read: Sequence[MapFolder]) -> None:
    given: list[Any] = [each.provenance.query for each in read]
    first, *others = (
        np.array([(place["lon_deg"], place["lat_deg"]) for place in one.get("references", [one])])
        for one in given
    )
    for number, other in enumerate(others, 1):
        found = [Extent(lon, lat, SAME_DEG).contains(*other.T).any() for lon, lat in first]
        if len(first) != len(other) or not all(found):
            raise UsageError(
                f"the maps are of different references, {shown(given[0]['name'])} and "
                f"{shown(given[number]['name'])}; make them of the same, or allow it with --any-reference"
            )


def _names(read: Sequence[MapFolder]) -> list[str]:
    """Name the maps by their surveys, with a number where two have the same."""
    bare = [str(each.provenance.survey["name"]) for each in read]
    return [
        name if bare.count(name) == 1 else f"{name}-{bare[: place + 1].count(name)}"
        for place, name in enumerate(bare)
    ]


def _title(each: MapFolder) -> str:
    return str(each.summary.get("survey") or each.provenance.survey["name"])


def _nside(each: MapFolder) -> int:
    spacing_deg = float(str(each.provenance.grid["spacing_deg"]))
    return min(FINEST_NSIDE, int(2 ** max(0, math.ceil(math.log2(BASE_PIXEL_DEG / spacing_deg)))))


def _places(read: Sequence[MapFolder]) -> TileCentres:
    """Tiles of the finest map, and those of the others where the maps before have none."""
    finest_first = sorted(
        (TileCentres.of(each.tiles) for each in read), key=lambda centres: centres.spacing_deg
    )
    found = finest_first[0]
    for each in finest_first[1:]:
        new = found.nearest(each.lon_deg, each.lat_deg) < 0
        if new.any():
            lon, lat, area = (
                np.concatenate([getattr(found, name), getattr(each, name)[new]])
                for name in ("lon_deg", "lat_deg", "area")
            )
            found = TileCentres(lon, lat, area / max(1.0, area.sum()))
    return found


def _rows_on(each: MapFolder, nside: int) -> Numbers:
    """Row of the tile nearest to each pixel of the sky; −1 off the map."""
    lon, lat = HEALPix(nside, order="ring").healpix_to_lonlat(np.arange(12 * nside**2))
    return TileCentres.of(each.tiles).nearest(lon.deg, lat.deg)


def _share_on(each: MapFolder, rows: Numbers) -> Numbers:
    """Share of the map's sky that ranks at least as high, by rows; NaN where it has no score."""
    score = numbers(each.tiles["score"])
    known = np.isfinite(score)
    share = np.full(len(score), np.nan)
    share[known] = sky_share(score[known], numbers(each.tiles["area"])[known])
    return np.where(rows >= 0, share[rows], np.nan)


def _tiles(
    first: MapFolder,
    rows: Numbers,
    places: TileCentres,
    shares: Numbers,
    *,
    names: Sequence[str],
    p: Numbers,
    top_fraction: float,
) -> QTable:
    kept = np.flatnonzero(np.isfinite(shares).any(axis=0))
    lon, lat, area = places.lon_deg[kept], places.lat_deg[kept], places.area[kept]
    score = rank_product(shares[:, kept])
    share = sky_share(score, area)
    rank = np.empty(len(kept), dtype=int)
    rank[np.argsort(-score, kind="stable")] = np.arange(1, len(kept) + 1)
    size: Any = first.provenance.grid["tile_size_deg"]
    side = np.full(len(kept), float(size)) * u.deg
    table = QTable(
        {
            "rank": rank,
            "name": [f"G{x:07.3f}{y:+07.3f}" for x, y in zip(lon, lat, strict=True)],
            "lon": lon * u.deg,
            "lat": lat * u.deg,
            "width": side,
            "height": side,
            "score": score,
            "match": share <= top_fraction,
            "sky_share": share,
            "p": p[kept],
            "maps": np.isfinite(shares[:, kept]).sum(axis=0),
        }
    )
    for name, values in zip(names, shares[:, kept], strict=True):
        table[f"{SHARE}{name}"] = values
    row = rows[kept]
    for name in (name for name in _FIRST if name in first.tiles.colnames):
        table[name] = np.where(row >= 0, numbers(first.tiles[name])[row], np.nan)
    table["area"] = area
    return table


def _correlations(tiles: QTable, names: Sequence[str], seed: int) -> QTable:
    """Compare the maps pair by pair."""
    centres = TileCentres.of(tiles)
    found: list[dict[str, object]] = []
    for first, second in combinations(names, 2):
        x, y = (-numbers(tiles[f"{SHARE}{name}"]) for name in (first, second))
        both = np.isfinite(x) & np.isfinite(y)
        inside = rank_correlation_in_rows(centres, x, y, seed=seed)
        best = [sky_share(values[both]) <= TENTH for values in (x, y)]
        found.append(
            {
                "first": first,
                "second": second,
                "spearman": rank_correlation(x, y),
                "in_rows": inside.value,
                "low": inside.interval[0],
                "high": inside.interval[1],
                "overlap": float((best[0] & best[1]).sum() / max(best[0].sum(), 1)),
                "places": int(both.sum()),
            }
        )
    return QTable(rows=found)


def _provenance(
    read: Sequence[MapFolder], names: Sequence[str], nside: int, *, rotations: int, seed: int
) -> Provenance:
    first = read[0].provenance
    maps = {
        name: {"survey": each.provenance.survey, "recipe": each.provenance.recipe}
        for name, each in zip(names, read, strict=True)
    }
    recipe = {"name": RECIPE, "rotations": rotations, "seed": seed, "rotated_nside": nside, "maps": maps}
    thanks = dict.fromkeys(credit for each in read for credit in each.provenance.credits)
    return replace(first, recipe=recipe, credits=tuple(thanks))
