"""Optimisers: from a picture to one with a lower loss, step by step, within the colours 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np
from scipy.optimize import minimize

from skykin.core.shapes import RGB, Numbers
from skykin.generate.coordinates import Coordinates
from skykin.generate.losses import Losses
from skykin.generate.settings import PaintSettings

BETA_1, BETA_2, EPSILON = 0.99, 0.999, 0.1
#: Pairs of steps and slopes that L-BFGS remembers.
MEMORY = 10
#: What the mean square of colours beyond 0 to 1 costs where nothing else keeps them there.
OUTSIDE = 2e6

Memory: TypeAlias = Mapping[str, Numbers]
#: The losses of a picture, and the gradient of their sum.
Evaluate: TypeAlias = Callable[[Numbers], tuple[Losses, Numbers]]
#: Told of each step: the picture, its losses, and what is to be remembered for the next.
Report: TypeAlias = Callable[[RGB, Losses, Memory], None]


class Optimise(Protocol):
    """Goes `steps` steps on from a picture; `done` were made before, with `memory` of them."""

    def __call__(
        self, evaluate: Evaluate, rgb: RGB, memory: Memory, *, done: int, steps: int, report: Report
    ) -> None:
        """Report each step."""


def adam(
    evaluate: Evaluate,
    rgb: RGB,
    memory: Memory,
    *,
    done: int,
    steps: int,
    report: Report,
    learning_rate: float,
) -> None:
    r"""Adam with β and ε of the TensorFlow tutorial, each step clipped to the colours 0 to 1.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
              v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
              I \leftarrow I - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \frac{m}{\sqrt v + \epsilon}

    References
    ----------
    Kingma & Ba 2015, ICLR, in the form before their section 2.1, as TensorFlow has it.
    """
    zero = np.zeros_like(rgb)
    first, second = memory.get("first", zero), memory.get("second", zero)
    _, slope = evaluate(rgb)
    for step in range(done + 1, steps + 1):
        first = BETA_1 * first + (1 - BETA_1) * slope
        second = BETA_2 * second + (1 - BETA_2) * slope**2
        rate = learning_rate * np.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        rgb = np.clip(rgb - np.float32(rate) * first / (np.sqrt(second) + EPSILON), 0, 1)
        losses, slope = evaluate(rgb)
        report(rgb, losses, {"first": first, "second": second})


def l_bfgs(
    evaluate: Evaluate,
    rgb: RGB,
    memory: Memory,  # noqa: ARG001
    *,
    done: int,
    steps: int,
    report: Report,
    place: Coordinates,
) -> None:
    """L-BFGS-B of SciPy; its memory of slopes begins anew where work goes on from a state.

    Where coordinates do not keep colours within 0 to 1, the losses are those of the clipped picture, and what
    is clipped costs its mean square times `OUTSIDE`.  It may end before the last step, where rounding leaves
    nothing to gain.

    References
    ----------
    Byrd, Lu, Nocedal & Zhu 1995, SIAM J. Sci. Comput., 16, 1190.
    """
    last: tuple[Numbers, RGB, Losses] | None = None

    def total(flat: Numbers) -> tuple[float, Numbers]:
        nonlocal last
        colours = place.picture(flat.reshape(rgb.shape))
        picture = colours.clip(0, 1).astype(np.float32)
        losses, slope = evaluate(picture)
        last = (flat.copy(), picture, losses)
        outside = np.where((colours < 0) | (colours > 1), colours - picture, 0)
        slope = np.where(outside, 2 * OUTSIDE / rgb.size * outside, slope)
        return losses.total + OUTSIDE * float(np.mean(outside**2)), place.slope(slope).reshape(-1)

    def after_step(flat: Numbers) -> None:
        if last is None or not np.array_equal(last[0], flat):
            total(flat)
        assert last is not None  # noqa: S101 - `total` saw to it
        report(last[1], last[2], {})

    if done < steps:
        minimize(
            total,
            place.coordinates(rgb).reshape(-1),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * rgb.size if place.bounded else None,
            callback=after_step,
            options={
                "maxiter": steps - done,
                "maxfun": 20 * steps,
                "maxcor": MEMORY,
                "ftol": 0.0,
                "gtol": 0.0,
            },
        )


def optimiser(settings: PaintSettings, place: Coordinates) -> Optimise:
    """Give the optimiser that the settings name; L-BFGS takes its steps in these coordinates."""
    if settings.optimiser == "l-bfgs":
        return partial(l_bfgs, place=place)
    return partial(adam, learning_rate=settings.learning_rate)
