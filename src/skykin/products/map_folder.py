"""A finished map, read back from the folder that it was written to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.table import Column, MaskedColumn, QTable

from skykin.core.errors import CorruptFileError, InputRefusedError, SkykinError, shown
from skykin.core.provenance import Provenance

TILES, SUMMARY = "tiles.ecsv", "summary.json"
#: What is read back; maps of older versions have it too.
NEEDED = ("lon", "lat", "width", "height", "score", "coverage", "mean_intensity", "area")


@dataclass(frozen=True, eq=False)
class MapFolder:
    """What a folder made by ``skykin map`` says.

    Parameters
    ----------
    tiles : QTable
        The best first; the columns `NEEDED` and whatever else the map has.
    summary : dict
        The summary, without provenance.
    provenance : Provenance
    """

    tiles: QTable
    summary: dict[str, Any]
    provenance: Provenance


def read_map_folder(folder: Path) -> MapFolder:
    """Read the tiles and the provenance of a map.

    Raises
    ------
    InputRefusedError
        If the folder was not made by ``skykin map``.
    CorruptFileError
        If one of its files cannot be read.
    """
    with reading(folder, (TILES, SUMMARY), "map", again="skykin map --overwrite"):
        document, provenance = read_document(folder / SUMMARY)
        tiles = read_table(folder / TILES)
        lacking = [name for name in NEEDED if name not in tiles.colnames]
        if lacking:
            raise CorruptFileError(
                f"{TILES} in {shown(folder)} lacks the columns {', '.join(lacking)}; make the map again with "
                "`skykin map --overwrite`",
                code="IN-CORRUPT",
            )
    return MapFolder(tiles, document, provenance)


@contextmanager
def reading(folder: Path, names: Sequence[str], command: str, *, again: str) -> Iterator[None]:
    """Check that a folder holds the files of a command; what goes wrong with one becomes one sentence.

    Raises
    ------
    InputRefusedError
        If a file is missing.
    CorruptFileError
        If one cannot be read.
    """
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputRefusedError(
            f"{shown(folder)} has no {' and no '.join(missing)}, so it is no folder made by "
            f"`skykin {command}`; name one that is",
            code="IN-NOTMAP",
        )
    try:
        yield
    except SkykinError:
        raise
    except Exception as error:  # Readers of JSON, YAML and tables each have their own kinds of errors.
        raise CorruptFileError(
            f"the files of `skykin {command}` in {shown(folder)} cannot be read ({type(error).__name__}); "
            f"make them again with `{again}`",
            code="IN-CORRUPT",
        ) from error


def read_document(path: Path) -> tuple[dict[str, Any], Provenance]:
    """Read a summary in JSON, and take its provenance out of it."""
    document = json.loads(path.read_text(encoding="utf-8"))
    credits_of = tuple(document.pop("acknowledgements"))
    return document, Provenance(**document.pop("provenance"), credits=credits_of)


def read_table(path: Path) -> QTable:
    """Read a table in ECSV, without its stamp; empty texts are empty, not masked."""
    table = QTable.read(path, format="ascii.ecsv")
    for column in table.itercols():
        if isinstance(column, MaskedColumn) and column.dtype.kind == "U":
            table[column.name] = Column(column.filled(""), description=column.description)
    table.meta = {}
    return table


def table_of(records: Sequence[dict[str, Any]]) -> QTable:
    """Make a table of JSON records again; a number that JSON could not write is NaN."""
    if not records:
        return QTable()
    return QTable(
        {
            name: [float("nan") if record[name] is None else record[name] for record in records]
            for name in records[0]
        }
    )
