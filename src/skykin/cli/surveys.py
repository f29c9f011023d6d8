"""Commands about surveys: which there are, and what one holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from skykin.cli.bars import TerminalProgress
from skykin.cli.option_texts import parse_options
from skykin.cli.options import SurveyOption, printer


def surveys_command() -> None:
    """List the surveys that can be asked for by name, and the kinds of files that can be given."""
    from skykin.survey.formats import kinds
    from skykin.survey.named import ready_made

    table = Table("name", "survey", "on this computer", title="Ready-made surveys", title_justify="left")
    for one in ready_made().values():
        here = "yes" if one.find() is not None else f'pip install "skykin\\[{one.extra}]"'
        table.add_row(one.name, one.description, here)
    console = Console()
    console.print(table)
    table = Table("kind", "what it is", title="Kinds of files and folders", title_justify="left")
    for kind in kinds():
        table.add_row(kind.name, kind.description)
    console.print(table)


def info_command(
    survey: Annotated[
        str,
        typer.Argument(help="Name, file, folder, pattern, or three with commas between; or an index."),
    ],
    survey_option: SurveyOption = None,
    bands: Annotated[
        str | None, typer.Option(help="Velocity bands (km/s) shown as red, green and blue.")
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(help="Write a preview picture (PNG) here.", show_default="NAME-preview.png"),
    ] = None,
    no_preview: Annotated[bool, typer.Option("--no-preview", help="Write no picture.")] = False,
) -> None:
    """Tell what a survey holds: frame, projection, resolution, unit, coverage, values, and a picture.

    Of an index it tells what is in it, and checks every file against its hash.
    """
    from skykin.indexing.layout import MANIFEST

    if (Path(survey).expanduser() / MANIFEST).is_file():
        _index_info(survey)
        return
    from skykin.jobs import describe_survey
    from skykin.survey.open import open_survey

    opened = open_survey(
        survey,
        options=parse_options(survey_option or []),
        bands=bands,
        progress=TerminalProgress(Console(stderr=True)),
    )
    path = None if no_preview else preview or Path(f"{_plain(opened.name)}-preview.png")
    print_facts(describe_survey(opened, preview=path))


def _index_info(folder: str) -> None:
    from skykin.indexing.sky_index import open_index

    index = open_index(folder)
    print_facts(index.describe())
    checked = index.verify(TerminalProgress(Console(stderr=True)))
    print_facts({"checked": f"{checked / 1e6:.1f} MB, every file as it was written"})


def print_facts(facts: Mapping[str, str]) -> None:
    """Print names and texts in two columns."""
    out = printer()
    width = max(10, *map(len, facts))
    for name, text in facts.items():
        out.print(f"{name:<{width}}  {text}")


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60] or "survey"
