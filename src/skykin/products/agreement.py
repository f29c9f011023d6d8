"""What several maps of the same reference say together, as one value that its products are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import QTable
from astropy_healpix import HEALPix
from scipy.spatial import cKDTree

from skykin.core.provenance import Provenance
from skykin.core.shapes import Numbers
from skykin.core.sphere import directions, directions_of
from skykin.products.result import numbers
from skykin.products.wording import number, percent

if TYPE_CHECKING:
    from mocpy import MOC

#: Begins the names of the columns with each map's own share of the sky.
SHARE = "share_"
#: A pixel farther from every tile than so many sides of a tile's share of the sky has none.
FARTHEST = 1.1


@dataclass(frozen=True, eq=False)
class Agreement:
    """Several maps at the same places, and their rank product.

    Parameters
    ----------
    reference_name : str
    maps : Mapping of str to str
        Short name of each map, which its columns have, to its title.
    tiles : QTable
        A row per tile that any map knows: the columns of `KinMap.tiles` with the rank product as ``score``,
        ``maps`` (how many know the place), ``p`` (share of turned places of its latitude that do as well) and
        ``share_<map>`` (share of the map's sky that ranks at least as high there).
    nside : int
        Of the HEALPix map (RING, Galactic): pixels no larger than a tile's share of the sky.
    top_fraction : float
        Share of the sky that matches.
    correlations : QTable
        A row per pair: ``first``, ``second``, ``spearman`` over the sky, ``in_rows`` within rows of latitude
        with ``low`` and ``high`` (95 %), ``overlap`` (share of the first's best tenth in the second's).
    provenance : Provenance
        That of the first map, with the others in ``recipe["maps"]``.
    """

    reference_name: str
    maps: Mapping[str, str]
    tiles: QTable
    nside: int
    top_fraction: float
    correlations: QTable
    provenance: Provenance

    @property
    def scores(self) -> Numbers:
        """Rank product of each tile."""
        return numbers(self.tiles["score"])

    def on_pixels(self, column: str) -> Numbers:
        """Paint a column on all pixels of the sky: the tile that is nearest, NaN where none is near."""
        return np.where(self._nearest >= 0, numbers(self.tiles[column])[self._nearest], np.nan)

    @cached_property
    def _nearest(self) -> Numbers:
        grid = HEALPix(self.nside, order="ring")
        lon, lat = grid.healpix_to_lonlat(np.arange(grid.npix))
        tree = cKDTree(directions_of(self.tiles))
        away, nearest = tree.query(directions(lon.deg, lat.deg))
        side = np.sqrt(4 * np.pi * numbers(self.tiles["area"]).max())
        return np.where(away <= FARTHEST * side, nearest, -1)

    @cached_property
    def coverage_map(self) -> MOC:
        """The best share of the sky as multi-order coverage map (ICRS)."""
        from skykin.products.agreement_files import best_sky  # noqa: PLC0415 - it needs this module

        return best_sky(self)

    def sentences(self) -> list[str]:
        """Say in words what was found."""
        known = np.asarray(self.tiles["maps"])
        p = numbers(self.tiles["p"])
        lines = [
            f"{len(self.maps)} maps of the kin of {self.reference_name} at the same places: "
            f"{', '.join(self.maps.values())}.",
            f"{percent(float(np.mean(known == len(self.maps))))} of the places are known to all of them; "
            "elsewhere the rank product is that of the others.",
        ]
        lines += [
            f"Rank correlation of {row['first']} with {row['second']}: {number(row['spearman'], '+.2f')}; "
            f"within rows of latitude {number(row['in_rows'], '+.2f')} [{number(row['low'], '+.2f')}, "
            f"{number(row['high'], '+.2f')}]; {percent(row['overlap'], 0)} of the best tenth are common "
            "(10 % by chance)."
            for row in self.correlations
        ]
        rare = float(np.mean(p[np.isfinite(p)] <= 0.01))
        return [
            *lines,
            f"{percent(rare)} of the sky agree so well that at most 1 % of the places of their latitude do, "
            "once the maps are turned against each other (1 % by chance).",
        ]

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(line)}</p>" for line in self.sentences())
