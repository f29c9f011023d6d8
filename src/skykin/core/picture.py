"""A picture is what a footprint looks like: colours, and how much data they are based on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skykin.core.footprint import Footprint
from skykin.core.shapes import RGB, Coverage


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """The picture of a footprint.

    Parameters
    ----------
    rgb : float32 array (rows, columns, 3)
        Colours from 0 to 1.  Masked pixels hold the colour interpolated from around them.
    coverage : float32 array (rows, columns)
        Fraction of good data in each pixel, 0 to 1; a pixel of coverage 0 is masked.
    footprint : Footprint or None
        Where it lies, or its tile if it shows what lies around it, too; None if it is not of the sky.

    Examples
    --------
    >>> import numpy as np
    >>> grey = skykin.Picture(np.full((8, 8, 3), 0.5, np.float32), np.ones((8, 8), np.float32))
    >>> grey.rgb.shape
    (8, 8, 3)
    """

    rgb: RGB
    coverage: Coverage
    footprint: Footprint | None = None

    def __post_init__(self) -> None:
        rows, columns, bands = self.rgb.shape
        if bands != 3 or self.coverage.shape != (rows, columns):
            raise ValueError(
                f"a picture of shape {self.rgb.shape} cannot have coverage of {self.coverage.shape}"
            )

    def __repr__(self) -> str:
        rows, columns = self.coverage.shape
        where = "in memory" if self.footprint is None else f"of {self.footprint}"
        return f"<Picture {where}: {columns} × {rows} pixels, {self.covered:.0%} covered>"

    @property
    def covered(self) -> float:
        """Mean coverage, 0 to 1."""
        return float(self.coverage.mean(dtype=np.float64))

    @property
    def brightness(self) -> float:
        """Mean of the three colours over the covered pixels, 0 to 1; NaN where nothing is covered."""
        weight = self.coverage.sum(dtype=np.float64)
        if weight == 0:
            return float("nan")
        return float((self.rgb.mean(axis=-1, dtype=np.float64) * self.coverage).sum() / weight)


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a row: its heading, the colours, and a note below of up to two lines."""

    heading: str
    rgb: RGB
    note: str = ""
