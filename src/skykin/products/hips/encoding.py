"""Tiles as the bytes of their files: PNG, JPEG and FITS."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from skykin.core.shapes import Numbers

#: Quality of JPEG tiles; colours are kept at every pixel.
QUALITY = 90
BLOCK, CARD = 2880, 80


def png_bytes(tile: Numbers, *, fast: bool = True) -> bytes:
    """Encode colours with opacity, uint8 (rows, columns, 4), as PNG.

    Parameters
    ----------
    tile : uint8 array (rows, columns, 4)
    fast : bool
        Whether speed counts more than a few per cent of the size.
    """
    stream = io.BytesIO()
    Image.fromarray(tile).save(stream, format="PNG", compress_level=1 if fast else 6)
    return stream.getvalue()


def jpeg_bytes(tile: Numbers) -> bytes:
    """Encode colours with opacity, uint8 (rows, columns, 4), as JPEG; black where transparent."""
    stream = io.BytesIO()
    colours = np.where(tile[..., 3:] > 0, tile[..., :3], 0).astype(np.uint8)
    Image.fromarray(colours).save(stream, format="JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()


def fits_tile_bytes(tile: Numbers, order: int, npix: int) -> bytes:
    """Encode numbers as a FITS tile with the keywords of the standard, ORDER and NPIX.

    Parameters
    ----------
    tile : float32 array (rows, columns), or int16
        Its first row is the top of the tile as a picture; a FITS file begins with the last one.
    order, npix : int
        Of the tile.
    """
    rows, columns = tile.shape
    whole = np.issubdtype(tile.dtype, np.integer)
    cards = [
        ("SIMPLE", "T"),
        ("BITPIX", 16 if whole else -32),
        ("NAXIS", 2),
        ("NAXIS1", columns),
        ("NAXIS2", rows),
        *([("BLANK", BLANK)] if whole else []),
        ("ORDER", order),
        ("NPIX", npix),
    ]
    header = "".join(f"{key:8}= {value:>20}".ljust(CARD) for key, value in cards) + "END".ljust(CARD)
    data = np.ascontiguousarray(tile[::-1], ">i2" if whole else ">f4").tobytes()
    return _padded(header.encode("ascii"), b" ") + _padded(data, b"\0")


#: Whole numbers that mean no value.
BLANK = -32768


def _padded(content: bytes, fill: bytes) -> bytes:
    return content + fill * (-len(content) % BLOCK)
