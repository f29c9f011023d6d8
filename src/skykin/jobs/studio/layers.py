"""The command `layers`: content and style of a picture drawn apart, beside those of a match."""

from __future__ import annotations

from pathlib import Path

from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.settings import StretchKind
from skykin.generate.layers import OpenedPicture, analyse_layers
from skykin.jobs.studio.picture_book import PictureBook, PictureLike
from skykin.jobs.studio.stamping import layers_provenance
from skykin.products.folder import check_output_folder
from skykin.products.layers import OpenedLayers
from skykin.style.recipe import Recipe
from skykin.style.recipe import recipe as find_recipe
from skykin.survey.memory import SurveyLike


def layers(
    reference: PictureLike,
    match: PictureLike | None = None,
    *,
    recipe: str | Recipe = "poster",
    survey: SurveyLike = "wham",
    tile_size: float = 15.0,
    pixels: int = 256,
    stretch: StretchKind | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    jobs: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> OpenedLayers:
    """Draw the content layers and the style layers of a picture apart.

    Parameters
    ----------
    reference : str, Path, SkyCoord, tuple, Picture or array
        Whose layers: a name of `regions`, a position (two numbers are Galactic degrees), a PNG or JPEG file,
        or colours from 0 to 1, (rows, columns, 3).
    match : the same, optional
        Another picture, to compare.
    recipe : str or Recipe
        Whose statistic, style layers and padding; its statistic must be a matrix.
    survey, tile_size, pixels, stretch :
        Survey of the tiles, their side (degrees) and pixels, and how intensity becomes brightness.
    output : path, optional
        Folder for the figures and ``layers.ecsv``; nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    jobs : int, optional
        Threads; all available cores if left out.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress, optional

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> one, two = np.random.default_rng(1).random((2, 32, 32, 3), np.float32)
    >>> opened = skykin.layers(one, two)
    >>> sorted(opened.cosines)
    ['block1_conv1', 'block2_conv1', 'block3_conv1', 'block4_conv1', 'block5_conv1']
    """
    chosen = recipe if isinstance(recipe, Recipe) else find_recipe(recipe)
    book = PictureBook.of(
        survey,
        tile_size=tile_size,
        pixels=pixels,
        stretch=stretch,
        jobs=jobs,
        download=download,
        progress=progress,
    )
    return make_layers(
        book, reference, output, match=match, recipe=chosen, overwrite=overwrite, progress=book.progress
    )


def make_layers(
    book: PictureBook,
    reference: PictureLike,
    output: str | Path | None,
    *,
    match: PictureLike | None = None,
    recipe: str | Recipe = "poster",
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> OpenedLayers:
    """Lay the layers of what `reference` names open, beside those of `match`, and draw them.

    Parameters
    ----------
    book : PictureBook
    reference, match, output, recipe, overwrite, progress :
        As for `layers`.
    """
    chosen = recipe if isinstance(recipe, Recipe) else find_recipe(recipe)
    asked = [each for each in (reference, match) if each is not None]
    book.check(*asked)
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    named = book.pictures(*asked)
    with progress.stage("Laying layers open", len(named) + 1, "steps") as counter:
        pictures = []
        for each in named:
            found = analyse_layers(
                each.picture.rgb, coverage=each.picture.coverage, recipe=chosen, jobs=book.sky.workers
            )
            pictures.append(OpenedPicture(each.name, each.picture, found))
            counter.advance()
        provenance = layers_provenance(book, dict(zip(("reference", "match"), named, strict=False)), chosen)
        opened = OpenedLayers(pictures, f"{chosen.statistic.name} matrices".capitalize(), provenance)
        if output is not None:
            opened.write(output, overwrite=overwrite)
        counter.advance()
    return opened
