"""Textures from a name to files: new sky with the style of a reference, for one recipe or for several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.fft import fft2, ifft2

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import RGB, Numbers
from skykin.generate.painting import Callback, Painting, Step
from skykin.generate.settings import TextureSettings
from skykin.generate.texture import texture
from skykin.jobs.studio.easel import Easel, whole_files
from skykin.jobs.studio.picture_book import NamedPicture, PictureBook
from skykin.jobs.studio.stamping import painting_provenance
from skykin.products.figures.side_by_side import Panel, draw_side_by_side
from skykin.products.painting import PaintedPicture, write_png

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


def shifted_correlations(one: RGB, other: RGB) -> Numbers:
    """Correlate two pictures pixel by pixel, the second shifted round its frame by every step there is.

    Smooth pictures with few structures correlate by chance; the shifts tell by how much.

    Parameters
    ----------
    one, other : array (rows, columns, 3)

    Returns
    -------
    array (rows, columns)
        Mean over the colours that vary in both; the first number is that of the pictures as they are.  All
        zeros if no colour does.
    """
    first, second = (each - each.mean(axis=(0, 1), dtype=np.float64) for each in (one, other))
    products = ifft2(fft2(first, axes=(0, 1)) * fft2(second, axes=(0, 1)).conj(), axes=(0, 1)).real
    lengths = np.sqrt(np.square(first).sum(axis=(0, 1)) * np.square(second).sum(axis=(0, 1)))
    varies = lengths > 0
    if not varies.any():
        return np.zeros(one.shape[:2])
    correlations: Numbers = (products[..., varies] / lengths[varies]).mean(axis=-1)
    return correlations


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
        correlations = shifted_correlations(painting.rgb, model.picture.rgb)
        chance = np.quantile(np.abs(correlations), 0.95)
        note = (
            f"style cosines ≥ {min(painting.cosines.values()):.3f};\n"
            f"pixels correlate {correlations[0, 0]:+.2f} (chance: ±{chance:.2f})"
        )
        panels.append(Panel(name, painting.rgb, note))
    title = f"Textures in the style of {model.name}"
    caption = (
        f"Left: {model.name}. Then new sky, made from noise, whose style under each recipe is that of the "
        "reference: "
        "what is alike is what the recipe's statistic keeps, what differs is what it throws away. Chance: "
        "within this lie the correlations of 95 % of all shifts of the texture round its frame."
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
