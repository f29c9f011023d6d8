"""The tiles of an index among themselves: neighbours, kinds of sky, outliers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.sphere import directions_of, non_overlapping, separation_deg
from skykin.indexing.query.kinds import kinds_of_sky
from skykin.indexing.query.neighbours import nearest_tiles_of
from skykin.indexing.query.outliers import oddness
from skykin.indexing.sky_index import StoredIndex
from skykin.indexing.sky_index import opened as opened_index
from skykin.jobs.stored import sky_of
from skykin.products.folder import check_output_file, check_output_folder
from skykin.products.index_tables import stamped, write_table
from skykin.products.sky_kinds import Outliers, SkyKinds
from skykin.tiling.grid import cut

#: Columns of an index's tiles that the tables carry.
PLACE = ("name", "lon", "lat", "ra", "dec")
MEASURED = ("coverage", "mean_intensity", "area")
#: Outliers that the figure shows.
SHOWN = 8


def neighbours(
    index: StoredIndex | str | Path,
    k: int = 5,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> QTable:
    """List the most similar tiles of every tile of an index, among those that do not overlap it.

    Parameters
    ----------
    index : SkyIndex or path
    k : int
        How many for each tile.
    output : path, optional
        File to write (ECSV); nothing is written if left out.
    overwrite : bool
        Whether the file may be replaced.
    progress : Progress, optional

    Returns
    -------
    QTable
        One row per pair, tile by tile: ``tile``, ``lon``, ``lat``, ``ra``, ``dec``, ``place`` (1 is the most
        similar), ``neighbour``, ``neighbour_lon``, ``neighbour_lat``, ``neighbour_ra``,
        ``neighbour_dec``, ``neighbour_score``, ``separation`` and
        ``mutual``.  Tiles without a style have no rows.

    Raises
    ------
    UsageError
        If `k` is not at least 1, or some tile has fewer tiles that do not overlap it.

    Examples
    --------
    >>> pairs = skykin.neighbours(made, k=1)
    >>> pairs["tile", "neighbour"][:2]
    <QTable length=2>
         tile       neighbour
        str13         str13
    ------------- -------------
    G216.05-18.88 G200.00-19.78
    G210.76-19.38 G205.13-05.11
    """
    check_output_file(output, overwrite=overwrite)
    opened = opened_index(index, progress or SilentProgress())
    nearest = nearest_tiles_of(opened, k, progress or SilentProgress())
    tiles = opened.tiles
    own = np.repeat(np.arange(len(tiles)), k)
    other, known = nearest.numbers.ravel(), nearest.numbers.ravel() >= 0
    own, other = own[known], other[known]
    pairs = set(zip(own.tolist(), other.tolist(), strict=True))
    lon, lat = (tiles[name].to_value(u.deg) for name in ("lon", "lat"))
    table = QTable({
        "tile": np.asarray(tiles["name"])[own],
        "lon": tiles["lon"][own],
        "lat": tiles["lat"][own],
        "ra": tiles["ra"][own],
        "dec": tiles["dec"][own],
        "place": np.tile(np.arange(1, k + 1), len(tiles))[known],
        "neighbour": np.asarray(tiles["name"])[other],
        "neighbour_lon": tiles["lon"][other],
        "neighbour_lat": tiles["lat"][other],
        "neighbour_ra": tiles["ra"][other],
        "neighbour_dec": tiles["dec"][other],
        "neighbour_score": nearest.scores.ravel()[known],
        "separation": separation_deg(lon[own], lat[own], lon[other], lat[other]) * u.deg,
        "mutual": np.array([(b, a) in pairs for a, b in zip(own.tolist(), other.tolist(), strict=True)]),
    })  # fmt: skip
    table = stamped(table, opened.provenance, neighbours=k)
    if output is not None:
        write_table(table, Path(output))
    return table


def cluster(
    index: StoredIndex | str | Path,
    k: int = 6,
    *,
    seed: int = 0,
    survey: Survey | str | Path | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SkyKinds:
    """Group the tiles of an index into kinds of sky.

    Parameters
    ----------
    index : SkyIndex or path
    k : int
        How many kinds.
    seed : int
        The same seed gives the same kinds.
    survey : Survey, str, Path, optional
        An open one, or its name or file, for the example pictures; otherwise the one that the index names
        is opened.
    output : path, optional
        Folder for the map (HEALPix), the catalogue, the figure and ``kinds.json``; without it nothing is
        written, and the survey is not opened unless it is given.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    SkyKinds

    Raises
    ------
    UsageError
        If `k` is below 2 or not below the number of tiles.
    ResourceError
        If scikit-learn is not installed (extra ``learn``).

    Examples
    --------
    >>> kinds = skykin.cluster(made, 2)
    >>> kinds.kinds["kind", "tiles"]
    <QTable length=2>
     kind tiles
    int64 int64
    ----- -----
        1    40
        2    23
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    opened = opened_index(index, progress or SilentProgress())
    found = kinds_of_sky(opened, k, seed, progress or SilentProgress())
    tiles = opened.tiles[PLACE]
    tiles["kind"], tiles["closeness"] = found.labels + 1, found.closeness
    for name in MEASURED:
        tiles[name] = opened.tiles[name]
    area = np.asarray(tiles["area"])
    own = [np.asarray(tiles["kind"]) == kind for kind in range(1, k + 1)]
    light = tiles["mean_intensity"]
    kinds = QTable({
        "kind": np.arange(1, k + 1),
        "tiles": [int(part.sum()) for part in own],
        "sky_share": [float(area[part].sum() / area.sum()) for part in own],
        "mean_intensity": u.Quantity([np.average(light[part], weights=area[part]) for part in own]),
        "example": np.asarray(tiles["name"])[found.examples],
    })  # fmt: skip
    wanted = output is not None or survey is not None
    pictures = _pictures(opened, found.examples.tolist(), survey) if wanted else ()
    provenance = opened.provenance
    result = SkyKinds(
        tiles=stamped(tiles, provenance, kinds=k, seed=seed, agreement=found.agreement),
        kinds=kinds,
        agreement=found.agreement,
        pictures=pictures,
        survey_title=opened.survey_title,
        spacing_deg=opened.spacing_deg,
        extent=opened.extent,
        provenance=provenance,
    )
    if output is not None:
        result.write(output, overwrite=overwrite)
    return result


def outliers(
    index: StoredIndex | str | Path,
    k: int = 5,
    *,
    survey: Survey | str | Path | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Outliers:
    """Rank the tiles of an index by how unlike everything else they are.

    Parameters
    ----------
    index : SkyIndex or path
    k : int
        Most similar tiles that count: oddness is 1 less the mean score with them.
    survey : Survey, str, Path, optional
        As for `cluster`.
    output : path, optional
        Folder for the catalogue, the figure and ``outliers.json``.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    Outliers
        Its ``tiles`` are sorted, the oddest first.

    Raises
    ------
    UsageError
        As `neighbours`.

    Examples
    --------
    >>> odd = skykin.outliers(made, 3)
    >>> print(odd.tiles["name"][0])
    G210.76-19.38
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    opened = opened_index(index, progress or SilentProgress())
    found = oddness(opened, k, progress or SilentProgress())
    tiles = opened.tiles[PLACE]
    tiles["oddness"] = found.oddness
    tiles["neighbour"] = np.where(found.neighbour >= 0, np.asarray(tiles["name"])[found.neighbour], "")
    tiles["neighbour_score"] = found.neighbour_score
    for name in MEASURED:
        tiles[name] = opened.tiles[name]
    order = np.argsort(-np.nan_to_num(found.oddness, nan=-np.inf), kind="stable")
    tiles = tiles[order]
    tiles.add_column(np.arange(1, len(tiles) + 1), name="rank", index=0)
    wanted = output is not None or survey is not None
    known = order[np.isfinite(found.oddness[order])]
    apart = non_overlapping(directions_of(opened.tiles[known]), opened.tile_deg, SHOWN) if wanted else []
    shown = known[apart].tolist()
    result = Outliers(
        tiles=stamped(tiles, opened.provenance, neighbours=k),
        k=k,
        pictures=_pictures(opened, shown, survey) if wanted else (),
        survey_title=opened.survey_title,
        spacing_deg=opened.spacing_deg,
        extent=opened.extent,
        provenance=opened.provenance,
    )
    if output is not None:
        result.write(output, overwrite=overwrite)
    return result


def _pictures(
    index: StoredIndex, tiles: list[int], survey: Survey | str | Path | None
) -> tuple[Picture, ...]:
    sky = sky_of(index) if survey is None else index.sky(survey)
    return tuple(cut(sky, index.footprints[tile], index.pixels) for tile in tiles)
