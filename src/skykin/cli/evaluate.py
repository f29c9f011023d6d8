"""The command `skykin evaluate`: how well the score of a map finds lists of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skykin.cli.options import (
    Jobs,
    Quiet,
    SurveyOfMap,
    SurveyOption,
    progress_unless,
    survey_options,
)
from skykin.cli.terminal import printer

LISTS = "What it is evaluated with"
MORE = "What takes longer"


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
    survey: SurveyOfMap = None,
    survey_option: SurveyOption = None,
    bands: Annotated[
        str | None,
        typer.Option(
            help="Velocity bands (km/s) of the map.", show_default="the survey's own", rich_help_panel=LISTS
        ),
    ] = None,
    rotations: Annotated[
        int, typer.Option(help="How often the lists are rotated in longitude.", rich_help_panel=LISTS)
    ] = 300,
    seed: Annotated[int, typer.Option(help="Random seed.", rich_help_panel=LISTS)] = 0,
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
            help="So many copies of the reference are put at empty places and searched for.",
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
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> None:
    """Evaluate a map: whether its score finds objects better than brightness, latitude or chance do.

    Every number stands beside the same number of simpler rankings and of the same objects rotated in
    longitude, with an interval.  It is written into the folder of the map, and into its report.
    """
    # The libraries of tables and figures are loaded only once the options make sense.
    from skykin.jobs.evaluate import evaluate

    progress = progress_unless(quiet)
    result = evaluate(
        map_folder,
        catalogue or (),
        survey=survey,
        survey_option=survey_options(survey_option),
        bands=bands,
        rotations=rotations,
        seed=seed,
        nulls=nulls,
        injections=injections,
        stability=stability,
        jobs=jobs,
        progress=progress,
    )
    page = result.add_to_map(map_folder, progress)
    if not quiet:
        out = printer()
        for line in result.sentences():
            out.print(line)
        out.print(f"\nOpen {page}")
