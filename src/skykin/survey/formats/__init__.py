"""The survey formats, one module each: a new one is a file here, or an entry point of another package."""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path

from skykin.core.errors import (
    CorruptFileError,
    InputRefusedError,
    NotThisFormatError,
    SkyError,
    SkykinError,
    shown,
)
from skykin.core.plugins import with_plugins
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.fits.check import BLOCK, Hdu, looks_like_html, read_headers
from skykin.survey.fits.image_hdus import chosen_hdu, image_hdus

#: Entry point group in which other packages name a `SurveyFormat`.
GROUP = "skykin.formats"


@dataclass(frozen=True)
class Glance:
    """A first look at a file or folder: its first bytes and, of a FITS file, its headers.

    Parameters
    ----------
    path : Path
    hdu : int or str, optional
        The only HDU of a FITS file to look at, by number or name.
    lenient : bool
        Whether bytes in its headers that are not plain text are read as "?".
    """

    path: Path
    hdu: int | str | None = None
    lenient: bool = False
    first: bytes = field(init=False, repr=False, default=b"")

    def __post_init__(self) -> None:
        if self.is_folder:
            return
        if not self.path.is_file():  # a pipe or a device would be read for ever
            raise NotThisFormatError(f"{shown(self.path.name)} is not a regular file; give a file or folder")
        try:
            with self.path.open("rb") as stream:
                object.__setattr__(self, "first", stream.read(BLOCK))
        except OSError as error:
            raise CorruptFileError(
                f"{shown(self.path.name)} cannot be read: {error.strerror or error}; check its permissions",
                code="IN-UNREADABLE",
            ) from error

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @property
    def is_fits(self) -> bool:
        """Whether it begins as a FITS file does."""
        return self.first.startswith(b"SIMPLE  =")

    @cached_property
    def hdus(self) -> tuple[Hdu, ...]:
        """Headers of a FITS file, checked; none for anything else.

        Raises
        ------
        InputRefusedError
            If it begins as FITS and is broken; see `read_headers`.
        UsageError
            If there is no such HDU.
        """
        if not self.is_fits:
            return ()
        with self.path.open("rb") as stream:
            return tuple(chosen_hdu(read_headers(stream, self.path.name, lenient=self.lenient), self.hdu))


@dataclass(frozen=True)
class SurveyFormat:
    """A format of files or folders that hold a survey.

    Parameters
    ----------
    name : str
        Such as ``fits-image``.
    description : str
        One line for people.
    claims : callable
        Tells from a `Glance` whether the file has this format: by its content, not by its name.
    open : callable
        Opens the file: path, options and progress to a `Survey`.
    before : tuple of str
        Names of more general formats: where both claim a file, this one opens it.
    """

    name: str
    description: str
    claims: Callable[[Glance], bool]
    open: Callable[[Path, SurveyOptions, Progress], Survey]
    before: tuple[str, ...] = ()


@cache
def survey_formats() -> dict[str, SurveyFormat]:
    """Every survey format by name: the modules of this folder, then the plug-ins of other packages."""
    return with_plugins(_built_in(), SurveyFormat, GROUP)


@cache
def _built_in() -> tuple[SurveyFormat, ...]:
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(module.FORMAT for module in modules)


def format_of(glance: Glance) -> SurveyFormat:
    """Find the one format that claims a file.

    Raises
    ------
    InputRefusedError
        If none does, or more than one.
    """
    claiming = [each for each in survey_formats().values() if _claims(each, glance)]
    general = {name for each in claiming for name in each.before}
    claiming = [each for each in claiming if each.name not in general]
    if not claiming:
        raise _not_claimed(glance)
    if len(claiming) > 1:
        names = " and ".join(each.name for each in claiming)
        raise InputRefusedError(
            f"{shown(glance.path.name)} can be read as {names}; name the HDU with --survey-option hdu=NUMBER",
            code="IN-AMBIGUOUS",
        )
    return claiming[0]


def _claims(each: SurveyFormat, glance: Glance) -> bool:
    """Ask a format; a plug-in that fails does not claim the file, and stops no other."""
    try:
        return each.claims(glance)
    except SkykinError:
        raise
    except Exception as error:
        if each in _built_in():
            raise
        warnings.warn(
            f"the survey format {shown(each.name)}, a plug-in, fails to look at {shown(glance.path.name)} "
            f"({shown(error)}); it is left out: update or remove its package",
            UserWarning,
            stacklevel=2,
        )
        return False


def _not_claimed(glance: Glance) -> SkykinError:
    """Say what a file is that no format claims."""
    name = shown(glance.path.name)
    if not glance.first:
        return NotThisFormatError(f"{name} is empty (0 bytes); get the file again")
    if looks_like_html(glance.first):
        return NotThisFormatError(
            f"{name} is a web page (it begins with {shown(glance.first[:20].decode('latin-1'))}), so its "
            "download failed; get the file again",
            code="IN-HTML",
        )
    if glance.is_fits:
        return _no_sky_in(glance)
    begins = shown(glance.first[:20].decode("latin-1"))
    return NotThisFormatError(
        f"{name} has none of the formats that Skykin reads (it begins with {begins}); "
        "`skykin surveys` lists them"
    )


def _no_sky_in(glance: Glance) -> SkykinError:
    images = image_hdus(glance.hdus)
    if images:
        return SkyError(
            f"{images[0]} has no world coordinates of the sky (no CTYPE names a longitude and a latitude), "
            "so its position is unknown; add a WCS",
            code="SKY-NOWCS",
        )
    return InputRefusedError(
        f"{shown(glance.path.name)} is a FITS file without an image, cube, HEALPix map or table of positions "
        "that Skykin knows; look at its HDUs, and name one with --survey-option hdu=NUMBER"
    )
