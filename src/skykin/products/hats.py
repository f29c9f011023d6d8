"""A catalogue in HATS: tiles in Parquet files by HEALPix cell, as LSDB reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from astropy_healpix import HEALPix

from skykin.core.clean import one_line
from skykin.core.errors import ResourceError
from skykin.core.plain import json_text
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.products.result import coordinates_of

if TYPE_CHECKING:
    import pyarrow as pa

#: The index column of HATS: the cell of this order, NESTED and equatorial, in which a row lies.
INDEX, INDEX_ORDER = "_healpix_29", 29
#: Files of one catalogue are not finer than this: 0.46°.
FINEST_ORDER = 7
#: Cells to a folder.
FOLDER = 10_000
DATASET, PROPERTIES = "dataset", ("hats.properties", "properties")


@dataclass(frozen=True)
class HatsFacts:
    """What a catalogue says about itself.

    Parameters
    ----------
    name : str
        Short, of letters, digits and hyphens.
    title : str
    credits : tuple of str
    builder : str
        Name and version of the program.
    released : datetime
        When it was made, UTC.
    """

    name: str
    title: str
    credits: tuple[str, ...]
    builder: str
    released: datetime


def needs_pyarrow() -> None:
    """Make sure that Parquet can be written.

    Raises
    ------
    ResourceError
        If the package is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise ResourceError(
            'Parquet needs a package that is not installed; run `pip install "skykin[parquet]"`',
            code="RS-EXTRA",
        ) from error


def write_hats(
    table: QTable, facts: HatsFacts, folder: Path, *, max_rows: int, progress: Progress
) -> list[tuple[int, int]]:
    """Write a table of places as a HATS catalogue of objects.

    Rows go to the file of the largest HEALPix cell (NESTED, equatorial) that holds at most `max_rows` of
    them, in the order of their cells of order 29, the column ``_healpix_29``.  Units, descriptions and UCDs
    are metadata of each column, the stamp is that of the schema, and every page has a checksum.

    Parameters
    ----------
    table : QTable
        With ``lon`` and ``lat``; ``ra`` and ``dec`` are added where they are missing.
    facts : HatsFacts
    folder : Path
        That is there and empty.
    max_rows : int
        Most rows of a file, but for cells of order 7, which are not divided.
    progress : Progress

    Returns
    -------
    list of (order, cell)
        Of the files.

    References
    ----------
    HATS, the hierarchical adaptive tiling scheme: IVOA Note 1.0.
    """
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    arrow = arrow_table(table)
    cells = arrow[INDEX].to_numpy()
    parts = list(_partitions(cells, max_rows))
    metadata: list[Any] = []
    with progress.stage("Writing Parquet", len(parts), "files") as counter:
        for order, cell, start, stop in parts:
            name = f"Norder={order}/Dir={cell // FOLDER * FOLDER}/Npix={cell}.parquet"
            path = folder / DATASET / name
            path.parent.mkdir(parents=True, exist_ok=True)
            written: list[Any] = []
            parquet.write_table(
                arrow.slice(start, stop - start),
                path,
                write_page_checksum=True,
                metadata_collector=written,
            )
            written[0].set_file_path(name)
            metadata += written
            counter.advance()
    parquet.write_metadata(arrow.schema, folder / DATASET / "_common_metadata")
    parquet.write_metadata(arrow.schema, folder / DATASET / "_metadata", metadata_collector=metadata)
    pixels = [(order, cell) for order, cell, _, _ in parts]
    lines = ["Norder,Npix", *(f"{order},{cell}" for order, cell in pixels)]
    (folder / "partition_info.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
    text = _properties(facts, arrow, parts, folder)
    for name in PROPERTIES:  # older readers look for the second
        (folder / name).write_text(text, encoding="utf-8")
    return pixels


def arrow_table(table: QTable) -> pa.Table:
    """Turn a table of places into one of Arrow, in the order of its first column, ``_healpix_29``."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    table = _with_equatorial(table)
    cells = HEALPix(1 << INDEX_ORDER, order="nested").lonlat_to_healpix(table["ra"], table["dec"])
    order = np.argsort(cells, kind="stable")
    fields = [pa.field(INDEX, pa.int64())]
    columns = [pa.array(np.asarray(cells, np.int64)[order])]
    for name in table.colnames:
        column = table[name]
        values = np.asarray(getattr(column, "value", column))[order]
        columns.append(
            pa.array(values.tolist(), pa.string()) if values.dtype.kind == "U" else pa.array(values)
        )
        fields.append(pa.field(name, columns[-1].type, metadata=_told(column)))
    stamp = {"skykin": json_text(table.meta, sort_keys=True)}
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=stamp))


def _with_equatorial(table: QTable) -> QTable:
    if {"ra", "dec"} <= set(table.colnames):
        return table
    icrs: SkyCoord = coordinates_of(table).icrs
    table = table.copy(copy_data=False)
    table["ra"], table["dec"] = u.Quantity(icrs.ra, u.deg), u.Quantity(icrs.dec, u.deg)
    return table


def _told(column: Any) -> dict[str, str]:
    """Give unit (VOUnit), description and UCD of a column, where it has them."""
    unit = getattr(column, "unit", None)
    facts = {
        "unit": "" if unit is None else unit.to_string("vounit"),
        "description": column.info.description or "",
        "ucd": (column.info.meta or {}).get("ucd", ""),
    }
    return {name: text for name, text in facts.items() if text}


def _partitions(cells: Numbers, max_rows: int) -> Iterator[tuple[int, int, int, int]]:
    """Order, cell, first and last-but-one row of each file, in the order of the rows.

    Parameters
    ----------
    cells : int64 array (n,)
        Of order 29, growing.
    max_rows : int
    """

    def within(order: int, cell: int) -> Iterator[tuple[int, int, int, int]]:
        width = 2 * (INDEX_ORDER - order)
        start, stop = np.searchsorted(cells, [cell << width, (cell + 1) << width])
        if stop - start > max_rows and order < FINEST_ORDER:
            for child in range(4 * cell, 4 * cell + 4):
                yield from within(order + 1, child)
        elif stop > start:
            yield order, cell, int(start), int(stop)

    for base in range(12):
        yield from within(0, base)


def _properties(
    facts: HatsFacts, arrow: pa.Table, parts: Sequence[tuple[int, int, int, int]], folder: Path
) -> str:
    files = (path.stat().st_size for path in (folder / DATASET).rglob("*.parquet"))
    covered = sum(1 / (12 << 2 * order) for order, *_ in parts)
    said = {
        "obs_collection": facts.name,
        "obs_title": facts.title,
        "obs_ack": "; ".join(facts.credits),
        "creator_did": f"ivo://UNK.AUT/P/skykin/{facts.name}",
        "dataproduct_type": "object",
        "hats_version": "v1.0",
        "hats_nrows": len(arrow),
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": INDEX,
        "hats_col_healpix_order": INDEX_ORDER,
        "hats_npix_suffix": ".parquet",
        "hats_max_rows": max(stop - start for *_, start, stop in parts),
        "hats_order": max(order for order, *_ in parts),
        "hats_estsize": sum(files) // 1024,
        "hats_builder": facts.builder,
        "hats_creation_date": facts.released.strftime("%Y-%m-%dT%H:%MUTC"),
        "moc_sky_fraction": f"{covered:.6g}",
    }
    lines = ((key, one_line(str(value)).strip()) for key, value in said.items())
    return "#HATS catalog\n" + "".join(f"{key}={_escaped(text)}\n" for key, text in lines if text)


def _escaped(text: str) -> str:
    """Escape a value of a properties file: a backslash would begin an escape."""
    return text.replace("\\", "\\\\")
