"""A transfer: the content of one picture in the style of another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from skykin.core.shapes import RGB, Coverage
from skykin.generate.painting import Callback, Painting
from skykin.generate.settings import TransferSettings
from skykin.generate.state import PaintState, work_key
from skykin.generate.work import checked, noise, paint


def transfer(
    content: RGB,
    style: RGB,
    settings: TransferSettings | None = None,
    *,
    style_coverage: Coverage | None = None,
    callback: Callback | None = None,
    resume: PaintState | None = None,
    jobs: int | None = None,
    **changes: Any,
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
    **changes
        Any field of `TransferSettings`, such as ``steps=100``.

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
    >>> import numpy as np, skykin
    >>> content, style = np.random.default_rng(0).random((2, 64, 64, 3))
    >>> painting = skykin.transfer(content, style, steps=3)  # doctest: +SKIP
    """
    # PyTorch is loaded when the first picture is made, not when the function is looked up.
    from skykin.generate.objective import transfer_objective  # noqa: PLC0415
    from skykin.generate.threads import threads  # noqa: PLC0415

    settings = replace(settings or TransferSettings(), **changes)
    content, style = checked("content", content), checked("style", style, style_coverage)
    key = work_key(settings.as_dict(), {"content": content, "style": style, "coverage": style_coverage})
    start = content if settings.start == "content" else noise(style, content.shape, settings.seed)
    with threads(jobs):
        objective = transfer_objective(content, style, style_coverage, start, settings)
        return paint(objective, start, settings, key=key, callback=callback, resume=resume)
