"""A transfer from names to files: the content of one picture in the style of another, kept on the sky."""

from __future__ import annotations

from pathlib import Path

from skykin.core.shapes import RGB
from skykin.generate.painting import Callback, Painting, Step
from skykin.generate.settings import TransferSettings
from skykin.generate.transfer import transfer
from skykin.jobs.studio.easel import Easel, whole_files
from skykin.jobs.studio.picture_book import NamedPicture, PictureBook
from skykin.jobs.studio.stamping import painting_provenance
from skykin.products.figures.side_by_side import Panel, draw_side_by_side
from skykin.products.painting import PaintedPicture, write_fits, write_png


def make_transfer(
    book: PictureBook,
    content: str | Path,
    style: str | Path,
    easel: Easel,
    settings: TransferSettings | None = None,
    *,
    figure: bool = False,
    callback: Callback | None = None,
) -> Painting:
    """Paint what `content` names in the style of what `style` names, and write it.

    Parameters
    ----------
    book : PictureBook
    content, style : str or Path
        Names of regions, positions, or picture files.
    easel : Easel
        The PNG file; with a tile of the sky as content a FITS file with its world coordinates lies beside it.
    settings : TransferSettings, optional
    figure : bool
        Also draw content, style and result beside each other, as ``-figure.png`` and ``.pdf``.
    callback : callable, optional
        Called with a `Step` after each step.

    Returns
    -------
    Painting

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.
    """
    settings = settings or TransferSettings()
    book.check(content, style)
    easel.check(*(["-figure.png", "-figure.pdf"] if figure else []))
    given, model = book.pictures(content, style)
    on_sky = given.picture.footprint is not None
    if on_sky:
        easel.check(".fits")

    def titled(rgb: RGB, facts: dict[str, object]) -> PaintedPicture:
        provenance = painting_provenance(book, {"content": given, "style": model}, settings, facts)
        title = f"{given.name} in the style of {model.name}"
        return PaintedPicture(rgb, title, provenance, given.picture.footprint)

    def snapshot(step: Step, path: Path) -> None:
        write_png(titled(step.rgb, {"steps_done": step.number}), path)

    painting = easel.work(
        lambda each, state: transfer(
            given.picture.rgb,
            model.picture.rgb,
            settings,
            style_coverage=model.picture.coverage,
            callback=each,
            resume=state,
            jobs=book.sky.workers,
        ),
        snapshot,
        callback,
    )
    facts = {"style_loss_lowered": painting.lowered, "style_cosines": dict(painting.cosines)}
    picture = titled(painting.rgb, facts)
    write_png(picture, easel.path)
    if on_sky:
        write_fits(picture, easel.named(".fits"))
    if figure:
        _draw(picture, painting, given, model, easel)
    return painting


def _draw(
    picture: PaintedPicture, painting: Painting, given: NamedPicture, model: NamedPicture, easel: Easel
) -> None:
    note = (
        f"style loss lowered by {painting.lowered:.1%};\nstyle cosines ≥ {min(painting.cosines.values()):.3f}"
    )
    panels = [
        Panel(f"Content: {given.name}", given.picture.rgb, "what is where"),
        Panel(f"Style: {model.name}", model.picture.rgb, "what goes with what"),
        Panel("Both", painting.rgb, note),
    ]
    caption = (
        f"The content of {given.name} (left) joined with the style of {model.name} (middle), after "
        f"{len(painting.history) - 1} steps. This is no observation."
    )
    with whole_files(easel.path.parent) as folder:
        draw_side_by_side(
            picture, panels, folder, name=easel.path.stem + "-figure", title=picture.title, caption=caption
        )
