"""Names beside points, placed so that they can be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skykin.core.shapes import Numbers

SWEEPS = 4
#: What a fault costs, in pixels of leader line.
OVERLAP, HIDES, CROWDS, CROSSING, OUTSIDE = 2000.0, 300.0, 25.0, 80.0, 1e6
#: Room around a label; how near to one a point is hidden, or makes a crowd; pixels.
ROOM, HIDDEN, NEAR = np.array([8.0, 6.0]), 9.0, 24.0


@dataclass(frozen=True)
class _Labels:
    """Labels that have a place: their points, widths and heights, and centres, each (n, 2)."""

    points: Numbers
    sizes: Numbers
    centres: Numbers


def place_labels(
    points: Numbers,
    sizes: Numbers,
    holds: Callable[[Numbers], Numbers],
    reach: float,
    keep_clear: Numbers | None = None,
) -> Numbers:
    """Find a place for each label near its point.

    Each label in turn takes the cheapest of a fan of places around its point, where the cost is the length
    of the leader line, with fines for overlapping another label, hiding or crowding points and crossing
    another leader; repeated until it has settled.  The result depends on nothing but the arguments.

    Parameters
    ----------
    points : array (n, 2)
        What is labelled, pixels.
    sizes : array (n, 2)
        Width and height of the labels.
    holds : callable
        Tells which positions (..., 2) lie where labels may be.
    reach : float
        Longest leader line.
    keep_clear : array (m, 2), optional
        Further points that no label should hide.

    Returns
    -------
    array (n, 2)
        Centres of the labels.
    """
    points, sizes = np.asarray(points, dtype=float), np.asarray(sizes, dtype=float)
    centres = np.full_like(points, np.nan)
    in_sight = points if keep_clear is None else np.concatenate([points, keep_clear])
    fans = [_fan(point, size, reach) for point, size in zip(points, sizes, strict=True)]
    for _ in range(SWEEPS):
        before = centres.copy()
        # From the outside in: labels in the crowd are placed last, around the others.
        for i in np.argsort(-np.abs(points[:, 1] - points[:, 1].mean()), kind="stable"):
            placed = np.isfinite(centres[:, 0])
            placed[i] = False
            others = _Labels(points[placed], sizes[placed], centres[placed])
            cost = _cost(fans[i], points[i], sizes[i], others, in_sight)
            cost += OUTSIDE * ~holds(_corners(fans[i], sizes[i])).all(axis=-1)
            centres[i] = fans[i][np.argmin(cost)]
        if np.array_equal(before, centres):
            break
    return centres


def _fan(point: Numbers, size: Numbers, reach: float) -> Numbers:
    """Places all around, from close by to `reach`."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    away = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    # How far a box must be moved in each direction until its edge is clear of the point.
    clear = np.minimum(size[0] / 2 / np.maximum(np.abs(away[:, 0]), 1e-9),
                       size[1] / 2 / np.maximum(np.abs(away[:, 1]), 1e-9))  # fmt: skip
    gaps = np.linspace(0.8 * size[1], reach, 16)
    return np.asarray(point + (away * (clear[:, None] + gaps[:, None, None])[..., None]).reshape(-1, 2))


def _cost(places: Numbers, point: Numbers, size: Numbers, others: _Labels, in_sight: Numbers) -> Numbers:
    length = np.hypot(*(places - point).T)
    overlaps = _within(places, others.centres, (size + others.sizes) / 2 + ROOM).sum(axis=1)
    hides = _within(places, in_sight, size / 2 + HIDDEN).sum(axis=1)
    crowd = _within(places, in_sight, size / 2 + NEAR).sum(axis=1)
    crossings = _cross(places, point, others.centres, others.points).sum(axis=1)
    return np.asarray(length + OVERLAP * overlaps + HIDES * hides + CROWDS * crowd + CROSSING * crossings)


def _corners(places: Numbers, size: Numbers) -> Numbers:
    """Corners (m, 4, 2) of a label at each place."""
    return np.asarray(places[:, None] + size / 2 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]))


def _within(places: Numbers, others: Numbers, reach: Numbers) -> Numbers:
    """Which of `others` (n, 2) lie within `reach` of each place (m, 2), in x and in y: (m, n)."""
    x, y = np.abs(places[:, None, 0] - others[:, 0]), np.abs(places[:, None, 1] - others[:, 1])
    return np.asarray((x < reach[..., 0]) & (y < reach[..., 1]))


def _cross(places: Numbers, point: Numbers, ends: Numbers, starts: Numbers) -> Numbers:
    """Whether the line from `point` to each place crosses each line from start to end."""

    def side(a: Numbers, b: Numbers, c: Numbers) -> Numbers:
        turn = (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1])
        return np.asarray(turn - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0]) > 0)

    place, start, end = places[:, None], starts[None], ends[None]
    apart = side(start, end, point) != side(start, end, place)
    return np.asarray(apart & (side(point, place, start) != side(point, place, end)))
