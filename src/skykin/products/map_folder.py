"""A finished map, read back from the folder that it was written to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.table import QTable

from skykin.core.errors import CorruptFileError, InputRefusedError, shown
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
        The honest summary, without provenance.
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
    missing = [name for name in (TILES, SUMMARY) if not (folder / name).is_file()]
    if missing:
        raise InputRefusedError(
            f"{shown(folder)} has no {' and no '.join(missing)}, so it is no folder made by `skykin map`; "
            "name one that is",
            code="IN-NOTMAP",
        )
    try:
        document = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        provenance = Provenance.from_dict(
            {**document.pop("provenance"), "credits": document.pop("acknowledgements")}
        )
        tiles = QTable.read(folder / TILES, format="ascii.ecsv")
    except Exception as error:  # Readers of JSON, YAML and tables each have their own kinds of errors.
        raise CorruptFileError(
            f"the map in {shown(folder)} cannot be read ({type(error).__name__}); make it again with "
            "`skykin map --overwrite`",
            code="IN-CORRUPT",
        ) from error
    lacking = [name for name in NEEDED if name not in tiles.colnames]
    if lacking:
        raise CorruptFileError(
            f"{TILES} in {shown(folder)} lacks the columns {', '.join(lacking)}; make the map again with "
            "`skykin map --overwrite`",
            code="IN-CORRUPT",
        )
    return MapFolder(tiles, document, provenance)
