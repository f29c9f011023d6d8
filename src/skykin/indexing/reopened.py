"""The survey of an index, found again wherever the two were moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from skykin.core.atomic import sha256_of
from skykin.core.errors import IndexRefusedError, UnknownNameError, UsageError, shown
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions
from skykin.survey.open import open_recorded, open_survey
from skykin.survey.render import RenderedSurvey, Stretch

#: Files of the right size that are hashed at most, and files and folders that are looked at.
MOST_HASHED, MOST_SEEN = 20, 20_000


def reopened(
    folder: Path,
    facts: Mapping[str, Any],
    survey: Survey | str | Path | None,
    download: bool,
    progress: Progress,
) -> RenderedSurvey:
    """Open the survey that was indexed, in the same colours.

    Parameters
    ----------
    folder : Path
        Of the index.
    facts : dict
        Of its manifest.
    survey : Survey, str, Path, optional
        The survey, or where it is now; looked for if left out.
    download : bool
    progress : Progress

    Raises
    ------
    IndexRefusedError
        If it is another one now (``IX-MISMATCH``).
    UsageError
        If it was an object in Python and none is given, or its file is nowhere.
    """
    options = _options(folder, facts)
    if survey is None:
        place = _place(folder, facts, progress)
        survey = open_recorded(place, options=options, download=download, progress=progress)
    elif not isinstance(survey, Survey):
        survey = open_survey(survey, options=options, download=download, progress=progress)
    made, found = facts["survey"].get("sha256"), survey.to_dict().get("sha256")
    if made != found:
        raise IndexRefusedError(
            f"the index {shown(folder.name)} is of {shown(facts['survey_title'])} with sha256 "
            f"{str(made)[:12]}…, but {shown(survey.title)} has {str(found)[:12]}…; give the survey that was "
            "indexed, or append its new data to the index",
            code="IX-MISMATCH",
        )
    return RenderedSurvey(survey, Stretch.from_dict(facts["rendering"]))


def _options(folder: Path, facts: Mapping[str, Any]) -> SurveyOptions:
    options = SurveyOptions.from_dict(facts["opened"]["options"])
    if options.mask is None:
        return options
    # A mask lies where it did, as seen from the index, or beside it.
    name = str(options.mask)
    there = [path for path in (folder / name, folder.parent / Path(name).name) if path.exists()]
    return replace(options, mask=there[0] if there else folder / name)


def _place(folder: Path, facts: Mapping[str, Any], progress: Progress) -> str | Path:
    """Give the survey's name, the place of its file as seen from the index, or where that was moved."""
    recorded = facts["opened"]["survey"]
    if recorded is None:
        raise UsageError(
            f"{shown(facts['survey_title'])} was given as a Python object when it was indexed; give it again"
        )
    name = str(recorded)
    there = folder / name
    if not name.startswith("."):
        return name
    if there.exists():
        return there
    if any(letter in name for letter in "*?[,"):  # several files
        return name
    for path in _candidates(folder, there.name, facts["opened"].get("size")):
        if path.is_dir() or sha256_of(path) == facts["survey"].get("sha256"):
            progress.say(f"note: the survey of {folder.name} is now {shown(path)}")
            return path
    raise UnknownNameError(
        f"the survey of the index {shown(folder.name)}, {shown(there.name)}, is neither where it was nor "
        "beside the index or here; give its place with --survey"
    )


def _candidates(folder: Path, name: str, size: int | None) -> Iterator[Path]:
    """Look beside the index and in the current folder, and one folder deeper: by name, then by size."""
    near = [path for place in (folder.parent, Path()) for path in _near(place)]
    yield from (path for path in near if path.name == name)
    sized = [path for path in near if size is not None and path.name != name and _size(path) == size]
    yield from sized[:MOST_HASHED]


def _near(place: Path) -> list[Path]:
    seen: list[Path] = []
    for pattern in ("*", "*/*"):
        for path in place.glob(pattern):
            if len(seen) == MOST_SEEN:
                return seen
            seen.append(path)
    return seen


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
