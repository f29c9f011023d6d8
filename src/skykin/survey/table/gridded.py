"""Pointings on a map that is made where it is looked at."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from astropy_healpix.core import healpix_to_lonlat

from skykin.core.extent import Extent
from skykin.core.shapes import Numbers
from skykin.core.sphere import directions
from skykin.core.survey_options import Ordering
from skykin.survey.base import About
from skykin.survey.healpix.bands import BandMap
from skykin.survey.table.pointings import BeamKernel, Pointings, gridding_by, nside_for, with_data

#: A block of the map is a cell of 32 × 32 pixels.
BLOCK_BITS = 10


@dataclass(frozen=True, eq=False, repr=False)
class GriddedPointings(BandMap):
    """Pointings on the map of `grid_pointings`, which is made block by block as it is sampled.

    The whole sky at the resolution of a narrow beam takes many seconds, and few pointings cover little of it.
    A block is always made as a whole, so that no value depends on what was looked at before.

    Parameters
    ----------
    pointings : Pointings
    about : About
        Names and sources.
    extent : Extent
        Cap of the sky that holds all pointings.
    frame : str
        Coordinates of the data before they came onto the map.

    Raises
    ------
    DataQualityError
        If a band has no weight at all.
    TooLargeError
        If the beam asks for a map finer than NSIDE 1024.
    """

    order: ClassVar[Ordering] = "nested"
    pointings: Pointings
    about: About
    extent: Extent
    frame: str
    gridding: str = field(init=False)
    _nside: int = field(init=False)
    _kernel: BeamKernel = field(init=False)
    _table: Numbers = field(init=False)
    _made: np.ndarray = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        nside = nside_for(self.beam_deg)
        pixels = 12 * nside**2
        object.__setattr__(self, "gridding", gridding_by(self.beam_deg))
        object.__setattr__(self, "_nside", nside)
        object.__setattr__(self, "_kernel", BeamKernel(with_data(self.pointings, self.about)))
        # Zeros take no memory before something else is written.
        object.__setattr__(self, "_table", np.zeros((pixels, 4), np.float32))
        object.__setattr__(self, "_made", np.zeros((pixels - 1 >> BLOCK_BITS) + 1, bool))

    @property
    def beam_deg(self) -> float:
        """Full width of the beam, degrees."""
        return self.pointings.beam_deg

    @property
    def nside(self) -> int:
        """Pixels along a side of each of HEALPix's twelve base pixels."""
        return self._nside

    def _rows(self, pixels: Numbers) -> Numbers:
        blocks = pixels >> BLOCK_BITS
        if not self._made[blocks].all():
            with self._lock:
                for block in np.unique(blocks):
                    if not self._made[block]:
                        self._make(int(block))
        return self._table.take(pixels, axis=0)

    def _make(self, block: int) -> None:
        first = block << BLOCK_BITS
        pixels = np.arange(first, min(first + (1 << BLOCK_BITS), len(self._table)))
        lon, lat = healpix_to_lonlat(pixels, self.nside, order="nested")
        values, coverage = self._kernel.average(directions(lon.deg, lat.deg))
        self._table[pixels, :3], self._table[pixels, 3] = values, coverage
        self._made[block] = True
