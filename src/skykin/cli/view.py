"""The command `skykin view`: the sky in the browser."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from skykin.cli.options import Download, Jobs, Quiet, progress_unless
from skykin.cli.terminal import errors, printer

#: Parts of the help.
PAGE, SERVER = "Page", "Server"


def view_command(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Indexes of the same sky; or a survey, whose index is built first.", metavar="INDEX"
        ),
    ],
    index: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the index of a survey.", show_default="SURVEY.skykin", rich_help_panel=PAGE
        ),
    ] = None,
    background: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a HiPS, as a further picture of the sky; may be given several times.",
            show_default=False,
            rich_help_panel=PAGE,
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen at.", show_default="a free one", rich_help_panel=SERVER)
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen at; with any but this computer's own, others can reach the page.",
            rich_help_panel=SERVER,
        ),
    ] = "127.0.0.1",
    no_browser: Annotated[
        bool,
        typer.Option("--no-browser", help="Print the address, open no browser.", rich_help_panel=SERVER),
    ] = False,
    samp: Annotated[
        bool,
        typer.Option(
            "--samp", help="Let the page send targets to TOPCAT, Aladin or DS9.", rich_help_panel=PAGE
        ),
    ] = False,
    frame_ancestors: Annotated[
        str,
        typer.Option(
            help="Pages that may hold this one in a frame, such as `'self' http://localhost:8888`.",
            rich_help_panel=SERVER,
        ),
    ] = "'none'",
    download: Download = False,
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> None:
    """Show indexes in the browser: a click on the sky asks for similar places.

    The page is served to this computer alone, and asks no other.  Decisions on targets (keep, reject, note)
    are kept beside the index.  Ctrl-C ends it.
    """
    from skykin.viewing.view import view

    if ctx.find_root().params.get("debug"):
        logging.getLogger("skykin.viewing").setLevel(logging.DEBUG)
    console = errors()
    page = view(
        sources, index=index, background=background or (), port=port, host=host, no_browser=no_browser,
        samp=samp, frame_ancestors=frame_ancestors, download=download, jobs=jobs,
        progress=progress_unless(quiet),
    )  # fmt: skip
    if not page.is_local:
        console.print(
            "warning: the page is served beyond this computer; whoever has its address can use it, and read "
            "it on the way"
        )
    printer().print(page.url)
    if not quiet:
        console.print("press Ctrl-C to end")
    try:
        while page.is_open:
            page.wait(1.0)
    except KeyboardInterrupt:
        console.print("the page is closed; decisions on targets are kept beside the index")
    finally:
        page.close()
