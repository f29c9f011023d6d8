"""Map a small region of a FITS image of 30 000 × 30 000 pixels, and measure the peak memory.

    python benchmarks/large_image.py [--side 30000] [--pixels 64]

The image is a sparse file of 3.6 GB (float32) that takes a few megabytes of disk: noise and waves in one
corner of 2 000 × 2 000 pixels, zeros elsewhere.  The bound to keep is 1.5 GiB.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

import skykin

PIXEL_DEG = 0.0005
CORNER, PATCH = 4000, 2000
BOUND_GIB = 1.5


def write_image(path: Path, side: int) -> fits.Header:
    """Write the sparse file and return its header."""
    header = fits.Header()
    header["SIMPLE"], header["BITPIX"], header["NAXIS"] = True, -32, 2
    header["NAXIS1"], header["NAXIS2"] = side, side
    for axis, (name, value, step) in enumerate(
        (("GLON", 80.0, -PIXEL_DEG), ("GLAT", 1.0, PIXEL_DEG)), start=1
    ):
        header[f"CTYPE{axis}"] = f"{name}-TAN"
        header[f"CRVAL{axis}"], header[f"CRPIX{axis}"], header[f"CDELT{axis}"] = value, (side + 1) / 2, step
    header["BMAJ"] = 3 * PIXEL_DEG
    with path.open("wb") as stream:
        stream.write(header.tostring(padding=True).encode("ascii"))
        start = stream.tell()
        stream.truncate(start + 4 * side**2)
        random = np.random.default_rng(0)
        x = np.arange(PATCH)
        for row in range(PATCH):
            waves = (
                3 + np.sin(x / 90) * np.cos(row / 70) + np.sin((x + row) / 23) + random.normal(0, 0.2, PATCH)
            )
            stream.seek(start + 4 * ((CORNER + row) * side + CORNER))
            stream.write(waves.astype(">f4").tobytes())
    return header


def main() -> None:
    """Write the image, map the corner, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=30_000)
    parser.add_argument("--pixels", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.fits"
        header = write_image(path, options.side)
        middle = CORNER + PATCH / 2
        lon, lat = (float(angle) for angle in WCS(header).wcs_pix2world(middle, middle, 0))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        found = skykin.map(
            path,
            f"{lon},{lat}",
            area=f"{lon - 0.35},{lon + 0.35},{lat - 0.35},{lat + 0.35}",
            tile_size=0.12,
            pixels=options.pixels,
        )
        seconds = time.perf_counter() - start
        unit = 1 if sys.platform == "darwin" else 1024
        peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
        print(f"image       {options.side} × {options.side}, {path.stat().st_size / 1e9:.2f} GB on paper, "
              f"{path.stat().st_blocks * 512 / 1e6 if os.name == 'posix' else 0:.0f} MB on disk")  # fmt: skip
        print(
            f"tiles       {len(found.tiles)} of {options.pixels} pixels, {found.scored.n_left_out} left out"
        )
        print(f"seconds     {seconds:.1f}")
        print(f"peak memory {peak_gib:.2f} GiB (before: {before * unit / 2**30:.2f}; bound {BOUND_GIB})")
        if peak_gib > BOUND_GIB:
            sys.exit(1)


if __name__ == "__main__":
    main()
