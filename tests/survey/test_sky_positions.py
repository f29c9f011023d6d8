"""Positions of pixels are those of astropy, whatever the header, or the image is refused in one sentence."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
from astropy.coordinates import BarycentricMeanEcliptic, Galactic, SkyCoord
from astropy.time import Time
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from skykin.core.errors import InputRefusedError
from skykin.core.progress import SilentProgress
from skykin.survey.fits.world import ImageGrid, read_world
from tests.hostile.fits_headers import random_header

HEADERS = 300
PIXELS = 12
#: Pixels; distortions are inverted to this.
TOLERANCE = 1e-3


def astropy_positions(header, axes, seed):
    """Random pixels of longitude and latitude axes and their Galactic positions by astropy alone.

    None where it raises.
    """
    random = np.random.default_rng(seed)
    plain = header.copy()
    if isinstance(header.get("EQUINOX"), str):  # astropy passes over text
        plain["EQUINOX"] = float(header["EQUINOX"].strip("JB"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(plain)
            pixels = {i: random.uniform(-0.5, header[f"NAXIS{i}"] - 0.5, PIXELS) for i in axes}
            every = [pixels.get(i, np.zeros(PIXELS)) for i in range(1, wcs.naxis + 1)]
            world = wcs.all_pix2world(np.column_stack(every), 0)
            kind = wcs.wcs.ctype[wcs.wcs.lng][:4]
            year = wcs.wcs.equinox if np.isfinite(wcs.wcs.equinox) else 2000.0
            ecliptic = BarycentricMeanEcliptic(equinox=Time(year, format="jyear"))
            frame = {"GLON": Galactic(), "ELON": ecliptic}.get(kind)
            if frame is None:
                frame = wcs_to_celestial_frame(wcs.celestial)
        except Exception:  # of any kind: then there is nothing to compare with
            return None
        known = np.isfinite(world).all(axis=1)
        there = SkyCoord(world[known, wcs.wcs.lng], world[known, wcs.wcs.lat], unit="deg", frame=frame)
        here = there.galactic
    return [pixels[i][known] for i in axes], (here.l.deg, here.b.deg)


def compare(seed):
    """Tell how a random header fares: ``same``, ``wrong``, ``refused``, or ``nothing to compare``."""
    header, axes = random_header(seed)
    expected = astropy_positions(header, axes, seed)
    try:
        world = read_world(header, "HDU 0 of 'a.fits'", SilentProgress())
        grid = ImageGrid(world, (header[f"NAXIS{axes[1]}"], header[f"NAXIS{axes[0]}"]))
        grid.extent()
    except InputRefusedError:
        return "refused" if expected else "refused by both"
    if expected is None or not len(expected[0][0]):
        return "nothing to compare"
    (x, y), (lon, lat) = expected
    ours = grid.pixels_at(lon, lat)
    if grid.turn is not None:  # more than a turn of the sky shows places twice
        turns = np.round(
            ((x - ours[0]) * grid.turn[0] + (y - ours[1]) * grid.turn[1]) / np.square(grid.turn).sum()
        )
        ours = ours[0] + turns * grid.turn[0], ours[1] + turns * grid.turn[1]
    return "same" if np.hypot(ours[0] - x, ours[1] - y).max() < TOLERANCE else "wrong"


def check(seeds):
    found = {seed: compare(seed) for seed in seeds}
    counts = Counter(found.values())
    assert not [seed for seed, how in found.items() if how == "wrong"], counts
    assert counts["same"] > 0.78 * len(found)
    assert counts["refused"] < 0.06 * len(found)


@pytest.mark.slow
def test_random_headers_are_placed_as_astropy_places_them_or_refused():
    # The last two: wcslib finds no inverse of TPV at some pixel.
    check([*range(HEADERS), 1686, 3518])


@pytest.mark.slow
def test_thousands_of_random_headers_are_placed_as_astropy_places_them_or_refused():
    check(range(HEADERS, 4_000))
