"""Layers from names to files: content and style of a tile drawn apart, beside those of a match."""

from __future__ import annotations

from pathlib import Path

from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.generate.layers import analyse_layers
from skykin.jobs.studio.picture_book import PictureBook
from skykin.jobs.studio.stamping import layers_provenance
from skykin.products.figures.layers import OpenedLayers, OpenedPicture, draw_layers
from skykin.products.folder import check_output_folder, output_folder
from skykin.products.layer_table import write_layer_table
from skykin.style.recipe import Recipe
from skykin.style.recipe import recipe as find_recipe

SILENT = SilentProgress()


def make_layers(
    book: PictureBook,
    reference: str | Path,
    output: Path,
    *,
    match: str | Path | None = None,
    recipe: str | Recipe = "poster",
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> OpenedLayers:
    """Lay the layers of what `reference` names open, beside those of `match`, and draw them.

    Parameters
    ----------
    book : PictureBook
    reference, match : str or Path
        Names of regions, positions, or picture files.
    output : Path
        Folder to come: three figures as PNG and PDF, and ``layers.ecsv`` with their numbers.
    recipe : str or Recipe
        Whose statistic, style layers and padding; its statistic must be a matrix.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.
    """
    chosen = recipe if isinstance(recipe, Recipe) else find_recipe(recipe)
    asked = [each for each in (reference, match) if each is not None]
    book.check(*asked)
    check_output_folder(output, overwrite=overwrite)
    named = book.pictures(*asked)
    with progress.stage("Laying layers open", len(named) + 1, "steps") as counter:
        pictures = []
        for each in named:
            layers = analyse_layers(
                each.picture.rgb, coverage=each.picture.coverage, recipe=chosen, jobs=book.sky.workers
            )
            pictures.append(OpenedPicture(each.name, each.picture, layers))
            counter.advance()
        provenance = layers_provenance(book, dict(zip(("reference", "match"), named, strict=False)), chosen)
        opened = OpenedLayers(pictures, f"{chosen.statistic.name} matrices".capitalize(), provenance)
        with output_folder(output, overwrite=overwrite) as folder:
            draw_layers(opened, folder)
            write_layer_table(opened, folder / "layers.ecsv")
        counter.advance()
    return opened
