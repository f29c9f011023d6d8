"""Meters measure the style of pictures under one recipe: of a tile alone, or in its true context."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from skykin.core.picture import Picture
from skykin.core.protocols import Encoder
from skykin.core.shapes import Degrees
from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import PlaneSource
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature, Standardisation


@dataclass(frozen=True, eq=False)
class StyleMeter:
    """From a picture to its signature.

    Parameters
    ----------
    recipe : Recipe
    encoder : Encoder
        The network, with the recipe's layers and padding.
    standard : Standardisation or None
        What an average tile of the survey is like; signatures are then deviations from it.
    """

    recipe: Recipe
    encoder: Encoder
    standard: Standardisation | None = None

    #: Pixels that a picture needs around its tile: none.
    halo: ClassVar[int] = 0

    def __call__(self, picture: Picture) -> Signature:
        """Measure the style of one picture; all NaN if the recipe is weighted and nothing is covered."""
        signature = self.recipe.signature(self.encoder(picture.rgb), picture.coverage)
        return _relative(signature, self.standard, picture)

    def standardised(self, sample: Iterable[Signature], lat_deg: Degrees | None = None) -> Self:
        """Return the same meter with the standard of a survey, measured on a sample of raw signatures.

        With their Galactic latitudes, within rows of latitude where the recipe asks for them.
        """
        return replace(self, standard=self.recipe.standard(sample, lat_deg))


@dataclass(frozen=True, eq=False)
class ContextMeter:
    """From a picture of a tile with what lies around it to the signature that the shared engine gives it.

    Parameters
    ----------
    shared : SharedMeter
    tile : int
        Side of the tile, pixels; pictures have `halo` more on each side.
    standard : Standardisation or None
        What an average tile of the survey is like; signatures are then deviations from it.
    """

    shared: SharedMeter
    tile: int
    standard: Standardisation | None = None

    @property
    def recipe(self) -> Recipe:
        """How style is measured."""
        return self.shared.recipe

    @property
    def halo(self) -> int:
        """Pixels around the tile."""
        return self.shared.network.halo

    def __call__(self, picture: Picture) -> Signature:
        """Measure the style of the middle of a picture; all NaN if nothing there is covered."""
        around, side = self.halo, self.tile
        source = PlaneSource(picture.rgb, picture.coverage, around, around, side, side)
        signature = next(self.shared.signatures(source, Lattice(side, side, side, side)))
        return _relative(signature, self.standard, picture)

    def standardised(self, sample: Iterable[Signature], lat_deg: Degrees | None = None) -> Self:
        """Return the same meter with the standard of a survey, measured on a sample of raw signatures.

        With their Galactic latitudes, within rows of latitude where the recipe asks for them.
        """
        return replace(self, standard=self.recipe.standard(sample, lat_deg))


def _relative(signature: Signature, standard: Standardisation | None, picture: Picture) -> Signature:
    """Standardise the signature of a picture by where it lies."""
    if standard is None:
        return signature
    return standard.apply(signature, None if picture.footprint is None else picture.footprint.lat_deg)
