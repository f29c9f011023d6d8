"""The provenance of a picture that was made: from which pictures, with which settings, by which network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version

from skykin.core.provenance import Provenance, library_versions
from skykin.generate.settings import PaintSettings
from skykin.jobs.studio.picture_book import NamedPicture, PictureBook
from skykin.style.network.weights import network_name
from skykin.style.recipe import Recipe


def painting_provenance(
    book: PictureBook,
    pictures: Mapping[str, NamedPicture],
    settings: PaintSettings,
    facts: Mapping[str, object],
) -> Provenance:
    """Say what a painting was made from and how.

    Parameters
    ----------
    book : PictureBook
    pictures : Mapping
        Part that a picture played, such as ``content``, to the picture.
    settings : PaintSettings
    facts : Mapping
        What came of it, as plain values.
    """
    made = {**settings.to_dict(), "how": type(settings).__name__.removesuffix("Settings").lower(), **facts}
    recipe = settings.chosen_recipe
    provenance = _provenance(book, pictures, recipe, made)
    versions = {**provenance.versions, "torch": version("torch")}
    return replace(provenance, encoder=f"{network_name(recipe.padding)}, on PyTorch", versions=versions)


def layers_provenance(book: PictureBook, pictures: Mapping[str, NamedPicture], recipe: Recipe) -> Provenance:
    """Say which pictures' layers were laid open, and under which recipe."""
    return _provenance(book, pictures, recipe, recipe.to_dict())


def _provenance(
    book: PictureBook, pictures: Mapping[str, NamedPicture], recipe: Recipe, made: dict[str, object]
) -> Provenance:
    named = tuple(pictures.values())
    return Provenance(
        **book.sky_facts(*named),
        query={part: each.facts for part, each in pictures.items()},
        recipe=made,
        encoder=network_name(recipe.padding),
        credits=book.credits(*named),
        versions=library_versions(),
    )
