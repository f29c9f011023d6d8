"""A finished index, opened for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from astropy.table import QTable

from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Provenance
from skykin.core.shapes import Degrees, Numbers
from skykin.style.context import ContextMeter
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature
from skykin.style.standard import Standardisation
from skykin.survey.render import RenderedSurvey

#: ``projection``: 128 numbers a layer, fitted on the survey itself.  ``sketch``: 1 024 numbers a layer, kept
#: for recipes of second moments.  ``exact``: the whole vectors; recipes of means and spreads always have
#: them, read from cells, others only if the index was built with ``exact``.
Kind = Literal["projection", "sketch", "exact"]
#: Which of some Galactic positions (longitudes and latitudes in degrees) lie inside.
Contains = Callable[[Degrees, Degrees], np.ndarray]


@dataclass(frozen=True, eq=False)
class Style:
    """A style in the space in which an index compares.

    The dot product of a layer's vector with a tile's row of `SkyIndex.vectors` of the same kind is the
    cosine of that layer.

    Parameters
    ----------
    kind : {"projection", "sketch", "exact"}
    vectors : Mapping of str to float32 array (n,)
        Per layer, divided by the length of the whole signature; NaN if it has no style.
    norms : Mapping of str to float
        Those lengths.
    """

    kind: Kind
    vectors: Mapping[str, Numbers]
    norms: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Region:
    """The style of a part of the sky, each cell of it counted once.

    Parameters
    ----------
    signature : Signature
        As `SkyIndex.meter` would give it; what `SkyIndex.project` takes.
    cells : int
        Cells with data in it.
    area_deg2 : float
        Solid angle of those cells, times their coverage.
    """

    signature: Signature
    cells: int
    area_deg2: float


@dataclass(frozen=True, eq=False)
class Level:
    """All tiles of one size, read from cells.

    Parameters
    ----------
    size_deg : float
    tiles : QTable
        lon, lat, width, height, turn (degrees), coverage, area.
    blocks : callable
        Gives the rows block by block, as `SkyIndex.vectors` does.
    norms : Mapping of str to float32 array (tiles,)
    """

    size_deg: float
    tiles: QTable
    blocks: Callable[[str | None, Kind | None], Iterator[tuple[slice, Numbers]]]
    norms: Mapping[str, Numbers]


@dataclass(frozen=True, eq=False)
class SkyIndex:
    """The style of a survey, cell by cell and tile by tile; `open_index` makes it.

    Read-only.  Arrays stay on disk and are mapped when they are used; each file's hash is checked once, at
    its first use.

    Attributes
    ----------
    path : Path
    recipe : Recipe
    layers : tuple of str
    kinds : tuple of {"projection", "sketch", "exact"}
        Those it can answer with, the quickest first; the first is the default everywhere.
    tiles : QTable
        The standard tiles: name, lon, lat, width, height, turn (degrees), coverage, brightness,
        mean_intensity (the survey's unit), area (share of the sphere), facet, row, column.
    survey_title, unit : str
    bands : three str
        What is shown as red, green and blue.
    beam_deg : float
    extent : Extent
    tile_deg, spacing_deg, cell_deg : float
    pixels : int
        On a side of a standard tile.
    provenance : Provenance
    standard : Standardisation or None
        What an average tile is like; None if the recipe compares raw signatures.
    """

    path: Path
    recipe: Recipe
    layers: tuple[str, ...]
    kinds: tuple[Kind, ...]
    tiles: QTable
    survey_title: str
    unit: str
    bands: tuple[str, str, str]
    beam_deg: float
    extent: Extent
    tile_deg: float
    spacing_deg: float
    cell_deg: float
    pixels: int
    provenance: Provenance
    standard: Standardisation | None

    def __len__(self) -> int:
        """Return the number of standard tiles."""
        return len(self.tiles)

    @property
    def footprints(self) -> tuple[Footprint, ...]:
        """Where the standard tiles lie, in the order of `tiles`."""
        raise NotImplementedError

    def vectors(self, layer: str | None = None, kind: Kind | None = None) -> Iterator[tuple[slice, Numbers]]:
        """Yield which tiles, and their vectors, block by block in the order of `tiles`.

        Parameters
        ----------
        layer : str, optional
            All layers beside each other, in the order of `layers` (see `columns`), if left out.
        kind : {"projection", "sketch", "exact"}, optional

        Yields
        ------
        slice, float16 or float32 array (tiles, n)
            Rows are divided by the length of the tile's whole signature in that layer: a dot product with
            `Style.vectors` is a cosine.  Read-only, usually mapped from disk.
        """
        raise NotImplementedError

    def columns(self, kind: Kind | None = None) -> Mapping[str, slice]:
        """Which columns of `vectors` without a layer belong to which layer."""
        raise NotImplementedError

    def rows(self, numbers: Numbers, kind: Kind | None = None) -> Numbers:
        """Vectors of some tiles, all layers beside each other: float32 array (len(numbers), n)."""
        raise NotImplementedError

    def norms(self, layer: str) -> Numbers:
        """Length of each standard tile's whole signature in a layer: float32 array (tiles,)."""
        raise NotImplementedError

    def tile(self, number: int, kind: Kind | None = None) -> Style:
        """Return the style of one standard tile."""
        raise NotImplementedError

    def meter(self) -> ContextMeter:
        """Return what measures a picture as the index measured its tiles; loads the network.

        Pictures have `ContextMeter.halo` pixels of context on each side; see `cut`.
        """
        raise NotImplementedError

    def project(self, signature: Signature, kind: Kind | None = None) -> Style:
        """Bring a signature that `meter` or `region` gave into the space in which the index compares."""
        raise NotImplementedError

    def translate(self, other: SkyIndex, signature: Signature) -> Signature:
        """Bring a signature of another index of the same recipe to this one's standard.

        Raises
        ------
        UsageError
            If the recipes differ, or the signature is a sketch under another standard.
        """
        raise NotImplementedError

    def region(self, contains: Contains) -> Region:
        """Return the style of all that lies inside: a box, a polygon, a MOC.

        Parameters
        ----------
        contains : callable
            From Galactic longitudes and latitudes (arrays of degrees) to a bool array: that of a `SkyBox`,
            of a region of `astropy-regions`, of a MOC.

        Raises
        ------
        SkyError
            If no cell with data is centred there (``SKY-RANGE``).
        """
        raise NotImplementedError

    @property
    def sizes_deg(self) -> tuple[float, ...]:
        """Sizes of tiles that cells add up to, the largest first; the standard tile's is among them."""
        raise NotImplementedError

    def tiles_at(self, size_deg: float) -> Level:
        """Return the level of the pyramid whose tiles are nearest in size."""
        raise NotImplementedError

    def sky(
        self, survey: Survey | None = None, *, download: bool = False, progress: Progress | None = None
    ) -> RenderedSurvey:
        """Reopen the survey, in the colours that were indexed.

        Parameters
        ----------
        survey : Survey, optional
            An open one; otherwise the one recorded is opened.

        Raises
        ------
        IndexRefusedError
            If it is not the survey that was indexed (``IX-MISMATCH``).
        """
        raise NotImplementedError

    def verify(self, progress: Progress | None = None) -> int:
        """Check the hash of every file; return the number of bytes checked.

        Raises
        ------
        IndexRefusedError
            Naming the file that is missing, cut short or altered (``IX-CORRUPT``).
        """
        raise NotImplementedError
