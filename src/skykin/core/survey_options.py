"""What a person says about a survey's file where the file itself is silent or ambiguous."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from skykin.core.errors import UsageError, shown
from skykin.core.settings import Band

Frame = Literal["galactic", "icrs", "ecliptic"]
Ordering = Literal["ring", "nested"]
PictureProjection = Literal["plate-carree", "mollweide", "aitoff"]
CubeShow = Literal["bands", "moments", "channels"]


@dataclass(frozen=True, kw_only=True)
class SurveyOptions:
    """Choices about one survey; each is None where the file decides.

    Parameters
    ----------
    hdu : int or str, optional
        Number or name of the HDU to read.
    frame : {"galactic", "icrs", "ecliptic"}, optional
        Coordinates of a map or picture that does not name its own.
    projection : {"plate-carree", "mollweide", "aitoff"}, optional
        How a picture without world coordinates shows the whole sky; ``aitoff`` is Hammer–Aitoff, FITS's AIT.
    center_deg : float, optional
        Longitude in the middle of such a picture, degrees; 0 if left out.
    scale_deg : float, optional
        Side of the smallest pixel that will be looked at: surveys of many resolutions are read no finer.
    ordering : {"ring", "nested"}, optional
        Pixel order of a HEALPix map that does not name its own.
    columns : tuple of str, optional
        Columns of a table to read.
    blank : float, optional
        Value that stands for "not observed" and is not declared as such.
    unit : str, optional
        Unit of the values, instead of the file's own.
    beam_deg : float, optional
        Angular resolution (full width), degrees, instead of the file's own.
    bands_km_s : three pairs of float, optional
        Velocities shown as red, green and blue, where the survey has spectra.
    rest : str, optional
        Rest frequency or wavelength of a spectral line, such as ``"110.201 GHz"`` or ``"656.28 nm"``.
    show : {"bands", "moments", "channels"}, optional
        What of a spectral cube is shown as red, green and blue.
    channels : three int, optional
        The channels of a cube (from 0) to show, with ``show="channels"``.
    mask : Path, optional
        MOC or DS9 region file of the part of the sky to use.
    smooth_deg : float, optional
        Full width of the Gaussian beam that the survey is smoothed to, degrees.
    ignore_checksum : bool
        Read FITS data although its checksum says that it was changed.
    lenient : bool
        Read a FITS image although its header holds bytes that are not plain text.

    Raises
    ------
    UsageError
        Naming the option, its value and what it may be.
    """

    hdu: int | str | None = None
    frame: Frame | None = None
    projection: PictureProjection | None = None
    center_deg: float | None = None
    scale_deg: float | None = None
    ordering: Ordering | None = None
    columns: tuple[str, ...] | None = None
    blank: float | None = None
    unit: str | None = None
    beam_deg: float | None = None
    bands_km_s: tuple[Band, Band, Band] | None = None
    rest: str | None = None
    show: CubeShow | None = None
    channels: tuple[int, int, int] | None = None
    mask: Path | None = None
    smooth_deg: float | None = None
    ignore_checksum: bool = False
    lenient: bool = False

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in (None, *allowed):
                _refuse(name, getattr(self, name), " or ".join(allowed))
        for name in ("beam_deg", "smooth_deg", "scale_deg"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and 0 < value <= 90):
                _refuse(name, value, "an angle above 0° and at most 90°")
        if self.center_deg is not None and not math.isfinite(self.center_deg):
            _refuse("center_deg", self.center_deg, "a longitude in degrees")
        if self.channels is not None and (len(self.channels) != 3 or min(self.channels) < 0):
            _refuse("channels", self.channels, "three channel numbers, counted from 0")
        if self.columns is not None and not self.columns:
            _refuse("columns", self.columns, "names of columns")

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> SurveyOptions:
        """Read options from texts, as the command line gives them: ``{"hdu": "1", "columns": "l,b,ha"}``."""
        values: dict[str, Any] = {}
        for name, text in texts.items():
            read = READERS.get(name)
            if read is None:
                raise UsageError(
                    f"there is no survey option called {shown(name)}; use one of {', '.join(READERS)}"
                )
            try:
                values[name] = read(text)
            except ValueError as error:
                raise UsageError(f"the survey option {name} cannot be {shown(text)}") from error
        return cls(**values)

    def as_dict(self) -> dict[str, object]:
        """Plain values of the options that were given."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, False)}
        return {name: value.name if isinstance(value, Path) else value for name, value in given.items()}


CHOICES: dict[str, tuple[str, ...]] = {
    "frame": get_args(Frame),
    "projection": get_args(PictureProjection),
    "ordering": get_args(Ordering),
    "show": get_args(CubeShow),
}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _truth(text: str) -> bool:
    if text.lower() not in {"yes", "no", "true", "false"}:
        raise ValueError
    return text.lower() in {"yes", "true"}


#: How the command line's texts are read; velocity bands have an option of their own there.
READERS: dict[str, Callable[[str], Any]] = {
    **{field.name: str for field in fields(SurveyOptions) if field.name != "bands_km_s"},
    "hdu": lambda text: int(text) if text.isdigit() else text,
    "columns": _words,
    "blank": float,
    "beam_deg": float,
    "center_deg": float,
    "scale_deg": float,
    "channels": _integers,
    "mask": Path,
    "smooth_deg": float,
    "ignore_checksum": _truth,
    "lenient": _truth,
}


def _refuse(name: str, value: object, allowed: str) -> None:
    raise UsageError(f"the survey option {name} is {shown(value)}, but it must be {allowed}")
