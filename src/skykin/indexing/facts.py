"""What an index says of itself without opening a shard, and the survey behind it, opened again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skykin.core.area import SkyArea, read_area
from skykin.core.errors import IndexRefusedError, shown
from skykin.core.extent import Extent
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Provenance
from skykin.indexing.layout import SHARDS
from skykin.indexing.level import reaches
from skykin.indexing.manifest import Manifest
from skykin.indexing.reopened import reopened
from skykin.indexing.stored import Shelf, cell_of
from skykin.style.recipe import Recipe, recipe
from skykin.survey.render import RenderedSurvey, Stretch


@dataclass(frozen=True, eq=False)
class IndexFacts:
    """The facts of an index.

    Parameters
    ----------
    path : Path
    manifest : Manifest
        The committed state that was opened; what is appended later is not seen.
    """

    path: Path
    manifest: Manifest

    def __len__(self) -> int:
        """Return the number of standard tiles."""
        return sum(self.counts)

    @cached_property
    def recipe(self) -> Recipe:
        """How style is measured.

        Raises
        ------
        IndexRefusedError
            If the recipe of this name is not what it was (``IX-MISMATCH``).
        """
        made = self.manifest.facts["recipe"]
        found = recipe(made["name"])
        if found.key() != made["key"]:
            raise IndexRefusedError(
                f"the index {shown(self.path.name)} was made with recipe {shown(made['name'])} of key "
                f"{made['key']}, but here it has key {found.key()}; build the index again",
                code="IX-MISMATCH",
            )
        return found

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of the network that are measured."""
        return self.recipe.layers

    @property
    def survey_title(self) -> str:
        """Full name of the survey."""
        return str(self.manifest.facts["survey_title"])

    @property
    def unit(self) -> str:
        """Unit of the survey's values."""
        return str(self.manifest.facts["unit"])

    @property
    def bands(self) -> tuple[str, str, str]:
        """What is shown as red, green and blue, in words."""
        red, green, blue = self.manifest.facts["bands"]
        return red, green, blue

    @property
    def beam_deg(self) -> float:
        """Angular resolution of the survey (full width), degrees."""
        return float(self.manifest.facts["beam_deg"])

    @property
    def extent(self) -> Extent:
        """Cap of the sky that holds everything the survey saw."""
        return Extent(**self.manifest.facts["extent"])

    @property
    def stretch(self) -> Stretch:
        """How values became colours."""
        return Stretch.from_dict(self.manifest.facts["rendering"])

    @property
    def tile_deg(self) -> float:
        """Side of a standard tile, degrees."""
        return float(self.manifest.facts["grid"]["tile_size_deg"])

    @property
    def spacing_deg(self) -> float:
        """Distance between neighbouring standard tiles, degrees."""
        return float(self.manifest.facts["grid"]["spacing_deg"])

    @property
    def pixels(self) -> int:
        """Pixels on a side of a standard tile."""
        return int(self.manifest.facts["grid"]["pixels"])

    @property
    def min_coverage(self) -> float:
        """Tiles with a smaller share of observed pixels were left out."""
        return float(self.manifest.facts["grid"]["min_coverage"])

    @property
    def area(self) -> SkyArea | None:
        """The part of the sky that is indexed; None for the whole survey."""
        made = self.manifest.facts["area"]
        return None if made is None else read_area(made)

    @property
    def provenance(self) -> Provenance:
        """All that decides an answer, but for the question."""
        facts = self.manifest.facts
        return Provenance(
            survey=facts["survey"],
            rendering={**facts["rendering"], "per_tile": False},
            grid={
                "kind": "facets",
                "projection": "TAN",
                **facts["grid"],
                "area": facts["area"],
            },
            query={},
            recipe=facts["recipe"],
            encoder=facts["encoder"],
            credits=tuple(facts["credits"]),
            versions=facts["versions"],
        )

    @property
    def cell_deg(self) -> float:
        """Side of a cell, degrees."""
        return self._cell * self.tile_deg / self.pixels

    @property
    def sizes_deg(self) -> tuple[float, ...]:
        """Sizes of tiles that cells add up to, the largest first; the standard tile's is the first."""
        whole = self.pixels // self._cell
        # A core that is no whole number of cells is no core.
        found = [whole] if self.recipe.statistic.has_core else reaches(whole)
        return tuple(reach * self.cell_deg for reach in found)

    def nearest_size_deg(self, size_deg: float) -> float:
        """Give the nearest of these sizes, by their ratio."""
        return min(self.sizes_deg, key=lambda size: abs(math.log(size / size_deg)))

    def sky(
        self,
        survey: Survey | str | Path | None = None,
        *,
        download: bool = False,
        progress: Progress | None = None,
    ) -> RenderedSurvey:
        """Reopen the survey, in the colours that were indexed.

        Parameters
        ----------
        survey : Survey, str, Path, optional
            An open one, or its name or file; otherwise the one recorded is opened.  Where its file is no
            longer there, a file of the same name or hash is looked for beside the index and here.
        download : bool
            Whether it may be fetched from its public address.
        progress : Progress, optional

        Raises
        ------
        IndexRefusedError
            If it is not the survey that was indexed (``IX-MISMATCH``).
        """
        return reopened(self.path, self.manifest.facts, survey, download, progress or SilentProgress())

    def describe(self) -> dict[str, str]:
        """Tell what it holds, as ``skykin info`` does."""
        grid = f"{len(self):,} of {self.tile_deg:g}°, {self.spacing_deg:.3g}° apart, {self.pixels} pixels"
        shards = self.manifest.shards.values()
        cells = sum(shard.shape[0] for shard in shards if shard.name.startswith("cells-"))
        sizes = ", ".join(f"{size:.3g}°" for size in self.sizes_deg)
        rendering, area = self.manifest.facts["rendering"], self.manifest.facts["area"]
        return {
            "index": self.path.name,
            "survey": self.survey_title,
            "area": "the whole survey" if area is None else str(read_area(area)),
            "recipe": f"{self.recipe.name}: {', '.join(self.layers)}",
            "stretch": str(rendering["kind"]),
            "tiles": grid,
            "cells": f"{cells:,} of {self.cell_deg:.3g}°; they add up to tiles of {sizes}",
            "size": f"{self.manifest.size / 1e6:.1f} MB in {len(self.manifest.shards)} files",
            "encoder": str(self.manifest.facts["encoder"]),
            "made by": ", ".join(f"{n} {v}" for n, v in self.manifest.facts["versions"].items()),
        }

    def verify(self, progress: Progress | None = None) -> int:
        """Check the hash of every file; return the number of bytes checked.

        Raises
        ------
        IndexRefusedError
            Naming the file that is missing, cut short or altered (``IX-CORRUPT``).
        """
        shards = self.manifest.shards
        shelf = Shelf(self.path / SHARDS, shards)
        with (progress or SilentProgress()).stage("Checking files", len(shards), "files") as counter:
            for name in shards:
                shelf.check(name)
                counter.advance()
        return self.manifest.size

    @cached_property
    def counts(self) -> list[int]:
        """Standard tiles of each facet."""
        return [
            int(step.result["tiles"])
            for step in self.manifest.steps
            if step.name.startswith("facet-") and step.result is not None
        ]

    @cached_property
    def _cell(self) -> int:
        """Side of a cell, pixels."""
        plan = next(step.plan for step in self.manifest.steps if step.name.startswith("facet-"))
        return cell_of(plan, self.recipe)
