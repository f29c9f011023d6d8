"""Showing indexes in the browser: `view` opens them, serves the page, and opens the browser."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from skykin.core.errors import ResourceError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.jobs.sky_index import SkyIndex

if TYPE_CHECKING:
    from skykin.viewing.serving import View

#: What the extra `view` installs.
EXTRA = ("starlette", "uvicorn")


def view(
    sources: SkyIndex | Survey | str | Path | Sequence[SkyIndex | Survey | str | Path],
    *,
    index: str | Path | None = None,
    background: str | Path | Sequence[str | Path] = (),
    port: int | None = None,
    host: str = "127.0.0.1",
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
    >>> with skykin.view(made, no_browser=True) as page:
    ...     print(page.url.partition("//")[0])
    http:
    """
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise ResourceError(
            f'the page needs {" and ".join(missing)}, not installed here; run `pip install "skykin[view]"`',
            code="RS-EXTRA",
        )
    from skykin.viewing.opening import Wanted, serve  # noqa: PLC0415 - loads the server

    wanted = Wanted(
        sources=[sources] if isinstance(sources, SkyIndex | Survey | str | Path) else list(sources),
        index=index,
        background=[background] if isinstance(background, str | Path) else list(background),
        port=port,
        host=host,
        no_browser=no_browser,
        samp=samp,
        frame_ancestors=frame_ancestors,
        download=download,
        jobs=jobs,
    )
    return serve(wanted, progress or SilentProgress())
