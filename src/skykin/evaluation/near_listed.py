"""How many places of a list lie near catalogued objects, beside the same places rotated in longitude."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from skykin.core.shapes import Degrees
from skykin.core.sphere import chord, directions
from skykin.evaluation.tile_centres import TileCentres

#: How near, degrees: the beam of WHAM, and about the error of a coarse survey's positions.
NEAR_DEG = 1.0
ROTATIONS = 99
#: Share of rotations between the ends of an interval.
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class NearListed:
    """Share of places near a catalogued object.

    Parameters
    ----------
    places : int
    share : float
        0 to 1.
    rotated, low, high : float
        Mean share of the same places rotated in longitude, and the interval that holds 95 % of the rotations.
    p : float
        Share of the rotations, the list itself among them, that have at least as many.
    """

    places: int
    share: float
    rotated: float
    low: float
    high: float
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> NearListed:
        """Read what `to_dict` wrote; a number that JSON could not write is NaN."""
        known: dict[str, Any] = {name: math.nan if value is None else value for name, value in facts.items()}
        return cls(**known)


def near_listed(
    places: tuple[Degrees, Degrees],
    objects: tuple[Degrees, Degrees],
    tiles: TileCentres,
    usable: np.ndarray,
    *,
    near_deg: float = NEAR_DEG,
    rotations: int = ROTATIONS,
) -> NearListed:
    r"""Count the places within `near_deg` of an object; then again, rotated by :math:`360° k / (T + 1)`.

    A rotated place keeps its latitude, so that a list that only follows the Galactic plane does no better
    than its rotations.

    Parameters
    ----------
    places, objects : (lon_deg, lat_deg), arrays (n,)
        Galactic, degrees.
    tiles : TileCentres
        Of the map: a rotated place that lies off it is left out.
    usable : bool array (tiles,)
        Tiles that could be in the list; a rotated place in another, such as the reference, is left out.
    near_deg : float
    rotations : int
    """
    lon_deg, _ = places
    turned, latitude, counted = _rotated(places, tiles, usable, rotations)
    listed = directions(*objects)
    nearest = np.einsum("prk,ok->pro", directions(turned, latitude), listed).max(axis=-1)
    hit = nearest >= 1 - chord(near_deg) ** 2 / 2
    number = counted.sum(axis=0)
    shares = (hit & counted).sum(axis=0) / np.where(number > 0, number, np.nan)
    others = shares[1:][np.isfinite(shares[1:])]
    if not others.size:
        return NearListed(len(lon_deg), float(shares[0]), *(4 * (math.nan,)))
    low, high = np.quantile(others, INTERVAL)
    p = (1 + float(np.sum(others >= shares[0]))) / (1 + others.size)
    return NearListed(len(lon_deg), float(shares[0]), float(others.mean()), float(low), float(high), p)


def reached(
    places: tuple[Degrees, Degrees],
    objects: tuple[Degrees, Degrees],
    reach_deg: Degrees,
    tiles: TileCentres,
    usable: np.ndarray,
    *,
    rotations: int = ROTATIONS,
) -> tuple[int, float]:
    """Count the objects that have one of the places near them; then the mean over rotations of the places.

    Parameters
    ----------
    places, objects, tiles, usable, rotations :
        As of `near_listed`.
    reach_deg : array (objects,)
        How near to each object a place must be.
    """
    turned, latitude, counted = _rotated(places, tiles, usable, rotations)
    cosine = np.einsum("prk,ok->pro", directions(turned, latitude), directions(*objects))
    near = (cosine >= np.cos(np.radians(reach_deg))) & counted[..., None]
    number = near.any(axis=0).sum(axis=-1)
    return int(number[0]), float(number[1:].mean())


def _rotated(
    places: tuple[Degrees, Degrees], tiles: TileCentres, usable: np.ndarray, rotations: int
) -> tuple[Degrees, Degrees, np.ndarray]:
    """Longitudes and latitudes of places as they are and rotated, and which count: (places, 1 + T)."""
    lon_deg, lat_deg = places
    angle = np.arange(rotations + 1) * 360.0 / (rotations + 1)
    turned = (lon_deg[:, None] + angle) % 360.0
    latitude = np.broadcast_to(lat_deg[:, None], turned.shape)
    tile = tiles.nearest(turned, latitude)
    counted = (tile >= 0) & usable[tile]
    counted[:, 0] = True
    return turned, latitude, counted
