"""Commands about surveys: which there are, and what one holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column
from rich.table import Table as RichTable

from skykin.cli.bars import TerminalProgress
from skykin.cli.options import ObjectSize, SurveyOption, survey_options
from skykin.cli.plain_rows import AsCsv, AsJson, printed
from skykin.cli.terminal import Terminal, printer
from skykin.core.clean import file_name, one_line
from skykin.core.errors import shown

if TYPE_CHECKING:
    from astropy.table import Table


def surveys_command(
    find: Annotated[
        str | None,
        typer.Option(
            "--find",
            help="Find public surveys (HiPS) by words of their identifier or title, such as `akari`; asks "
            "the CDS MOC server, once a day.",
            show_default=False,
        ),
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(
            help="With --find: address of another MOC server, or a file with a list of HiPS.",
            show_default="the CDS MOC server, or $SKYKIN_REGISTRY",
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the surveys with a name, and the formats of files and folders; or find public surveys.

    What is found is mapped by its identifier: `skykin map --survey CDS/P/AKARI/FIS/Color --area …`.
    """
    from skykin.jobs.listing import surveys

    progress = TerminalProgress(Terminal(stderr=True))
    table = surveys(find, registry=registry, progress=progress)
    if printed(table, as_json=as_json, as_csv=as_csv):
        return
    if find is not None:
        _print_found(find, table)
        return
    public = RichTable(
        "name", "survey", "identifier", title="Public surveys, read from the web", title_justify="left"
    )
    named = RichTable("name", "survey", "on this computer", title="Surveys with a name", title_justify="left")
    files = RichTable("format", "what it is", title="Formats of files and folders", title_justify="left")
    for row in table:
        if row["kind"] == "survey":
            named.add_row(row["name"], row["description"], "yes" if row["here"] else escape(row["install"]))
        elif row["kind"] == "public":
            public.add_row(row["name"], row["description"], row["identifier"])
        else:
            files.add_row(row["name"], row["description"])
    console = Terminal()
    for each in (named, public, files):
        console.print(each)


def _print_found(find: str, found: Table) -> None:
    whole = Column("identifier", no_wrap=True, min_width=max(map(len, found["identifier"]), default=0))
    rows = RichTable(whole, "title", "regime", "sky", "pixels", "name")
    for row in found:
        sky, pixel = float(row["sky_fraction"]), float(row["resolution"].value)
        rows.add_row(
            escape(row["identifier"]),
            escape(row["title"]),
            escape(row["regime"]),
            "" if math.isnan(sky) else f"{100 * sky:.3g} %",
            "" if math.isnan(pixel) else f'{pixel:.3g}"',
            row["name"],
        )
    if len(found):
        Terminal().print(rows)
    plural = "survey" if len(found) == 1 else "surveys"
    printer().print(f"{len(found)} public {plural} found for {shown(find)}; --survey takes the identifier.")


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
