"""A survey whose values lie on HEALPix cells, whether of a map in memory or of a HiPS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from astropy import units as u
from astropy_healpix.core import bilinear_interpolation_weights

from skykin.core.extent import ALL_SKY, Extent
from skykin.core.frames import Frame, from_galactic
from skykin.core.shapes import BandValues, Coverage, Degrees, Numbers
from skykin.survey.about import About, Described
from skykin.survey.fill import filled
from skykin.survey.positions import checked_positions

#: Positions interpolated at a time: some 10 MB of work space, which also stays near the processor.
POSITIONS_AT_ONCE = 1 << 16
#: A HEALPix cell of level 0 is a twelfth of the sphere.
LEVEL_0_DEG = math.degrees(math.sqrt(math.pi / 3))


class Cells(Protocol):
    """Values of the HEALPix cells of one level, in NESTED order."""

    @property
    def level(self) -> int:
        """log2 of NSIDE."""

    def look_up(self, cells: Numbers) -> tuple[Numbers, Numbers]:
        """Values ``(n, bands)``, and coverage ``(n,)``; where that is 0, values mean nothing."""


def cell_side_deg(level: int) -> float:
    """Side of a cell, the root of its area, degrees."""
    return LEVEL_0_DEG / float(2**level)


def level_for(scale_deg: float | None, finest: int, coarsest: int = 0) -> int:
    """Coarsest level whose cells are not larger than `scale_deg`; the finest if there is none."""
    level = coarsest if scale_deg is not None else finest
    while level < finest and cell_side_deg(level) > (scale_deg or 0):
        level += 1
    return level


@dataclass(frozen=True, eq=False)
class CellSurvey(Described):
    """A survey whose values lie on HEALPix cells.

    Parameters
    ----------
    cells : Cells
        One band is shown grey; of two, the second is blue and their mean green.
    frame : {"galactic", "icrs", "ecliptic"}
        Frame of the cells.
    beam_deg : float
        Angular resolution (full width), degrees.
    about : About
    projection : str
        How the values are stored, such as ``HEALPix RING, NSIDE 64``.
    extent : Extent
    overview : CellSurvey, optional
        The same survey at a resolution at which all of it can be read, where that is not so at its own.
    """

    cells: Cells
    frame: Frame
    beam_deg: float
    about: About
    projection: str
    extent: Extent = ALL_SKY
    overview: CellSurvey | None = None

    def as_dict(self) -> dict[str, object]:
        """Plain values for provenance."""
        return {
            "name": self.name,
            "file": self.source.name,
            "sha256": self.source.sha256,
            "unit": self.unit,
            "bands": list(self.bands),
            "beam_deg": self.beam_deg,
            "frame": self.frame,
            "projection": self.projection,
            "nside": 2**self.cells.level,
        }

    def sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        r"""Interpolate values and coverage between the four nearest cells.

        .. math:: I = \frac{\sum_p w_p c_p I_p}{\sum_p w_p c_p}, \qquad c = \sum_p w_p c_p

        with the bilinear weights :math:`w_p` of HEALPix and the coverage :math:`c_p` of each cell.

        Parameters
        ----------
        lon_deg, lat_deg : float64 arrays of one shape
            Galactic positions, degrees.

        Returns
        -------
        values : float32 array (..., 3)
            Filled from around where nothing is covered.
        coverage : float32 array (...)

        Raises
        ------
        SkyError
            If a position is not finite or beyond a pole.
        """
        lon, lat = checked_positions(lon_deg, lat_deg)
        shape, lon, lat = lon.shape, lon.ravel(), lat.ravel()
        values = np.empty((lon.size, 3), np.float32)
        coverage = np.empty(lon.size, np.float32)
        for start in range(0, lon.size, POSITIONS_AT_ONCE):
            part = slice(start, start + POSITIONS_AT_ONCE)
            values[part], coverage[part] = self._interpolate(lon[part], lat[part])
        covered = coverage.reshape(shape)
        return filled(values.reshape(*shape, 3), covered), covered

    def _interpolate(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Numbers, Numbers]:
        lon, lat = from_galactic(lon_deg, lat_deg, self.frame)
        cells, weights = bilinear_interpolation_weights(
            lon * u.deg, lat * u.deg, 2**self.cells.level, order="nested"
        )
        values, share = self.cells.look_up(cells.ravel())
        weights = weights * share.reshape(cells.shape)
        total = weights.sum(axis=0)
        values = np.where(share[:, None] > 0, values, 0).reshape(*cells.shape, -1)
        mean = (values * weights[..., None]).sum(axis=0) / np.where(total > 0, total, 1)[:, None]
        return three_bands(mean), np.clip(total, 0, 1)


def three_bands(values: Numbers) -> Numbers:
    """Red, green and blue of one band (grey), of two (the second is blue, their mean green) or of three."""
    count = values.shape[-1]
    if count == 1:
        return np.repeat(values, 3, axis=-1)
    if count == 2:
        return np.stack([values[..., 0], values.mean(axis=-1), values[..., 1]], axis=-1)
    return values


def three_names(names: tuple[str, ...]) -> tuple[str, str, str]:
    """Words for what `three_bands` shows."""
    if len(names) == 1:
        return names[0], names[0], names[0]
    if len(names) == 2:
        return names[0], f"mean of {names[0]} and {names[1]}", names[1]
    return names[0], names[1], names[2]
