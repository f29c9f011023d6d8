"""The colours of numbers: even in brightness, and the same for people who tell few colours apart."""

from __future__ import annotations

import numpy as np

from skykin.core.shapes import Numbers

#: Of Matplotlib; Nuñez et al. 2018 made it for all kinds of vision.
COLOUR_MAP = "cividis"


def colour_map() -> Numbers:
    """Give 256 colours from dark to bright, uint8 (256, 3)."""
    import matplotlib as mpl  # noqa: PLC0415 - loaded for colours only

    return np.round(mpl.colormaps[COLOUR_MAP](np.arange(256))[:, :3] * 255).astype(np.uint8)
