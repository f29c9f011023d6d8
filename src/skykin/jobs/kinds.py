"""An index among itself: nearest kin, kinds of sky, outliers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.errors import UsageError
from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.sphere import apart, directions_of, reach_deg, separation_deg
from skykin.indexing.query.kinds import kinds_of_sky
from skykin.indexing.query.neighbours import nearest_kin
from skykin.indexing.query.outliers import oddness
from skykin.indexing.sky_index import SkyIndex, open_index
from skykin.jobs.kept import sky_of
from skykin.products.figures.canvas import house_style
from skykin.products.figures.sky_kinds import draw_kinds, draw_outliers
from skykin.products.folder import check_output_folder, output_folder
from skykin.products.kin_tables import stamped, write_table
from skykin.products.sky_kinds import Outliers, SkyKinds, write_kinds
from skykin.tiling.grid import cut

#: Columns of an index's tiles that the tables carry.
PLACE = ("name", "lon", "lat")
MEASURED = ("coverage", "mean_intensity", "area")
#: Outliers that the figure shows.
SHOWN = 8


def neighbours(
    index: SkyIndex | str | Path,
    k: int = 5,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> QTable:
    """List the nearest kin of every tile of an index, among the tiles that share no sky with it.

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
        One row per pair, tile by tile: ``tile``, ``lon``, ``lat``, ``place`` (1 is the most alike), ``kin``,
        ``kin_lon``, ``kin_lat``, ``kin_score``, ``separation`` and ``mutual``.  Tiles without a style have
        no rows.

    Raises
    ------
    UsageError
        If `k` is not at least 1, or some tile has fewer tiles that share no sky with it.
    """
    check_output_file(output, overwrite=overwrite)
    opened = _opened(index)
    kin = nearest_kin(opened, k, progress or SilentProgress())
    tiles = opened.tiles
    own = np.repeat(np.arange(len(tiles)), k)
    other, known = kin.numbers.ravel(), kin.numbers.ravel() >= 0
    own, other = own[known], other[known]
    pairs = set(zip(own.tolist(), other.tolist(), strict=True))
    lon, lat = (tiles[name].to_value(u.deg) for name in ("lon", "lat"))
    table = QTable({
        "tile": np.asarray(tiles["name"])[own],
        "lon": tiles["lon"][own],
        "lat": tiles["lat"][own],
        "place": np.tile(np.arange(1, k + 1), len(tiles))[known],
        "kin": np.asarray(tiles["name"])[other],
        "kin_lon": tiles["lon"][other],
        "kin_lat": tiles["lat"][other],
        "kin_score": kin.scores.ravel()[known],
        "separation": separation_deg(lon[own], lat[own], lon[other], lat[other]) * u.deg,
        "mutual": np.array([(b, a) in pairs for a, b in zip(own.tolist(), other.tolist(), strict=True)]),
    })  # fmt: skip
    table = stamped(table, opened.provenance, neighbours=k)
    if output is not None:
        write_table(table, Path(output))
    return table


def cluster(
    index: SkyIndex | str | Path,
    k: int = 6,
    *,
    seed: int = 0,
    survey: Survey | None = None,
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
    survey : Survey, optional
        An open one, for the example pictures; otherwise the one that the index names is opened.
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
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    opened = _opened(index)
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
        with output_folder(Path(output), overwrite=overwrite) as folder, house_style():
            write_kinds(result, folder)
            draw_kinds(result, folder)
    return result


def outliers(
    index: SkyIndex | str | Path,
    k: int = 5,
    *,
    survey: Survey | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Outliers:
    """Rank the tiles of an index by how unlike everything else they are.

    Parameters
    ----------
    index : SkyIndex or path
    k : int
        Nearest kin that count: oddness is 1 less the mean score with them.
    survey : Survey, optional
        As for `cluster`.
    output : path, optional
        Folder for the catalogue and the figure.
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
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    opened = _opened(index)
    found = oddness(opened, k, progress or SilentProgress())
    tiles = opened.tiles[PLACE]
    tiles["oddness"] = found.oddness
    tiles["kin"] = np.where(found.kin >= 0, np.asarray(tiles["name"])[found.kin], "")
    tiles["kin_score"] = found.kin_score
    for name in MEASURED:
        tiles[name] = opened.tiles[name]
    order = np.argsort(-np.nan_to_num(found.oddness, nan=-np.inf), kind="stable")
    tiles = tiles[order]
    tiles.add_column(np.arange(1, len(tiles) + 1), name="rank", index=0)
    wanted = output is not None or survey is not None
    shown = _apart(opened, order[np.isfinite(found.oddness[order])]) if wanted else []
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
        with output_folder(Path(output), overwrite=overwrite) as folder, house_style():
            write_table(result.tiles, folder / "outliers.ecsv")
            draw_outliers(result, folder)
    return result


def check_output_file(output: str | Path | None, *, overwrite: bool) -> None:
    """Refuse to replace a file unasked, before any work is done."""
    if output is not None and Path(output).exists() and not overwrite:
        raise UsageError(
            f"the file {Path(output).name!r} is there already; add --overwrite to replace it, or name "
            "another",
            code="USAGE-OUT",
        )


def _opened(index: SkyIndex | str | Path) -> SkyIndex:
    return index if isinstance(index, SkyIndex) else open_index(index)


def _pictures(index: SkyIndex, tiles: list[int], survey: Survey | None) -> tuple[Picture, ...]:
    sky = sky_of(index) if survey is None else index.sky(survey)
    return tuple(cut(sky, index.footprints[tile], index.pixels) for tile in tiles)


def _apart(index: SkyIndex, order: np.ndarray) -> list[int]:
    """First of these tiles that share no sky with an earlier one."""
    places, chosen = directions_of(index.tiles), []
    left = np.ones(len(index), dtype=bool)
    for tile in order.tolist():
        if left[tile]:
            chosen.append(tile)
            left &= apart(places[tile : tile + 1], places, reach_deg(index.tile_deg))[0]
        if len(chosen) == SHOWN:
            break
    return chosen
