"""The pixels of a HiPS as HEALPix cells."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, Latitude, Longitude
from astropy_healpix.core import healpix_to_lonlat
from mocpy import MOC

from skykin.core.errors import CorruptFileError, InputRefusedError, shown
from skykin.core.frames import from_galactic, to_galactic
from skykin.core.shapes import Numbers
from skykin.core.sphere import separation_deg
from skykin.survey.hips.properties import FINEST_LEVEL, HipsProperties
from skykin.survey.hips.store import HipsStore
from skykin.survey.hips.tile_fits import read_fits_tile
from skykin.survey.hips.tile_picture import read_picture_tile

#: Decoded tiles that are kept: 512² of three colours have 3 MB.
TILES_KEPT = 96
TILES_PER_FOLDER = 10_000


class HipsCells:
    """Pixels of one order of a HiPS, tile by tile as they are requested.

    A tile of order :math:`k` with :math:`2^s` pixels a side is a HEALPix cell of NSIDE :math:`2^k`, and its
    pixels are the cells of NSIDE :math:`2^{k+s}` within, in NESTED order.  A tile that is not there, or that
    is damaged at its source, is not covered; `missing` counts them.

    Parameters
    ----------
    store : HipsStore
    properties : HipsProperties
    order : int
        Of the tiles that are read.
    moc : MOC, optional
        Where there are data (ICRS): a tile that lies elsewhere is not requested.

    References
    ----------
    Fernique et al. 2017, HiPS 1.0, IVOA Recommendation.
    """

    def __init__(
        self, store: HipsStore, properties: HipsProperties, order: int, moc: MOC | None = None
    ) -> None:
        self.store, self.properties, self.order, self.moc = store, properties, order, moc
        self.level = order + properties.shift
        self.bands = 1 if properties.format.startswith("fits") else 3
        self.missing = 0
        self._places = places(properties.shift)
        self._kept: OrderedDict[int, Numbers | None] = OrderedDict()
        self._lock = threading.Lock()

    def look_up(self, cells: Numbers) -> tuple[Numbers, Numbers]:
        """Values ``(n, bands)`` and coverage ``(n,)`` of cells."""
        cells = np.asarray(cells, np.int64)
        tiles, within = cells >> (2 * self.properties.shift), cells & (4**self.properties.shift - 1)
        values = np.full((len(cells), self.bands), np.nan, np.float32)
        order = np.argsort(tiles, kind="stable")
        starts = np.flatnonzero(np.diff(tiles[order], prepend=-1))
        for here in np.split(order, starts[1:]) if len(order) else ():
            tile = self._tile(int(tiles[here[0]]))
            if tile is not None:
                values[here] = tile[within[here]]
        self.store.confirm()
        seen = np.asarray(np.isfinite(values).all(axis=1), np.float32)
        return values, seen

    def may_hold(self, number: int) -> bool:
        """Whether data may lie in a tile: always, where no MOC says where they are."""
        if self.moc is None:
            return True
        corners = np.array([0.5, 0.0, 0.0, 1.0, 1.0]), np.array([0.5, 0.0, 1.0, 0.0, 1.0])
        lon, lat = healpix_to_lonlat(np.full(5, number), 2**self.order, *corners, order="nested")
        ra, dec = from_galactic(*to_galactic(lon.deg, lat.deg, self.properties.frame), "icrs")
        reach_deg = separation_deg(ra[0], dec[0], ra[1:], dec[1:]).max()
        # A circle about the tile, a little larger than it: no piece of a MOC is too small for it.
        around = MOC.from_cone(
            Longitude(ra[0], u.deg),
            Latitude(dec[0], u.deg),
            radius=Angle(1.05 * reach_deg, u.deg),
            max_depth=min(self.order + 4, FINEST_LEVEL),
        )
        return not around.intersection(self.moc).empty()

    def _tile(self, number: int) -> Numbers | None:
        """Values ``(pixels, bands)`` in NESTED order."""
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        tile = self._read(number)
        with self._lock:
            self.missing += tile is None and number not in self._kept
            self._kept[number] = tile
            while len(self._kept) > TILES_KEPT:
                self._kept.popitem(last=False)
        return tile

    def _read(self, number: int) -> Numbers | None:
        if not self.may_hold(number):
            return None
        file = tile_file(self.order, number, self.properties.format)
        content = self.store.read(file)
        if content is None:
            return None
        width = self.properties.width
        try:
            image = read_tile(content, file)
            if image.shape != (width, width, self.bands):
                raise CorruptFileError(
                    f"the tile {shown(file)} has {image.shape[1]} × {image.shape[0]} pixels, but the HiPS "
                    f"says {width} × {width}; correct hips_tile_width, or choose another HiPS",
                    code="IN-DIM",
                )
        except InputRefusedError:
            self.store.forget(file)
            raise
        return np.asarray(image.reshape(-1, self.bands)[self._places])


def tile_file(order: int, number: int, ending: str) -> str:
    """Path of a tile within a HiPS."""
    folder = number // TILES_PER_FOLDER * TILES_PER_FOLDER
    return f"Norder{order}/Dir{folder}/Npix{number}.{ending}"


@cache
def places(shift: int) -> Numbers:
    """Place in the tile, its rows from the bottom, of each pixel in NESTED order.

    The bits of a NESTED number are those of two coordinates in turn; the first one is the row, counted
    from the top, and the second the column.
    """
    number = np.arange(4**shift)
    first, second = np.zeros_like(number), np.zeros_like(number)
    for bit in range(shift):
        first |= ((number >> (2 * bit)) & 1) << bit
        second |= ((number >> (2 * bit + 1)) & 1) << bit
    return np.asarray((2**shift - 1 - first) * 2**shift + second)


def read_tile(content: bytes, file: str) -> Numbers:
    """Values (rows, columns, bands) of a tile, its rows from the bottom; its ending says its format."""
    return read_fits_tile(content, file) if ".fits" in file else read_picture_tile(content, file)
