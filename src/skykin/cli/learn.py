"""The command `skykin learn`: a rule from a few examples in place of one reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skykin.cli.options import (
    Folder,
    Jobs,
    Overwrite,
    Quiet,
    SurveyOfMap,
    SurveyOption,
    progress_unless,
    survey_options,
)
from skykin.cli.terminal import printer

DEFAULT_FOLDER = Path("skykin-learnt")


def learn_command(
    map_folder: Annotated[
        Path, typer.Argument(help="Folder that `skykin map` wrote: its survey, tiles and recipe are used.")
    ],
    positive: Annotated[
        list[str] | None,
        typer.Option(help="A positive example: a name or position, as --reference; give several."),
    ] = None,
    positives: Annotated[
        str | None, typer.Option(help="Or a list: a shipped one (`skykin catalogues`), or a table on disk.")
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(
            help="A negative example; give several.",
            show_default="the positives rotated in longitude, so that latitude carries no information",
        ),
    ] = None,
    survey: SurveyOfMap = None,
    survey_option: SurveyOption = None,
    jobs: Jobs = None,
    output: Folder = DEFAULT_FOLDER,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Learn a linear rule on style from several examples (extra `learn`).

    Every place is scored by a rule that saw no example in its 30° of longitude; what the rule finds stands
    beside what brightness, contrast and latitude find.  `skykin evaluate` takes the result like a map.
    """
    # The libraries of tables are loaded only once the options make sense.
    from skykin.jobs.learn import learn

    progress = progress_unless(quiet)
    result = learn(
        map_folder,
        positive or (),
        positives=positives,
        negative=negative or (),
        survey=survey,
        survey_option=survey_options(survey_option),
        jobs=jobs,
        output=output,
        overwrite=overwrite,
        progress=progress,
    )
    if not quiet:
        out = printer()
        for line in result.sentences():
            out.print(line)
        out.print(f"\nWritten to {output}; evaluate it with skykin evaluate {output}")
