"""Any survey that an astronomer has, opened by what it is."""

from __future__ import annotations

import glob
import weakref
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from skykin.core.checked import check_names
from skykin.core.errors import InputRefusedError, UnknownNameError, UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.survey.format import Glance, Kind, not_claimed
from skykin.survey.formats import kinds
from skykin.survey.named import ready_made
from skykin.survey.unpack import unpacked

SILENT = SilentProgress()


def open_survey(
    what: str | Path | Sequence[str | Path],
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
    what : str, Path, or three of these
        A ready-made name such as ``planck-dust``, a file, a folder, a pattern such as ``plates/*.fits``, or
        the address of a HiPS.  Three of them are shown as red, green and blue.
    options : SurveyOptions, optional
        What the file does not say itself.
    bands : three pairs of float or Quantity, or str, optional
        Velocities (km/s) shown as red, green and blue, where the survey has spectra.
    download : bool
        Whether a ready-made survey may be fetched from its public address.
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
        If there is no such name or file, or an option cannot be meant.
    InputRefusedError
        If the file cannot be used, in one of its kinds.

    Examples
    --------
    >>> import skykin
    >>> survey = skykin.open_survey("halpha.fits", frame="galactic")  # doctest: +SKIP
    >>> values, coverage = survey.sample(209.0, -19.4)  # doctest: +SKIP
    """
    check_names(SurveyOptions.KIND, changes, [each.name for each in fields(SurveyOptions)])
    options = replace(options or SurveyOptions(), **changes)
    if bands is not None:
        options = replace(options, bands=bands)
    if not isinstance(what, str | Path):
        survey = _open_three(list(what), options, download, progress)
    else:
        survey = _open_smoothed(str(what), options, download, progress)
    if options.mask is not None:
        from skykin.survey.derived.masked import masked  # noqa: PLC0415 - loads the libraries of regions

        survey = masked(survey, Path(options.mask))
    return survey


def _open_three(
    parts: list[str | Path], options: SurveyOptions, download: bool, progress: Progress
) -> Survey:
    from skykin.survey.derived.combined import combine  # noqa: PLC0415

    if len(parts) != 3:
        raise UsageError(
            f"{len(parts)} surveys were given together; give one, or three for red, green and blue"
        )
    red, green, blue = (_open_smoothed(str(part), options, download, progress) for part in parts)
    return combine(red, green, blue)


def _open_smoothed(what: str, options: SurveyOptions, download: bool, progress: Progress) -> Survey:
    """Open one survey and bring it to the common beam, before it is combined with others."""
    survey = _open_one(what, options, download, progress)
    if options.smooth_deg is None:
        return survey
    from skykin.survey.derived.smooth import smoothed  # noqa: PLC0415

    return smoothed(survey, options.smooth_deg, progress)


def _open_one(what: str, options: SurveyOptions, download: bool, progress: Progress) -> Survey:
    named = ready_made().get(what.lower())
    if named is not None:
        return named.open(options, download, progress)
    if "://" in what:
        from skykin.survey.formats.hips import open_hips  # noqa: PLC0415
        from skykin.survey.hips.store import WebStore  # noqa: PLC0415

        return open_hips(WebStore(what), options, progress)
    path = Path(what).expanduser()
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:  # a name with NUL, or longer than the system allows
        raise UnknownNameError(f"{shown(what)} cannot be the name of a file") from error
    if exists:
        return open_file(path, options, progress)
    if any(letter in what for letter in "*?["):
        return _open_pattern(what, options, progress)
    parts = [part.strip() for part in what.split(",")]
    if len(parts) == 3:
        return _open_three(list(parts), options, download, progress)
    raise UnknownNameError(
        f"there is no survey called {shown(what)} and no such file; use a path, or one of "
        f"{', '.join(ready_made())}"
    )


def open_file(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    """Open a file or folder by its content, unpacked first if it is compressed as a whole."""
    if path.is_dir():
        return _open_glance(Glance(path), options, progress)
    plain, cleanup = unpacked(path)
    try:
        survey = _open_glance(Glance(plain, hdu=options.hdu, lenient=options.lenient), options, progress)
    except BaseException:
        cleanup()
        raise
    weakref.finalize(survey, cleanup)  # surveys read lazily: the unpacked copy lives as long as they
    return survey


def _open_glance(glance: Glance, options: SurveyOptions, progress: Progress) -> Survey:
    return kind_of(glance).open(glance.path, options, progress)


def kind_of(glance: Glance) -> Kind:
    """Find the one kind of survey that claims a file.

    Raises
    ------
    InputRefusedError
        If none does, or more than one.
    """
    claiming = [kind for kind in kinds() if kind.claims(glance)]
    if not claiming:
        raise not_claimed(glance)
    if len(claiming) > 1:
        names = " and ".join(kind.name for kind in claiming)
        raise InputRefusedError(
            f"{shown(glance.path.name)} can be read as {names}; name the HDU with the option hdu",
            code="IN-AMBIGUOUS",
        )
    return claiming[0]


def _open_pattern(pattern: str, options: SurveyOptions, progress: Progress) -> Survey:
    from skykin.survey.derived.mosaic import open_mosaic  # noqa: PLC0415

    found = sorted(Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns
    if not found:
        raise UnknownNameError(f"no file matches {shown(pattern)}; check the pattern")
    return open_mosaic(found, options, progress)
