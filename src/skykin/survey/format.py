"""What a kind of survey is: how it is recognised, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from skykin.core.errors import (
    CorruptFileError,
    InputRefusedError,
    NotThisFormatError,
    RemoteError,
    SkyError,
    SkykinError,
    shown,
)
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.fits.check import BLOCK, Hdu, looks_like_html, read_headers
from skykin.survey.fits.image_hdus import chosen_hdu, image_hdus


@dataclass(frozen=True)
class Glance:
    """A first look at what a person gave: its first bytes and, of a FITS file, its headers.

    Parameters
    ----------
    path : Path
        A file or folder; for an address on the web, a path that is not looked at.
    url : str
        The address, or nothing.
    hdu : int or str, optional
        The only HDU of a FITS file to look at, by number or name.
    lenient : bool
        Whether bytes in its headers that are not plain text are read as "?".
    """

    path: Path
    url: str = ""
    hdu: int | str | None = None
    lenient: bool = False
    first: bytes = field(init=False, repr=False, default=b"")

    def __post_init__(self) -> None:
        if self.url or self.is_folder:
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
        return not self.url and self.path.is_dir()

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
            If the HDU that was asked for is not there.
        """
        if not self.is_fits:
            return ()
        with self.path.open("rb") as stream:
            return tuple(chosen_hdu(read_headers(stream, self.path.name, lenient=self.lenient), self.hdu))


@dataclass(frozen=True)
class Kind:
    """One kind of survey.

    Parameters
    ----------
    name : str
        Such as ``fits-image``.
    description : str
        One line for people.
    claims : callable
        Tells from a `Glance` whether the file is of this kind: by content, not by its name.
    open : callable
        Opens the file: path, options and progress to a `Survey`.
    """

    name: str
    description: str
    claims: Callable[[Glance], bool]
    open: Callable[[Path, SurveyOptions, Progress], Survey]


@dataclass(frozen=True)
class ReadyMade:
    """A survey that can be asked for by name.

    Parameters
    ----------
    name : str
        Such as ``planck-dust``.
    description : str
        One line for people.
    extra : str
        Extra of this package that installs the data.
    find : callable
        Path of the data on this computer, or None.
    open : callable
        Opens it: options, whether to download, and progress to a `Survey`.
    """

    name: str
    description: str
    extra: str
    find: Callable[[], Path | None]
    open: Callable[[SurveyOptions, bool, Progress], Survey]


def not_claimed(glance: Glance) -> SkykinError:
    """Say what a file is that no kind of survey claims."""
    name = shown(glance.path.name)
    if glance.url:
        return RemoteError(
            f"{shown(glance.url)} is not the address of a HiPS; download the file and give its path",
            code="RM-BLOCKED",
        )
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
        f"{name} is no kind of survey that Skykin reads (it begins with {begins}); "
        "`skykin surveys` lists the kinds"
    )


def _no_sky_in(glance: Glance) -> SkykinError:
    images = image_hdus(glance.hdus)
    if images:
        return SkyError(
            f"{images[0]} has no world coordinates of the sky (no CTYPE names a longitude and a latitude), "
            "so nobody knows where it lies; add a WCS",
            code="SKY-NOWCS",
        )
    return InputRefusedError(
        f"{shown(glance.path.name)} is a FITS file without an image, cube, HEALPix map or table of positions "
        "that Skykin knows; look at its HDUs, and name one with the option hdu"
    )
