"""Axes that show the whole sky or a part, Galactic north up, longitude growing to the left."""

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

from skykin.core.extent import Extent
from skykin.core.frames import Frame, from_galactic, to_galactic
from skykin.core.shapes import Degrees, Numbers
from skykin.products.field import Field
from skykin.products.figures.canvas import BLANK
from skykin.products.preview import WIDEST_REGION_DEG

#: Columns of the picture behind the axes; there are half as many rows.
COLUMNS = 1600
#: Half the width of a Mollweide ellipse in degrees of its scale at the centre: 2 √2 radians.
MOLLWEIDE_HALF_DEG = math.degrees(2 * math.sqrt(2))
WHITE_ON_BLACK: dict[str, Any] = {
    "color": "white",
    "path_effects": [withStroke(linewidth=2, foreground="black")],
}
AXIS_NAMES = {
    "galactic": ("Galactic longitude", "Galactic latitude"),
    "icrs": ("Right ascension (ICRS)", "Declination (ICRS)"),
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
    shape : tuple of int
        Rows and columns of the picture.
    frame : {"galactic", "icrs"}
        Of `wcs`.
    """

    axes: Axes
    wcs: WCS
    elliptic: bool
    marks: Numbers
    shape: tuple[int, int] = (COLUMNS // 2, COLUMNS)
    frame: Frame = "galactic"

    def place(self, lon_deg: Degrees, lat_deg: Degrees) -> Numbers:
        """Pixel positions ``(..., 2)`` of Galactic positions."""
        return np.stack(self.wcs.world_to_pixel_values(*from_galactic(lon_deg, lat_deg, self.frame)), axis=-1)

    def positions(self) -> tuple[Degrees, Degrees]:
        """Galactic position of every pixel, each ``(rows, columns)``, degrees; NaN off the sky."""
        rows, columns = self.shape
        x, y = np.meshgrid(np.arange(columns, dtype=float), np.arange(rows, dtype=float))
        lon, lat = self.wcs.pixel_to_world_values(x, y)
        lon, lat = to_galactic(lon, lat, self.frame)
        off = ~self.holds(np.stack([x, y], axis=-1))
        lon, lat = np.asarray(lon, dtype=float) % 360.0, np.array(lat, dtype=float)
        lon[off], lat[off] = np.nan, np.nan
        return lon, lat

    def holds(self, pixels: Numbers) -> Numbers:
        """Whether pixel positions ``(..., 2)`` are on the sky."""
        rows, columns = self.shape
        centre = np.array([columns - 1, rows - 1]) / 2
        offset = (np.asarray(pixels) - centre) / np.array([columns / 2, rows / 2])
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
        jump = np.hypot(*np.diff(line, axis=0).T) > max(self.shape) / 8
        return [piece for piece in np.split(line, np.flatnonzero(jump) + 1) if len(piece) > 1]


def axes_for(figure: Figure, box: tuple[float, float, float, float], extent: Extent, kind: str) -> SkyAxes:
    """Axes of a kind, ``mollweide`` or ``plate carrée``, for the whole sky; gnomonic for less."""
    if extent.radius_deg < WIDEST_REGION_DEG:
        left, bottom, width, height = box
        # Room for the degrees along the sides.
        return regional_axes(figure, (left + 0.03, bottom + 0.035, width - 0.04, height - 0.04), extent)
    return mollweide_axes(figure, box) if kind == "mollweide" else plate_carree_axes(figure, box)


def regional_axes(figure: Figure, box: tuple[float, float, float, float], extent: Extent) -> SkyAxes:
    """Gnomonic axes about the middle of a part of the sky, with a graticule in degrees."""
    scale_deg = 2 * math.degrees(math.tan(math.radians(extent.radius_deg))) / (COLUMNS // 2)
    wcs = _sky_wcs("TAN", scale_deg, (extent.lon_deg, extent.lat_deg))
    axes = WCSAxes(figure, box, wcs=wcs)
    figure.add_axes(axes)
    _whole(axes)
    for coordinate, name in zip(axes.coords, ("longitude", "latitude"), strict=True):
        coordinate.set_axislabel(f"Galactic {name}")
        coordinate.set_format_unit("deg", decimal=True)
        coordinate.grid(color="white", alpha=0.25, linewidth=0.5)
    axes.patch.set_facecolor(BLANK)
    return SkyAxes(axes, wcs, elliptic=False, marks=np.empty((0, 2)))


def field_axes(figure: Figure, box: tuple[float, float, float, float], field: Field) -> SkyAxes:
    """Gnomonic axes of a field in the frame of its image, with a graticule."""
    axes = WCSAxes(figure, box, wcs=field.wcs)
    figure.add_axes(axes)
    _whole(axes, field.shape)
    for coordinate, name in zip(axes.coords, AXIS_NAMES[field.frame], strict=True):
        coordinate.set_axislabel(name)
        coordinate.grid(color="white", alpha=0.25, linewidth=0.5)
        if field.frame == "galactic":
            coordinate.set_format_unit("deg", decimal=True)
    axes.coords[0].set_ticks(number=5)
    axes.patch.set_facecolor(BLANK)
    return SkyAxes(axes, field.wcs, False, np.empty((0, 2)), field.shape, field.frame)


def mollweide_axes(figure: Figure, box: tuple[float, float, float, float]) -> SkyAxes:
    """All-sky Mollweide axes with a labelled graticule, in a box given in shares of the figure."""
    wcs = _sky_wcs("MOL", 2 * MOLLWEIDE_HALF_DEG / COLUMNS)
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
    wcs = _sky_wcs("CAR", 360.0 / COLUMNS)
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


def _sky_wcs(projection: str, scale_deg: float, centre_deg: tuple[float, float] = (0.0, 0.0)) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"GLON-{projection}", f"GLAT-{projection}"]
    wcs.wcs.crval = list(centre_deg)
    wcs.wcs.crpix = [(COLUMNS + 1) / 2, (COLUMNS // 2 + 1) / 2]
    wcs.wcs.cdelt = [-scale_deg, scale_deg]
    wcs.wcs.set()
    return wcs


def _whole(axes: Axes, shape: tuple[int, int] = (COLUMNS // 2, COLUMNS)) -> None:
    axes.set_xlim(-0.5, shape[1] - 0.5)
    axes.set_ylim(-0.5, shape[0] - 0.5)
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
