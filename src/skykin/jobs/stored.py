"""An index as a source of scores: references in its space, tiles scored from what is stored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from scipy.spatial import cKDTree

from skykin.catalogue.query import Example, Query
from skykin.core.errors import SkyError, SkykinError, shown
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.kept import Kept
from skykin.core.picture import Picture
from skykin.core.protocols import Survey
from skykin.core.sampling import evenly
from skykin.core.shapes import Numbers
from skykin.core.sphere import SPHERE_DEG2, directions_of
from skykin.core.views import AS_IT_IS, View
from skykin.evaluation.confounders import control_pictures
from skykin.indexing.answers import Kind, Style
from skykin.indexing.query.pyramid import pyramid
from skykin.indexing.query.similarity import similarity, similarity_at
from skykin.indexing.sky_index import StoredIndex
from skykin.jobs.anchors import ANCHORS, Anchors, reference_hubness
from skykin.jobs.examples import Geometry, cut_in_context, example_in_context, seen_picture
from skykin.jobs.streamed import Scorer
from skykin.jobs.views import Meter, measured_views, style_of, view_columns
from skykin.products.mapped import MappedTiles
from skykin.products.summarised import summarised
from skykin.products.summary import MapSummary
from skykin.significance.tile_scores import TileScores, flags
from skykin.style.engine.meter import ContextMeter
from skykin.style.signature import Signature, has_style, refuse_without_style, without_style
from skykin.style.similarity import QueryStyle, Similarity
from skykin.style.statistics.statistic import TILE_CELLS
from skykin.survey.render import RenderedSurvey
from skykin.tiling.facets import facets
from skykin.tiling.grid import cut

CONTROL_SEED = 20161116
#: A little more than the spacing gives the same grid.
ROUNDED = 1.001
FEW_CELLS = 3
#: Of so many cells, those that are cut by the border make no difference.
MANY_CELLS = 4096


@lru_cache(maxsize=4)
def sky_of(index: StoredIndex) -> RenderedSurvey:
    """Open the survey of an index; it stays open while it is among the last four."""
    return index.sky()


@lru_cache(maxsize=2)
def meter_of(index: StoredIndex) -> ContextMeter:
    """Load the network of an index; it stays loaded while it is among the last two."""
    return index.meter()


@lru_cache(maxsize=4)
def controls_of(index: StoredIndex) -> Mapping[str, Signature]:
    """Style of pictures that show no sky."""
    meter = meter_of(index)
    side = index.pixels + 2 * meter.halo
    pictures = control_pictures((side, side), CONTROL_SEED)
    return {name: meter(picture) for name, picture in pictures.items()}


@lru_cache(maxsize=4)
def left_out_of(index: StoredIndex) -> int:
    """Count the tiles of the survey that had too little data for the index."""
    # Rounding may make the spacing a little smaller than the pixels that it stands for.
    spacing_deg = min(index.spacing_deg * ROUNDED, index.tile_deg)
    step = index.recipe.step
    pieces = facets(index.tile_deg, spacing_deg, index.pixels, index.area, index.extent, step=step)
    return sum(int(piece.own.sum()) for piece in pieces) - len(index)


#: Columns of an index's tiles that every table of scores begins with.
_COLUMNS = Kept[StoredIndex, QTable]()


def geometry_of(index: StoredIndex) -> Geometry:
    """How large the standard tiles of an index are."""
    return Geometry(index.tile_deg, index.pixels)


@dataclass(frozen=True, eq=False)
class StoredSurvey:
    """An index, and a query in its space.

    Parameters
    ----------
    index : StoredIndex
    query : Query
        With every reference sized.
    shown : RenderedSurvey or None
        The survey in the colours that were indexed; the one that the index names is opened when it is needed
        if left out.
    measure : bool
        Whether references in the survey are measured by the network; otherwise they are added up from the
        cells of the index, which takes no time and is nearly the same.  Other views than that of the
        reference as it is are always measured.
    workers : int
        Threads that measure views.
    size_deg : float
        Side of the tiles that are scored, one of the sizes of the index; that of its own if 0.
    """

    index: StoredIndex
    query: Query
    shown: RenderedSurvey | None = None
    measure: bool = False
    workers: int = 1
    size_deg: float = 0.0
    _styles: dict[Kind, QueryStyle[Style]] = field(default_factory=dict, init=False, repr=False)

    @property
    def tile_deg(self) -> float:
        """Side of the tiles that are scored."""
        return self.size_deg or self.index.tile_deg

    @property
    def is_standard(self) -> bool:
        """Whether these are the tiles that the index keeps."""
        return self.tile_deg == self.index.tile_deg

    @property
    def sky(self) -> RenderedSurvey:
        """The survey in the colours that were indexed."""
        return sky_of(self.index) if self.shown is None else self.shown

    def blind(self) -> str:
        """Say why the survey cannot be looked at, which views need; empty where it can."""
        try:
            for each in self._examples:
                if each.other is not None:
                    sky_of(StoredIndex.open(each.within))
                elif each.picture is None:
                    _ = self.sky
        except SkykinError as error:
            return str(error)
        return ""

    @cached_property
    def exact(self) -> Kind:
        """Most exact kind of vector to which all references and counter-examples can be brought."""
        kinds = self.index.kinds
        signatures = (signature for found in self._signatures for signature in found.values())
        whole = all(signature is None or self.index.is_whole(signature) for signature in signatures)
        return kinds[-1] if whole else [kind for kind in kinds if kind != "exact"][-1]

    @property
    def query_style(self) -> QueryStyle[Style]:
        """Styles of the query in the most exact kind of vector."""
        return self.style_in(self.exact)

    def style_in(self, kind: Kind) -> QueryStyle[Style]:
        """Styles of the query in one kind of vector."""
        if kind not in self._styles:
            self._styles[kind] = self._style_in(kind)
        return self._styles[kind]

    def _style_in(self, kind: Kind) -> QueryStyle[Style]:
        styles = [
            {view: self._style(example, signature, kind) for view, signature in found.items()}
            for example, found in zip(self._examples, self._signatures, strict=True)
        ]
        return style_of(self.query, self.index.recipe, styles)

    def _style(self, example: Example, signature: Signature | None, kind: Kind) -> Style:
        if signature is None:
            number = self.index.number_of(example.tile)
            assert number is not None  # noqa: S101 - it was found when the query was read
            return self.index.tile(number, kind)
        return self.index.project(signature, kind)

    @property
    def _examples(self) -> tuple[Example, ...]:
        return (*self.query.references, *self.query.unlike)

    @cached_property
    def _signatures(self) -> tuple[Mapping[View, Signature | None], ...]:
        """Signatures of references and counter-examples in their views.

        None for a tile as it is, which the index holds.
        """
        return tuple(self._in_views(each) for each in self._examples)

    def _in_views(self, example: Example) -> Mapping[View, Signature | None]:
        views = self.query.views
        if not views.several:
            return {AS_IT_IS: None if example.tile else self._as_it_is(example)}
        if example.other is not None:
            return self._translated(example)
        found: dict[View, Signature | None] = dict(self.measured_views(example))
        if AS_IT_IS in found and not (self.measure or example.picture is not None):
            found[AS_IT_IS] = None if example.tile else self._added_up(example)
        return found

    def _as_it_is(self, example: Example) -> Signature:
        if example.other is not None:
            return self._translated(example)[AS_IT_IS]
        if self.measure or example.picture is not None:
            return self.measured(example)
        return self._added_up(example)

    def measured(self, example: Example, view: View = AS_IT_IS) -> Signature:
        """Measure an example in a view with the network, as the index measured its tiles."""
        if example.other is not None:
            source, own = self._elsewhere(example)
            found = source._as_it_is(own) if view.plain else source.measured(own, view)
            return self.index.translate(source.index, found, _lat_deg(own))
        picture, meter = self.looked_at(example, view)
        if self.index.stretch.is_flat_in(picture, meter.halo):
            raise without_style(example.name)
        signature = meter(picture)
        refuse_without_style(signature, example.name)
        return signature

    def measured_views(self, example: Example) -> dict[View, Signature]:
        """Measure an example in all views of the query that look at the survey."""
        if example.other is not None:
            return self._translated(example)
        return measured_views(example, self.query.views, self.looked_at, self.index.stretch, self.workers)

    def looked_at(self, example: Example, view: View) -> tuple[Picture, Meter]:
        """Give the picture of an example in a view, with what lies around it, and the meter of its size."""
        if example.tile and example.footprint is not None:
            return self.look(example.footprint, view), meter_of(self.index)
        sky = self.sky if example.picture is None else None
        return example_in_context(example, sky, geometry_of(self.index), meter_of(self.index), view)

    def _elsewhere(self, example: Example) -> tuple[StoredSurvey, Example]:
        """Give another survey, and the example there."""
        other, there = StoredIndex.open(example.within), example.other
        assert there is not None  # noqa: S101 - requested by the caller
        # A tile of an index is known as a vector of length 1 only: its cells are added up again.
        own = there if not there.tile else Example(there.name, there.footprint)
        query = Query((own,), views=self.query.views)
        return StoredSurvey(other, query, measure=self.measure, workers=self.workers), own

    def _translated(self, example: Example) -> dict[View, Signature]:
        """Signatures of a place in another survey in all views, relative to the average tile of this one."""
        source, own = self._elsewhere(example)
        found = source._in_views(own)
        return {
            view: self.index.translate(source.index, each, _lat_deg(own))
            for view, each in found.items()
            if each
        }

    def _added_up(self, example: Example) -> Signature:
        """Signature of a part of the sky from the cells of the index."""
        index, where = self.index, example.footprint
        assert where is not None  # noqa: S101 - what is no picture lies somewhere
        if example.region is None:
            wanted_deg2 = _solid_angle_deg2(where)
        else:
            wanted_deg2 = example.region.share * SPHERE_DEG2
        many = wanted_deg2 > MANY_CELLS * index.cell_deg**2
        rings = index.recipe.statistic.rings
        squares = [Example("part", _middle_of(where, eighths / TILE_CELLS)).contains for eighths in rings]
        around = None if many else _around(where)
        region = index.region(example.contains, squares, around, lat_deg=where.lat_deg)
        covered = min(region.area_deg2 / wanted_deg2, 1.0)
        # Of a few cells, how many are centred inside is chance.
        if covered < index.min_coverage and wanted_deg2 > FEW_CELLS * index.cell_deg**2:
            raise SkyError(
                f"the index covers {covered:.0%} of the reference {shown(example.name)}, less than "
                f"{index.min_coverage:.0%}; choose another place or a smaller part of the sky"
            )
        if region.flat:
            raise without_style(example.name)
        refuse_without_style(region.signature, example.name)
        return region.signature

    def scores(self, *, csls: bool = False, sizes: bool = False) -> TileScores:
        """Score every standard tile.

        Parameters
        ----------
        csls : bool
            Whether to measure the hubness of tiles and references, for local scaling.
        sizes : bool
            Whether to compare tiles of all sizes that the index can add up.
        """
        index, query = self.index, self.query
        if not self.is_standard:
            return self._scores_of_level()
        found = similarity(index, self.style_in, self.exact, self.workers)
        table = _COLUMNS.of(index, lambda: _columns(index)).copy(copy_data=False)
        self._add_scores(table, found, index.blank)
        if sizes:
            best = pyramid(index, self.style_in, found.score)
            table["best_size"], table["best_score"] = best.best_size_deg * u.deg, best.best_score
        if csls:
            style, (styles, anchors) = self.style_in(index.scored_by), self._anchors()
            scores = style.joined(np.moveaxis(index.cosines(styles, self.workers), 1, -1))
            table["hubness"] = anchors.hubness(
                scores, table["lon"].to_value(u.deg), table["lat"].to_value(u.deg)
            )
            table["reference_hubness"] = reference_hubness(anchors, query, style, found.nearest)
        return TileScores(
            table,
            index.footprints,
            index.layers,
            index.tile_deg,
            index.spacing_deg,
            n_left_out=left_out_of(index),
        )

    def _scores_of_level(self) -> TileScores:
        """Score tiles of another size than the index keeps, by the quickest kind of vector."""
        index, kind = self.index, self.index.scored_by
        level = index.tiles_at(self.tile_deg)
        if not len(level.tiles):
            raise SkyError(f"the index has no tiles of {self.tile_deg:g}°; choose another size")
        found = similarity_at(index, level, self.style_in(kind), kind)
        own = _columns(index)
        nearest = cKDTree(directions_of(own)).query(directions_of(level.tiles))[1]
        table = QTable({name: level.tiles[name] for name in ("name", "lon", "lat")})
        icrs = SkyCoord(table["lon"], table["lat"], frame="galactic").icrs
        table["ra"], table["dec"] = u.Quantity(icrs.ra, u.deg), u.Quantity(icrs.dec, u.deg)
        for name in ("width", "height", "turn", "coverage"):
            table[name] = level.tiles[name]
        for name in ("brightness", "mean_intensity"):
            table[name] = own[name][nearest]
        table["area"] = level.tiles["area"]
        self._add_scores(table, found, 1 - np.asarray(table["coverage"]))
        places = (table[name].to_value(u.deg).tolist() for name in ("lon", "lat", "width", "height", "turn"))
        footprints = tuple(
            Footprint(x, y, w, h, turn_deg=turn) for x, y, w, h, turn in zip(*places, strict=True)
        )
        return TileScores(table, footprints, index.layers, level.size_deg, level.spacing_deg)

    def _add_scores(self, table: QTable, found: Similarity, blank: Numbers) -> None:
        """Add what was found, in place."""
        table.add_column(found.score, name="score", index=table.colnames.index("coverage"))
        flag = flags(found.score, blank)
        if flag is not None:
            table["flag"] = flag
        if self.query_style.names_nearest:
            table["best_reference"] = np.array([each.name for each in self.query.references])[found.nearest]
        for name, values in view_columns(self.query_style, found.view).items():
            table[name] = values
        for number, layer in enumerate(self.index.layers):
            table[f"cosine_{layer}"] = found.cosines[:, number]

    def _anchors(self) -> tuple[list[Style], Anchors]:
        index = self.index
        chosen = evenly(len(index), ANCHORS).tolist()
        styles = [(number, index.tile(number, index.scored_by)) for number in chosen]
        known = [(number, style) for number, style in styles if has_style(style)]
        own = [style for _, style in known]
        return own, Anchors.of(own, [index.footprints[number] for number, _ in known], index.tile_deg)

    def picture(self, footprint: Footprint) -> Picture:
        """Picture of a tile."""
        return cut(self.sky, footprint, self.index.pixels)

    def reference_picture(self, example: Example, view: View = AS_IT_IS) -> Picture:
        """Picture of a reference, in a view."""
        if example.other is not None:
            other = StoredSurvey(StoredIndex.open(example.within), Query((example.other,)))
            shown_there = other.reference_picture(example.other, view)
            return Picture(shown_there.rgb, shown_there.coverage)
        sky = self.sky if example.picture is None else None
        return seen_picture(example, sky, geometry_of(self.index), view)

    def control_styles(self) -> Mapping[str, Style]:
        """Style of pictures that show no sky, in the space in which tiles are compared."""
        return {
            name: self.index.project(signature, self.exact)
            for name, signature in controls_of(self.index).items()
        }

    def summary(self, found: MappedTiles) -> MapSummary:
        """Tell what the map found, beside what far simpler rankings find."""
        return summarised(found, self)

    def look(self, footprint: Footprint, view: View = AS_IT_IS) -> Picture:
        """Picture of a tile with what lies around it, as the network sees it."""
        return cut_in_context(self.sky, footprint, self.index.pixels, meter_of(self.index).halo, view)

    def scorer(self) -> Scorer:
        """Return what scores single tiles: tile and references are measured by the network."""
        style = style_of(
            self.query, self.index.recipe, [self.measured_views(each) for each in self._examples]
        )
        return Scorer(meter_of(self.index), self.look, self.sky, style, self.index.min_coverage)

    def scorer_of(self, survey: Survey) -> Scorer:
        """Return the scorer of another survey in the same colours, its references measured there."""
        return replace(self, shown=RenderedSurvey(survey, self.sky.stretch), measure=True).scorer()


def _columns(index: StoredIndex) -> QTable:
    tiles = index.tiles
    names = ("name", "lon", "lat", "ra", "dec", "width", "height", "turn", "coverage", "brightness")
    return tiles[[*names, "mean_intensity", "area"]]


def _middle_of(where: Footprint, share: float) -> Footprint:
    """Middle of a rectangle, so much of it along both sides."""
    return replace(where, width_deg=where.width_deg * share, height_deg=where.height_deg * share)


def _around(where: Footprint) -> Extent:
    """Cap that holds a rectangle."""
    half = math.hypot(*(math.tan(math.radians(side) / 2) for side in (where.width_deg, where.height_deg)))
    return Extent(where.lon_deg, where.lat_deg, math.degrees(math.atan(half)))


def _solid_angle_deg2(where: Footprint) -> float:
    """Solid angle of a gnomonic rectangle."""
    half = [math.tan(math.radians(side) / 2) for side in (where.width_deg, where.height_deg)]
    product = half[0] * half[1] / math.sqrt((1 + half[0] ** 2) * (1 + half[1] ** 2))
    return 4 * math.asin(product) * math.degrees(1) ** 2


def _lat_deg(example: Example) -> float | None:
    """Galactic latitude of an example; None for a picture."""
    return None if example.footprint is None else example.footprint.lat_deg
