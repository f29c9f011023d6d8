"""What a HiPS is made of: a survey, or a column of the tiles of a map, of kinds of sky or of an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.errors import UnknownNameError, UsageError, shown
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.protocols import Survey
from skykin.core.settings import StretchKind
from skykin.core.shapes import Numbers
from skykin.indexing.remote import is_index
from skykin.indexing.sky_index import StoredIndex
from skykin.jobs.stored import sky_of
from skykin.products.hips.colour_map import colour_map
from skykin.products.hips.geometry import HipsFrame
from skykin.products.hips.number_tiles import NearestRows, NumberTiles, order_of_spacing
from skykin.products.hips.properties import HipsFormat
from skykin.products.hips.sources import HipsSource, LabelSource, NumberSource, SurveySource
from skykin.products.hips.suited import hips_frame, order_of_survey
from skykin.products.map_folder import SUMMARY
from skykin.products.sky_kinds import KINDS, SkyKinds
from skykin.products.sky_map import SkyMap
from skykin.products.target_list import target_list
from skykin.survey.intensity import intensity
from skykin.survey.memory import SurveyLike
from skykin.survey.render import RenderedSurvey, measure_stretch, positions_over

#: Labels, which are never averaged; all other columns are numbers.
MATCH, TARGET, KIND = "match", "target", "kind"
#: Shares of the numbers, by count, beyond which a viewer shows no difference.
CUT_PERCENTILES = (1.0, 99.9)
#: Where else words say it better than the column's name.
TITLES = {"score": "Similarity", MATCH: "Matches", TARGET: "Targets", KIND: "Kinds of sky"}


@dataclass(frozen=True, eq=False)
class ToShow:
    """What is to be written, before its order and frame are decided.

    Parameters
    ----------
    name, title : str
    extent : Extent
    frame : {"galactic", "icrs"}
        That suits it.
    order : int
        That suits it.
    credits : tuple of str
    footprints : sequence of Footprint
        Empty for a survey.
    column : str
        Empty for a survey.
    values : array or None
        One per footprint.
    unit : str
    sky : RenderedSurvey or None
    """

    name: str
    title: str
    extent: Extent
    frame: HipsFrame
    order: int
    credits: tuple[str, ...]
    unit: str
    footprints: Sequence[Footprint] = ()
    column: str = ""
    values: Numbers | None = None
    sky: RenderedSurvey | None = None

    @property
    def labels(self) -> bool:
        """Whether the values are labels, which are never averaged."""
        return self.column in (MATCH, TARGET, KIND)

    @property
    def formats(self) -> tuple[HipsFormat, ...]:
        """Formats of the tiles, the first for viewers."""
        return ("fits", "png") if self.sky is None else ("png", "fits")

    @property
    def cut(self) -> tuple[float, float]:
        """Numbers that a viewer shows darkest and brightest."""
        values = self.values
        if self.sky is not None:
            survey = self.sky.survey
            sampled, coverage = survey.overview.sample(*positions_over(survey.extent))
            values = intensity(survey, sampled)[coverage > 0]
        found = np.empty(0) if values is None else values[np.isfinite(values)]
        if not len(found):
            return 0.0, 1.0
        if self.labels:
            return 0.0, float(found.max())
        low, high = (float(each) for each in np.percentile(found, CUT_PERCENTILES))
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def source(self, frame: HipsFrame) -> HipsSource:
        """Give what renders the tiles."""
        if self.sky is not None:
            return SurveySource(self.sky, frame)
        rows = NearestRows(self.footprints, frame)
        assert self.values is not None  # noqa: S101 - what is no survey has values
        if self.labels:
            return LabelSource(rows, [int(label) for label in self.values])
        return NumberSource(NumberTiles(rows, self.values), self.cut, colour_map())


def shown_by(
    source: SurveyLike | SkyMap | SkyKinds | StoredIndex,
    column: str | None,
    stretch: StretchKind | None,
    open_one: Callable[[SurveyLike], Survey],
) -> ToShow:
    """Find what is to be shown: of a result or an index a column of its tiles, else a survey.

    Raises
    ------
    SkykinError
        If it cannot be opened, or has no such column.
    """
    found = result_at(source)
    if isinstance(found, SkyMap):
        return _of_map(found, column or "score")
    if isinstance(found, SkyKinds):
        return _of_kinds(found, column or KIND)
    if isinstance(found, StoredIndex):
        return _of_index(found, column)
    if column is not None:
        raise UsageError(
            f"column is {shown(column)}, but a survey has no tiles with columns; give the folder of a map or "
            "of an index"
        )
    survey = open_one(found)
    return _of_sky(RenderedSurvey(survey, measure_stretch(survey, stretch)), survey.name, survey.title)


def result_at(
    source: SurveyLike | SkyMap | SkyKinds | StoredIndex,
) -> SurveyLike | SkyMap | SkyKinds | StoredIndex:
    """Open the folder of a result or of an index; anything else is a survey."""
    if isinstance(source, str | Path):
        if is_index(source):
            return StoredIndex.open(source)
        folder = Path(source).expanduser()
        if (folder / SUMMARY).is_file():
            return SkyMap.read(folder)
        if (folder / KINDS).is_file():
            return SkyKinds.read(folder)
    return source


def _of_sky(sky: RenderedSurvey, name: str, title: str) -> ToShow:
    survey = sky.survey
    return ToShow(
        name=short_identifier(name),
        title=title,
        extent=survey.extent,
        frame=hips_frame(survey.extent, survey.to_dict()),
        order=order_of_survey(survey),
        credits=survey.credits,
        unit=survey.unit,
        sky=sky,
    )


def _of_map(found: SkyMap, column: str) -> ToShow:
    footprints, values = found.footprints, None
    if column == TARGET:
        targets = target_list(found)
        if not len(targets):
            raise UsageError("the map has no targets to write; choose another --column, such as score")
        footprints, values = targets.footprints, np.asarray(targets.table["rank"])
    return _of_tiles(
        column,
        footprints,
        _column(found.tiles, column) if values is None else values,
        name=f"{found.short_name}-{column}",
        title=f"{_title(column)} to {found.query.name} in {found.survey.title}"
        if column == "score"
        else f"{_title(column)}, {found.query.name} in {found.survey.title}",
        extent=found.survey.extent,
        facts=found.provenance.survey,
        spacing_deg=found.scored.spacing_deg,
        credits=found.provenance.credits,
        unit=_unit(found.tiles, column),
    )


def _of_kinds(found: SkyKinds, column: str) -> ToShow:
    lon, lat = (found.tiles[name].to_value(u.deg).tolist() for name in ("lon", "lat"))
    side_deg = min(2 * found.spacing_deg, 90.0)
    return _of_tiles(
        column,
        [Footprint(*place, side_deg) for place in zip(lon, lat, strict=True)],
        _column(found.tiles, column),
        name=f"kinds-{column}",
        title=f"{_title(column)}, {found.heading}",
        extent=found.extent,
        facts=found.provenance.survey,
        spacing_deg=found.spacing_deg,
        credits=found.provenance.credits,
        unit=_unit(found.tiles, column),
    )


def _of_index(index: StoredIndex, column: str | None) -> ToShow:
    if column is None:
        return _of_sky(sky_of(index), index.path.stem, index.survey_title)
    return _of_tiles(
        column,
        index.footprints,
        _column(index.tiles, column),
        name=f"{index.path.stem}-{column}",
        title=f"{_title(column)}, {index.survey_title}",
        extent=index.extent,
        facts=index.provenance.survey,
        spacing_deg=index.spacing_deg,
        credits=index.provenance.credits,
        unit=_unit(index.tiles, column),
    )


def _of_tiles(
    column: str, footprints: Sequence[Footprint], values: Numbers, *, facts: Any, spacing_deg: float,
    extent: Extent, name: str, **said: Any,
) -> ToShow:  # fmt: skip
    return ToShow(
        name=short_identifier(name),
        extent=extent,
        frame=hips_frame(extent, facts),
        order=order_of_spacing(spacing_deg),
        footprints=footprints,
        column=column,
        values=values,
        **said,
    )


def _column(tiles: QTable, column: str) -> Numbers:
    """Numbers of a column of tiles, float64.

    Raises
    ------
    UnknownNameError
        If there is none, or it has no numbers.
    """
    fit = [name for name in tiles.colnames if np.asarray(tiles[name]).dtype.kind in "fiub"]
    if column not in fit:
        raise UnknownNameError(f"the tiles have no numbers {shown(column)}; choose among {', '.join(fit)}")
    return np.asarray(getattr(tiles[column], "value", tiles[column]), np.float64)


def _unit(tiles: QTable, column: str) -> str:
    return str(getattr(tiles[column], "unit", None) or "") if column in tiles.colnames else ""


def _title(column: str) -> str:
    return TITLES.get(column, column.replace("_", " ").capitalize())


def short_identifier(name: str) -> str:
    """Letters, digits and hyphens of a name, which identifiers allow."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    return "-".join(part for part in kept.split("-") if part)[:60] or "sky"
