"""A texture: new sky from noise, with the style of a reference and nothing else of it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import zoom

from skykin.core.shapes import RGB, Coverage, Numbers
from skykin.generate.coordinates import Waves
from skykin.generate.painting import Callback, Painting
from skykin.generate.settings import Optimiser, TextureSettings
from skykin.generate.state import PaintState, work_key
from skykin.generate.work import checked, noise, paint
from skykin.style.recipe import Recipe

#: Sides from which a texture begins as one of half the size, whose steps cost a quarter.
LARGE_PIXELS = 256
#: Few steps: what is so small that the network's fields cover it soon nears the reference itself.
COARSE_STEPS = 25


def texture(
    reference: RGB,
    settings: TextureSettings | None = None,
    *,
    coverage: Coverage | None = None,
    callback: Callback | None = None,
    resume: PaintState | None = None,
    jobs: int | None = None,
    recipe: str | Recipe | None = None,
    steps: int | None = None,
    optimiser: Optimiser | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
) -> Painting:
    """Synthesise a picture with the style of a reference from noise.

    What the statistic keeps is in it; what it loses, such as where things are, is not.  L-BFGS takes
    its steps in waves, and begins a large texture as one of half the size.

    Parameters
    ----------
    reference : array (rows, columns, 3)
        Colours from 0 to 1.
    settings : TextureSettings, optional
    coverage : array (rows, columns), optional
        Share of good data behind each pixel of `reference`; recipes that weigh positions use it.
    callback, resume, jobs
        As `transfer`.
    recipe, steps, optimiser, learning_rate, seed : optional
        Fields of `TextureSettings` that are other than in `settings`.

    Returns
    -------
    Painting
        As large as `reference`.

    Raises
    ------
    UsageError, DataQualityError, InputRefusedError
        As `transfer`; DataQualityError also if the reference has no structure.

    References
    ----------
    Gatys, Ecker & Bethge 2015, NeurIPS (there raw losses; here each layer relative to the reference's).
    """
    # PyTorch is loaded when the first picture is made, not when the function is looked up.
    from skykin.generate.objective import texture_objective  # noqa: PLC0415
    from skykin.generate.threads import threads  # noqa: PLC0415

    settings = (settings or TextureSettings()).changed(
        recipe=recipe,
        steps=steps,
        optimiser=optimiser,
        learning_rate=learning_rate,
        seed=seed,
    )
    reference = checked("reference", reference, coverage)
    key = work_key(settings.to_dict(), {"reference": reference, "coverage": coverage})
    with threads(jobs):
        objective = texture_objective(reference, coverage, settings)
        begin = noise(reference, reference.shape, settings.seed)
        if resume is None and settings.optimiser == "l-bfgs" and min(begin.shape[:2]) >= LARGE_PIXELS:
            begin = _coarse(reference, settings, coverage, jobs)
        place = Waves.like(reference)
        return paint(objective, begin, settings, key=key, callback=callback, resume=resume, place=place)


def _coarse(reference: RGB, settings: TextureSettings, coverage: Coverage | None, jobs: int | None) -> RGB:
    """Make a texture of half the size, and enlarge it."""
    small = texture(
        _halved(reference),
        settings,
        coverage=None if coverage is None else _halved(coverage),
        jobs=jobs,
        steps=COARSE_STEPS,
    ).rgb
    factors = [size / halved for size, halved in zip(reference.shape, small.shape, strict=True)]
    return np.asarray(zoom(small, factors, order=1, mode="nearest", grid_mode=True), dtype=np.float32)


def _halved(image: Numbers) -> Numbers:
    rows, columns = (side // 2 for side in image.shape[:2])
    squares = image[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, *image.shape[2:])
    return np.asarray(squares.mean(axis=(1, 3)), dtype=np.float32)
