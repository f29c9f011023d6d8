"""The command `skykin explain`: why a tile is similar to a reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skykin.cli.options import (
    IN_INDEX,
    Index,
    Mirror,
    Overwrite,
    PixelScale,
    Quiet,
    Scales,
    SurveyOfIndex,
    Turns,
    Views,
    Width,
    progress_unless,
)
from skykin.cli.terminal import printer


def explain_command(
    index: Index,
    reference: Annotated[str, typer.Option("--reference", "-r", help=f"The reference: {IN_INDEX}.")],
    tile: Annotated[
        str,
        typer.Option("--tile", "-t", help="The tile: its name, or a place near its centre."),
    ],
    width: Width = None,
    pixel_scale: PixelScale = None,
    turns: Turns = None,
    mirror: Mirror = None,
    scales: Scales = None,
    views: Views = None,
    sample: Annotated[
        int,
        typer.Option(help="Tiles, evenly spread, that other recipes rank the tile among; 0 leaves them out."),
    ] = 32,
    survey: SurveyOfIndex = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the figure and explanation.json.")
    ] = Path("explanation"),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Explain a score: which layers and sizes of tile carry it, where in the tile, and what could mislead.

    Opens the survey and runs the network over the tile, and over a sample of tiles for the other recipes.
    """
    from skykin.jobs.explain import explain

    progress = progress_unless(quiet)
    result = explain(
        index, reference, tile, width=width, pixel_scale=pixel_scale, turns=turns, mirror=mirror,
        scales=scales, views=views, sample=sample, survey=survey, output=output, overwrite=overwrite,
        progress=progress,
    )  # fmt: skip
    if not quiet:
        out = printer()
        for line in result.sentences():
            out.print(line)
        out.print(f"Wrote {output}")
