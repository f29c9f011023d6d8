"""A survey whose tiles are measured while they are scored: facet by facet, or one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.query import Example, Query
from skykin.core.errors import DataQualityError, SkyError
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint, Projection, pixel_positions_of
from skykin.core.picture import Picture
from skykin.core.protocols import ColouredSky, NoisySurvey, Progress, Survey
from skykin.core.sampling import evenly
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.core.sphere import SPHERE_DEG2
from skykin.core.views import AS_IT_IS, View
from skykin.indexing.compare import side_by_side
from skykin.indexing.facet_intensity import mean_intensities
from skykin.jobs.anchors import ANCHORS, Anchors, reference_hubness
from skykin.jobs.examples import Geometry, cut_in_context, cut_in_view, example_in_context, seen_picture
from skykin.jobs.left_out import left_out
from skykin.jobs.measured_tiles import FOUND, MeasuredFacets, MeasuredTiles, enter_scores, row_type
from skykin.jobs.opening import recipe_for
from skykin.jobs.views import looked_at, view_columns
from skykin.scale.local import ordered_map
from skykin.scale.store import WorkStore
from skykin.significance.tile_scores import TileScores, flags, place_columns
from skykin.style.engine.cells import Lattice, cell_extremes, square_extremes, tile_sums
from skykin.style.engine.meter import ContextMeter, StyleMeter
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import PlaneSource
from skykin.style.network.architecture import channels_of
from skykin.style.network.choice import context_network, tile_encoder
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature, Standardisation
from skykin.style.similarity import QueryStyle
from skykin.style.whitening import Whitening
from skykin.survey.intensity import mean_intensity
from skykin.survey.render import RenderedSurvey, Stretch, TileRenderedSurvey, measure_stretch
from skykin.tiling.facets import Facet, facet_grid, facets
from skykin.tiling.grid import TileGrid, tile_grid, tile_names

#: Tiles, evenly spread, that tell what an average tile of the survey is like.
STANDARD_TILES = 256
#: The same in true context, where a tile of 128 pixels costs four times as much.
STANDARD_TILES_IN_CONTEXT = 128
#: At most so many where each row of latitude has an average of its own: 71 lie within 4° of the plane.
STANDARD_TILES_IN_ROWS = 1024
#: Tiles stand for the whole sky if they do for this share of it.
WHOLE_SKY = 0.99
#: Rows and columns of positions in a tile at which the survey's noise is looked up.
NOISE_POSITIONS = (5, 5)


class ViewCutter(Protocol):
    """Gives the picture of a tile, as it is or in another view."""

    def __call__(self, footprint: Footprint, view: View = AS_IT_IS, /) -> Picture:
        """Cut it."""


class Tiles(Protocol):
    """Tiles that can be counted and chosen from."""

    def __len__(self) -> int:
        """How many there are."""

    @property
    def share(self) -> float:
        """Share of the whole sky that their centres stand for."""

    def chosen(self, numbers: Numbers, /) -> list[Footprint]:
        """Footprints of these tiles, whose numbers grow."""


class Elsewhere(Protocol):
    """Lets other computers do what is missing of all facets, and put it into the store of the job."""

    def __call__(self, what: Literal["tiles", "rows"], progress: Progress, /) -> None:
        """Measure their ``tiles``, or their scored ``rows``."""


Cutter = Callable[[Footprint], Picture]
Alter = Callable[[Picture], Picture]
Meter = StyleMeter | ContextMeter


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores pictures of single tiles.

    Parameters
    ----------
    meter : StyleMeter or ContextMeter
    look : callable
        Gives the picture of a tile that the meter measures.
    sky : RenderedSurvey
    style : QueryStyle
        What tiles are compared with.
    min_coverage : float
        Tiles with a smaller share of observed pixels are not scored.
    anchors : Anchors, optional
        By which hubness is measured.
    """

    meter: Meter
    look: Cutter
    sky: RenderedSurvey
    style: QueryStyle[Signature]
    min_coverage: float
    anchors: Anchors | None = None

    @property
    def survey(self) -> Survey:
        """The survey that is looked at."""
        return self.sky.survey

    def score(self, picture: Picture) -> float:
        """Score of a picture as `look` gives it; NaN where it has no structure."""
        if self.sky.stretch.is_flat_in(picture, self.meter.halo):
            return math.nan
        return float(self.style.similarity_of(self.meter(picture)).score)

    def row(self, footprint: Footprint) -> Numbers | None:
        """Numbers of one tile, of `row_type`; None where too little is covered.

        A tile without structure has no score and no cosines.
        """
        try:
            picture = self.look(footprint)
        except DataQualityError:  # A tile stretched by itself may be blank.
            return None
        if picture.covered < self.min_coverage:
            return None
        row = np.zeros((), row_type(len(self.meter.recipe.layers)))
        row["cosines"] = row["score"] = row["hubness"] = np.nan
        if not self.sky.stretch.is_flat_in(picture, self.meter.halo):
            signature = self.meter(picture)
            found = self.style.similarity_of(signature)
            for name in FOUND:
                row[name] = getattr(found, name)
            if self.anchors is not None:
                row["hubness"] = self.anchors.hubness_of(self.style, signature, footprint)
        row["brightness"], row["coverage"] = picture.brightness, picture.covered
        row["blank"] = float((picture.coverage == 0).mean())
        row["mean_intensity"] = mean_intensity(self.survey, footprint)
        return row


@dataclass(frozen=True, eq=False)
class FacetReader:
    """Reads all tiles of a facet from one run of the network.

    Parameters
    ----------
    sky : RenderedSurvey
    meter : ContextMeter
    min_coverage : float
        Tiles with a smaller share of observed pixels are not scored.
    """

    sky: RenderedSurvey
    meter: ContextMeter
    min_coverage: float

    def rows(self, facet: Facet, style: QueryStyle[Signature], anchors: Anchors | None = None) -> Numbers:
        """Numbers of each own tile, (tiles,) of `row_type`; coverage NaN where too little is covered.

        Tiles without structure have no score and no cosines.
        """
        picture, source, lattice = self._looked(facet)
        rows = self._rows(facet, picture, lattice)
        if np.isfinite(rows["coverage"]).any():
            vectors = style.vectors if anchors is None else anchors.below(style.vectors)
            cosines = self._cosines(source, lattice, vectors, facet)
            enter_scores(rows, cosines, facet.centers(), style, anchors)
            for name in ("cosines", "score", "hubness"):
                rows[name][self._flat(picture, lattice)] = np.nan
        return np.asarray(rows[facet.own])

    def measured(self, facet: Facet, width_deg: float) -> MeasuredTiles:
        """Measure each own tile once, to be scored when the average of all is known.

        Parameters
        ----------
        facet : Facet
        width_deg : float
            Of the rows of |b| whose averages are wanted.
        """
        picture, source, lattice = self._looked(facet)
        rows = self._rows(facet, picture, lattice)
        found = self.meter.shared.vectors(source, lattice)
        vectors = np.concatenate([found[layer] for layer in self.meter.recipe.layers], axis=-1)
        vectors[np.isnan(rows["coverage"]) | self._flat(picture, lattice)] = np.nan
        return MeasuredTiles.of(rows[facet.own], vectors[facet.own], facet, width_deg)

    def _rows(self, facet: Facet, picture: Picture, lattice: Lattice) -> Numbers:
        """Numbers of all tiles of a facet without scores; coverage NaN where none is wanted."""
        coverage = picture.coverage.astype(np.float64)
        weight = tile_sums(coverage, lattice)
        light = tile_sums(picture.rgb.mean(axis=-1, dtype=np.float64) * coverage, lattice)
        covered = weight / facet.tile**2
        wanted = facet.own & (covered >= self.min_coverage)
        rows = np.zeros(facet.own.shape, row_type(len(self.meter.recipe.layers)))
        rows["cosines"] = rows["score"] = rows["hubness"] = np.nan
        rows["brightness"] = light / np.where(weight > 0, weight, np.nan)
        if wanted.any():
            rows["mean_intensity"] = mean_intensities(self.sky.survey, facet)
        rows["coverage"] = np.where(wanted, covered, np.nan)
        rows["blank"] = tile_sums(coverage == 0, lattice) / facet.tile**2
        return rows

    def scores(self, facet: Facet, styles: Sequence[QueryStyle[Signature]]) -> Numbers:
        """Scores (tiles, queries) of each own tile; NaN where too little is covered."""
        picture, source, lattice = self._looked(facet)
        covered = tile_sums(picture.coverage.astype(np.float64), lattice) / facet.tile**2
        wanted = facet.own & (covered >= self.min_coverage)
        score = np.full((*facet.own.shape, len(styles)), np.nan)
        if wanted.any():
            stacked = {
                layer: np.concatenate([each.vectors[layer] for each in styles])
                for layer in self.meter.recipe.layers
            }
            cosines = self._cosines(source, lattice, stacked, facet)
            first = 0
            for i, each in enumerate(styles):
                last = first + len(each.styles)
                score[..., i] = each.similarity(cosines[..., first:last, :]).score
                first = last
            score[~wanted | self._flat(picture, lattice)] = np.nan
        return np.asarray(score[facet.own])

    def _flat(self, picture: Picture, lattice: Lattice) -> np.ndarray:
        """Tell which tiles of a facet have no structure."""
        cells = cell_extremes(picture.rgb, picture.coverage, lattice.cell)
        reach, step = lattice.tile // lattice.cell, lattice.spacing // lattice.cell
        return self.sky.stretch.is_flat(*square_extremes(*cells, reach, step))

    def _looked(self, facet: Facet) -> tuple[Picture, PlaneSource, Lattice]:
        """Return the picture of a facet, the same with its context, and the lattice of its tiles."""
        halo = self.meter.halo
        picture = facet.picture(self.sky, halo)
        height, width = facet.shape
        own = slice(halo, halo + height), slice(halo, halo + width)
        source = PlaneSource(picture.rgb, picture.coverage, halo, halo, height, width)
        lattice = Lattice(height, width, facet.tile, facet.spacing)
        return Picture(picture.rgb[own], picture.coverage[own]), source, lattice

    def _cosines(
        self, source: PlaneSource, lattice: Lattice, vectors: dict[str, Numbers], facet: Facet
    ) -> Numbers:
        _, lat = facet.centers()
        return self.meter.shared.cosines(source, lattice, vectors, self.meter.standard, lat)


@dataclass(frozen=True, eq=False)
class StreamedSurvey:
    """A survey ready to be scored: its colours, its tiles, and a network that measures them.

    Parameters
    ----------
    settings : MapSettings
        With tile size, spacing and pixels set.
    sky : RenderedSurvey
    pieces : tuple of Facet
        What the tiles are read from; empty where they are measured one by one.
    grid : TileGrid
    cutter : callable
        Gives the picture of a tile.
    look : callable
        Gives the picture that is measured: with what lies around the tile, where the network looks there.
    meter : StyleMeter or ContextMeter
    encoder : str
        Name of the network.
    measured : MeasuredFacets, optional
        Its tiles, where they were measured to know their average.
    """

    settings: MapSettings
    sky: RenderedSurvey
    pieces: tuple[Facet, ...]
    grid: TileGrid
    cutter: ViewCutter
    look: ViewCutter
    meter: Meter
    encoder: str
    measured: MeasuredFacets | None = None

    @classmethod
    def set_up(
        cls,
        settings: MapSettings,
        survey: Survey,
        stretch: Stretch | None = None,
        *,
        random_seed: int | None = None,
        alter: Alter | None = None,
    ) -> StreamedSurvey:
        """Walk the first stages; what costs nothing and can go wrong comes first.

        Parameters
        ----------
        settings : MapSettings
        survey : Survey
        stretch : Stretch, optional
            How values become colours; measured on the survey if left out.
        random_seed : int, optional
            Random seed of an untrained network, which then takes the place of the trained one.
        alter : callable, optional
            Applied to every picture that is measured; only tile by tile.

        Raises
        ------
        SkyError
            If no tile is left.
        """
        chosen = recipe_for(settings, survey)
        pieces = facets_of(settings, chosen, survey)
        grid = facet_grid(pieces) if pieces else grid_of(settings, survey)
        sky = RenderedSurvey(survey, stretch or measure_stretch(survey, settings.stretch))
        cutter = cutter_of(settings, survey, sky)
        if pieces:
            network = context_network(
                chosen.layers,
                fast=settings.fast,
                device=settings.device,
                precision=settings.precision,
                random_seed=random_seed,
            )
            meter: Meter = ContextMeter(SharedMeter(chosen, network), settings.side_pixels)
            encoder = network.name
        else:
            vgg19 = tile_encoder(
                chosen.layers,
                chosen.padding,
                device=settings.device,
                precision=settings.precision,
                random_seed=random_seed,
            )
            meter, encoder = StyleMeter(chosen, vgg19), vgg19.name
        look = look_of(meter, settings, sky, cutter)
        if alter is not None:
            look = _altered(look, alter)
        return cls(settings, sky, pieces, grid, cutter, look, meter, encoder)

    @property
    def projection(self) -> Projection:
        """Projection of the tiles."""
        return self.grid.footprints[0].projection

    @property
    def geometry(self) -> Geometry:
        """How large a tile is, on the sky and in pixels."""
        return Geometry(self.settings.tile_size_deg, self.settings.side_pixels)

    def standardised(
        self, store: WorkStore, progress: Progress, elsewhere: Elsewhere | None = None
    ) -> StreamedSurvey:
        """Return the same with the average tile of the survey, where the recipe asks for one.

        Within rows of latitude it is that of all tiles, which are kept until they are scored.

        Parameters
        ----------
        store : WorkStore
        progress : Progress
        elsewhere : callable, optional
            Lets other computers measure the tiles first.
        """
        if self.averages_all:
            if elsewhere is not None:
                elsewhere("tiles", progress)
            return self._averaged(store, progress)
        meter = with_standard(
            self.meter,
            self.sky,
            self.grid,
            self.look,
            store=store,
            workers=self.settings.workers,
            progress=progress,
        )
        return replace(self, meter=meter)

    @property
    def averages_all(self) -> bool:
        """Whether the average tile is that of all tiles: within rows of latitude, read from facets."""
        return bool(self.pieces) and in_rows(self.grid, self.meter.recipe)

    def _averaged(self, store: WorkStore, progress: Progress) -> StreamedSurvey:
        chosen = self.meter.recipe
        measured = MeasuredFacets(self.pieces, store, len(chosen.layers))
        moments = measured.measure(self.measured_facet, self.settings.workers, progress)
        standard = Standardisation.of_moments(moments, columns_of(chosen), chosen.rows_deg or 0.0)
        return replace(self, meter=replace(self.meter, standard=standard), measured=measured)

    def measured_facet(self, facet: Facet) -> MeasuredTiles:
        """Measure the tiles of a facet, to be scored when the average of all is known."""
        return self.reader().measured(facet, self.meter.recipe.rows_deg or 0.0)

    def picture(self, example: Example, view: View = AS_IT_IS) -> Picture:
        """Picture of a reference.

        Raises
        ------
        SkyError
            If it lies off the survey or in a hole.
        """
        where = example.footprint
        if where is not None and not example.sized:
            picture = self.cutter(where, view)
        else:
            picture = seen_picture(example, self.sky, self.geometry, view)
        if not view.plain:
            return picture
        if example.region is None and picture.covered < self.settings.min_coverage:
            place = example.name if where is None else f"l={where.lon_deg:.2f}°, b={where.lat_deg:+.2f}°"
            raise SkyError(
                f"the survey covers {picture.covered:.0%} of the reference tile at {place}, "
                f"less than {self.settings.min_coverage:.0%}; {_way_in(self.sky.survey.extent, where)}"
            )
        return picture

    def style(self, query: Query, alter: Alter | None = None) -> QueryStyle[Signature]:
        """Measure the references and counter-examples of a query in its views, altered first if requested.

        Raises
        ------
        DataQualityError
            If one has no style (``DQ-CONST``).
        SkyError
            If all views of one look past the edge of the survey.
        """

        def look(example: Example, view: View) -> tuple[Picture, Meter]:
            picture, meter = self._in_context(example, view)
            return (picture if alter is None else alter(picture)), meter

        return looked_at(query, self.meter.recipe, look, self.sky.stretch, self.settings.workers)

    def _in_context(self, example: Example, view: View) -> tuple[Picture, Meter]:
        if example.footprint is not None and not example.sized:
            return self.look(example.footprint, view), self.meter
        return example_in_context(example, self.sky, self.geometry, self.meter, view)

    def anchors(self, progress: Progress) -> Anchors:
        """Measure tiles that are spread evenly over the map; those without a style are left out."""
        sample = [self.grid.footprints[i] for i in evenly(len(self.grid), ANCHORS)]
        found: list[tuple[Signature, Footprint]] = []
        with progress.stage("Anchors", len(sample), "tiles") as counter:
            measured = ordered_map(self._measured, sample, self.settings.workers)
            for signature, footprint in zip(measured, sample, strict=True):
                if signature is not None and signature.finite:
                    found.append((signature, footprint))
                counter.advance()
        signatures, footprints = zip(*found, strict=True)
        return Anchors.of(signatures, footprints, self.settings.tile_size_deg)

    def _measured(self, footprint: Footprint) -> Signature | None:
        """Measure a tile; None where it has no structure."""
        return measured(self.meter, self.sky, self.look(footprint))

    def scorer(self, style: QueryStyle[Signature], anchors: Anchors | None = None) -> Scorer:
        """Return what scores single tiles."""
        return Scorer(self.meter, self.look, self.sky, style, self.settings.min_coverage, anchors)

    def on(self, survey: Survey) -> StreamedSurvey:
        """Return the same for another survey in the same colours, with the same average tile."""
        sky = replace(self.sky, survey=survey)
        cutter = cutter_of(self.settings, survey, sky)
        look = look_of(self.meter, self.settings, sky, cutter)
        return replace(self, sky=sky, cutter=cutter, look=look, measured=None)

    def scores(
        self,
        query: Query,
        style: QueryStyle[Signature],
        store: WorkStore,
        progress: Progress,
        *,
        csls: bool = False,
        elsewhere: Elsewhere | None = None,
    ) -> TileScores:
        """Score every tile, and keep those with enough coverage.

        Parameters
        ----------
        query : Query
        style : QueryStyle
            Its style, as `style` gives it.
        store : WorkStore
            Where finished facets are kept.
        progress : Progress
        csls : bool
            Whether to measure the hubness of tiles and references, for local scaling.
        elsewhere : callable, optional
            Lets other computers score the tiles first.

        Raises
        ------
        SkyError
            If no tile is covered well enough.
        """
        anchors = self.anchors(progress) if csls else None
        if elsewhere is not None and self.measured is None:
            elsewhere("rows", progress)
        rows = (
            self._by_facets(style, anchors, store, progress)
            if self.pieces
            else self._by_tiles(self.scorer(style, anchors), progress)
        )
        known = np.isfinite(rows["coverage"])
        if not known.any():
            raise SkyError(
                f"none of {len(rows)} tiles is covered to {self.settings.min_coverage:.0%}; "
                "choose another --area or a smaller --min-coverage"
            )
        n_left_out = left_out(self.sky.survey, self.grid, known)
        grid, rows = self.grid.keep(known), rows[known]
        table = self._table(rows, grid, query, style)
        if anchors is not None:
            table["hubness"] = rows["hubness"]
            table["reference_hubness"] = reference_hubness(anchors, query, style, rows["nearest"])
        return TileScores(
            table,
            grid.footprints,
            self.meter.recipe.layers,
            self.settings.tile_size_deg,
            grid.spacing_deg,
            grid.nside,
            n_left_out,
        )

    def _by_tiles(self, scorer: Scorer, progress: Progress) -> Numbers:
        rows = np.zeros(len(self.grid), row_type(len(self.meter.recipe.layers)))
        rows["coverage"] = np.nan
        with progress.stage("Style of every tile", len(self.grid), "tiles") as counter:
            found = ordered_map(scorer.row, self.grid.footprints, self.settings.workers)
            for number, row in enumerate(found):
                if row is not None:
                    rows[number] = row
                counter.advance()
        return rows

    def _by_facets(
        self, style: QueryStyle[Signature], anchors: Anchors | None, store: WorkStore, progress: Progress
    ) -> Numbers:
        """Rows of all facets in order; those that an interrupted run finished come from the store."""

        def rows(number: int) -> Numbers:
            if self.measured is not None and self.meter.standard is not None:
                tiles = self.measured.tiles(number, self.measured_facet)
                return tiles.scored(self.pieces[number], style, self.meter.standard, anchors)
            return self.facet_rows(number, style, anchors, store)[0]

        parts = []
        what = "Style of every facet" if self.measured is None else "Scores of every facet"
        with progress.stage(what, len(self.pieces), "facets") as counter:
            for part in ordered_map(rows, range(len(self.pieces)), self.settings.workers):
                parts.append(part)
                counter.advance()
        return np.concatenate(parts)

    def facet_rows(
        self, number: int, style: QueryStyle[Signature], anchors: Anchors | None, store: WorkStore
    ) -> tuple[Numbers, bool]:
        """Give the rows of a facet, from the store if it has them, and whether it has them now."""
        facet, kind = self.pieces[number], row_type(len(self.meter.recipe.layers))
        kept = store.get(f"facet-{number}")
        if kept is not None and kept.dtype == kind and len(kept) == facet.own.sum():
            return kept, True
        made = self.reader().rows(facet, style, anchors)
        return made, store.put(f"facet-{number}", made)

    def reader(self) -> FacetReader:
        """Return what reads the tiles of facets."""
        assert isinstance(self.meter, ContextMeter)  # noqa: S101 - there are facets
        return FacetReader(self.sky, self.meter, self.settings.min_coverage)

    def _table(self, rows: Numbers, grid: TileGrid, query: Query, style: QueryStyle[Signature]) -> QTable:
        lon, lat = grid.centers()
        survey = self.sky.survey
        table = QTable({"name": tile_names(lon, lat, grid.spacing_deg), **place_columns(lon, lat)})
        table["width"] = np.array([each.width_deg for each in grid.footprints]) * u.deg
        table["height"] = np.array([each.height_deg for each in grid.footprints]) * u.deg
        if grid.kind == "facets":
            table["turn"] = np.array([each.turn_deg for each in grid.footprints]) * u.deg
        for name in ("score", "coverage", "brightness"):
            table[name] = rows[name]
        table["mean_intensity"] = rows["mean_intensity"] * u.Unit(survey.unit)
        table["area"] = grid.area
        flag = flags(rows["score"], rows["blank"])
        if flag is not None:
            table["flag"] = flag
        if style.names_nearest:
            names = np.array([each.name for each in query.references])
            table["best_reference"] = names[rows["nearest"]]
        for name, values in view_columns(style, rows["view"]).items():
            table[name] = values
        if isinstance(survey, NoisySurvey):
            noise = survey.noise_at(*pixel_positions_of(grid.footprints, NOISE_POSITIONS)).mean(axis=(-2, -1))
            table["noise"] = noise * u.Unit(survey.unit)
        for number, layer in enumerate(self.meter.recipe.layers):
            table[f"cosine_{layer}"] = rows["cosines"][:, number]
        return table


def _way_in(extent: Extent, where: Footprint | None) -> str:
    """Say how a reference is found that the survey shows."""
    if where is not None and not extent.contains(*np.array([where.lon_deg, where.lat_deg])).any():
        return (
            f"the survey lies about l={extent.lon_deg:.2f}°, b={extent.lat_deg:+.2f}°: choose a reference "
            "there (bare numbers are Galactic; RA and Dec are written 83.82 -5.39 icrs)"
        )
    return "choose another reference, a larger --tile-size or a smaller --min-coverage"


def grid_of(settings: MapSettings, survey: Survey) -> TileGrid:
    """Cover what is both in the survey and in the area that was requested."""
    extents, area = [survey.extent], settings.area
    if area is not None:
        # A spacing wider, so that an area between the centres is told as what it is.
        extents.append(area.extent().widened(settings.spacing_deg))
    smallest = min(extents, key=lambda extent: extent.radius_deg)
    grid = tile_grid(settings.grid, settings.tile_size_deg, settings.spacing_deg, smallest)
    return grid if area is None else grid.within(area)


def facets_of(settings: MapSettings, chosen: Recipe, survey: Survey) -> tuple[Facet, ...]:
    """Facets of the shared engine; none where tiles are measured one by one."""
    one_by_one = chosen.literal or settings.tiles_only is not None
    engine = settings.engine or ("tiles" if one_by_one and not settings.fast else "shared")
    if engine == "tiles":
        return ()
    tile_deg, spacing_deg, tile = settings.tile_size_deg, settings.spacing_deg, settings.side_pixels
    return facets(tile_deg, spacing_deg, tile, settings.area, survey.extent, step=chosen.step)


def cutter_of(settings: MapSettings, survey: Survey, sky: ColouredSky) -> ViewCutter:
    """Cut tiles out of the rendered sky, or render each by itself where that is requested."""
    tile_sky = TileRenderedSurvey(survey, settings.stretch) if settings.stretch_per_tile else sky

    def cutter(footprint: Footprint, view: View = AS_IT_IS, /) -> Picture:
        return cut_in_view(tile_sky, footprint, settings.side_pixels, view)

    return cutter


def look_of(meter: Meter, settings: MapSettings, sky: ColouredSky, cutter: ViewCutter) -> ViewCutter:
    """Give the pictures that a meter measures: tiles alone, or with what lies around them."""
    if isinstance(meter, StyleMeter):
        return cutter
    halo = meter.halo

    def look(footprint: Footprint, view: View = AS_IT_IS, /) -> Picture:
        return cut_in_context(sky, footprint, settings.side_pixels, halo, view)

    return look


def _altered(look: ViewCutter, alter: Alter) -> ViewCutter:
    return lambda footprint, view=AS_IT_IS: alter(look(footprint, view))


def measured(meter: Meter, sky: RenderedSurvey, picture: Picture) -> Signature | None:
    """Measure a picture of a survey; None where it has no structure."""
    return None if sky.stretch.is_flat_in(picture, meter.halo) else meter(picture)


def with_standard(
    meter: Meter,
    sky: RenderedSurvey,
    grid: Tiles,
    look: Cutter,
    *,
    store: WorkStore,
    workers: int,
    progress: Progress,
) -> Meter:
    """Give the meter the average tile of the survey where its recipe asks for one.

    Tiles without structure are left out.
    """
    if not meter.recipe.standardised:
        return meter
    if kept := _kept_standard(store, meter.recipe):
        return replace(meter, standard=kept)
    in_context = isinstance(meter, ContextMeter)
    sample = standard_sample(grid, meter.recipe, in_context=in_context)
    with progress.stage("An average tile", len(sample), "tiles") as counter:

        def counted() -> Iterator[tuple[Signature, float]]:
            found = ordered_map(lambda each: measured(meter, sky, look(each)), sample, workers)
            for signature, footprint in zip(found, sample, strict=True):
                counter.advance()
                if signature is not None:
                    yield signature, footprint.lat_deg

        if in_rows(grid, meter.recipe) and not in_context:
            sampled = list(counted())
            lat = np.array([lat_deg for _, lat_deg in sampled])
            made = meter.standardised([each for each, _ in sampled], lat)
        else:
            made = meter.standardised(signature for signature, _ in counted())
    if made.standard is not None and isinstance(made, ContextMeter):
        _keep_standard(store, made.standard)
    return made


def in_rows(grid: Tiles, chosen: Recipe) -> bool:
    """Whether tiles are standardised within rows of latitude: where the recipe asks and the sky is whole."""
    return chosen.rows_deg is not None and grid.share >= WHOLE_SKY


def columns_of(chosen: Recipe) -> dict[str, slice]:
    """Tell which numbers of a tile belong to which layer, where all stand beside each other."""
    return side_by_side(
        {layer: chosen.statistic.form(channels_of(layer)).order.size for layer in chosen.layers}
    )


def standard_sample(grid: Tiles, chosen: Recipe, *, in_context: bool) -> list[Footprint]:
    """Give tiles, evenly spread, that tell what an average tile of the survey is like.

    Of tiles that are measured one by one within rows of latitude, as many as lie beside each other on the
    sky, within limits.
    """
    wanted = STANDARD_TILES_IN_CONTEXT if in_context else STANDARD_TILES
    if in_rows(grid, chosen) and not in_context:
        (first,) = grid.chosen(np.array([0]))
        beside = round(SPHERE_DEG2 / (first.width_deg * first.height_deg))
        wanted = max(wanted, min(beside, STANDARD_TILES_IN_ROWS))
    return grid.chosen(evenly(len(grid), wanted))


def _keep_standard(store: WorkStore, standard: Standardisation) -> None:
    """Keep the average tile of a survey for the next run of the same job."""
    for layer, mean in standard.mean.items():
        store.put(f"standard-{layer}", np.stack([mean, standard.spread[layer]]))
        if layer in standard.whitening:
            for part, directions in enumerate(standard.whitening[layer].directions):
                store.put(f"directions-{layer}-{part}", directions)
    store.put("standard-tiles", np.array(standard.tiles))


def _kept_standard(store: WorkStore, chosen: Recipe) -> Standardisation | None:
    """Return the average tile that an interrupted run measured, if it came so far."""
    parts = {layer: store.get(f"standard-{layer}") for layer in chosen.layers}
    tiles = store.get("standard-tiles")
    found = {layer: part for layer, part in parts.items() if part is not None}
    if tiles is None or len(found) < len(parts):
        return None
    mean = Signature({layer: part[0] for layer, part in found.items()})
    spread = Signature({layer: part[1] for layer, part in found.items()})
    whitening = {}
    blocks = chosen.statistic.blocks
    for layer in chosen.layers if chosen.directions is not None else ():
        own = [store.get(f"directions-{layer}-{part}") for part in range(len(blocks))]
        whitening[layer] = Whitening(blocks, tuple(each for each in own if each is not None))
    return Standardisation(mean, spread, int(tiles), whitening)
