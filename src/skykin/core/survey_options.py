"""What a person says about a survey's file where the file itself is silent or ambiguous."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from astropy import units as u

from skykin.core.checked import (
    FLAG,
    Checked,
    Rule,
    above,
    check_names,
    degrees,
    in_unit,
    listed,
    one_of,
    path_text,
    real,
    whole,
    words,
)
from skykin.core.errors import UsageError, shown

Frame = Literal["galactic", "icrs", "ecliptic"]
Ordering = Literal["ring", "nested"]
PictureProjection = Literal["plate-carree", "mollweide", "aitoff"]
CubeShow = Literal["bands", "moments", "channels"]
#: Lowest and highest velocity, km/s.
Band = tuple[float, float]
#: What is shown as red, green and blue.
Bands = tuple[Band, Band, Band]
#: What `read_bands` takes: bands, text, or Quantities, which have no types of their own.
BandsLike: TypeAlias = Bands | Any

#: Receding gas is red, approaching gas is blue; ±60 km/s is where 98 % of the WHAM spectra are complete.
DEFAULT_BANDS: Bands = ((20.0, 60.0), (-20.0, 20.0), (-60.0, -20.0))
DEFAULT_BANDS_TEXT = ",".join(f"{low:g}..{high:g}" for low, high in DEFAULT_BANDS)


def read_bands(value: BandsLike) -> Bands:
    """Read three velocity bands: red, green, blue.

    Parameters
    ----------
    value : str, or three pairs of float or Quantity
        Text such as ``"20..60,-20..20,-60..-20"``, or pairs of velocities; bare numbers are km/s.

    Raises
    ------
    UsageError
        If there are not three, or one is not a pair of finite velocities that grow.
    """
    try:
        given = [band.split("..") for band in value.split(",")] if isinstance(value, str) else value
        read = (lambda text: real(float(text))) if isinstance(value, str) else in_unit("km/s")
        red, green, blue = listed(listed(read, 2), 3)(given)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"bands is {shown(value)}, but it must be three pairs of finite velocities in km/s, for red, "
            f"green and blue, such as {DEFAULT_BANDS_TEXT}; the default is the survey's own",
            code="SKY-SPEC",
        ) from error
    for low, high in (red, green, blue):
        if not low < high:
            raise UsageError(
                f"the velocity band {low:g} to {high:g} km/s must run from a lower to a higher velocity",
                code="SKY-SPEC",
            )
    return red, green, blue


def _unit(value: Any) -> str:
    return words(value.to_string() if isinstance(value, u.UnitBase) else value)


def _rest(value: Any) -> str:
    return f"{float(value.value)!r} {value.unit}" if isinstance(value, u.Quantity) else words(value)


def _hdu(value: Any) -> int | str:
    return words(value) if isinstance(value, str) else int(whole(0)(value))


BANDS = Rule(read_bands, "three velocity ranges", "the survey's own")
ANGLE = "an angle above 0° and at most 90°, such as 0.5 or 0.5*u.deg"
OWN = "the file's own"


@dataclass(frozen=True, kw_only=True)
class SurveyOptions(Checked):
    """Choices about one survey; each is None where the file decides.

    Parameters
    ----------
    hdu : int or str, optional
        Number or name of the HDU to read.
    frame : {"galactic", "icrs", "ecliptic"}, optional
        Coordinates of a map or picture that does not name its own.
    projection : {"plate-carree", "mollweide", "aitoff"}, optional
        How a picture without world coordinates shows the whole sky; ``aitoff`` is Hammer–Aitoff, FITS's AIT.
    center_deg : float or Quantity, optional
        Longitude in the middle of such a picture, degrees; 0 if left out.
    scale_deg : float or Quantity, optional
        Side of the smallest pixel that will be looked at: surveys of many resolutions are read no finer.
    ordering : {"ring", "nested"}, optional
        Pixel order of a HEALPix map that does not name its own.
    columns : sequence of str, optional
        Columns of a table to read.
    blank : float, optional
        Value that stands for "not observed" and is not declared as such.
    unit : str or Unit, optional
        Unit of the values, instead of the file's own.
    beam_deg : float or Quantity, optional
        Angular resolution (full width), degrees, instead of the file's own.
    bands : three pairs of float or Quantity, or str, optional
        Velocities (km/s) shown as red, green and blue, where the survey has spectra; see `read_bands`.
    rest : str or Quantity, optional
        Rest frequency or wavelength of a spectral line, such as ``"110.201 GHz"`` or ``"656.28 nm"``.
    show : {"bands", "moments", "channels"}, optional
        What of a spectral cube is shown as red, green and blue.
    channels : three int, optional
        The channels of a cube (from 0) to show, with ``show="channels"``.
    mask : str or Path, optional
        MOC or DS9 region file of the part of the sky to use.
    smooth_deg : float or Quantity, optional
        Full width of the Gaussian beam that the survey is smoothed to, degrees.
    ignore_checksum : bool
        Read FITS data although its checksum says that it was changed.
    lenient : bool
        Read a FITS image although its header holds bytes that are not plain text.

    Raises
    ------
    UsageError
        Naming the option, its value and what it may be.

    Examples
    --------
    >>> options = skykin.SurveyOptions(hdu=1, blank=0)
    >>> options.hdu, options.blank, options.frame
    (1, 0.0, None)
    """

    hdu: int | str | None = None
    frame: Frame | None = None
    projection: PictureProjection | None = None
    center_deg: float | u.Quantity | None = None
    scale_deg: float | u.Quantity | None = None
    ordering: Ordering | None = None
    columns: tuple[str, ...] | None = None
    blank: float | None = None
    unit: str | u.UnitBase | None = None
    beam_deg: float | u.Quantity | None = None
    bands: BandsLike | None = None
    rest: str | u.Quantity | None = None
    show: CubeShow | None = None
    channels: tuple[int, int, int] | None = None
    mask: str | Path | None = None
    smooth_deg: float | u.Quantity | None = None
    ignore_checksum: bool = False
    lenient: bool = False

    KIND: ClassVar[str] = "survey option"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "hdu": Rule(_hdu, "the number or name of an HDU", OWN),
        "frame": Rule(one_of(*get_args(Frame)), "galactic or icrs or ecliptic", OWN),
        "projection": Rule(one_of(*get_args(PictureProjection)), "plate-carree or mollweide or aitoff", OWN),
        "center_deg": Rule(degrees, "a longitude in degrees", "0"),
        "scale_deg": Rule(above(0, 90, degrees), ANGLE),
        "ordering": Rule(one_of(*get_args(Ordering)), "ring or nested", OWN),
        "columns": Rule(listed(words), "names of columns", OWN),
        "blank": Rule(real, "a finite number", OWN),
        "unit": Rule(_unit, "a unit such as K or MJy/sr", OWN),
        "beam_deg": Rule(above(0, 90, degrees), ANGLE, OWN),
        "bands": BANDS,
        "rest": Rule(_rest, "a frequency or wavelength such as 110.201 GHz", OWN),
        "show": Rule(one_of(*get_args(CubeShow)), "bands or moments or channels"),
        "channels": Rule(listed(whole(0), 3), "three channel numbers, counted from 0", "none"),
        "mask": Rule(path_text, "the name of a MOC or DS9 region file", "none"),
        "smooth_deg": Rule(above(0, 90, degrees), ANGLE, "no smoothing"),
        "ignore_checksum": FLAG,
        "lenient": FLAG,
    }

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> SurveyOptions:
        """Read options from texts, as the command line gives them: ``{"hdu": "1", "columns": "l,b,ha"}``."""
        check_names(cls.KIND, texts, [*READERS])
        values: dict[str, Any] = {}
        for name, text in texts.items():
            try:
                values[name] = READERS[name](text)
            except ValueError as error:
                raise cls().refusal(name, text) from error
        return cls(**values)

    def given(self) -> dict[str, Any]:
        """Plain values of the options that were given, files without their folders."""
        values = self.to_dict() | ({} if self.mask is None else {"mask": Path(self.mask).name})
        return {name: value for name, value in values.items() if value is not None and value is not False}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _truth(text: str) -> bool:
    if text.lower() not in {"yes", "no", "true", "false"}:
        raise ValueError
    return text.lower() in {"yes", "true"}


#: How the command line's texts are read.
READERS: dict[str, Callable[[str], Any]] = {
    **{field.name: str for field in fields(SurveyOptions)},
    "hdu": lambda text: int(text) if text.isdigit() else text,
    "columns": _words,
    "blank": float,
    "beam_deg": float,
    "center_deg": float,
    "scale_deg": float,
    "channels": _integers,
    "smooth_deg": float,
    "ignore_checksum": _truth,
    "lenient": _truth,
}
