"""The field that figures of a survey of a small part of the sky show, in the frame of its image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.wcs import WCS

from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.frames import Frame, from_galactic
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Degrees
from skykin.products.mapped import MappedTiles
from skykin.products.preview import WIDEST_REGION_DEG

#: Columns of the picture along the longer side.
LONGEST_PIXELS = 750
#: What a field shows around the centres of its tiles: half a tile, so that its boxes are seen, but not more
#: than this share of it.
MOST_MARGIN = 0.08
#: Positions along a side at which a survey is looked at to find where it has data.
LOOKED_AT = 200
#: Axes of each frame in a header.
AXES: Mapping[str, tuple[str, str]] = {"galactic": ("GLON", "GLAT"), "icrs": ("RA--", "DEC-")}
#: Words of headers for equatorial frames, which are drawn as ICRS.
EQUATORIAL = ("icrs", "fk5", "fk4")


@dataclass(frozen=True)
class Field:
    """A rectangle on the plane that touches the sphere at a point, north of its frame up.

    Parameters
    ----------
    frame : {"galactic", "icrs"}
    lon_deg, lat_deg : float
        The point, in that frame.
    x_deg, y_deg : pair of float
        Edges of the rectangle on the plane: from the right one, where longitudes are small, to the left one;
        from the lower to the upper one.
    """

    frame: Frame
    lon_deg: float
    lat_deg: float
    x_deg: tuple[float, float]
    y_deg: tuple[float, float]

    @classmethod
    def around(cls, lon_deg: Degrees, lat_deg: Degrees, frame: Frame, margin_deg: float) -> Field:
        """Hold Galactic positions, with a margin that is at most `MOST_MARGIN` of it."""
        middle = Extent.around(lon_deg, lat_deg)
        centre = from_galactic(np.array([middle.lon_deg]), np.array([middle.lat_deg]), frame)
        lon, lat = (float(angle[0]) for angle in centre)
        plane = _wcs(frame, lon, lat, 1.0, (0.0, 0.0))
        x, y = plane.world_to_pixel_values(*from_galactic(lon_deg, lat_deg, frame))
        # Longitude grows to the left, so x on the plane is minus the pixel's.
        sides = [(float(v.min()), float(v.max())) for v in (-(x + 1), y + 1)]
        wide = max(high - low for low, high in sides)
        margin = min(margin_deg, MOST_MARGIN * wide) if wide else margin_deg
        x_deg, y_deg = ((low - margin, high + margin) for low, high in sides)
        return cls(frame, lon, lat, x_deg, y_deg)

    @property
    def aspect(self) -> float:
        """Width over height."""
        return (self.x_deg[1] - self.x_deg[0]) / (self.y_deg[1] - self.y_deg[0])

    @property
    def words(self) -> str:
        """Say how it is drawn."""
        frame = "ICRS" if self.frame == "icrs" else "Galactic coordinates"
        return f"Gnomonic projection in {frame}, longitudes growing to the left."

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its picture."""
        rows, columns = min(1.0, 1 / self.aspect), min(1.0, self.aspect)
        return max(2, round(LONGEST_PIXELS * rows)), max(2, round(LONGEST_PIXELS * columns))

    @property
    def wcs(self) -> WCS:
        """From the pixels of its picture, counted from 0 at the lower left, to its frame."""
        scale_deg = (self.x_deg[1] - self.x_deg[0]) / self.shape[1]
        middle = (self.x_deg[1] / scale_deg + 0.5, -self.y_deg[0] / scale_deg + 0.5)
        return _wcs(self.frame, self.lon_deg, self.lat_deg, scale_deg, middle)


def field_of(result: MappedTiles) -> Field | None:
    """Field of a map: where its tiles lie; None for a map of much of the sky."""
    if result.survey.extent.radius_deg >= WIDEST_REGION_DEG:
        return None
    frame = frame_shown(result.provenance.survey)
    margin_deg = max(result.scored.tile_deg / 2, result.scored.spacing_deg)
    return Field.around(result.lon_deg, result.lat_deg, frame, margin_deg)


def field_of_sky(sky: ColouredSky, extent: Extent, frame: Frame) -> Field:
    """Field of a survey of a small part of the sky: where it has data."""
    square = Footprint(extent.lon_deg, extent.lat_deg, 2 * extent.radius_deg)
    lon, lat = square.pixel_positions((LOOKED_AT, LOOKED_AT))
    seen = sky.colours(lon, lat)[1] > 0
    if not seen.any():
        seen[:] = True
    return Field.around(lon[seen], lat[seen], frame, 2 * extent.radius_deg / LOOKED_AT)


def frame_shown(survey: Mapping[str, Any]) -> Frame:
    """Frame in which a survey is drawn, by its facts: equatorial where its image is."""
    return "icrs" if str(survey.get("frame", "")).lower().startswith(EQUATORIAL) else "galactic"


def _wcs(frame: Frame, lon_deg: float, lat_deg: float, scale_deg: float, middle: tuple[float, float]) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"{axis}-TAN" for axis in AXES[frame]]
    wcs.wcs.crval = [lon_deg, lat_deg]
    wcs.wcs.crpix = list(middle)
    wcs.wcs.cdelt = [-scale_deg, scale_deg]
    if frame == "icrs":
        wcs.wcs.radesys = "ICRS"
    wcs.wcs.set()
    return wcs
