"""The command `texture`: new sky with the style of a reference, for one recipe or for several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.fft import fft2, ifft2

from skykin.core.errors import UsageError, shown
from skykin.core.picture import Panel
from skykin.core.protocols import Progress
from skykin.core.settings import StretchKind
from skykin.core.shapes import RGB, Numbers
from skykin.generate.painting import Callback, Painting, Step
from skykin.generate.settings import Optimiser, TextureSettings
from skykin.generate.state import PaintState
from skykin.generate.texture import texture as paint_texture
from skykin.jobs.studio.easel import Easel, check_extra, easel_for
from skykin.jobs.studio.picture_book import NamedPicture, PictureBook, PictureLike
from skykin.jobs.studio.stamping import painting_provenance
from skykin.products.painting import PaintedPicture, Textures, write_png
from skykin.style.recipe import Recipe
from skykin.survey.memory import SurveyLike

#: Gives the callback for the texture of one recipe.
CallbackOf = Callable[[str], Callback | None]


def texture(
    reference: PictureLike,
    *,
    recipe: str | Recipe | Sequence[str | Recipe] = "poster",
    steps: int = TextureSettings.steps,
    optimiser: Optimiser = TextureSettings.optimiser,
    learning_rate: float = TextureSettings.learning_rate,
    seed: int = TextureSettings.seed,
    survey: SurveyLike = "wham",
    tile_size: float = 15.0,
    pixels: int = 256,
    stretch: StretchKind | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    snapshots: int = 0,
    resume: bool = False,
    jobs: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
    callback_of: CallbackOf | None = None,
) -> Textures:
    """Synthesise new sky with the style of a reference from noise.

    What the recipe's statistic keeps is in it; what it loses, such as where things are, is not.  Needs
    the extra ``generate``.

    Parameters
    ----------
    reference : str, Path, SkyCoord, tuple, Picture or array
        Whose style: a name of `regions`, a position (two numbers are Galactic degrees), a PNG or JPEG file,
        or colours from 0 to 1, (rows, columns, 3).
    recipe : str, Recipe, or a list of these
        How style is measured; a texture for each.
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
        The PNG file; nothing is written if left out.  Of several recipes it holds all side by side, and
        each lies beside it.
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
    callback_of : callable, optional
        From the name of a recipe to what is called with a `Step` after each step of its texture.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.random.default_rng(1).random((32, 32, 3), np.float32)
    >>> list(skykin.texture(picture, recipe="mean-std", steps=2, pixels=32).paintings)
    ['mean-std']
    """
    several = [recipe] if isinstance(recipe, str | Recipe) else list(recipe)
    settings = [
        TextureSettings(recipe=each, steps=steps, optimiser=optimiser, learning_rate=learning_rate, seed=seed)
        for each in several
    ]
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
    return make_textures(book, reference, easel, settings, callback_of=callback_of)


def make_textures(
    book: PictureBook,
    reference: PictureLike,
    easel: Easel | None,
    settings: Sequence[TextureSettings] = (),
    *,
    callback_of: CallbackOf | None = None,
) -> Textures:
    """Synthesise new sky with the style of what `reference` names, and write it.

    Parameters
    ----------
    book : PictureBook
    reference, callback_of :
        As for `texture`.
    easel : Easel or None
        The PNG file.  With several settings it holds all textures side by side, the textures themselves lie
        beside it, such as ``out-covariance.png``, and so does the figure as PDF.
    settings : sequence of TextureSettings
        One texture for each; their recipes differ.  The poster's recipe if left out.
    """
    check_extra()
    settings = tuple(settings) or (TextureSettings(),)
    names = [each.chosen_recipe.name for each in settings]
    if len(set(names)) < len(names):
        raise UsageError(f"a recipe is named twice in {', '.join(names)}; name each once")
    book.check(reference)
    easels = _easels(easel, names)
    model = book(reference)
    paintings = {}
    for name, chosen, own in zip(names, settings, easels, strict=True):
        callback = None if callback_of is None else callback_of(name)
        paintings[name] = _make(book, model, own, chosen, callback)
    found = _together(book, model, paintings, settings)
    if easel is not None:
        found.write(easel.path, overwrite=True)  # the easel was checked before the work
    return found


def _easels(easel: Easel | None, names: Sequence[str]) -> list[Easel] | list[None]:
    """Give each texture an easel of its own, and check that all can be written."""
    if easel is None:
        return [None] * len(names)
    if easel.resume and len(names) > 1:
        raise UsageError(
            f"only one texture can be resumed at a time, but {len(names)} recipes are named; name one, "
            f"and its own file, such as {shown(easel.named(f'-{names[0]}.png').name)}"
        )
    one = len(names) == 1
    easels = [easel if one else replace(easel, path=easel.named(f"-{name}.png")) for name in names]
    for each in easels:
        each.check()
    if not one:
        easel.check(".pdf")
    return easels


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


def _titled(
    book: PictureBook,
    model: NamedPicture,
    settings: TextureSettings,
    rgb: RGB,
    facts: dict[str, object],
) -> PaintedPicture:
    provenance = painting_provenance(book, {"reference": model}, settings, facts)
    return PaintedPicture(rgb, f"Texture in the style of {model.name}", provenance)


def _make(
    book: PictureBook,
    model: NamedPicture,
    easel: Easel | None,
    settings: TextureSettings,
    callback: Callback | None,
) -> Painting:
    def snapshot(step: Step, path: Path) -> None:
        write_png(_titled(book, model, settings, step.rgb, {"steps_done": step.number}), path)

    def paint(each: Callback | None, state: PaintState | None) -> Painting:
        return paint_texture(
            model.picture.rgb,
            settings,
            coverage=model.picture.coverage,
            callback=each,
            resume=state,
            jobs=book.sky.workers,
        )

    return paint(callback, None) if easel is None else easel.work(paint, snapshot, callback)


def _together(
    book: PictureBook,
    model: NamedPicture,
    paintings: dict[str, Painting],
    settings: Sequence[TextureSettings],
) -> Textures:
    panels = [Panel(model.name, model.picture.rgb, "the reference")]
    for name, painting in paintings.items():
        correlations = shifted_correlations(painting.rgb, model.picture.rgb)
        chance = np.quantile(np.abs(correlations), 0.95)
        note = (
            f"style cosines ≥ {min(painting.cosines.values()):.3f};\n"
            f"pixels correlate {correlations[0, 0]:+.2f} (chance: ±{chance:.2f})"
        )
        panels.append(Panel(name, painting.rgb, note))
    caption = (
        f"Left: {model.name}. Then new sky, made from noise, whose style under each recipe is that of the "
        "reference: what is similar is what the recipe's statistic keeps, what differs is what it loses. "
        "Chance: within this lie the correlations of 95 % of all shifts of the texture round its frame."
    )
    facts = {"textures": {name: dict(painting.cosines) for name, painting in paintings.items()}}
    pictures = {
        name: _titled(book, model, chosen, painting.rgb, {"style_cosines": dict(painting.cosines)})
        for (name, painting), chosen in zip(paintings.items(), settings, strict=True)
    }
    return Textures(
        paintings=paintings,
        pictures=pictures,
        panels=tuple(panels),
        title=f"Textures in the style of {model.name}",
        caption=caption,
        provenance=painting_provenance(book, {"reference": model}, settings[0], facts),
    )
