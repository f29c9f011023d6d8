"""Commands about surveys: which there are, and what one holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from skykin.cli.bars import TerminalProgress
from skykin.cli.options import ObjectSize, SurveyOption, survey_options
from skykin.cli.terminal import Terminal, printer
from skykin.core.clean import file_name, one_line


def surveys_command() -> None:
    """List the surveys with a name, and the formats of files and folders that can be opened."""
    from skykin.jobs.listing import surveys

    named = Table("name", "survey", "on this computer", title="Surveys with a name", title_justify="left")
    files = Table("format", "what it is", title="Formats of files and folders", title_justify="left")
    for row in surveys():
        if row["kind"] == "survey":
            named.add_row(row["name"], row["description"], "yes" if row["here"] else escape(row["install"]))
        else:
            files.add_row(row["name"], row["description"])
    console = Terminal()
    console.print(named)
    console.print(files)


def info_command(
    survey: Annotated[
        str,
        typer.Argument(help="Name, file, folder, pattern, or three with commas between; or an index."),
    ],
    survey_option: SurveyOption = None,
    bands: Annotated[
        str | None, typer.Option(help="Velocity bands (km/s) shown as red, green and blue.")
    ] = None,
    object_size: ObjectSize = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            "-r",
            help="Say how large this reference is in beams, pixels and tiles, and what to change.",
            show_default=False,
        ),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(help="Write a preview picture (PNG) here.", show_default="NAME-preview.png"),
    ] = None,
    no_preview: Annotated[bool, typer.Option("--no-preview", help="Write no picture.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a picture that is there; else it is kept.")
    ] = False,
) -> None:
    """Tell what a survey holds: frame, projection, resolution, unit, coverage, values, and a picture.

    Of an index it tells what is in it, and checks every file against its hash.
    """
    from skykin.jobs.listing import info

    told = info(
        survey,
        survey_option=survey_options(survey_option),
        bands=bands,
        object_size=object_size,
        reference=reference or (),
        preview=None if no_preview else preview,
        overwrite=overwrite,
        progress=TerminalProgress(Terminal(stderr=True)),
    )
    print_facts(told.facts)
    if told.name and not no_preview:
        path = preview or Path(f"{file_name(told.name) or 'survey'}-preview.png")
        kept = preview is None and path.exists() and not overwrite
        if preview is None and not kept:
            told.write_preview(path, overwrite=overwrite)
        note = " is there already and is kept; --overwrite replaces it" if kept else ""
        print_facts({"preview": f"{path}{note}"})


def print_facts(facts: Mapping[str, str]) -> None:
    """Print names and texts in two columns."""
    out = printer()
    width = max(10, *map(len, facts))
    for name, text in facts.items():
        out.print(f"{one_line(name):<{width}}  {one_line(text)}")
