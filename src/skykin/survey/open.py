"""Any survey that an astronomer has, opened by what it is."""

from __future__ import annotations

import glob
import weakref
from collections.abc import Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from skykin.core.checked import check_names
from skykin.core.errors import RemoteError, UnknownNameError, UsageError, shown
from skykin.core.object_store import bucket_address
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress, Survey
from skykin.core.scratch import TemporaryFolder
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.survey.derived.combined import combine
from skykin.survey.hips.identifier import PREFIX, is_identifier
from skykin.survey.memory import SurveyLike, images_of, is_in_memory
from skykin.survey.named import named_surveys
from skykin.survey.open_file import open_file

#: Of a folder, so many names are compared with one that was mistyped.
MOST_FILES = 1000


def open_survey(
    what: SurveyLike,
    *,
    options: SurveyOptions | None = None,
    bands: BandsLike | None = None,
    download: bool = False,
    progress: Progress = SILENT,
    **changes: Any,
) -> Survey:
    """Open a survey: data on the sky, with values and coverage at any position.

    Parameters
    ----------
    what : str, Path, (array, WCS), HDU, HDUList, NDData, Survey, or three of the first two
        A name such as ``planck-dust``, a file, a folder, a pattern such as ``plates/*.fits`` (each also in a
        bucket, ``s3://bucket/plates/*.fits``), the IVOA identifier of a HiPS such as
        ``CDS/P/AKARI/FIS/Color``, or the address of one.  Three of them are
        shown as red, green and blue.  An image in memory is an array or Quantity (rows, columns) or
        (3, rows, columns) with its `~astropy.wcs.WCS`, an `~astropy.nddata.NDData` with one, or an HDU of
        `astropy.io.fits`; NaN and masked pixels are blank.  It goes through a temporary file, and is read as
        that file would be.  A survey that is open already is returned as it is.
    options : SurveyOptions, optional
        What the file does not say itself.
    bands : three pairs of float or Quantity, or str, optional
        Velocities (km/s) shown as red, green and blue, where the survey has spectra.
    download : bool
        Whether a survey with a name may be fetched from its public address.
    progress : Progress
        Told what was chosen where the file is ambiguous.
    **changes
        Any field of `SurveyOptions`, such as ``hdu=1`` or ``frame="galactic"``.

    Returns
    -------
    Survey

    Raises
    ------
    UsageError
        If there is no such name or file, or an option has an invalid value.
    InputRefusedError
        If the file cannot be used, in one of its kinds.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> world = WCS(naxis=2)
    >>> world.wcs.ctype, world.wcs.crval = ("GLON-CAR", "GLAT-CAR"), (209, 0)
    >>> world.wcs.crpix, world.wcs.cdelt = (16, 16), (-0.1, 0.1)
    >>> opened = skykin.open_survey((np.ones((32, 32), np.float32), world))
    >>> values, coverage = opened.sample(209, 0)  # Galactic longitude and latitude, degrees
    >>> values.tolist()
    [1.0, 1.0, 1.0]
    """
    check_names(SurveyOptions.KIND, changes, [each.name for each in fields(SurveyOptions)])
    options = replace(options or SurveyOptions(), **changes)
    if bands is not None:
        options = replace(options, bands=bands)
    if isinstance(what, Survey):
        survey = what
    elif isinstance(what, str | Path):
        survey = _open_smoothed(str(what), options, download, progress)
    elif is_in_memory(what):
        survey = _open_in_memory(what, options, progress)
    else:
        survey = _open_three(list(what), options, download, progress)
    if options.mask is not None:
        from skykin.survey.derived.masked import masked  # noqa: PLC0415 - loads the libraries of regions

        survey = masked(survey, Path(options.mask))
    return survey


def open_recorded(
    what: str | Path | Sequence[str | Path],
    *,
    options: SurveyOptions | None = None,
    bands: BandsLike | None = None,
    download: bool = False,
    progress: Progress = SILENT,
) -> Survey:
    """Open a survey that a map or an index names: its address is followed only if the user once did.

    Parameters
    ----------
    what, options, bands, download, progress :
        As for `open_survey`; with `download` an address is followed at once.

    Raises
    ------
    RemoteError
        ``RM-BLOCKED`` for an address from which nothing was read on this computer.
    """
    parts = str(what).split(",") if isinstance(what, str | Path) else map(str, what)
    for part in () if download else parts:
        address = part.strip()
        if not _may_be_followed(address):
            raise RemoteError(
                f"the survey is at {shown(address)}, from which nothing was read on this computer yet, "
                "so it is not opened unasked; if you trust it, open it once, as with `skykin info`",
                code="RM-BLOCKED",
            )
    return open_survey(what, options=options, bands=bands, download=download, progress=progress)


def _may_be_followed(place: str) -> bool:
    """Whether a survey is on this computer, or is a HiPS from which the user read before."""
    from skykin.survey.hips.public import was_opened  # noqa: PLC0415 - HiPS alone need it
    from skykin.survey.hips.store import WebStore  # noqa: PLC0415

    named = named_surveys().get(place.lower())
    identifier = place if named is None else named.identifier
    if is_identifier(identifier):
        return Path(place).exists() or was_opened(identifier)
    address = bucket_address(place)
    if address is not None:
        from skykin.survey.bucket import was_fetched  # noqa: PLC0415

        return was_fetched(address)
    return "://" not in place or WebStore(place).was_opened


def _open_in_memory(what: Any, options: SurveyOptions, progress: Progress) -> Survey:
    """Write an image in memory to a temporary file, which lives as long as its survey, and open that."""
    images, unit = images_of(what)
    if options.unit is None and unit:
        options = replace(options, unit=unit)
    folder = TemporaryFolder()
    names = ("memory",) if len(images) == 1 else ("red", "green", "blue")
    try:
        surveys = []
        for name, image in zip(names, images, strict=True):
            path = folder.path / f"{name}.fits"
            image.writeto(path)
            surveys.append(_smoothed(open_file(path, options, progress), options, progress))
        survey = surveys[0] if len(surveys) == 1 else combine(*surveys)
    except BaseException:
        folder.remove()
        raise
    weakref.finalize(survey, folder.remove)
    return survey


def _open_three(
    parts: list[str | Path], options: SurveyOptions, download: bool, progress: Progress
) -> Survey:
    if len(parts) != 3:
        raise UsageError(
            f"{len(parts)} surveys were given together; give one, or three for red, green and blue"
        )
    red, green, blue = (_open_smoothed(str(part), options, download, progress) for part in parts)
    return combine(red, green, blue)


def _open_smoothed(what: str, options: SurveyOptions, download: bool, progress: Progress) -> Survey:
    """Open one survey and bring it to the common beam, before it is combined with others."""
    return _smoothed(_open_one(what, options, download, progress), options, progress)


def _smoothed(survey: Survey, options: SurveyOptions, progress: Progress) -> Survey:
    if options.smooth_deg is None:
        return survey
    from skykin.survey.derived.smooth import smoothed  # noqa: PLC0415

    return smoothed(survey, options.smooth_deg, progress)


def _open_one(what: str, options: SurveyOptions, download: bool, progress: Progress) -> Survey:  # noqa: PLR0911 - one for each kind of name
    named = named_surveys().get(what.lower())
    if named is not None:
        return named.open(options, download, progress)
    if "://" in what:
        parts = [part.strip() for part in what.split(",")]
        if len(parts) == 3 and all("://" in part for part in parts):
            return _open_three(list(parts), options, download, progress)
        return _open_from_web(what, options, progress)
    path = Path(what).expanduser()
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:  # a name with NUL, or longer than the system allows
        raise UnknownNameError(f"{shown(what)} cannot be the name of a file") from error
    if exists:
        return open_file(path, options, progress)
    if is_identifier(what):
        return _open_from_web(what, options, progress)
    if any(letter in what for letter in "*?["):
        return _open_pattern(what, options, progress)
    parts = [part.strip() for part in what.split(",")]
    if len(parts) == 3:
        return _open_three(list(parts), options, download, progress)
    raise UnknownNameError(
        f"there is no survey called {shown(what)} and no such file; {_near(path)}use a path, the identifier "
        f"of a HiPS such as CDS/P/DSS2/red, or one of {', '.join(named_surveys())}"
    )


def _near(path: Path) -> str:
    """Ask whether a name much like this one was meant, of a file beside it or of a survey."""
    try:
        beside = [str(each) for each in islice(path.parent.iterdir(), MOST_FILES)]
    except OSError:
        beside = []
    near = get_close_matches(str(path), [*named_surveys(), *beside], 2, 0.8)
    return f"did you mean {' or '.join(shown(each) for each in near)}? Otherwise " if near else ""


def _open_from_web(what: str, options: SurveyOptions, progress: Progress) -> Survey:
    """Open what is in a bucket, or a HiPS by its address or by its identifier."""
    from skykin.survey.formats.hips import open_hips  # noqa: PLC0415
    from skykin.survey.hips.public import open_public  # noqa: PLC0415
    from skykin.survey.hips.store import WebStore  # noqa: PLC0415

    if bucket_address(what) is not None:
        from skykin.survey.bucket import open_in_bucket  # noqa: PLC0415

        return open_in_bucket(what, options, progress)
    if "://" in what and not what.startswith(PREFIX):
        return open_hips(WebStore(what), options, progress)
    return open_public(what, options, progress)


def _open_pattern(pattern: str, options: SurveyOptions, progress: Progress) -> Survey:
    from skykin.survey.derived.mosaic import open_mosaic  # noqa: PLC0415

    found = sorted(Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns
    if not found:
        raise UnknownNameError(f"no file matches {shown(pattern)}; check the pattern")
    return open_mosaic(found, options, progress)
