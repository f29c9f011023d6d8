"""Textures from a name to files: new sky with the style of a reference, for one recipe or for several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import RGB
from skykin.generate.painting import Callback, Painting, Step
from skykin.generate.settings import TextureSettings
from skykin.generate.texture import texture
from skykin.products.figures.side_by_side import Panel, draw_side_by_side
from skykin.products.painting import PaintedPicture, write_png
from skykin.studio.easel import Easel, whole_files
from skykin.studio.picture_book import NamedPicture, PictureBook
from skykin.studio.stamping import painting_provenance

#: Gives the callback for the texture of one recipe.
CallbackOf = Callable[[str], Callback | None]


def make_textures(
    book: PictureBook,
    reference: str | Path,
    easel: Easel,
    settings: Sequence[TextureSettings] = (),
    *,
    callback_of: CallbackOf | None = None,
) -> dict[str, Painting]:
    """Synthesise new sky with the style of what `reference` names, and write it.

    Parameters
    ----------
    book : PictureBook
    reference : str or Path
        Name of a region, position, or picture file.
    easel : Easel
        The PNG file.  With several settings it holds all textures side by side, the textures themselves lie
        beside it, such as ``out-covariance.png``, and so does the figure as PDF.
    settings : sequence of TextureSettings
        One texture for each; their recipes differ.  The poster's recipe if left out.
    callback_of : callable, optional
        From the name of a recipe to what is called with a `Step` after each step of its texture.

    Returns
    -------
    dict
        Name of the recipe to its `Painting`.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.
    """
    settings = tuple(settings) or (TextureSettings(),)
    names = [each.chosen_recipe.name for each in settings]
    if len(set(names)) < len(names):
        raise UsageError(f"a recipe is named twice in {', '.join(names)}; name each once")
    if easel.resume and len(names) > 1:
        raise UsageError(
            f"only one texture can be resumed at a time, but {len(names)} recipes are named; name one, "
            "and its own "
            f"file, such as {shown(easel.named(f'-{names[0]}.png').name)}"
        )
    book.check(reference)
    easels = [
        easel if len(names) == 1 else replace(easel, path=easel.named(f"-{name}.png")) for name in names
    ]
    for each in easels:
        each.check()
    if len(names) > 1:
        easel.check(".pdf")
    model = book(reference)
    paintings = {}
    for name, chosen, own in zip(names, settings, easels, strict=True):
        callback = None if callback_of is None else callback_of(name)
        paintings[name] = _make(book, model, own, chosen, callback)
    if len(names) > 1:
        _draw(book, model, paintings, settings, easel)
    return paintings


def pixel_correlation(one: RGB, other: RGB) -> float:
    """Mean over the three colours of the correlation of two pictures, pixel by pixel."""
    pairs = zip(one.reshape(-1, 3).T, other.reshape(-1, 3).T, strict=True)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def _make(
    book: PictureBook, model: NamedPicture, easel: Easel, settings: TextureSettings, callback: Callback | None
) -> Painting:
    def titled(rgb: RGB, facts: dict[str, object]) -> PaintedPicture:
        provenance = painting_provenance(book, {"reference": model}, settings, facts)
        return PaintedPicture(rgb, f"Texture in the style of {model.name}", provenance)

    def snapshot(step: Step, path: Path) -> None:
        write_png(titled(step.rgb, {"steps_done": step.number}), path)

    painting = easel.work(
        lambda each, state: texture(
            model.picture.rgb,
            settings,
            coverage=model.picture.coverage,
            callback=each,
            resume=state,
            jobs=book.sky.workers,
        ),
        snapshot,
        callback,
    )
    write_png(titled(painting.rgb, {"style_cosines": dict(painting.cosines)}), easel.path)
    return painting


def _draw(
    book: PictureBook,
    model: NamedPicture,
    paintings: dict[str, Painting],
    settings: Sequence[TextureSettings],
    easel: Easel,
) -> None:
    panels = [Panel(model.name, model.picture.rgb, "the reference")]
    for name, painting in paintings.items():
        correlation = pixel_correlation(painting.rgb, model.picture.rgb)
        note = f"style cosines ≥ {min(painting.cosines.values()):.3f};\npixels correlate {correlation:+.2f}"
        panels.append(Panel(name, painting.rgb, note))
    title = f"Textures in the style of {model.name}"
    caption = (
        f"Left: {model.name}. Then new sky, made from noise, whose style under each recipe is that of the "
        "reference: "
        "what is alike is what the recipe's statistic keeps, what differs is what it throws away."
    )
    facts = {"textures": {name: dict(painting.cosines) for name, painting in paintings.items()}}
    provenance = painting_provenance(book, {"reference": model}, settings[0], facts)
    with whole_files(easel.path.parent) as folder:
        draw_side_by_side(
            PaintedPicture(model.picture.rgb, title, provenance),
            panels,
            folder,
            name=easel.path.stem,
            title=title,
            caption=caption,
        )
