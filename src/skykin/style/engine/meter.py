"""A meter measures the style of pictures under one recipe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from skykin.core.picture import Picture
from skykin.core.protocols import Encoder
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature
from skykin.style.standard import Standardisation


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
        return signature if self.standard is None else self.standard.apply(signature)

    def standardised(self, sample: Iterable[Signature]) -> Self:
        """Return the same meter with the standard of a survey, measured on a sample of raw signatures."""
        return replace(self, standard=Standardisation.fit(sample))
