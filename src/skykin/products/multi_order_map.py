"""The scores as a map of HEALPix cells of many orders, as sky maps of gravitational waves are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from skykin.core.atomic import write_hdus
from skykin.core.extent import Extent
from skykin.core.shapes import Numbers
from skykin.products.mapped import MappedTiles
from skykin.products.nearest_tile import Cells
from skykin.products.result import numbers
from skykin.products.score_map import (
    FINEST_NSIDE,
    REACH,
    column_text,
    finest_order,
    nearest_tiles_at,
    score_columns,
    spacing_deg,
)
from skykin.products.stamp import StampedMap, stamp_header

#: Finest order of a map of the whole sky.
FINEST_ORDER = FINEST_NSIDE.bit_length() - 1


@dataclass(frozen=True, eq=False)
class MultiOrderMap:
    """Values of HEALPix cells of many orders, equatorial.

    Parameters
    ----------
    uniq : int64 array (n,)
        As of `cells_of_tiles`.
    columns : Mapping of str to float32 or int32 array (n,)
    """

    uniq: Numbers
    columns: Mapping[str, Numbers]


def cells_of_tiles(result: MappedTiles) -> tuple[Numbers, Numbers]:
    r"""Find the largest HEALPix cells that each show one tile.

    A cell of the finest order, at most half as wide as the tiles' spacing, shows the tile whose centre is
    nearest, and none where that is farther than `REACH` times the spacing.  Four cells that show the same
    tile become the cell that holds them, again and again: orders follow the spacing, coarse where tiles are
    far apart.

    Returns
    -------
    uniq : int64 array (n,)
        :math:`4 \cdot 4^{order} + cell`, equatorial and NESTED; no two overlap, and they grow with the place
        within the sky.
    rows : int array (n,)
        Row of the tile.
    """
    apart_deg = spacing_deg(result)
    grid, cells = finest_cells(apart_deg, Extent.around(result.lon_deg, result.lat_deg, 2 * apart_deg))
    rows = nearest_tiles_at(result, *grid.centres(cells), REACH * apart_deg)
    return merged(cells[rows >= 0], rows[rows >= 0], grid.order)


def finest_cells(apart_deg: float, around: Extent) -> tuple[Cells, Numbers]:
    """Cells of the finest order of the map of tiles that lie so far apart, as `score_map.pixels_of`."""
    order = finest_order(apart_deg)
    grid = Cells(min(order, FINEST_ORDER) if around.is_all_sky else order, equatorial=True)
    return grid, grid.within(around)


def merged(cells: Numbers, rows: Numbers, order: int) -> tuple[Numbers, Numbers]:
    """Merge cells of one order, growing, that show the same tile; NUNIQ numbers and rows, in their order."""
    done: list[tuple[Numbers, Numbers, Numbers]] = []
    for level in range(order, 0, -1):
        parents = cells >> 2
        first = np.flatnonzero(cells & 3 == 0)
        first = first[first + 3 < len(cells)]
        whole = (parents[first + 3] == parents[first]) & (rows[first] == rows[first + 1])
        whole &= (rows[first] == rows[first + 2]) & (rows[first] == rows[first + 3])
        first = first[whole]
        left = np.ones(len(cells), bool)
        left[(first[:, None] + np.arange(4)).ravel()] = False
        done.append(((4 << 2 * level) + cells[left], cells[left] << 2 * (order - level), rows[left]))
        cells, rows = parents[first], rows[first]
    done.append((4 + cells, cells << 2 * order, rows))
    uniq, place, row = (np.concatenate(part) for part in zip(*done, strict=True))
    along = np.argsort(place, kind="stable")
    return uniq[along], row[along]


def write_multi_order_map(result: MappedTiles, path: Path) -> None:
    """Write the scores as a FITS binary table with the column UNIQ, checksums and the stamp.

    References
    ----------
    Fernique et al. 2022, MOC 2.0, IVOA Recommendation, section 4.3.1 (NUNIQ).
    """
    uniq, rows = cells_of_tiles(result)
    columns = {name: values[rows].astype(np.float32) for name, values in score_columns(result).items()}
    columns["RANK"] = numbers(result.tiles["rank"])[rows].astype(np.int32)
    write_cells(MultiOrderMap(uniq, columns), result, path)


def write_cells(painted: MultiOrderMap, result: StampedMap, path: Path) -> None:
    """Write a map of many orders, as `write_multi_order_map` does."""
    uniq = painted.uniq
    columns = [fits.Column(name="UNIQ", format="K", array=uniq)]
    columns += [
        fits.Column(name=name, format="J" if values.dtype.kind == "i" else "E", array=values)
        for name, values in painted.columns.items()
    ]
    table = fits.BinTableHDU.from_columns(columns, name="SCORE MAP")
    for number, column in enumerate(columns, start=1):
        table.header.set(f"TDESC{number}", column_text(column.name), after=f"TFORM{number}")
    for key, value, comment in (
        ("PIXTYPE", "HEALPIX", "HEALPix map"),
        ("ORDERING", "NUNIQ", "cells of many orders, numbered by NUNIQ"),
        ("COORDSYS", "C", "equatorial (ICRS)"),
        ("MOCORDER", int(np.log2(uniq.max() / 4) / 2), "finest order"),
        ("INDXSCHM", "EXPLICIT", "column UNIQ has the cells"),
    ):
        table.header[key] = (value, comment)
    table.header.add_comment("Sky without a tile has no cell.")
    stamp_header(table.header, result)
    # A comment of our own in place of the time keeps two runs identical to the byte.
    table.add_checksum(when="written by Skykin")
    primary = fits.PrimaryHDU()
    primary.add_checksum(when="written by Skykin")
    write_hdus(path, fits.HDUList([primary, table]))
