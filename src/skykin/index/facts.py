"""What an index says of itself without opening a shard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skykin.core.errors import IndexRefusedError, shown
from skykin.core.extent import Extent
from skykin.core.provenance import Provenance
from skykin.index.manifest import Manifest
from skykin.style.recipe import Recipe, recipe


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
    def provenance(self) -> Provenance:
        """All that decides an answer, but for the question."""
        facts = self.manifest.facts
        return Provenance(
            survey=facts["survey"],
            rendering={**facts["rendering"], "per_tile": False},
            grid={"kind": "facets", **facts["grid"], "area": facts["area"] or "the whole survey"},
            reference={},
            recipe=facts["recipe"],
            encoder=facts["encoder"],
            credits=tuple(facts["credits"]),
            versions=facts["versions"],
        )
