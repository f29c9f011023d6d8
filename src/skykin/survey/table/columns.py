"""Which columns of a table are positions, values and spectra."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from skykin.core.errors import HeaderInvalidError, SkyError, UnknownNameError, shown
from skykin.core.frames import Frame, frame_of
from skykin.core.protocols import Progress
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.table.file import Column

#: UCDs (also of version 1) and names, as `name_key` writes them, of longitudes and latitudes in each frame.
PAIRS: tuple[tuple[Frame, str, str], ...] = (
    ("galactic", "pos.galactic.lon", "pos.galactic.lat"),
    ("icrs", "pos.eq.ra", "pos.eq.dec"),
    ("ecliptic", "pos.ecliptic.lon", "pos.ecliptic.lat"),
    ("galactic", "pos_gal_lon", "pos_gal_lat"),
    ("icrs", "pos_eq_ra_main", "pos_eq_dec_main"),
    ("galactic", "l", "b"),
    ("galactic", "glon", "glat"),
    ("galactic", "gallon", "gallat"),
    ("galactic", "galacticlon", "galacticlat"),
    ("galactic", "galacticlongitude", "galacticlatitude"),
    ("galactic", "ldeg", "bdeg"),
    ("galactic", "lii", "bii"),  # HEASARC
    ("galactic", "gall", "galb"),
    ("icrs", "ra", "dec"),
    ("icrs", "ra", "de"),
    ("icrs", "raj2000", "dej2000"),  # VizieR
    ("icrs", "raj2000", "decj2000"),
    ("icrs", "ra2000", "dec2000"),
    ("icrs", "ra2000", "de2000"),
    ("icrs", "radeg", "decdeg"),
    ("icrs", "radeg", "dedeg"),
    ("icrs", "rad", "decd"),  # SIMBAD
    ("icrs", "raj2000d", "dej2000d"),
    ("icrs", "raj2000d", "decj2000d"),
    ("icrs", "rajd", "decjd"),  # ATNF
    ("icrs", "raicrs", "deicrs"),
    ("icrs", "raicrs", "decicrs"),
    ("icrs", "rafk5", "decfk5"),
    ("icrs", "rightascension", "declination"),
    ("icrs", "alphaj2000", "deltaj2000"),  # SExtractor
    ("icrs", "alphawinj2000", "deltawinj2000"),
    ("icrs", "alphapeakj2000", "deltapeakj2000"),
    ("icrs", "alphapsfj2000", "deltapsfj2000"),
    ("icrs", "alphasky", "deltasky"),
    ("icrs", "alphawinsky", "deltawinsky"),
    ("icrs", "ramean", "decmean"),  # Pan-STARRS
    ("icrs", "rastack", "decstack"),
    ("icrs", "coordra", "coorddec"),  # LSST, in radians
    ("icrs", "targetra", "targetdec"),  # DESI
    ("icrs", "plugra", "plugdec"),  # SDSS
    ("icrs", "sra", "sdec"),  # ObsCore
    ("ecliptic", "elon", "elat"),
    ("ecliptic", "ecllon", "ecllat"),  # Gaia
    ("icrs", "rab1950", "deb1950"),  # brought to ICRS by `in_present_frame`
    ("icrs", "rab1950", "decb1950"),
    ("icrs", "ra1950", "dec1950"),
    ("icrs", "ra1950", "de1950"),
    ("icrs", "alphab1950", "deltab1950"),
)
#: Words of columns that are no positions but tell how exact they are, how they move, or how far apart.
NO_PLACES = {
    "e", "err", "error", "errors", "unc", "sigma", "std", "stdev", "rms", "var", "ivar", "cov", "corr", "pm",
    "motion", "rate", "offset", "off", "diff", "delta", "d", "dra", "n", "num", "flag", "id", "min", "max",
    "sep", "apex",
}  # fmt: skip
NAMELESS = (("lon", "lat"), ("londeg", "latdeg"), ("longitude", "latitude"))
#: Units that the name of a column may end with.
ENDINGS = ("arcmin", "arcsec", "degrees", "degree", "deg")
Place = TypeVar("Place", bound="Named")
DEGREES_PER = {
    **dict.fromkeys(("", "deg", "degree", "degrees", "d"), 1.0),
    **dict.fromkeys(("rad", "radian", "radians"), 180 / np.pi),
    **dict.fromkeys(("h", "hr", "hour", "hours", "hourangle"), 15.0),
    **dict.fromkeys(("arcmin",), 1 / 60),
    **dict.fromkeys(("arcsec",), 1 / 3600),
}
KM_S_PER = {
    "km/s": 1.0,
    "kms-1": 1.0,
    "km.s-1": 1.0,
    "kms**-1": 1.0,
    "m/s": 1e-3,
    "ms-1": 1e-3,
    "m.s-1": 1e-3,
}
#: What is no value to be shown: errors, flags, counts and names of rows.
NOT_VALUES = re.compile(
    r"^(e_|err|sigma|rms|flag|id$|index|row|n_|num|(flux|mag)err)|(_err|_error|_sigma|_flag|_id)$", re.I
)
VALUE_UCDS = ("phot.", "phys.", "em.", "src.", "spect.")
#: Right ascensions that end here are probably hours.
HOURS = 24.0


@dataclass(frozen=True, eq=False)
class Chosen:
    """What the columns of a table mean.

    Parameters
    ----------
    lon_deg, lat_deg : float64 arrays (rows,)
        In `frame`.
    frame : str
    values : list of Column
        One to three with a number a row, or velocity and intensity with a spectrum a row.
    stated : pair of Column or None
        Columns of longitude and latitude, whose frame counts; None where the user gave another.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    frame: Frame
    values: list[Column]
    stated: tuple[Column, Column] | None = None

    @property
    def is_spectral(self) -> bool:
        """Whether the values are spectra."""
        return self.values[0].is_spectrum


def choose(
    columns: list[Column], wanted: Sequence[str], frame: str | None, file: str, progress: Progress
) -> Chosen:
    """Find positions and values by option, by UCD, or by name.

    Parameters
    ----------
    columns : list of Column
    wanted : names
        Longitude, latitude, then one to three values, or velocity and intensity of spectra; found by UCD and
        name if left out.
    frame : str, optional
        Instead of the one that UCD or name imply.
    file : str
        What to call the table.
    progress : Progress

    Raises
    ------
    HeaderInvalidError
        If positions or values are not found or not numbers; the sentence lists the columns that are there.
    UnknownNameError
        If a wanted column is not there.
    SkyError
        If units do not fit.
    """
    if wanted:
        named = [_named(columns, name, file) for name in wanted]
        if len(named) < 3:
            raise _unclear(columns, file, f"the survey option columns names {len(named)} columns")
        lon, lat, values = named[0], named[1], named[2:]
        implied = next((f for f, x, y in PAIRS if _is(lon, x) and _is(lat, y)), None)
        if implied is None and equatorial_pairs([lon, lat]):
            implied = "icrs"
    else:
        lon, lat, implied = _positions(columns, file)
        values = _values([c for c in columns if c is not lon and c is not lat], columns, file)
    if implied is None and frame is None:
        progress.say(
            f"the positions of {shown(file)} are read as Galactic; give --survey-option frame=icrs or "
            "frame=ecliptic if they are not"
        )
    known = frame_of(frame) if frame is not None else implied or "galactic"
    longitude = _degrees(lon, file, progress, known == "icrs")
    latitude = _degrees(lat, file, progress, False)
    if not (lon.unit or lat.unit) and (doubt := doubtful_radians(lon.name, longitude, latitude)):
        progress.say(f"SKY-UNIT: columns {shown(lon.name)} and {shown(lat.name)} of {shown(file)} {doubt}")
    stated = (lon, lat) if frame is None else None
    return Chosen(longitude, latitude, known, _checked(values, columns, file), stated)


def doubtful_radians(name: str, lon: Degrees, lat: Degrees) -> str:
    """Say that numbers without a unit look like radians; nothing if they do not."""
    good = np.isfinite(lon) & np.isfinite(lat)
    if not good.any():
        return ""
    inside = np.abs(lon[good]).max() <= 2 * np.pi and np.abs(lat[good]).max() <= np.pi / 2
    wide = np.ptp(lon[good]) > np.pi or np.ptp(lat[good]) > 1
    if not inside or not (wide or name_key(name) == "coordra"):
        return ""
    return (
        "have no unit and are read in degrees, but none is beyond 2π and π/2: if they are in radians, write "
        "their unit (rad)"
    )


def _positions(columns: list[Column], file: str) -> tuple[Column, Column, Frame | None]:
    # Of several columns with one UCD that of the main position comes first.
    by_rank = sorted(columns, key=lambda column: "meta.main" not in column.ucd.casefold())
    for frame, x, y in (*PAIRS, *((None, x, y) for x, y in NAMELESS)):
        if pair := _pair_of(by_rank, x, y):
            return pair[0], pair[1], frame
    pairs = equatorial_pairs(columns)
    if len(pairs) == 1:
        return *pairs[0], "icrs"
    found = f"{len(pairs)} pairs of" if pairs else "no"
    raise _unclear(columns, file, f"{found} columns with positions are found")


def equatorial_pairs(columns: Sequence[Place]) -> list[tuple[Place, Place]]:
    """Columns whose names differ in the words ``ra`` and ``dec`` only, as ``RA_TARG`` and ``DEC_TARG`` do."""
    words = {id(c): _words(c.name) for c in columns}
    pairs = []
    for lon in columns:
        if "ra" not in words[id(lon)] or NO_PLACES & set(words[id(lon)]):
            continue
        wanted = [[word if word != "ra" else dec for word in words[id(lon)]] for dec in ("dec", "de", "decl")]
        pairs += [(lon, lat) for lat in columns if words[id(lat)] in wanted][:1]
    return pairs


def _words(name: str) -> list[str]:
    """Words of a name in lower case, also of one such as ``meanRA``."""
    return re.findall(r"[a-z]+|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).casefold())


def _pair_of(columns: list[Column], x: str, y: str) -> list[Column]:
    """Longitude and latitude by UCD or name; nothing if one of them is not there."""
    found = [next((c for c in columns if _is(c, what)), None) for what in (x, y)]
    pair = [column for column in found if column is not None]
    return pair if len(pair) == 2 else []


def _is(column: Column, what: str) -> bool:
    if what.startswith("pos"):
        return has_ucd(column.ucd, what)
    # Parts of sky coordinates that another program copied have names such as "pos.ra".
    own = name_key(column.name.rpartition(".")[2])
    return what in (name_key(column.name), own, split_name(column.name)[0])


def has_ucd(ucd: str, what: str) -> bool:
    """Whether the first word of a UCD is `what`."""
    return ucd.strip().casefold().split(";")[0] == what


def split_name(name: str) -> tuple[str, str]:
    """Stem, as `name_key` writes it, and unit of a name such as ``size_arcmin``."""
    key = name_key(name)
    ending = next((e for e in ENDINGS if key.endswith(e) and key != e), "")
    return key.removesuffix(ending), ending


def name_key(name: str) -> str:
    """Letters and digits of a column's name, in lower case: ``RA(J2000)`` becomes ``raj2000``."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _values(rest: list[Column], columns: list[Column], file: str) -> list[Column]:
    spectra = [c for c in rest if c.is_spectrum]
    if spectra:
        velocity = [c for c in spectra if _speed(c) is not None]
        others = [c for c in spectra if _speed(c) is None]
        if len(velocity) == 1 and len(others) == 1:
            return [velocity[0], others[0]]
        raise _unclear(columns, file, f"{len(spectra)} columns hold spectra, {len(velocity)} velocities")
    places = {id(c) for pair in PAIRS for c in _pair_of(rest, *pair[1:])}  # positions in other frames
    plain = [c for c in rest if c.values is not None and not NOT_VALUES.search(c.name)]
    plain = [c for c in plain if id(c) not in places]
    plain = [c for c in plain if not c.ucd.lower().startswith(("pos.", "meta.", "stat.error", "time."))]
    physical = [c for c in plain if c.ucd.lower().startswith(VALUE_UCDS)]
    for found in (physical, plain):
        if len(found) == 1:
            return found
    raise _unclear(columns, file, f"{len(plain)} columns may hold the values")


def _checked(values: list[Column], columns: list[Column], file: str) -> list[Column]:
    spectral = sum(column.is_spectrum for column in values)
    if any(column.values is None for column in values) or spectral not in (0, 2) or len(values) > 3:
        raise _unclear(
            columns, file, "the values must be one to three numbers a row, or two columns of spectra"
        )
    if spectral:
        if len(values) != 2 or _speed(values[0]) is None:
            raise SkyError(
                f"column {shown(values[0].name)} of {shown(file)} is in {shown(values[0].unit)}, but the "
                "first of the two columns of spectra must be a velocity in km/s or m/s",
                code="SKY-SPEC",
            )
        shapes = [np.asarray(column.values).shape for column in values]
        if shapes[0] != shapes[1]:
            raise HeaderInvalidError(
                f"velocities {shapes[0]} and intensities {shapes[1]} of {shown(file)} have different shapes",
                code="IN-DIM",
            )
    return values


def km_s(column: Column) -> Numbers:
    """Velocities in km/s."""
    return np.asarray(column.values) * (_speed(column) or 1.0)


def _speed(column: Column) -> float | None:
    return KM_S_PER.get(column.unit.lower().replace(" ", ""))


def _named(columns: list[Column], name: str, file: str) -> Column:
    for column in columns:
        if column.name.lower() == name.strip().lower():
            return column
    raise UnknownNameError(f"{shown(file)} has no column {shown(name)}; it has {columns_told(columns)}")


def _degrees(column: Column, file: str, progress: Progress, is_ra: bool) -> Degrees:
    if column.values is None or column.is_spectrum:
        raise SkyError(
            f"column {shown(column.name)} of {shown(file)} does not hold one number a row; write "
            "positions in decimal degrees",
            code="SKY-UNIT",
        )
    factor = DEGREES_PER.get(column.unit.strip().lower() or split_name(column.name)[1])
    if factor is None:
        raise SkyError(
            f"column {shown(column.name)} of {shown(file)} is in {shown(column.unit)}, which is no angle "
            "that Skykin knows; write it in deg",
            code="SKY-UNIT",
        )
    finite = column.values[np.isfinite(column.values)]
    if is_ra and factor == 1.0 and len(finite) > 9 and finite.min() >= 0 and finite.max() <= HOURS:
        progress.say(
            f"SKY-UNIT: column {shown(column.name)} of {shown(file)} is read in degrees, but reaches only "
            f"{finite.max():.3g}: if it is in hours, write its unit (hourangle)"
        )
    return np.asarray(column.values * factor)


def _unclear(columns: list[Column], file: str, reason: str) -> HeaderInvalidError:
    return HeaderInvalidError(
        f"{reason} in {shown(file)}, which has {columns_told(columns)}; name them with "
        "--survey-option columns=NAME,NAME,…: longitude, latitude, then one to three values or velocity "
        "and intensity"
    )


class Named(Protocol):
    """A column, of whatever kind of table."""

    @property
    def name(self) -> str:
        """What the table calls it."""


def columns_told(columns: Sequence[Named]) -> str:
    """Names of columns, for a sentence."""
    return shown(", ".join(each.name for each in columns)) if columns else "no columns"
