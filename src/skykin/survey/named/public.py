"""Public surveys that are read from the web as HiPS, each by its IVOA identifier."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.hips.public import open_public
from skykin.survey.named import NamedSurvey

#: Name, identifier, what it is.  Identifiers are those of the CDS MOC server's records.
HIPS = (
    ("akari-fis", "CDS/P/AKARI/FIS/Color", "AKARI FIS: 65 to 160 μm in colours, 99 % of the sky"),
    ("akari-65", "CDS/P/AKARI/FIS/N60", "AKARI FIS N60: 65 μm, 99 % of the sky"),
    ("akari-90", "CDS/P/AKARI/FIS/WideS", "AKARI FIS Wide-S: 90 μm, 99 % of the sky"),
    ("akari-140", "CDS/P/AKARI/FIS/WideL", "AKARI FIS Wide-L: 140 μm, 99 % of the sky"),
    ("akari-160", "CDS/P/AKARI/FIS/N160", "AKARI FIS N160: 160 μm, 99 % of the sky"),
    ("iris", "CDS/P/IRIS/color", "IRIS (IRAS reprocessed) in colours, whole sky"),
    ("iris-100", "ov-gso/P/IRIS/4", "IRIS band 4 (IRAS reprocessed): 100 μm, whole sky"),
    ("planck-hfi", "CDS/P/PLANCK/R3/HFI/color", "Planck HFI 2018: 353, 545, 857 GHz in colours, whole sky"),
    ("planck-857", "CDS/P/PLANCK/R3/HFI857", "Planck HFI, 2018: 857 GHz, whole sky"),
    ("wise", "CDS/P/allWISE/color", "AllWISE in colours: 22, 4.6 and 3.4 μm, whole sky"),
    ("wise-12", "CDS/P/allWISE/W3", "AllWISE W3: 12 μm, whole sky"),
    ("wise-22", "CDS/P/allWISE/W4", "AllWISE W4: 22 μm, whole sky"),
    ("wise-dust", "CDS/P/WISE/WSSA/12um", "WISE 12 μm without stars, whole sky (Meisner & Finkbeiner 2014)"),
    ("unwise", "CDS/P/unWISE/color-W2-W1W2-W1", "unWISE in colours: 4.6 and 3.4 μm, whole sky"),
    ("glimpse360", "IPAC/P/GLIMPSE360", "GLIMPSE360: Spitzer IRAC along the Galactic plane, in colours"),
    ("irac", "CDS/P/SPITZER/color", "Spitzer IRAC in colours: GLIMPSE, SAGE, SAGE-SMC and SINGS"),
    ("higal-70", "ov-gso/P/Higal/70", "Hi-GAL: Herschel PACS 70 μm along the Galactic plane"),
    ("higal-160", "ov-gso/P/Higal/160", "Hi-GAL: Herschel PACS 160 μm along the Galactic plane"),
    ("higal-250", "ov-gso/P/Higal/250", "Hi-GAL: Herschel SPIRE 250 μm along the Galactic plane"),
    ("higal-350", "ov-gso/P/Higal/350", "Hi-GAL: Herschel SPIRE 350 μm along the Galactic plane"),
    ("higal-500", "ov-gso/P/Higal/500", "Hi-GAL: Herschel SPIRE 500 μm along the Galactic plane"),
    ("pacs", "ESAVO/P/HERSCHEL/PACS-color", "Herschel PACS in colours: all public fields"),
    ("spire", "ESAVO/P/HERSCHEL/SPIRE-color", "Herschel SPIRE in colours: all public fields"),
    ("spire-250", "ESAVO/P/HERSCHEL/SPIRE-250", "Herschel SPIRE 250 μm: all public fields"),
    ("finkbeiner", "CDS/P/Finkbeiner", "Hα of WHAM, VTSS and SHASSA, 6′, whole sky (Finkbeiner 2003)"),
    ("shassa", "CDS/P/SHASSA/H", "SHASSA: Hα with stars, southern sky (Gaustad et al. 2001)"),
    ("vtss", "CDS/P/VTSS/Ha", "VTSS: Hα, parts of the northern sky (Dennison et al. 1998)"),
    ("nsns", "simg.de/P/NSNS/DR0_2/halpha", "NSNS DR0.2: Hα, northern sky"),
    ("dss2", "CDS/P/DSS2/color", "DSS2: photographic plates in colours, whole sky"),
    ("dss2-red", "CDS/P/DSS2/red", "DSS2: photographic plates, red, whole sky"),
    ("co", "CDS/P/CO", "CO 1–0 at 2.6 mm, composite (Dame et al.)"),
)  # fmt: skip


def _nowhere() -> Path | None:
    """Nothing of it is on this computer but copies of tiles."""
    return None


def _open(identifier: str, options: SurveyOptions, download: bool, progress: Progress) -> Survey:  # noqa: ARG001
    return open_public(identifier, options, progress)


SURVEYS = tuple(
    NamedSurvey(name, description, "", _nowhere, partial(_open, identifier), identifier=identifier)
    for name, identifier, description in HIPS
)
