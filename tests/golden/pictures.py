"""The pictures behind the golden numbers, made by formula."""

from __future__ import annotations

import numpy as np

SHAPE = (96, 80)


def pictures() -> dict[str, np.ndarray]:
    """Three textures, and black, white and noise; each float32 (96, 80, 3) from 0 to 1."""
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
    made = {
        "waves": _coloured(np.sin(0.30 * row + 0.11 * column), np.sin(0.45 * column), np.sin(0.07 * row)),
        "filaments": _coloured(*(_ridge(row, column, turn) for turn in (0.0, 0.4, 0.8))),
        "nebula": _nebula(row, column),
        "black": np.zeros((*SHAPE, 3)),
        "white": np.ones((*SHAPE, 3)),
        "noise": _noise(),
    }
    return {name: picture.astype(np.float32) for name, picture in made.items()}


def _coloured(*planes: np.ndarray) -> np.ndarray:
    """Three planes from −1 to 1 as colours."""
    return np.stack(planes, axis=-1) / 2 + 0.5


def _ridge(row: np.ndarray, column: np.ndarray, turn: float) -> np.ndarray:
    """Thin bright curves on a dark ground."""
    bent = 0.09 * (row * np.cos(turn) + column * np.sin(turn)) + 2.0 * np.sin(0.06 * column + turn)
    return 2.0 * np.exp(-8.0 * np.sin(bent) ** 2) - 1.0


def _nebula(row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """A few faint clouds on a dark sky."""
    planes = np.zeros((*SHAPE, 3))
    for k in range(9):
        apart = np.hypot(row - (37 * k + 20) % SHAPE[0], column - (23 * k + 40) % SHAPE[1])
        planes[..., k % 3] += 0.3 * np.exp(-((apart / (5 + 2 * k)) ** 2))
    return np.clip(0.04 + planes + 0.4 * planes.mean(axis=-1, keepdims=True), 0, 1)


def _noise() -> np.ndarray:
    """White noise of a congruential generator, the same on every machine."""
    values, state = np.empty(SHAPE[0] * SHAPE[1] * 3), 12345
    for i in range(values.size):
        state = (1664525 * state + 1013904223) % 2**32
        values[i] = state / 2**32
    return values.reshape(*SHAPE, 3)
