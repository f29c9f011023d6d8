"""The frame that a table states for its positions, where it is not one of those that Skykin computes in."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

import numpy as np
from astropy import units as u
from astropy.coordinates import FK4, FK5, BarycentricMeanEcliptic, FK4NoETerms, SkyCoord
from astropy.time import Time

from skykin.core.errors import SkyError, shown
from skykin.core.frames import Frame, from_galactic
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.shapes import Degrees
from skykin.survey.fits.check import read_headers
from skykin.survey.fits.image_hdus import chosen_hdu
from skykin.survey.guard import guarded
from skykin.survey.table.file import LIMITS, Column, check_ecsv, ecsv_header, form_of
from skykin.survey.table.objects import ObjectColumn
from skykin.survey.table.votable_check import check_votable

#: Before this year an equinox without a system is of the FK4, as the FITS standard says.
FIRST_FK5 = 1984.0
#: The year at the end of a column's name, such as ``DEB1950`` or ``RA(J2000)``.
YEAR = re.compile(r"(?<!\d)([BJ]?)(1[89]\d\d|20\d\d)(\.\d*)?(\W|_)*(d|deg|degrees?)?\W*$", re.IGNORECASE)
EQUINOX = re.compile(r"\s*([BJ]?)\s*(\d{4}(\.\d*)?)\s*", re.IGNORECASE)
#: In the description of a column: a frame of the last century, and what says that it is not its own.
BESSELIAN, PRESENT = re.compile(r"\bB1[89]\d\d(\.\d+)?\b"), re.compile(r"\bJ(19|20)\d\d|ICRS|FK5")
#: Words of FITS and of VOTables; what is not here is no frame of equatorial or ecliptic positions.
SYSTEMS = {"": "", "icrs": "ICRS", "fk4": "FK4", "fk4-no-e": "FK4-NO-E", "fk5": "FK5"}
WAY_OUT = "write the positions in ICRS, or give the option frame"
AnyColumn = TypeVar("AnyColumn", Column, ObjectColumn)


def with_frames(columns: Sequence[AnyColumn], path: Path, hdu: int | str | None = None) -> list[AnyColumn]:
    """Add to each column the frame that its name, or the file, states: ``FK4 B1950``.

    A name with a year counts before RADESYS and EQUINOX of a FITS header (of the first HDU where the table
    has none) or of the meta of ECSV, and before COOSYS of a VOTable or, without one, a description.
    """
    with path.open("rb") as stream:
        first = stream.read(2880)
        by_column: dict[str, str] = {}
        of_all = ""
        if first.startswith(b"SIMPLE  ="):
            hdus = read_headers(stream, path.name)
            tables = [h for h in chosen_hdu(hdus, hdu) if h.is_table]
            if len(tables) == 1:
                of_all = _in_header(tables[0].cards)
                # The convention INHERIT: what the file says in a first HDU without data holds for its tables.
                if not of_all.strip() and not hdus[0].data_bytes() and tables[0].cards.get("INHERIT") != "F":
                    of_all = _in_header(hdus[0].cards)
    if form_of(first) in ("votable", "ecsv"):
        with guarded("skykin.survey.table.stated:coordinate_systems", path, {}, limits=LIMITS) as parsed:
            by_column, of_all = parsed.facts["by_column"], parsed.facts["of_all"]
    return [replace(one, frame=_by_name(one.name) or by_column.get(one.name, of_all)) for one in columns]


def _in_header(cards: Mapping[str, str]) -> str:
    """System and equinox in the keywords of a table; EPOCH is an old name of EQUINOX, but may be a date."""
    system = cards.get("RADESYS", cards.get("RADECSYS", ""))
    equinox = cards.get("EQUINOX", "").strip()
    if not equinox and (old := EQUINOX.fullmatch(cards.get("EPOCH", ""))) and float(old[2]) == 1950:
        equinox = cards["EPOCH"].strip()
    return f"{system.strip()} {equinox}"


def _by_name(name: str) -> str:
    found = YEAR.search(name)
    return "" if found is None else f" {found[1].upper()}{found[2]}"


def coordinate_systems(path: Path, folder: Path) -> dict[str, Any]:  # noqa: ARG001 - as `guarded` calls
    """Child's task: what a VOTable or an ECSV table states of each column, and of all."""
    with path.open("rb") as stream:
        form = form_of(stream.read(2880))
    if form == "ecsv":
        return {"by_column": {}, "of_all": _in_meta(path)}
    check_votable(path)
    systems: dict[str, str] = {}
    refers: dict[str, str] = {}
    by_column: dict[str, str] = {}
    for _, element in ElementTree.iterparse(path):  # noqa: S314 - entities are refused above
        kind = element.tag.rsplit("}")[-1]
        if kind in ("TD", "TR", "STREAM"):
            element.clear()
        elif kind == "COOSYS":
            told = f"{element.get('system', '')} {element.get('equinox', '')}"
            systems[element.get("ID", "")] = told
        elif kind == "FIELD":
            refers.setdefault(element.get("name", ""), element.get("ref", ""))
            about = next((each.text or "" for each in element if each.tag.endswith("DESCRIPTION")), "")
            if (old := BESSELIAN.search(about)) and not PRESENT.search(about):
                by_column.setdefault(element.get("name", ""), f" {old[0]}")
    of_all = next(iter(systems.values())) if len(systems) == 1 else ""
    stated = {name: systems.get(ref, of_all) for name, ref in refers.items()}
    by_column |= {name: told for name, told in stated.items() if told}
    return {"by_column": by_column, "of_all": of_all}


def _in_meta(path: Path) -> str:
    """System and equinox that an ECSV table keeps of the header that it was made from."""
    from astropy.table.meta import get_header_from_yaml  # noqa: PLC0415 - only in the child

    text = path.read_text(encoding="utf-8-sig", errors="replace")
    check_ecsv(text, path.name)
    meta = get_header_from_yaml(ecsv_header(text).splitlines()).get("meta") or {}
    return _in_header({str(key).upper(): str(value) for key, value in dict(meta).items()})


def in_present_frame(
    lon_deg: Degrees,
    lat_deg: Degrees,
    frame: Frame,
    columns: tuple[AnyColumn, AnyColumn],
    file: str,
    *,
    progress: Progress = SILENT,
) -> tuple[Degrees, Degrees]:
    """Bring positions from the system and equinox that their columns state to ICRS, or the ecliptic of J2000.

    FK5 of J2000 counts as ICRS, which it follows to 0.03 arcseconds.

    Raises
    ------
    SkyError
        ``SKY-FRAME`` if the two columns state different frames, or one that is not known.
    """
    stated = {one.frame.strip() for one in columns} - {""}
    if frame == "galactic" or not stated:
        return lon_deg, lat_deg
    names = f"columns {shown(columns[0].name)} and {shown(columns[1].name)} of {shown(file)}"
    if len(stated) > 1:
        raise SkyError(
            f"{names} are in different frames, {' and '.join(map(shown, sorted(stated)))}; {WAY_OUT}",
            code="SKY-FRAME",
        )
    (text,) = stated
    place = _place(text, frame, names)
    if place is None:
        return lon_deg, lat_deg
    progress.say(f"the positions in {names} are brought from {text} to {frame}")
    with warnings.catch_warnings(action="ignore"), np.errstate(invalid="ignore"):
        galactic = SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame=place).galactic
    return from_galactic(galactic.l.deg, galactic.b.deg, frame)


def _place(text: str, frame: Frame, names: str) -> Any:
    """Frame of astropy; None where it is the present one."""
    *words, last = text.split()
    year = EQUINOX.fullmatch(last)
    system = " ".join(words if year else [*words, last]).lower()
    known = SYSTEMS.get(system.removeprefix("eq_").removeprefix("ecl_"))
    if known is None or (year and not 1800 <= float(year[2]) <= 2100):
        raise SkyError(
            f"{names} are in {shown(text)}, which is no frame that is known; {WAY_OUT}", code="SKY-FRAME"
        )
    old = bool(year) and (year[1].upper() == "B" or float(year[2]) < FIRST_FK5)  # type: ignore[index]
    known = known or ("FK4" if old else "FK5")
    epoch = float(year[2]) if year else 1950.0 if known.startswith("FK4") else 2000.0
    if known == "ICRS" or (known == "FK5" and epoch == 2000):
        return None
    equinox = Time(epoch, format="byear" if known.startswith("FK4") else "jyear")
    if frame == "ecliptic":
        return BarycentricMeanEcliptic(equinox=equinox)
    return {"FK4": FK4, "FK4-NO-E": FK4NoETerms, "FK5": FK5}[known](equinox=equinox)
