"""The command `skykin page`: a map as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from skykin.cli.options import Quiet, SurveyOfMap, progress_unless
from skykin.cli.terminal import printer


def page_command(
    map_folder: Annotated[Path, typer.Argument(help="Folder of a map or of a search.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")],
    background: Annotated[
        Literal["survey", "far-infrared", "stars", "none"],
        typer.Option(help="Picture below the similarity; dust or stars only of the whole sky."),
    ] = "survey",
    survey: SurveyOfMap = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a map as one HTML file for a colleague: sky, similarity and targets, without a network."""
    from skykin.jobs.page import page

    page(
        map_folder, output, background=background, survey=survey, overwrite=overwrite,
        progress=progress_unless(quiet),
    )  # fmt: skip
    if not quiet:
        printer().print(f"Wrote {output} ({output.stat().st_size / 1e6:.2g} MB)")
