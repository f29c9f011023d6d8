"""A texture: new sky from noise, with the style of a reference and nothing else of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from skykin.core.shapes import RGB, Coverage
from skykin.generate.painting import Callback, Painting
from skykin.generate.settings import TextureSettings
from skykin.generate.state import PaintState, work_key
from skykin.generate.work import checked, noise, paint


def texture(
    reference: RGB,
    settings: TextureSettings | None = None,
    *,
    coverage: Coverage | None = None,
    callback: Callback | None = None,
    resume: PaintState | None = None,
    jobs: int | None = None,
    **changes: Any,
) -> Painting:
    """Synthesise a picture with the style of a reference from noise.

    What the statistic keeps is in it; what it throws away, such as where things are, is not.

    Parameters
    ----------
    reference : array (rows, columns, 3)
        Colours from 0 to 1.
    settings : TextureSettings, optional
    coverage : array (rows, columns), optional
        Share of good data behind each pixel of `reference`; recipes that weigh positions use it.
    callback, resume, jobs
        As `transfer`.
    **changes
        Any field of `TextureSettings`, such as ``recipe="covariance"``.

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

    settings = replace(settings or TextureSettings(), **changes)
    reference = checked("reference", reference, coverage)
    key = work_key(settings.as_dict(), {"reference": reference, "coverage": coverage})
    with threads(jobs):
        objective = texture_objective(reference, coverage, settings)
        start = noise(reference, reference.shape, settings.seed)
        return paint(objective, start, settings, key=key, callback=callback, resume=resume)
