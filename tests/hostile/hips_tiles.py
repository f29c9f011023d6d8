"""Small HiPS from a formula, written tile by tile from the standard (section H of the hostile corpus)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy_healpix import HEALPix
from PIL import Image

from tests.hostile.healpix_files import smooth_value

WIDTH = 32


def tile_values(order: int, number: int, width: int = WIDTH) -> np.ndarray:
    """The formula on the pixels of a tile, its first row at the top, as a JPEG tile is looked at.

    Rows run along the cell's x from the top, columns along its y from the left: the cell's south corner is
    at the top left, its north corner at the bottom right.
    """
    grid = HEALPix(2**order, order="nested")
    step = (np.arange(width) + 0.5) / width
    x, y = np.meshgrid(step, step, indexing="ij")
    lon, lat = grid.healpix_to_lonlat(np.full(x.size, number), x.ravel(), y.ravel())
    return smooth_value(lon.deg, lat.deg).reshape(width, width)


def write_hips(folder: Path, ending: str = "fits", orders: tuple[int, ...] = (0, 1), **said: object) -> Path:
    """Write a HiPS of the whole sky; keywords change its properties, None removes one."""
    for order in orders:
        (folder / f"Norder{order}" / "Dir0").mkdir(parents=True)
        for number in range(12 * 4**order):
            write_tile(
                folder / f"Norder{order}" / "Dir0" / f"Npix{number}.{ending}", tile_values(order, number)
            )
    properties = {
        "obs_title": "A formula",
        "hips_frame": "galactic",
        "hips_order": max(orders),
        "hips_order_min": min(orders),
        "hips_tile_width": WIDTH,
        "hips_tile_format": {"fits": "png fits", "png": "png", "jpg": "jpeg"}[ending],
        "dataproduct_type": "image",
    } | said
    text = "\n".join(f"{key:20} = {value}" for key, value in properties.items() if value is not None)
    (folder / "properties").write_text("# made by a test\n" + text + "\n")
    return folder


def write_tile(path: Path, values: np.ndarray) -> None:
    if path.suffix == ".fits":
        fits.PrimaryHDU(values[::-1].astype(np.float32)).writeto(path)
    else:
        grey = np.round(values * 10).astype(np.uint8)
        colours = np.stack([grey, 255 - grey, np.full_like(grey, 50)], axis=-1)
        Image.fromarray(colours).save(path, quality=100, subsampling=0)
