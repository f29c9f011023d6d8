"""Axes that show the whole sky, the Galactic centre in the middle, longitude growing to the left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.visualization.wcsaxes import WCSAxes
from astropy.visualization.wcsaxes.frame import EllipticalFrame
from astropy.wcs import WCS
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke

from skykin.core.shapes import Degrees, Numbers
from skykin.products.figures.canvas import BLANK

#: Columns of the picture behind the axes; there are half as many rows.
COLUMNS = 1600
#: Half the width of a Mollweide ellipse in degrees of its scale at the centre: 2 √2 radians.
MOLLWEIDE_HALF_DEG = math.degrees(2 * math.sqrt(2))
WHITE_ON_BLACK: dict[str, Any] = {
    "color": "white",
    "path_effects": [withStroke(linewidth=2, foreground="black")],
}
MERIDIANS_DEG = range(0, 360, 30)
PARALLELS_DEG = (-60, -30, 0, 30, 60)
#: Where the meridians are labelled: beside the Galactic plane, not on it.
LABELLED_LAT_DEG = -53.0


@dataclass(frozen=True, eq=False)
class SkyAxes:
    """Axes in the pixels of an all-sky picture.

    Parameters
    ----------
    axes : matplotlib Axes
    wcs : WCS
        From pixels (counted from 0 at the lower left) to Galactic coordinates.
    elliptic : bool
        Whether the sky fills an ellipse rather than the whole rectangle.
    marks : array (n, 2)
        Pixel positions of the graticule's own labels on the sky, which names should not hide.
    """

    axes: Axes
    wcs: WCS
    elliptic: bool
    marks: Numbers

    def place(self, lon_deg: Degrees, lat_deg: Degrees) -> Numbers:
        """Pixel positions ``(..., 2)`` of points on the sky."""
        return np.stack(self.wcs.world_to_pixel_values(lon_deg, lat_deg), axis=-1)

    def positions(self) -> tuple[Degrees, Degrees]:
        """Longitude and latitude of every pixel ``(rows, columns)``, degrees; NaN off the sky."""
        x, y = np.meshgrid(np.arange(COLUMNS, dtype=float), np.arange(COLUMNS // 2, dtype=float))
        lon, lat = self.wcs.pixel_to_world_values(x, y)
        off = ~self.holds(np.stack([x, y], axis=-1))
        lon, lat = np.asarray(lon, dtype=float) % 360.0, np.array(lat, dtype=float)
        lon[off], lat[off] = np.nan, np.nan
        return lon, lat

    def holds(self, pixels: Numbers) -> Numbers:
        """Whether pixel positions ``(..., 2)`` are on the sky."""
        centre = np.array([COLUMNS - 1, COLUMNS // 2 - 1]) / 2
        offset = (np.asarray(pixels) - centre) / np.array([COLUMNS / 2, COLUMNS / 4])
        if self.elliptic:
            return np.asarray((offset**2).sum(axis=-1) < 1)
        return np.asarray((np.abs(offset) <= 1).all(axis=-1))

    def paint(self, picture: Numbers, **options: Any) -> AxesImage:
        """Show a picture or map whose rows run from the south up; NaN is left transparent."""
        if picture.ndim == 3:
            alpha = np.isfinite(picture).all(axis=-1, keepdims=True).astype(np.float32)
            picture = np.concatenate([np.nan_to_num(picture).clip(0, 1), alpha], axis=-1)
        return self.axes.imshow(picture, origin="lower", interpolation="nearest", **options)

    def outline(self, outlines: Sequence[SkyCoord], **options: Any) -> LineCollection:
        """Draw closed lines, each cut where it leaves the sky at one edge and comes back at the other."""
        lines = [piece for outline in outlines for piece in self._pieces(outline)]
        collection = LineCollection(lines, **options)
        self.axes.add_collection(collection, autolim=False)
        return collection

    def _pieces(self, outline: SkyCoord) -> list[Numbers]:
        lon, lat = outline.galactic.l.deg, outline.galactic.b.deg
        line = self.place(np.append(lon, lon[0]), np.append(lat, lat[0]))
        jump = np.hypot(*np.diff(line, axis=0).T) > COLUMNS / 8
        return [piece for piece in np.split(line, np.flatnonzero(jump) + 1) if len(piece) > 1]


def mollweide_axes(figure: Figure, box: tuple[float, float, float, float]) -> SkyAxes:
    """All-sky Mollweide axes with a labelled graticule, in a box given in shares of the figure."""
    wcs = _all_sky_wcs("MOL", 2 * MOLLWEIDE_HALF_DEG / COLUMNS)
    axes = WCSAxes(figure, box, wcs=wcs, frame_class=EllipticalFrame)
    figure.add_axes(axes)
    marked = np.array([float(lon) for lon in range(0, 360, 60) if lon != 180])
    marks = np.stack(wcs.world_to_pixel_values(marked, np.full(len(marked), LABELLED_LAT_DEG)), axis=-1)
    sky = SkyAxes(axes, wcs, elliptic=True, marks=marks)
    _whole(axes)
    for coordinate in axes.coords:
        coordinate.set_ticks_visible(False)
        coordinate.set_ticklabel_visible(False)
        coordinate.set_axislabel("")
    axes.coords.frame.set_linewidth(0.8)
    axes.patch.set_facecolor(BLANK)
    _graticule(sky)
    for lon, mark in zip(marked, marks, strict=True):
        axes.text(*mark, f"{lon:.0f}°", ha="center", va="center", fontsize=8, zorder=3, **WHITE_ON_BLACK)
    return sky


def plate_carree_axes(figure: Figure, box: tuple[float, float, float, float]) -> SkyAxes:
    """All-sky plate carrée axes with degrees along the sides."""
    wcs = _all_sky_wcs("CAR", 360.0 / COLUMNS)
    axes = figure.add_axes(box)
    sky = SkyAxes(axes, wcs, elliptic=False, marks=np.empty((0, 2)))
    _whole(axes)
    lon = np.arange(180.0, -180.1, -30.0)
    axes.set_xticks((180.0 - lon) * COLUMNS / 360.0 - 0.5, [f"{angle % 360:.0f}°" for angle in lon])
    lat = np.arange(-90.0, 90.1, 30.0)
    axes.set_yticks((lat + 90.0) * COLUMNS / 360.0 - 0.5, [_signed(angle) for angle in lat])
    axes.set_xlabel("Galactic longitude")
    axes.set_ylabel("Galactic latitude")
    axes.grid(color="white", alpha=0.18, linewidth=0.5)
    return sky


def _all_sky_wcs(projection: str, scale_deg: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"GLON-{projection}", f"GLAT-{projection}"]
    wcs.wcs.crval = [0.0, 0.0]
    wcs.wcs.crpix = [(COLUMNS + 1) / 2, (COLUMNS // 2 + 1) / 2]
    wcs.wcs.cdelt = [-scale_deg, scale_deg]
    wcs.wcs.set()
    return wcs


def _whole(axes: Axes) -> None:
    axes.set_xlim(-0.5, COLUMNS - 0.5)
    axes.set_ylim(-0.5, COLUMNS // 2 - 0.5)
    axes.set_aspect("equal")


def _graticule(sky: SkyAxes) -> None:
    along = np.linspace(-89.9, 89.9, 91)
    around = np.linspace(179.99, -179.99, 181)
    lines = [sky.place(np.full(91, float(lon)), along) for lon in MERIDIANS_DEG if lon != 180]
    lines += [sky.place(around % 360.0, np.full(181, float(lat))) for lat in PARALLELS_DEG]
    sky.axes.add_collection(
        LineCollection(lines, colors="white", alpha=0.35, linewidths=0.5, zorder=2), autolim=False
    )
    for lat in PARALLELS_DEG:
        x, y = sky.place(np.array(179.99), np.array(float(lat)))
        sky.axes.text(x - 18, y, _signed(lat), ha="right", va="center", fontsize=8, clip_on=False)


def _signed(angle_deg: float) -> str:
    return f"{angle_deg:+.0f}°".replace("-", "−") if angle_deg else "0°"
