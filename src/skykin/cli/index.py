"""The command `skykin index`: measure a survey once, for any number of queries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from skykin.cli.interrupts import INTERRUPTED
from skykin.cli.map import SOME_LEFT_OUT
from skykin.cli.options import (
    Area,
    Bands,
    Device,
    Download,
    Fast,
    Jobs,
    MinCoverage,
    ObjectSize,
    Pixels,
    Precision,
    Quiet,
    Recipe,
    Scheduler,
    Spacing,
    Stretch,
    SurveyOption,
    TileSize,
    Workers,
    progress_unless,
    survey_options,
)
from skykin.cli.surveys import print_facts
from skykin.cli.terminal import errors, printer
from skykin.core.settings import DEFAULTS

IndexEngine = Literal["local", "dask"]


def index_command(
    survey: Annotated[str, typer.Argument(help="Name, file, folder, pattern, or three with commas between.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder of the index, or its address in a bucket.",
            show_default="SURVEY.skykin",
        ),
    ] = None,
    survey_option: SurveyOption = None,
    area: Area = None,
    tile_size: TileSize = None,
    object_size: ObjectSize = None,
    spacing: Spacing = None,
    pixels: Pixels = None,
    bands: Bands = None,
    stretch: Stretch = DEFAULTS.stretch,
    recipe: Recipe = None,
    fast: Fast = False,
    device: Device = DEFAULTS.device,
    precision: Precision = None,
    min_coverage: MinCoverage = DEFAULTS.min_coverage,
    append: Annotated[
        bool,
        typer.Option("--append", help="Take in new data or another area; what is still true is kept."),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Keep the whole vectors of the standard tiles, too.")
    ] = False,
    engine: Annotated[
        IndexEngine,
        typer.Option(help="Who measures: threads of this process, or workers of a Dask cluster (`cluster`)."),
    ] = "local",
    scheduler: Scheduler = None,
    workers: Workers = None,
    jobs: Jobs = None,
    download: Download = False,
    quiet: Quiet = False,
) -> None:
    """Measure the style of every cell of a survey once, so that any later query is quick.

    The index is a folder.  Whatever stops the work, what is finished stays: the same command goes on where it
    was, and does nothing if the index is complete.
    """
    from skykin.jobs.index import default_name
    from skykin.jobs.index import index as make_index
    from skykin.products.rejected import rejected_files

    folder = output or Path(f"{default_name(survey)}.skykin")
    progress = progress_unless(quiet)
    try:
        index = make_index(
            survey,
            folder,
            survey_option=survey_options(survey_option),
            area=area,
            tile_size=tile_size,
            object_size=object_size,
            spacing=spacing,
            pixels=pixels,
            bands=bands,
            stretch=stretch,
            recipe=recipe,
            fast=fast,
            device=device,
            precision=precision,
            min_coverage=min_coverage,
            append=append,
            exact=exact,
            engine=engine,
            scheduler=scheduler,
            workers=workers,
            jobs=jobs,
            download=download,
            progress=progress,
        )
    except KeyboardInterrupt as error:
        errors().print("interrupted; what is finished is kept, and the same command goes on there")
        raise typer.Exit(INTERRUPTED) from error
    if not quiet:
        print_facts(index.describe())
    if rejected := rejected_files(index.provenance.survey):
        progress.say(f"{len(rejected)} of the files given could not be used; the manifest lists them")
        raise typer.Exit(SOME_LEFT_OUT)


def plan_command(
    survey: Annotated[str, typer.Argument(help="Name, file, folder, pattern, or three with commas between.")],
    survey_option: SurveyOption = None,
    area: Area = None,
    tile_size: TileSize = None,
    object_size: ObjectSize = None,
    spacing: Spacing = None,
    pixels: Pixels = None,
    bands: Bands = None,
    stretch: Stretch = DEFAULTS.stretch,
    recipe: Recipe = None,
    fast: Fast = False,
    device: Device = DEFAULTS.device,
    precision: Precision = None,
    min_coverage: MinCoverage = DEFAULTS.min_coverage,
    exact: Annotated[
        bool, typer.Option("--exact", help="As for an index that keeps whole vectors, too.")
    ] = False,
    workers: Annotated[
        int, typer.Option(help="How many workers a cluster would have, of one core each.")
    ] = 8,
    jobs: Jobs = None,
    download: Download = False,
    quiet: Quiet = False,
) -> None:
    """Tell what an index of a survey would take: tiles, hours, memory and bytes.

    The network runs for five seconds to tell how fast this computer is; nothing is written.
    """
    from skykin.jobs.plan import plan

    told = plan(
        survey,
        survey_option=survey_options(survey_option),
        area=area,
        tile_size=tile_size,
        object_size=object_size,
        spacing=spacing,
        pixels=pixels,
        bands=bands,
        stretch=stretch,
        recipe=recipe,
        fast=fast,
        device=device,
        precision=precision,
        min_coverage=min_coverage,
        exact=exact,
        workers=workers,
        jobs=jobs,
        download=download,
        progress=progress_unless(quiet),
    )
    print_facts(told.facts)
    for note in told.notes:
        printer().print(note)
