"""The command `transfer`: the content of one picture in the style of another, kept on the sky."""

from __future__ import annotations

from pathlib import Path

from skykin.core.picture import Panel
from skykin.core.protocols import Progress
from skykin.core.settings import StretchKind
from skykin.core.shapes import RGB
from skykin.generate.painting import Callback, Painting, Step
from skykin.generate.settings import Optimiser, Start, TransferSettings
from skykin.generate.state import PaintState
from skykin.generate.transfer import transfer as paint_transfer
from skykin.jobs.studio.easel import Easel, check_extra, easel_for
from skykin.jobs.studio.picture_book import NamedPicture, PictureBook, PictureLike
from skykin.jobs.studio.stamping import painting_provenance
from skykin.products.painting import PaintedPicture, Transfer, write_png
from skykin.style.recipe import Recipe
from skykin.survey.memory import SurveyLike


def transfer(
    content: PictureLike,
    style: PictureLike,
    *,
    recipe: str | Recipe = "poster",
    start: Start = TransferSettings.start,
    style_weight: float = TransferSettings.style_weight,
    content_weight: float = TransferSettings.content_weight,
    variation_weight: float = TransferSettings.variation_weight,
    steps: int = TransferSettings.steps,
    optimiser: Optimiser = TransferSettings.optimiser,
    learning_rate: float = TransferSettings.learning_rate,
    seed: int = TransferSettings.seed,
    survey: SurveyLike = "wham",
    tile_size: float = 15.0,
    pixels: int = 256,
    stretch: StretchKind | None = None,
    output: str | Path | None = None,
    figure: bool = False,
    overwrite: bool = False,
    snapshots: int = 0,
    resume: bool = False,
    jobs: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> Transfer:
    """Paint the content of one picture in the style of another.

    As Gatys et al. do, with the weights of the TensorFlow tutorial, from the network and statistics that
    also score the sky.  Needs the extra ``generate``.

    Parameters
    ----------
    content, style : str, Path, SkyCoord, tuple, Picture or array
        What is shown, and whose style it takes: a name of `regions`, a position (two numbers are Galactic
        degrees), a PNG or JPEG file, or colours from 0 to 1, (rows, columns, 3).
    recipe : str or Recipe
        How style is measured.
    start : {"content", "noise"}
        The first picture.
    style_weight, content_weight, variation_weight : float
        Weights of style, content and smoothness.
    steps : int
        Steps of the optimiser.
    optimiser : {"l-bfgs", "adam"}
    learning_rate : float
        Largest change of a colour in a step of Adam.
    seed : int
        Of the noise.
    survey, tile_size, pixels, stretch :
        Survey of the tiles, their side (degrees) and pixels, and how intensity becomes brightness.
    output : path, optional
        The PNG file, with AVM tags; a tile of the sky is also written as FITS beside it.  Nothing is
        written if left out.
    figure : bool
        Also draw content, style and result side by side.
    overwrite : bool
        Whether files that exist may be replaced.
    snapshots : int
        Also write the picture every so many steps; 0: only at the end.
    resume : bool
        Go on from where an earlier run with this `output` stopped.
    jobs : int, optional
        Threads; all available cores if left out.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress, optional
    callback : callable, optional
        Called with a `Step` after each step.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> one, two = np.random.default_rng(1).random((2, 32, 32, 3), np.float32)
    >>> skykin.transfer(one, two, steps=2).rgb.shape
    (32, 32, 3)
    """
    settings = TransferSettings(
        recipe=recipe,
        start=start,
        style_weight=style_weight,
        content_weight=content_weight,
        variation_weight=variation_weight,
        steps=steps,
        optimiser=optimiser,
        learning_rate=learning_rate,
        seed=seed,
    )
    book = PictureBook.of(
        survey,
        tile_size=tile_size,
        pixels=pixels,
        stretch=stretch,
        jobs=jobs,
        download=download,
        progress=progress,
    )
    easel = easel_for(output, overwrite=overwrite, snapshots=snapshots, resume=resume)
    return make_transfer(book, content, style, easel, settings, figure=figure, callback=callback)


def make_transfer(
    book: PictureBook,
    content: PictureLike,
    style: PictureLike,
    easel: Easel | None,
    settings: TransferSettings | None = None,
    *,
    figure: bool = False,
    callback: Callback | None = None,
) -> Transfer:
    """Paint what `content` names in the style of what `style` names, and write it.

    Parameters
    ----------
    book : PictureBook
    content, style, figure, callback :
        As for `transfer`.
    easel : Easel or None
        The PNG file; with a tile of the sky as content a FITS file with its world coordinates lies beside it.
    settings : TransferSettings, optional
    """
    check_extra()
    settings = settings or TransferSettings()
    book.check(content, style)
    if easel is not None:
        easel.check(*(["-figure.png", "-figure.pdf"] if figure else []))
    given, model = book.pictures(content, style)
    if easel is not None and given.picture.footprint is not None:
        easel.check(".fits")

    def titled(rgb: RGB, facts: dict[str, object]) -> PaintedPicture:
        provenance = painting_provenance(book, {"content": given, "style": model}, settings, facts)
        title = f"{given.name} in the style of {model.name}"
        return PaintedPicture(rgb, title, provenance, given.picture.footprint)

    def snapshot(step: Step, path: Path) -> None:
        write_png(titled(step.rgb, {"steps_done": step.number}), path)

    def paint(each: Callback | None, state: PaintState | None) -> Painting:
        return paint_transfer(
            given.picture.rgb,
            model.picture.rgb,
            settings,
            style_coverage=model.picture.coverage,
            callback=each,
            resume=state,
            jobs=book.sky.workers,
        )

    painting = paint(callback, None) if easel is None else easel.work(paint, snapshot, callback)
    facts = {"style_loss_lowered": painting.lowered, "style_cosines": dict(painting.cosines)}
    found = _beside(painting, titled(painting.rgb, facts), given, model)
    if easel is not None:
        found.write(easel.path, figure=figure, overwrite=True)  # the easel was checked
    return found


def _beside(
    painting: Painting, picture: PaintedPicture, given: NamedPicture, model: NamedPicture
) -> Transfer:
    note = (
        f"style loss lowered by {painting.lowered:.1%};\nstyle cosines ≥ {min(painting.cosines.values()):.3f}"
    )
    panels = (
        Panel(f"Content: {given.name}", given.picture.rgb, "what is where"),
        Panel(f"Style: {model.name}", model.picture.rgb, "what goes with what"),
        Panel("Both", painting.rgb, note),
    )
    caption = (
        f"The content of {given.name} (left) joined with the style of {model.name} (middle), after "
        f"{len(painting.history) - 1} steps. This is no observation."
    )
    return Transfer(
        painting.rgb,
        painting.history,
        painting.cosines,
        painting.state,
        picture=picture,
        panels=panels,
        caption=caption,
    )
