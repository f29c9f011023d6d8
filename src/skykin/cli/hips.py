"""The command `skykin hips`: a survey, a map or an index as HiPS."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from skykin.cli.options import (
    Bands,
    Download,
    Folder,
    Overwrite,
    Quiet,
    Stretch,
    SurveyOption,
    progress_unless,
    survey_options,
)
from skykin.cli.terminal import printer


def hips_command(
    source: Annotated[
        str,
        typer.Argument(
            help="A survey (name, file, folder, pattern, or three with commas between), or the folder of a "
            "map, of kinds of sky, or of an index."
        ),
    ],
    output: Folder,
    column: Annotated[
        str | None,
        typer.Option(
            help="Column of the tiles of a map or index: a number such as `score`, `q` or `coverage`, or the "
            "labels `match`, `target` or `kind`.",
            show_default="score of a map, kind of kinds of sky; of an index its survey",
        ),
    ] = None,
    order: Annotated[
        int | None,
        typer.Option(
            help="Finest order: its pixels are 0.115° / 2^order wide.",
            show_default="as fine as the survey's pixels",
        ),
    ] = None,
    frame: Annotated[
        Literal["galactic", "equatorial"] | None,
        typer.Option(help="Frame of the tiles.", show_default="galactic; of a small field its own"),
    ] = None,
    tile_format: Annotated[
        str | None,
        typer.Option(
            help="Formats of the tiles, the first for viewers: `fits` (numbers), `png`, `jpeg` (colours).",
            show_default="png,fits of a survey, else fits,png",
        ),
    ] = None,
    survey_option: SurveyOption = None,
    bands: Bands = None,
    stretch: Stretch = None,
    download: Download = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write a survey, a map, kinds of sky or an index as HiPS: tiles that Aladin and other programs read."""
    from skykin.jobs.hips import hips

    hips(
        source, output, column=column, order=order, frame=frame, tile_format=tile_format,
        survey_option=survey_options(survey_option), bands=bands, stretch=stretch, download=download,
        overwrite=overwrite, progress=progress_unless(quiet),
    )  # fmt: skip
    if not quiet:
        printer().print(f"Wrote {output}")
