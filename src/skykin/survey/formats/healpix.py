"""HEALPix maps in FITS tables."""

from __future__ import annotations

from pathlib import Path

from skykin.core.atomic import sha256_of
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Source
from skykin.core.survey_options import SurveyOptions
from skykin.survey.base import About
from skykin.survey.formats import Glance, SurveyFormat
from skykin.survey.healpix.cells import CellSurvey, cell_side_deg, level_for
from skykin.survey.healpix.file import is_healpix, read_healpix


def claims(glance: Glance) -> bool:
    """Whether a table says that it is a HEALPix map."""
    return any(is_healpix(hdu) for hdu in glance.hdus)


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    file = read_healpix(path, options, progress)
    cells = file.cells.at(level_for(options.scale_deg, file.cells.level))
    unit = options.unit or next((unit for unit in file.units if unit), "")
    source = Source(path.name, sha256_of(path))
    about = About.of_columns(file.columns, name=path.stem, title=path.name, unit=unit, source=source)
    return CellSurvey(
        cells,
        file.frame,
        options.beam_deg or cell_side_deg(cells.level),
        about,
        f"HEALPix {file.ordering}, NSIDE {2**file.cells.level}",
        cells.extent(file.frame),
    )


FORMAT = SurveyFormat(
    "healpix",
    "HEALPix map: RING, NESTED or of many orders (NUNIQ), whole sky or a part, one to three columns",
    claims,
    _open,
)
