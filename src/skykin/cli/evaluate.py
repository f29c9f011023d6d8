"""The command `skykin evaluate`: what the score of a map is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from skykin.cli.bars import TerminalProgress
from skykin.cli.option_texts import parse_bands, parse_options

LISTS = "What it is judged by"
MORE = "What takes longer"
OUTPUT = "What is written, and how fast"


def evaluate_command(
    map_folder: Annotated[Path, typer.Argument(help="Folder that `skykin map` wrote.")],
    catalogue: Annotated[
        list[Path] | None,
        typer.Option(
            "--catalogue",
            "-c",
            help="Table of objects that should be found (CSV, ECSV, VOTable, FITS), with `l` and `b`, or "
            "`ra` and `dec`; may be given several times.",
            show_default="the lists that ship with Skykin",
            rich_help_panel=LISTS,
        ),
    ] = None,
    survey: Annotated[
        str | None,
        typer.Option(
            help="The survey of the map: name, file or folder.",
            show_default="the ready-made one of that name",
            rich_help_panel=LISTS,
        ),
    ] = None,
    survey_option: Annotated[
        list[str] | None,
        typer.Option(help="As for the map, `name=value`.", show_default=False, rich_help_panel=LISTS),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(
            help="Velocity bands (km/s) of the map.", show_default="the survey's own", rich_help_panel=LISTS
        ),
    ] = None,
    turns: Annotated[
        int, typer.Option(help="How often the lists are turned in longitude.", rich_help_panel=LISTS)
    ] = 300,
    seed: Annotated[int, typer.Option(help="Of everything random.", rich_help_panel=LISTS)] = 0,
    nulls: Annotated[
        bool,
        typer.Option(
            "--nulls",
            help="Three maps that should find nothing: a random-weight network, a sky with random phases, "
            "an empty reference; kept for the next time.",
            rich_help_panel=MORE,
        ),
    ] = False,
    injections: Annotated[
        int,
        typer.Option(
            help="So many copies of the reference are put at empty places and looked for.",
            rich_help_panel=MORE,
        ),
    ] = 0,
    stability: Annotated[
        bool,
        typer.Option(
            "--stability",
            help="The map again in eleven other ways: intensity, orientation, grid, tile size, stretch, "
            "references; kept for the next time.",
            rich_help_panel=MORE,
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            help="Threads that compute; the numbers do not depend on it.",
            show_default="all cores",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No progress bars and no summary.", rich_help_panel=OUTPUT),
    ] = False,
) -> None:
    """Judge a map: whether its score finds objects better than brightness, latitude or chance do.

    Every number stands beside the same number of simpler rankings and of the same objects turned in
    longitude, with an interval.  It is written into the folder of the map, and into its report.
    """
    # The libraries of tables and figures are loaded only once the options make sense.
    from skykin.core.progress import SilentProgress
    from skykin.pipeline.evaluate import evaluate_map, keep_in_map

    progress = SilentProgress() if quiet else TerminalProgress(Console(stderr=True))
    result = evaluate_map(
        map_folder,
        catalogue or (),
        survey=survey,
        survey_options=parse_options(survey_option or []),
        bands_km_s=None if bands is None else parse_bands(bands),
        turns=turns,
        seed=seed,
        nulls=nulls,
        injections=injections,
        stability=stability,
        jobs=jobs,
        progress=progress,
    )
    page = keep_in_map(result, map_folder, progress)
    if not quiet:
        out = Console(soft_wrap=True, highlight=False, markup=False)
        for line in result.sentences():
            out.print(line)
        out.print(f"\nOpen {page}")
