"""The WHAM Sky Survey: Hα of the warm ionised gas over the whole sky, by velocity."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

from skykin.core.errors import DataQualityError, ResourceError, UsageError
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.shapes import Numbers
from skykin.core.survey_options import DEFAULT_BANDS, Band, BandsLike, read_bands
from skykin.survey.base import About
from skykin.survey.download import cache_folder, fetch
from skykin.survey.healpix.bands import HealpixBands
from skykin.survey.table.pointings import Pointings, grid_pointings, grid_with_noise
from skykin.survey.table.wham_table import WhamTable, read_wham_table
from skykin.survey.velocity_bands import LEAST_COVERED, band_variance, integrate_bands

FILE_NAME = "wham-ss-DR1-v161116-170912.fits"
FILE_SHA256 = "c0395f4a100b513e42250e50abe2a178d4984b15da1d4d781104e167b37ac8fc"
FILE_BYTES = 91_200_960
#: The survey's own public copy of data release 1.
FILE_URL = "https://uwmadison.box.com/shared/static/4kccrw2bgad7muss3z2po7rezklenxxz.fits"
BEAM_DEG = 1.0
CREDITS = (
    "Haffner, L. M., Reynolds, R. J., Tufte, S. L., Madsen, G. J., Jaehnig, K. P., & Percival, J. W. 2003, "
    "ApJS, 149, 405, doi:10.1086/378850",
    "The Wisconsin H-Alpha Mapper and its Sky Survey have been funded primarily through awards from the "
    "U.S. National Science Foundation.",
)


def open_wham(
    path: Path | str | None = None,
    *,
    bands: BandsLike = DEFAULT_BANDS,
    download: bool = False,
    progress: Progress = SILENT,
) -> HealpixBands:
    """Read the WHAM Sky Survey, integrate it over three velocity bands and bring it onto a HEALPix map.

    Parameters
    ----------
    path : Path or str, optional
        The survey's FITS file; found by `find_wham` if left out.
    bands : three pairs of float or Quantity, or str
        Velocities (LSR, km/s) shown as red, green and blue.
    download : bool
        Fetch the file (91 MB) if it is not on this computer.
    progress : Progress

    Returns
    -------
    HealpixBands
        Intensities in rayleighs per band.  Pointings contaminated by a bright star are masked.  With the
        column ``VARIANCE``, which the published file has, it is a `NoisySurvey`.

    Raises
    ------
    UsageError
        If a band is malformed or outside the observed velocities (``SKY-SPEC``).
    InputRefusedError
        If the file is not the survey, or cannot be used.
    ResourceError
        If there is no file.
    RemoteError
        If the download fails.

    Examples
    --------
    >>> wham = skykin.open_wham()
    >>> values, coverage = wham.sample(209.0, -19.4)
    >>> values.shape  # rayleighs in three bands
    (3,)
    """
    bands = read_bands(bands)
    table = read_wham_table(find_wham(download=download, progress=progress) if path is None else path)
    if table.source.sha256 != FILE_SHA256:
        progress.say(
            f"{table.source.name} is not the published data release 1; it is read as the same kind of table"
        )
    values, weight = integrate_bands(table.velocity_km_s, table.intensity, bands)
    weight[table.star] = 0
    _check_covered(weight, bands, table)
    red, green, blue = (f"{low:+g} to {high:+g} km/s".replace("-", "−") for low, high in bands)
    about = About("wham", "WHAM Sky Survey DR1", "R", (red, green, blue), table.source, CREDITS)
    pointings = Pointings(table.lon_deg, table.lat_deg, values, weight, BEAM_DEG)
    if table.variance is None:
        return grid_pointings(pointings, about, progress=progress)
    noise = np.sqrt(band_variance(table.velocity_km_s, table.variance, bands))
    return grid_with_noise(pointings, noise, about, progress=progress)


def find_wham(*, download: bool = False, progress: Progress = SILENT) -> Path:
    """Find the survey's file: in the package ``whampy``, in the cache, or, with `download`, on the web.

    Raises
    ------
    ResourceError
        ``RS-EXTRA``, with the three ways to the file, if there is none and `download` is not set.
    RemoteError
        If the download fails.
    """
    try:
        # Importing whampy fails beside astropy 8, and only its data is needed.
        installed = Path(str(distribution("whampy").locate_file(f"whampy/data/{FILE_NAME}")))
        if installed.is_file():
            return installed
    except PackageNotFoundError:
        pass
    cached = cache_folder() / FILE_NAME
    if cached.is_file():
        return cached
    if not download:
        raise ResourceError(
            'the WHAM survey is not on this computer; run `pip install "skykin[wham]"`, give its FITS file '
            "with `--survey PATH`, or let Skykin fetch it (91 MB) with `--download`",
            code="RS-EXTRA",
        )
    fetch(FILE_URL, cached, sha256=FILE_SHA256, size_bytes=FILE_BYTES, progress=progress)
    return cached


def _check_covered(weight: Numbers, bands: tuple[Band, ...], table: WhamTable) -> None:
    if table.star.all():
        raise DataQualityError(
            f"{len(weight)} of {len(weight)} pointings are contaminated by a star or there are none; "
            "give the survey's own file",
            code="DQ-FEWVALID",
        )
    for (low, high), band_weight in zip(bands, weight.T, strict=True):
        if not band_weight.any():
            velocity = table.velocity_km_s[~table.star]
            raise UsageError(
                f"no spectrum covers {LEAST_COVERED:.0%} of the band {low:+g} to {high:+g} km/s; "
                f"choose --bands between {np.nanmin(velocity):+.0f} and {np.nanmax(velocity):+.0f} km/s",
                code="SKY-SPEC",
            )
