"""The tiles of a result or an index as a HATS catalogue, which LSDB reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from astropy.table import QTable

from skykin.core.errors import UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.provenance import Provenance
from skykin.indexing.sky_index import StoredIndex
from skykin.jobs.hips_source import result_at, short_identifier
from skykin.products.folder import check_output_folder, output_folder
from skykin.products.hats import HatsFacts, needs_pyarrow, write_hats
from skykin.products.sky_kinds import SkyKinds
from skykin.products.sky_map import SkyMap
from skykin.products.stamp import creator
from skykin.products.tile_table import COLUMNS, described, ranked_tiles

#: Rows of a Parquet file, at most: a few ten megabytes.
MAX_ROWS = 250_000


def hats(
    source: SkyMap | SkyKinds | StoredIndex | str | Path,
    output: str | Path,
    *,
    max_rows: int = MAX_ROWS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write the tiles of a map, of a search, of kinds of sky or of an index as a HATS catalogue.

    Every tile is a row, with the columns, units, descriptions and UCDs of ``tiles.ecsv``; for an index what
    `SkyIndex.tiles` has.  Needs the extra ``parquet``.

    Parameters
    ----------
    source : SkyMap, SkyKinds, SkyIndex, str or Path
        A result or an index, or the folder of one.
    output : path
        Folder to come; it appears only when all files are complete.
    max_rows : int
        Most rows of a file; fuller HEALPix cells are divided into four.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> folder = skykin.hats(found, "found-hats")  # for `lsdb.open_catalog`
    >>> (folder / "partition_info.csv").read_text().splitlines()[0]
    'Norder,Npix'
    """
    progress = progress or SilentProgress()
    if max_rows < 1:
        raise UsageError(f"max_rows is {max_rows}, but a file must hold at least 1 row")
    needs_pyarrow()
    check_output_folder(Path(output), overwrite=overwrite)
    table, name, title, provenance = _tiles(source)
    if not len(table):
        raise UsageError(f"{title} has no tiles to write; give another folder")
    facts = HatsFacts(
        short_identifier(name), title, provenance.credits, creator(provenance), datetime.now(UTC)
    )
    with output_folder(Path(output), overwrite=overwrite) as folder:
        write_hats(table, facts, folder, max_rows=max_rows, progress=progress)
    return Path(output)


def _tiles(source: SkyMap | SkyKinds | StoredIndex | str | Path) -> tuple[QTable, str, str, Provenance]:
    """Table, short name, title and provenance of what is to be written."""
    found = result_at(source)
    if isinstance(found, SkyMap):
        title = f"Tiles of {found.survey.title} by similarity to {found.query.name}"
        return ranked_tiles(found), found.short_name, title, found.provenance
    if isinstance(found, SkyKinds):
        return found.tiles, "kinds", f"Tiles of kinds of sky, {found.heading}", found.provenance
    if isinstance(found, StoredIndex):
        title = f"Tiles of {found.survey_title}"
        # A copy: the table is the index's own.
        table = described(found.tiles.copy(), COLUMNS, found.provenance)
        return table, found.path.stem, title, found.provenance
    raise UsageError(
        f"{shown(source)} holds no tiles; give the folder of a map, a search, kinds of sky or an index"
    )
