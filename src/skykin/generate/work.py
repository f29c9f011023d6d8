"""The work at a picture: from the first one to the last, reporting each step."""

from __future__ import annotations

import time
from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np

from skykin.core.errors import DataQualityError, InputRefusedError, UsageError
from skykin.core.shapes import RGB, Coverage
from skykin.generate.coordinates import Coordinates, Pixels
from skykin.generate.losses import Losses
from skykin.generate.optimiser import Memory, optimiser
from skykin.generate.painting import Callback, Painting, Step
from skykin.generate.settings import PaintSettings
from skykin.generate.state import PaintState
from skykin.style.network.architecture import checked_picture

if TYPE_CHECKING:
    from skykin.generate.objective import Objective

#: Spread of the noise that a picture starts from.  Pooling hides grain from the network, so that strong noise
#: would stay in the picture to the end.
NOISE = np.float32(0.02)
PIXELS = Pixels()


def paint(
    objective: Objective,
    start: RGB,
    settings: PaintSettings,
    *,
    key: str,
    callback: Callback | None,
    resume: PaintState | None,
    place: Coordinates = PIXELS,
) -> Painting:
    """Lessen the objective from the first picture, or from a state, to the last step.

    Raises
    ------
    InputRefusedError
        If the state belongs to other pictures or settings, or is beyond the last step.
    """
    if resume is None:
        first, _ = objective(start)
        state = PaintState(key, 0, start, np.array([astuple(first)]))
    else:
        state = _checked_state(resume, key, start, settings)
    began, before = time.monotonic(), state.step

    def report(rgb: RGB, losses: Losses, memory: Memory) -> None:
        nonlocal state
        history = np.vstack([state.history, astuple(losses)])
        state = PaintState(key, state.step + 1, rgb, history, memory)
        if callback is not None:
            seconds = time.monotonic() - began
            done = state.step - before
            callback(Step(state.step, settings.steps, losses, Losses(*history[0]), seconds, done, state))

    optimise = optimiser(settings, place)
    optimise(objective, state.rgb, state.memory, done=state.step, steps=settings.steps, report=report)
    history = tuple(Losses(*(float(value) for value in row)) for row in state.history)
    return Painting(state.rgb, history, objective.cosines(state.rgb), state)


def noise(like: RGB, shape: tuple[int, ...], seed: int) -> RGB:
    """Draw every colour of every pixel from a normal distribution about the mean colour of a picture."""
    spread = NOISE * np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return np.asarray(np.clip(like.mean(axis=(0, 1)) + spread, 0, 1), dtype=np.float32)


def checked(what: str, rgb: RGB, coverage: Coverage | None = None) -> RGB:
    """Return a picture that the network can read.

    Raises
    ------
    DataQualityError
        If a colour is not a finite number, or nothing is covered.
    UsageError
        If it is not a picture, is too small, or the coverage is of another size.
    """
    array = np.asarray(rgb)
    if array.dtype.kind not in "fiu":
        raise UsageError(f"the {what} is an array of {array.dtype}, not of colours; give numbers from 0 to 1")
    blank = int(np.size(array) - np.isfinite(array).sum())
    if blank:
        raise DataQualityError(
            f"{blank} of {np.size(array)} colours of the {what} are not finite numbers; fill masked "
            "pixels first",
            code="DQ-NONFINITE",
        )
    if coverage is not None:
        if coverage.shape != array.shape[:2]:
            raise UsageError(
                f"coverage of shape {coverage.shape} does not fit the {what} of shape {array.shape}"
            )
        if not coverage.any():
            raise DataQualityError(f"nothing of the {what} is covered by data; choose another place")
    try:
        return checked_picture(array)
    except UsageError as error:
        raise UsageError(f"the {what} cannot be used: {error}") from error


def _checked_state(state: PaintState, key: str, start: RGB, settings: PaintSettings) -> PaintState:
    if state.rgb.shape != start.shape:
        (rows, columns), (y, x) = state.rgb.shape[:2], start.shape[:2]
        raise InputRefusedError(
            f"the state holds a picture of {rows} × {columns} pixels, but the work is at {y} × {x}; "
            "go on with the size that it began with, or begin anew",
            code="IN-STATE",
        )
    if state.key != key:
        raise InputRefusedError(
            "the state belongs to other pictures or settings; go on with those that it began with, or "
            "begin anew",
            code="IN-STATE",
        )
    if state.step >= settings.steps:
        raise UsageError(
            f"the state has {state.step} steps behind it, so {settings.steps} steps are done already; "
            "request more"
        )
    return state
