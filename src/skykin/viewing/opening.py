"""Opening what a page shows: indexes, surveys, backgrounds; and serving it."""

from __future__ import annotations

import hashlib
import re
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from skykin import __version__
from skykin.core.errors import UsageError, shown
from skykin.core.plain import json_text
from skykin.core.protocols import Progress, Survey
from skykin.indexing.remote import is_index
from skykin.jobs.index import default_name
from skykin.jobs.index import index as make_index
from skykin.jobs.opening import METHOD_CREDITS
from skykin.jobs.sky_index import SkyIndex, open_index
from skykin.survey.download import cache_folder
from skykin.viewing.app import Page
from skykin.viewing.guard import Door, frame_ancestors
from skykin.viewing.hips import (
    Background,
    SurveyPicture,
    folder_background,
    milky_way_backgrounds,
    survey_background,
)
from skykin.viewing.serving import View, listen
from skykin.viewing.sky import Sky

#: Indexes that one page shows.
MOST_INDEXES = 12

Source = SkyIndex | Survey | str | Path


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be shown, and how; the names are those of `view`.

    Raises
    ------
    UsageError
        Naming what cannot be shown, or no port.
    """

    sources: Sequence[Source]
    index: str | Path | None
    background: Sequence[str | Path]
    port: int | None
    host: str
    no_browser: bool
    samp: bool
    frame_ancestors: str
    download: bool
    jobs: int | None

    def __post_init__(self) -> None:
        count = len(self.sources)
        if not 1 <= count <= MOST_INDEXES:
            raise UsageError(f"{count} indexes were given; show 1 to {MOST_INDEXES} on one page")
        if self.index is not None and (count > 1 or _is_index(self.sources[0])):
            raise UsageError(
                f"the folder {shown(Path(self.index).name)} is for the index of one survey; leave --index "
                "out, or give one survey"
            )
        if self.port is not None and not 0 <= self.port <= 65535:
            raise UsageError(f"the port is {self.port}; use 1 to 65535, or leave it out")
        object.__setattr__(self, "frame_ancestors", frame_ancestors(self.frame_ancestors))


def serve(wanted: Wanted, progress: Progress) -> View:
    """Open all, serve the page, and open the browser."""
    opened = [_opened(each, wanted, progress) for each in wanted.sources]
    listening = listen(wanted.host, wanted.port)
    try:
        door = Door(wanted.host, listening.getsockname()[1], wanted.frame_ancestors)
        page = _page(opened, wanted, f"/{door.token}/", progress)
        made = View(page, door, listening)
    except BaseException:
        listening.close()
        raise
    threading.Thread(target=_warm, args=(page.skies,), name="skykin warming", daemon=True).start()
    if not wanted.no_browser:
        with suppress(webbrowser.Error):
            webbrowser.open(made.url)
    return made


def _is_index(source: Source) -> bool:
    if isinstance(source, str | Path):
        return is_index(source)
    return isinstance(source, SkyIndex)


def _opened(source: Source, wanted: Wanted, progress: Progress) -> tuple[SkyIndex, Survey | None]:
    """Open an index, or build that of a survey; a survey that is open already is not opened again."""
    if isinstance(source, SkyIndex):
        return source, None
    if isinstance(source, str | Path) and _is_index(source):
        return open_index(source, progress=progress), None
    name = source if isinstance(source, str | Path) else source.name
    folder = wanted.index if wanted.index is not None else f"{default_name(str(name))}.skykin"
    made = make_index(source, folder, download=wanted.download, jobs=wanted.jobs, progress=progress)
    return made, source if isinstance(source, Survey) else None


def _page(
    opened: Sequence[tuple[SkyIndex, Survey | None]], wanted: Wanted, base: str, progress: Progress
) -> Page:
    names = _ids([each.path.name.removesuffix(".skykin") for each, _ in opened])
    skies = []
    with progress.stage("Opening indexes", len(opened), "indexes") as counter:
        for name, (each, survey) in zip(names, opened, strict=True):
            sky = Sky(name, each, base, survey)
            _ = sky.facts  # what the page asks for first
            skies.append(sky)
            counter.advance()
    folders = wanted.background
    ids = _ids([*names, *(f"folder-{Path(each).name}" for each in folders)])[len(names) :]
    backgrounds = [
        *(_of_index(sky) for sky in skies),
        *(folder_background(each, name) for each, name in zip(folders, ids, strict=True)),
        *milky_way_backgrounds(taken={sky.name for sky in skies}),
    ]
    return Page(tuple(skies), tuple(backgrounds), base, wanted.samp)


def _of_index(sky: Sky) -> Background:
    index = sky.index
    own = tuple(each for each in index.provenance.credits if each not in METHOD_CREDITS)
    about = SurveyPicture(index.survey_title, own, index.beam_deg, sky.frame, index.extent)
    return survey_background(sky.name, about, lambda: sky.pictured, _kept(sky))


def _kept(sky: Sky) -> Path | None:
    """Folder for the coarsest tiles of a survey, by all that they depend on."""
    if sky.survey is not None:
        return None
    facts = sky.index.manifest.facts
    told = [__version__, sky.frame, sky.index.provenance.survey, facts["rendering"], facts["extent"]]
    return cache_folder() / "view" / hashlib.sha256(json_text(told, sort_keys=True).encode()).hexdigest()[:32]


def _ids(names: Sequence[str]) -> list[str]:
    """Make short names for addresses, each another."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "sky"
        number = 1
        while (made := plain if number == 1 else f"{plain}-{number}") in found:
            number += 1
        found.append(made)
    return found


def _warm(skies: Sequence[Sky]) -> None:
    """Do what the first question would wait for; what goes wrong is told when it is asked."""
    for sky in skies:
        with suppress(Exception):
            sky.warm()
