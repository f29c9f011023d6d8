"""Names of tiles."""

from __future__ import annotations

import math

from skykin.core.shapes import Numbers


def tile_names(lon_deg: Numbers, lat_deg: Numbers, spacing_deg: float) -> list[str]:
    """Name tiles by their centres, with as many digits as tell neighbours apart."""
    digits = max(2, 1 - math.floor(math.log10(spacing_deg)))
    return [
        f"G{x:0{4 + digits}.{digits}f}{y:+0{4 + digits}.{digits}f}"
        for x, y in zip(lon_deg, lat_deg, strict=True)
    ]
