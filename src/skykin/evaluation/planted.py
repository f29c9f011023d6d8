"""Planted images: objects of known kinds, sizes and angles on a cloudy background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from astropy.table import QTable
from astropy.wcs import WCS

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import Degrees, Numbers

#: Side of the square that holds one object, pixels; an object lies up to `JITTER` from its middle.
CELL = 256
JITTER = 32
#: Side of a pixel on the sky, degrees.
PIXEL_DEG = 4 / 2048
#: Spectral slope of the background's power, and its mean in units of its own spread.
SLOPE = 2.8
LEVEL = 10.0
#: Sum over an object of size 1, of any kind, in units of the background's spread.
FLUX = 2.5 * 2 * np.pi * 30 * 6 / 2.355 * np.sqrt(2 * np.pi)
#: Spread of a texture in units of the background's, and where it ends, pixels from its middle.
TEXTURE, TEXTURE_RADIUS = 1.5, 80.0
#: How near a tile's centre lies to what it shows, pixels.
NEAR = 40

Random = np.random.Generator
#: Shape of an object: from pixels along and across it, of size 1, to its brightness in any unit.
Shape = Callable[[Numbers, Numbers, Random], Numbers]


def _edge(distance: Numbers, softness: float) -> Numbers:
    """Fall from 1 within (negative distances) to 0 outside."""
    return np.asarray(1 / (1 + np.exp(np.clip(distance / softness, -50, 50))))


def _gauss(distance: Numbers, width: float) -> Numbers:
    """Take a profile of that full width at half maximum."""
    return np.asarray(np.exp(-0.5 * (distance * 2.355 / width) ** 2))


def _ring(u: Numbers, v: Numbers, _: Random) -> Numbers:
    """Draw a circle, a little brighter on one side."""
    return _gauss(np.hypot(u, v) - 30, 6) * (0.75 + 0.25 * np.cos(np.arctan2(v, u)))


def _half_shell(u: Numbers, v: Numbers, _: Random) -> Numbers:
    """Draw half a ring."""
    return _gauss(np.hypot(u, v) - 30, 6) * _edge(-np.cos(np.arctan2(v, u)), 0.1)


def _bow(u: Numbers, v: Numbers, _: Random) -> Numbers:
    """Draw a parabola, brightest at its apex."""
    return _gauss((u - 18 + v**2 / 30) / np.sqrt(1 + (v / 15) ** 2), 7) * np.exp(-0.5 * (v / 19) ** 2)


def _filaments(u: Numbers, v: Numbers, random: Random) -> Numbers:
    """Draw five wavy threads beside each other."""
    made = np.zeros_like(u)
    for offset in (-28, -14, 0, 14, 28):
        wave = 4 * np.sin(2 * np.pi * u / random.uniform(50, 90) + random.uniform(0, 2 * np.pi))
        made += random.uniform(0.7, 1.3) * _gauss(v - offset - random.normal(0, 2) - wave, 5)
    return made * _edge(np.abs(u) - 35, 4)


def _blob(u: Numbers, v: Numbers, _: Random) -> Numbers:
    """Draw a compact round object."""
    return _gauss(np.hypot(u, v), 23.5)


def _pillar(u: Numbers, v: Numbers, _: Random) -> Numbers:
    """Draw a finger that widens to its foot, with a bright head."""
    finger = _edge(np.abs(v) - (7 + 0.2 * (30 - u)), 1.5) * _edge(np.abs(u) - 34, 2)
    return finger * (0.5 + 1.5 * _gauss(np.hypot(u - 26, v), 20))


def _spiral(u: Numbers, v: Numbers, _: Random) -> Numbers:
    """Draw two arms about a core."""
    radius = np.hypot(u, v)
    phase = 2 * (np.arctan2(v, u) - np.log(np.maximum(radius, 1) / 10) / np.tan(np.radians(25)))
    arms = np.exp(3 * (np.cos(phase) - 1)) * np.exp(-radius / 30)
    return np.asarray((arms + 1.5 * _gauss(radius, 10)) * _edge(radius - 48, 3))


#: Kinds of objects.
SHAPES: Mapping[str, Shape] = MappingProxyType({
    "ring": _ring, "half shell": _half_shell, "bow": _bow, "filaments": _filaments,
    "blob": _blob, "pillar": _pillar, "spiral": _spiral,
})  # fmt: skip
#: Kinds of textures, which have no shape: grains, and the ridges of a cloud.
TEXTURES = ("grains", "ridges")
#: What stands in an image of 64 cells beside empty ones.
EASY: Mapping[str, int] = MappingProxyType({
    "ring": 12, "filaments": 12, "blob": 12, "grains": 6, "ridges": 6,
})  # fmt: skip
HARD: Mapping[str, int] = MappingProxyType({**dict.fromkeys(SHAPES, 8), "grains": 3, "ridges": 3})


@dataclass(frozen=True, eq=False)
class Planted:
    """An image and what was planted in it.

    Parameters
    ----------
    image : float32 array (rows, columns)
        Row 0 is south; the background has a spread of 1.
    objects : QTable
        One row per cell: ``kind`` (``empty`` where there is nothing), ``x`` and ``y`` (column and row of the
        middle, pixels from 0), ``size`` (1 is 30 pixels of radius for a ring), ``angle_deg`` (from the
        columns' direction towards the rows').
    """

    image: Numbers
    objects: QTable

    @property
    def wcs(self) -> WCS:
        """World coordinates: gnomonic, Galactic, about l = 120°, b = 0°."""
        rows, columns = self.image.shape
        made = WCS(naxis=2)
        made.wcs.ctype = ["GLON-TAN", "GLAT-TAN"]
        made.wcs.cunit = ["deg", "deg"]
        made.wcs.crval = [120, 0]
        made.wcs.crpix = [columns / 2 + 0.5, rows / 2 + 0.5]
        made.wcs.cdelt = [-PIXEL_DEG, PIXEL_DEG]
        made.wcs.set()
        return made

    def sky(self) -> tuple[Degrees, Degrees]:
        """Galactic longitude and latitude of the objects, degrees."""
        lon, lat = self.wcs.wcs_pix2world(self.objects["x"], self.objects["y"], 0)
        return np.asarray(lon), np.asarray(lat)

    def pixels(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Numbers, Numbers]:
        """Column and row of Galactic positions in degrees."""
        x, y = self.wcs.wcs_world2pix(lon_deg, lat_deg, 0)
        return np.asarray(x), np.asarray(y)

    def rows(self, kind: str) -> Numbers:
        """Rows of the objects of a kind."""
        return np.flatnonzero(np.asarray(self.objects["kind"]) == kind)

    def shown(self, x: Numbers, y: Numbers) -> Numbers:
        """Row of the object that each tile shows, by the tile's centre in pixels; −1 where it shows none.

        A tile shows an object if that lies within `NEAR` pixels of its centre along both axes.
        """
        across = np.abs(np.asarray(x)[:, None] - np.asarray(self.objects["x"]))
        up = np.abs(np.asarray(y)[:, None] - np.asarray(self.objects["y"]))
        away = np.maximum(across, up)
        nearest = np.argmin(away, axis=1)
        return np.where(away.min(axis=1) <= NEAR, nearest, -1)

    def scored(self, x: Numbers, y: Numbers, score: Numbers) -> Numbers:
        """Give each object, empty cells among them, the largest score of the tiles that show it.

        Parameters
        ----------
        x, y : array (tiles,)
            Centres of the tiles, pixels.
        score : array (tiles,) or (tiles, queries)
            NaN where a tile has none.

        Returns
        -------
        float64 array (objects,) or (objects, queries)
            −inf where no tile shows it.
        """
        shown_row, values = self.shown(x, y), np.nan_to_num(score, nan=-np.inf)
        found = np.full((len(self.objects), *np.shape(score)[1:]), -np.inf)
        known = shown_row >= 0
        np.maximum.at(found, shown_row[known], values[known])
        return found


def planted(
    counts: Mapping[str, int],
    seed: int,
    *,
    noise: float = 0.15,
    sizes: tuple[float, ...] = (0.9, 1.1),
    turned: bool = True,
    dark: bool = False,
    cells: int = 8,
) -> Planted:
    """Make an image with objects in it, one in each cell.

    All objects of a size have the same flux, whatever their kind; it grows with the square of the size, so
    that surface brightness stays.

    Parameters
    ----------
    counts : Mapping of str to int
        How many of each kind of `SHAPES` and `TEXTURES`; what is left of the cells stays empty.
    seed : int
        Random seed.
    noise : float
        Spread of white noise, in units of the background's.
    sizes : tuple of float
        Two: sizes between them; one, three or more: sizes among them.
    turned : bool
        Whether objects stand at any angle; otherwise all alike.
    dark : bool
        Whether objects are darker than the background.
    cells : int
        On a side of the image, each of 256 pixels.

    Raises
    ------
    UsageError
        If a kind is unknown, or there are more objects than cells.
    """
    unknown = [kind for kind in counts if kind not in (*SHAPES, *TEXTURES)]
    if unknown:
        raise UsageError(
            f"no kind of planted object is called {shown(unknown[0])}; there are "
            f"{', '.join((*SHAPES, *TEXTURES))}"
        )
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    if len(kinds) > cells**2:
        raise UsageError(f"{len(kinds)} objects do not fit into {cells**2} cells; plant fewer")
    random = np.random.default_rng(seed)
    image = LEVEL + cloud(cells * CELL, SLOPE, random)
    places = random.permutation(cells**2)
    rows = []
    for place, kind in zip(places, kinds + ["empty"] * (cells**2 - len(kinds)), strict=True):
        y, x = (CELL * (cell + 0.5) - 0.5 + random.uniform(-JITTER, JITTER) for cell in divmod(place, cells))
        size = random.uniform(*sizes) if len(sizes) == 2 else float(random.choice(sizes))
        angle = random.uniform(0, 2 * np.pi) if turned else 0.3
        if kind != "empty":
            _plant(image, kind, (x, y, size, angle), -1 if dark else 1, random)
        rows.append((kind, x, y, size, np.degrees(angle)))
    image += noise * random.standard_normal(image.shape)
    table = QTable(rows=rows, names=("kind", "x", "y", "size", "angle_deg"))
    return Planted(image.astype(np.float32), table)


def cloud(side: int, slope: float, random: Random) -> Numbers:
    """Draw a periodic field (side, side) of mean 0 and spread 1 whose power falls as k to −`slope`."""
    wave = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    wave[0, 0] = 1
    amplitude = wave ** (-slope / 2)
    amplitude[0, 0] = 0
    field = np.fft.ifft2(amplitude * np.fft.fft2(random.standard_normal((side, side)))).real
    return np.asarray(field / field.std())


def _plant(
    image: Numbers, kind: str, where: tuple[float, float, float, float], sign: int, random: Random
) -> None:
    """Add one object, in place: column, row, size and angle (radians) of its middle."""
    x, y, size, angle = where
    top, left = (max(0, int(middle) - CELL // 2) for middle in (y, x))
    part = image[top : top + CELL, left : left + CELL]
    up, across = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]].astype(np.float64)
    across, up = (across - x) / size, (up - y) / size
    if kind in TEXTURES:
        field = cloud(2 * CELL, 1.8 if kind == "grains" else 3.2, random)[: part.shape[0], : part.shape[1]]
        if kind == "ridges":
            field = -np.abs(field)
            field -= field.mean()
        part += TEXTURE * field / field.std() * _edge(np.hypot(across, up) * size - TEXTURE_RADIUS, 6)
        return
    along = across * np.cos(angle) + up * np.sin(angle)
    beside = up * np.cos(angle) - across * np.sin(angle)
    shape = SHAPES[kind](along, beside, random)
    part += sign * FLUX * size**2 * shape / shape.sum()


def precision_at(score: Numbers, good: np.ndarray, k: int) -> float:
    """Share of good ones among the best `k`.

    Parameters
    ----------
    score : array (n,)
    good : bool array (n,)
    k : int
    """
    best = np.argsort(-np.asarray(score), kind="stable")[:k]
    return float(np.mean(good[best]))


def average_precision(score: Numbers, good: np.ndarray) -> float:
    r"""Precision averaged over the places of the good ones in the ranking.

    .. math:: AP = \frac{1}{|G|} \sum_{i \in G} \frac{|\{j \in G: r_j \le r_i\}|}{r_i}
    """
    ordered = good[np.argsort(-np.asarray(score), kind="stable")]
    ranks = np.flatnonzero(ordered) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))
