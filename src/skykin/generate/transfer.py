"""A transfer: the content of one picture in the style of another."""

from __future__ import annotations

from skykin.core.shapes import RGB, Coverage
from skykin.generate.painting import Callback, Painting
from skykin.generate.settings import Optimiser, Start, TransferSettings
from skykin.generate.state import PaintState, work_key
from skykin.generate.work import checked, noise, paint
from skykin.style.recipe import Recipe


def transfer(
    content: RGB,
    style: RGB,
    settings: TransferSettings | None = None,
    *,
    style_coverage: Coverage | None = None,
    callback: Callback | None = None,
    resume: PaintState | None = None,
    jobs: int | None = None,
    recipe: str | Recipe | None = None,
    steps: int | None = None,
    optimiser: Optimiser | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    start: Start | None = None,
    style_weight: float | None = None,
    content_weight: float | None = None,
    variation_weight: float | None = None,
) -> Painting:
    """Paint the content of one picture in the style of another, as Gatys et al. do.

    Parameters
    ----------
    content, style : array (rows, columns, 3)
        Colours from 0 to 1; the two need not be of one size.
    settings : TransferSettings, optional
    style_coverage : array (rows, columns), optional
        Share of good data behind each pixel of `style`; recipes that weigh positions use it.
    callback : callable, optional
        Called with a `Step` after each step.
    resume : PaintState, optional
        Go on from here; with Adam the result is the same as without the pause.
    jobs : int, optional
        Threads.
    recipe, steps, optimiser, learning_rate, seed :
    start, style_weight, content_weight, variation_weight : optional
        Fields of `TransferSettings` that are other than in `settings`.

    Returns
    -------
    Painting
        As large as `content`.

    Raises
    ------
    UsageError, DataQualityError
        If a picture or a setting cannot be used.
    InputRefusedError
        If the state belongs to other pictures or settings.

    References
    ----------
    Gatys, Ecker & Bethge 2016, CVPR.

    Examples
    --------
    >>> import numpy as np
    >>> from skykin.generate.transfer import transfer
    >>> content, style = np.random.default_rng(0).random((2, 64, 64, 3))
    >>> painting = transfer(content, style, steps=3)  # doctest: +SKIP
    """
    # PyTorch is loaded when the first picture is made, not when the function is looked up.
    from skykin.generate.objective import transfer_objective  # noqa: PLC0415
    from skykin.generate.threads import threads  # noqa: PLC0415

    settings = (settings or TransferSettings()).changed(
        recipe=recipe,
        steps=steps,
        optimiser=optimiser,
        learning_rate=learning_rate,
        seed=seed,
        start=start,
        style_weight=style_weight,
        content_weight=content_weight,
        variation_weight=variation_weight,
    )
    content, style = checked("content", content), checked("style", style, style_coverage)
    key = work_key(settings.to_dict(), {"content": content, "style": style, "coverage": style_coverage})
    begin = content if settings.start == "content" else noise(style, content.shape, settings.seed)
    with threads(jobs):
        objective = transfer_objective(content, style, style_coverage, begin, settings)
        return paint(objective, begin, settings, key=key, callback=callback, resume=resume)
