"""Showing indexes in the browser: `view` opens them, serves the page, and opens the browser."""

from __future__ import annotations

import re
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from skykin.core.errors import UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.indexing.layout import MANIFEST
from skykin.jobs.index import default_name
from skykin.jobs.index import index as make_index
from skykin.jobs.opening import METHOD_CREDITS
from skykin.jobs.sky_index import SkyIndex, open_index
from skykin.viewing.app import Page
from skykin.viewing.guard import Door
from skykin.viewing.guard import frame_ancestors as checked_ancestors
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
LOCAL = "127.0.0.1"

Source = SkyIndex | Survey | str | Path


def view(
    sources: Source | Sequence[Source],
    *,
    index: str | Path | None = None,
    background: str | Path | Sequence[str | Path] = (),
    port: int | None = None,
    host: str = LOCAL,
    no_browser: bool = False,
    samp: bool = False,
    frame_ancestors: str = "'none'",
    download: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> View:
    """Show indexes in the browser: a page where a click on the sky asks for similar places.

    The page is served by this process, on a thread of its own, to this computer alone; no request goes to any
    other.  Close it with `View.close`, or use it in a ``with`` block.

    Parameters
    ----------
    sources : SkyIndex, path, Survey or name, or a list of these
        Indexes of the same sky, up to 12; of a survey the index is built first, where it is not there yet.
    index : path, optional
        Folder of the index of a survey; its name with ``.skykin`` if left out.
    background : path, or a list of these
        HiPS folders on this computer, such as ``skykin hips`` writes, as further pictures of the sky.
    port : int, optional
        A free one if left out.
    host : str
        Address to listen at; with any other than this computer's own, whoever has the address of the page can
        use it.
    no_browser : bool
        Do not open the browser.
    samp : bool
        Let the page send targets to TOPCAT, Aladin or DS9 through a hub on this computer.
    frame_ancestors : str
        Which pages may hold this one in a frame, such as ``'self' http://localhost:8888``.
    download : bool
        Whether a survey with a name may be fetched from its public address.
    jobs : int, optional
        Threads that build the index; all cores if left out.
    progress : Progress, optional

    Returns
    -------
    View
        Its ``url`` is the address of the page.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> import skykin
    >>> with skykin.view("wham.skykin") as page:  # doctest: +SKIP
    ...     page.wait()
    """
    progress = progress or SilentProgress()
    ancestors = checked_ancestors(frame_ancestors)
    given = [sources] if isinstance(sources, SkyIndex | Survey | str | Path) else list(sources)
    if not 1 <= len(given) <= MOST_INDEXES:
        raise UsageError(f"{len(given)} indexes were given; show 1 to {MOST_INDEXES} on one page")
    if index is not None and (len(given) > 1 or _is_index(given[0])):
        raise UsageError(
            f"the folder {shown(Path(index).name)} is for the index of one survey; leave --index out, or "
            "give one survey"
        )
    if port is not None and not 0 <= port <= 65535:
        raise UsageError(f"the port is {port}; use 1 to 65535, or leave it out")
    opened = [_opened(each, index, download, jobs, progress) for each in given]
    listening = listen(host, port)
    try:
        door = Door(host, listening.getsockname()[1], ancestors)
        page = _page(opened, background, f"/{door.token}/", samp, progress)
        made = View(page, door, listening)
    except BaseException:
        listening.close()
        raise
    threading.Thread(target=_warm, args=(page.skies,), name="skykin warming", daemon=True).start()
    if not no_browser:
        with suppress(webbrowser.Error):
            webbrowser.open(made.url)
    return made


def _is_index(source: Source) -> bool:
    if isinstance(source, str | Path):
        return (Path(source).expanduser() / MANIFEST).is_file()
    return isinstance(source, SkyIndex)


def _opened(
    source: Source, folder: str | Path | None, download: bool, jobs: int | None, progress: Progress
) -> SkyIndex:
    if isinstance(source, SkyIndex):
        return source
    if isinstance(source, str | Path) and _is_index(source):
        return open_index(source)
    name = source if isinstance(source, str | Path) else source.name
    where = Path(folder) if folder is not None else Path(f"{default_name(str(name))}.skykin")
    return make_index(source, where, download=download, jobs=jobs, progress=progress)


def _page(
    opened: Sequence[SkyIndex],
    background: str | Path | Sequence[str | Path],
    base: str,
    samp: bool,
    progress: Progress,
) -> Page:
    names = _ids([each.path.name.removesuffix(".skykin") for each in opened])
    skies = []
    with progress.stage("Opening indexes", len(opened), "indexes") as counter:
        for name, each in zip(names, opened, strict=True):
            sky = Sky(name, each, base)
            _ = sky.facts  # what the page asks for first
            skies.append(sky)
            counter.advance()
    folders = [background] if isinstance(background, str | Path) else list(background)
    ids = _ids([*names, *(f"folder-{Path(each).name}" for each in folders)])[len(names) :]
    backgrounds = [
        *(_of_index(sky) for sky in skies),
        *(folder_background(each, name) for each, name in zip(folders, ids, strict=True)),
        *milky_way_backgrounds(taken={sky.name for sky in skies}),
    ]
    return Page(tuple(skies), tuple(backgrounds), base, samp)


def _of_index(sky: Sky) -> Background:
    index = sky.index
    own = tuple(each for each in index.provenance.credits if each not in METHOD_CREDITS)
    about = SurveyPicture(index.survey_title, own, index.beam_deg, sky.frame, index.extent)
    return survey_background(sky.name, about, lambda: sky.pictured)


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
