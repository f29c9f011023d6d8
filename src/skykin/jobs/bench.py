"""What scores tiles, set up from settings: the same for a map and for its tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from astropy.table import QTable

from skykin.catalogue.references import References
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import MapSettings
from skykin.jobs.anchors import Anchors
from skykin.jobs.judge import (
    Cutter,
    Judge,
    Meter,
    anchors_of,
    check_reference,
    cutter_of,
    footprints_of,
    instrument,
    look_of,
    read_tiles,
    sought_of,
    with_standard,
)
from skykin.jobs.plan import facets_of, grid_of
from skykin.jobs.tiles import score_tiles
from skykin.scale.store import WorkStore
from skykin.style.recipe import recipe
from skykin.style.sought import Sought
from skykin.survey.render import RenderedSurvey, Stretch, measure_stretch
from skykin.tiling.facets import Facet, facet_grid
from skykin.tiling.grid import TileGrid

Alter = Callable[[Picture], Picture]


@dataclass(frozen=True, eq=False)
class Bench:
    """Pictures of the sky, a network that measures them, and the tiles that are to be scored.

    Parameters
    ----------
    settings : MapSettings
        With everything set.
    sky : RenderedSurvey
    pieces : tuple of Facet
        What the tiles are read from; empty where they are measured one by one.
    grid : TileGrid
    references : References
    own : tuple of Footprint
        The references' tiles.
    pictures : tuple of Picture
        What stands in them.
    cutter : callable
        Gives the picture of a tile.
    look : callable
        Gives the picture that is measured: with what lies around it, where the network looks there.
    meter : StyleMeter or ContextMeter
    encoder : str
        Name of the network.
    """

    settings: MapSettings
    sky: RenderedSurvey
    pieces: tuple[Facet, ...]
    grid: TileGrid
    references: References
    own: tuple[Footprint, ...]
    pictures: tuple[Picture, ...]
    cutter: Cutter
    look: Cutter
    meter: Meter
    encoder: str

    @classmethod
    def set_up(
        cls,
        settings: MapSettings,
        survey: Survey,
        references: References,
        stretch: Stretch | None = None,
        *,
        random_seed: int | None = None,
        alter: Alter | None = None,
    ) -> Bench:
        """Walk the first stages; what costs nothing and can go wrong comes first.

        Parameters
        ----------
        settings : MapSettings
        survey : Survey
        references : References
        stretch : Stretch, optional
            How values become colours; measured on the survey if left out.
        random_seed : int, optional
            Untrained network of this seed.
        alter : callable, optional
            Applied to every picture that is measured; only tile by tile.

        Raises
        ------
        SkyError
            If a reference lies off the survey, or no tile is left.
        """
        chosen = recipe(settings.recipe)
        pieces = facets_of(settings, chosen, survey)
        grid = facet_grid(pieces) if pieces else grid_of(settings, survey)
        sky = RenderedSurvey(survey, stretch or measure_stretch(survey, settings.stretch))
        cutter = cutter_of(settings, survey, sky)
        own = footprints_of(references, settings, grid.footprints[0].projection)
        pictures = tuple(cutter(each) for each in own)
        for picture, place in zip(pictures, references.places, strict=True):
            check_reference(picture, place, settings)
        meter, encoder, look = instrument(
            chosen, settings, sky, cutter, shared=bool(pieces), random_seed=random_seed
        )
        if alter is not None:
            look = _altered(look, alter)
        return cls(settings, sky, pieces, grid, references, own, pictures, cutter, look, meter, encoder)

    def standardised(self, store: WorkStore, progress: Progress) -> Bench:
        """Return the bench with the survey's standard, where the recipe asks for one."""
        workers = self.settings.workers
        meter = with_standard(
            self.meter, self.grid, self.look, store=store, workers=workers, progress=progress
        )
        return replace(self, meter=meter)

    def asking(self, references: References) -> Bench:
        """Return the same bench for other references."""
        own = footprints_of(references, self.settings, self.own[0].projection)
        pictures = tuple(self.cutter(each) for each in own)
        for picture, place in zip(pictures, references.places, strict=True):
            check_reference(picture, place, self.settings)
        return replace(self, references=references, own=own, pictures=pictures)

    def sought(self, alter: Alter | None = None) -> Sought:
        """Measure the references, altered if asked for."""
        seen = [self.look(each) for each in self.own]
        return sought_of(
            self.meter, seen if alter is None else [alter(each) for each in seen], self.references
        )

    def anchors(self, progress: Progress) -> Anchors | None:
        """Measure what hubness is measured by, if the settings ask for it."""
        if not self.settings.robustness.csls:
            return None
        workers = self.settings.workers
        return anchors_of(self.meter, self.grid, self.look, workers=workers, progress=progress)

    def judge(self, sought: Sought, anchors: Anchors | None = None) -> Judge:
        """Return what scores single tiles."""
        return Judge(self.meter, self.look, self.sky.survey, sought, self.settings.min_coverage, anchors)

    def judge_of(self, survey: Survey, sought: Sought) -> Judge:
        """Return the judge of another survey in the same colours, with the same standard."""
        sky = replace(self.sky, survey=survey)
        look = look_of(self.meter, self.settings, sky, cutter_of(self.settings, survey, sky))
        return replace(self.judge(sought), cutter=look, survey=survey)

    def tiles(self, judge: Judge, store: WorkStore, progress: Progress) -> tuple[QTable, TileGrid]:
        """Score every tile, and keep those with enough coverage."""
        rows = (
            read_tiles(
                judge,
                self.sky,
                self.pieces,
                store=store,
                workers=self.settings.workers,
                progress=progress,
            )
            if self.pieces
            else None
        )
        return score_tiles(judge, self.grid, self.settings, progress, rows)


def _altered(look: Cutter, alter: Alter) -> Cutter:
    return lambda footprint: alter(look(footprint))
