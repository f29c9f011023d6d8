"""What is said beside a reference: of which index it is, and how large."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skykin.core.errors import UsageError
from skykin.indexing.sky_index import SkyIndex


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """A place in another survey's index of the same recipe; in text ``place@folder``.

    Parameters
    ----------
    index : SkyIndex or path
    what : str, SkyCoord, …
        Anything that can be asked of that index.
    """

    index: SkyIndex | str | Path
    what: Any


@dataclass(frozen=True)
class Scale:
    """How large a reference is.

    Parameters
    ----------
    width_deg : float, optional
        Side of the square about a position; that of a tile if left out.
    pixel_deg : float, optional
        Side of a pixel of a picture file on the sky.
    """

    width_deg: float | None = None
    pixel_deg: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("width", self.width_deg), ("pixel scale", self.pixel_deg)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"the {name} of a reference is {value:g}°; use a finite number above 0")
