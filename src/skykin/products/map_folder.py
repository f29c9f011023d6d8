"""A finished map, read back from the folder that it was written to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from astropy import units as u
from astropy.table import Column, MaskedColumn, QTable

from skykin.catalogue.query import Example, Query
from skykin.catalogue.target_choice import TargetChoice
from skykin.core.errors import CorruptFileError, InputRefusedError, SkykinError, UsageError, shown
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint, Projection
from skykin.core.picture import Picture
from skykin.core.protocols import Survey
from skykin.core.provenance import Provenance
from skykin.core.settings import MapSettings
from skykin.products.mapped import MappedTiles, SurveyFacts
from skykin.products.summary import MapSummary
from skykin.significance.tile_scores import TileScores
from skykin.survey.open import open_recorded
from skykin.survey.render import RenderedSurvey, Stretch
from skykin.tiling.grid import cut

TILES, SUMMARY = "tiles.ecsv", "summary.json"
#: What is read back; maps of older versions have it too.
NEEDED = ("lon", "lat", "width", "height", "score", "coverage", "mean_intensity", "area")
#: Settings that say how the survey is opened.
OPENED = ("survey", "survey_option", "bands")


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


@dataclass(frozen=True, eq=False)
class ReadMap:
    """What a map that was read looks at: the survey, opened again when a picture is requested.

    Parameters
    ----------
    provenance : Provenance
    told : MapSummary
        As it was written.
    survey : Survey, optional
        An open one; otherwise it is opened as the provenance names it.
    """

    provenance: Provenance
    told: MapSummary
    survey: Survey | None = None

    @cached_property
    def sky(self) -> RenderedSurvey:
        """The survey in the colours of the map.

        Raises
        ------
        SkykinError
            If it is not where it was, or no longer the same.
        """
        survey = self.survey or self._opened()
        was, found = self.provenance.survey.get("sha256"), survey.to_dict().get("sha256")
        if was != found:
            raise UsageError(
                f"the map was made from a survey with sha256 {str(was)[:12]}…, but {shown(survey.title)} now "
                f"has {str(found)[:12]}…; give the survey of the map, or make the map again"
            )
        return RenderedSurvey(survey, Stretch.from_dict(self.provenance.rendering))

    def _opened(self) -> Survey:
        """Open the survey with the settings of the map; that of an index by its name."""
        settings = self.provenance.settings
        asked = MapSettings.from_dict(
            {
                "survey": self.provenance.survey["name"],
                **{name: settings[name] for name in OPENED if name in settings},
            }
        )
        assert not isinstance(asked.survey, Survey | None)  # noqa: S101 - read from plain values
        return open_recorded(asked.survey, options=asked.survey_option, bands=asked.bands)

    def picture(self, footprint: Footprint) -> Picture:
        """Picture of a tile."""
        pixels: Any = self.provenance.grid["pixels"]
        return cut(self.sky, footprint, int(pixels))

    def reference_picture(self, example: Example) -> Picture:
        """Picture of a reference."""
        if example.picture is not None:
            return example.picture
        if example.footprint is None:
            raise UsageError(
                f"{shown(example.name)} lies in another survey, which a map that was read does not open; "
                "search again to see its picture"
            )
        return self.picture(example.footprint)

    def summary(self, found: MappedTiles) -> MapSummary:  # noqa: ARG002 - others measure it
        """Tell what the map found, as it was written."""
        return self.told


def read_map(folder: Path, survey: Survey | None = None) -> dict[str, Any]:
    """Read the parts of a `SkyMap` that was written; pictures come from `survey`, if it is given.

    Raises
    ------
    InputRefusedError, CorruptFileError
        As `read_map_folder`.
    """
    read = read_map_folder(folder)
    with reading(folder, (TILES, SUMMARY), "map", again="skykin map --overwrite"):
        told, facts = MapSummary.from_dict(read.summary), read.summary["map"]
        shown_of = facts["survey"]
        independent = told.n_independent
        return {
            "scored": TileScores(
                read.tiles,
                _footprints(read.tiles, facts["projection"]),
                tuple(facts["layers"]),
                facts["tile_deg"],
                facts["spacing_deg"],
                facts["nside"],
                told.n_left_out,
            ),
            "query": Query.from_dict(read.provenance.query),
            "cut": told.cut,
            "survey": SurveyFacts(shown_of["title"], tuple(shown_of["bands"]), Extent(**shown_of["extent"])),
            "provenance": read.provenance,
            "n_independent": math.nan if independent is None else independent,
            "surrogates": told.surrogates,
            "noise": told.noise,
            "source": ReadMap(read.provenance, told, survey),
            "choice": TargetChoice.from_dict(facts["choice"]),
        }


def _footprints(tiles: QTable, projection: Projection) -> tuple[Footprint, ...]:
    names = ("lon", "lat", "width", "height")
    columns = [tiles[name].to_value(u.deg).tolist() for name in names]
    turn = tiles["turn"].to_value(u.deg).tolist() if "turn" in tiles.colnames else [0.0] * len(tiles)
    return tuple(
        Footprint(lon, lat, width, height, projection, angle)
        for lon, lat, width, height, angle in zip(*columns, turn, strict=True)
    )


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
        If the folder or a file is missing.
    CorruptFileError
        If one cannot be read.
    """
    if not folder.exists():
        raise InputRefusedError(
            f"there is no folder {shown(folder)}; name one that `skykin {command}` made", code="IN-NOTMAP"
        )
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
    table = read_stamped_table(path)
    table.meta = {}
    return table


def read_stamped_table(path: Path) -> QTable:
    """Read a table in ECSV, with its stamp in ``meta``; empty texts are empty, not masked."""
    table = QTable.read(path, format="ascii.ecsv")
    for column in table.itercols():
        if isinstance(column, MaskedColumn) and column.dtype.kind == "U":
            table[column.name] = Column(column.filled(""), description=column.description)
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
