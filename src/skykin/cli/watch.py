"""Commands for data as they arrive: `skykin watch`, and `skykin queries` for what it looks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table as RichTable

from skykin.cli.interrupts import INTERRUPTED
from skykin.cli.map import SOME_LEFT_OUT
from skykin.cli.options import (
    IN_INDEX,
    MATCHES,
    QUERY,
    CombineBy,
    Csls,
    Download,
    Index,
    Jobs,
    MaxQ,
    MinSeparation,
    Mirror,
    PixelScale,
    Quiet,
    Scales,
    Threshold,
    TopFraction,
    Turns,
    Unlike,
    Views,
    Weight,
    Width,
    progress_unless,
    weights,
)
from skykin.cli.plain_rows import AsCsv, AsJson, printed
from skykin.cli.terminal import Terminal, errors, printer

if TYPE_CHECKING:
    from astropy.table import QTable


def watch_command(
    source: Annotated[
        str,
        typer.Argument(help="What was indexed: folder, pattern, HiPS, file, or three with commas."),
    ],
    index: Annotated[
        Path | None, typer.Option(help="Folder of its index.", show_default="SOURCE.skykin")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Do one round and stop, as for cron.")] = False,
    every: Annotated[str, typer.Option(help="How long after a round the next one begins.")] = "10min",
    to: Annotated[
        Path | None,
        typer.Option(help="File to which each new target is appended as one JSON line.", show_default=False),
    ] = None,
    call: Annotated[
        str | None,
        typer.Option(
            help="Program with arguments that is run for each new target, the JSON line on its standard "
            "input; no shell reads it.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each new target as one JSON line, not as a table.")
    ] = False,
    jobs: Jobs = None,
    download: Download = False,
    quiet: Quiet = False,
) -> None:
    """Take new data into an index as they arrive, and announce the new targets of its standing queries.

    `skykin queries` says what is looked for.  Whatever stops the work, nothing is lost: the same command goes
    on where it was.  Exit code 4: some targets could not be announced, and wait for the next round.
    """
    from skykin.jobs.announce import line_of
    from skykin.jobs.watch import rounds

    out, waits = printer(), False
    try:
        for table in rounds(
            source,
            index,
            once=once,
            every=every,
            to=to,
            call=call,
            announce=(lambda notice: print(line_of(notice), flush=True)) if as_json else None,  # noqa: T201
            jobs=jobs,
            download=download,
            progress=progress_unless(quiet),
        ):
            waits = not all(table["announced"])
            if as_json:
                continue
            if len(table):
                Terminal().print(_targets(table))
            elif once and not quiet:
                out.print("No new targets.")
    except KeyboardInterrupt as error:
        errors().print("stopped; what was found is kept, and the same command goes on there")
        raise typer.Exit(INTERRUPTED) from error
    if waits:
        raise typer.Exit(SOME_LEFT_OUT)


def _targets(found: QTable) -> RichTable:
    rows = RichTable(title=f"New targets: {len(found)}", title_justify="left", box=SIMPLE_HEAD)
    for name in ("query", "target", "l [deg]", "b [deg]", "score", "p", "q"):
        rows.add_column(name, no_wrap=True)
    rows.add_column("known there")
    for row in found:
        rows.add_row(
            escape(row["query"]),
            row["name"].removeprefix("SKYKIN "),
            f"{row['lon'].value:.2f}",
            f"{row['lat'].value:+.2f}",
            *(f"{row[name]:.3g}" for name in ("score", "p", "q")),
            escape(row["known"]),
        )
    return rows


def queries_command(
    index: Index,
    add: Annotated[
        str | None, typer.Option(help="Add a standing query of this name.", show_default=False)
    ] = None,
    remove: Annotated[
        str | None,
        typer.Option(help="Remove the one of this name, and what it found.", show_default=False),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            "-r",
            help=f"What the new one looks for: {IN_INDEX}; may be given several times.",
            show_default=False,
            rich_help_panel=QUERY,
        ),
    ] = None,
    unlike: Unlike = None,
    combine: CombineBy = None,
    weight: Weight = None,
    width: Width = None,
    pixel_scale: PixelScale = None,
    turns: Turns = None,
    mirror: Mirror = None,
    scales: Scales = None,
    views: Views = None,
    threshold: Threshold = None,
    top_fraction: TopFraction = None,
    max_q: MaxQ = None,
    csls: Csls = False,
    min_separation: MinSeparation = None,
    from_now: Annotated[
        bool,
        typer.Option(
            "--from-now",
            help="Announce only what is found from now on, not the targets that there are.",
            rich_help_panel=MATCHES,
        ),
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    quiet: Quiet = False,
) -> None:
    """List the standing queries of an index, which `skykin watch` asks; add or remove one."""
    from skykin.jobs.standing import queries

    table = queries(
        index, add, remove=remove, reference=reference or [], unlike=unlike or [], combine=combine,
        weight=weights(weight), width=width, pixel_scale=pixel_scale, turns=turns, mirror=mirror,
        scales=scales, views=views, threshold=threshold, top_fraction=top_fraction, max_q=max_q, csls=csls,
        min_separation=min_separation, from_now=from_now, progress=progress_unless(quiet),
    )  # fmt: skip
    if printed(table, as_json=as_json, as_csv=as_csv):
        return
    if not len(table):
        printer().print("No standing queries; add one with --add NAME --reference …")
        return
    rows = RichTable("query", "looks for", "criterion", "added (UTC)", "announced", "waiting")
    for row in table:
        added = str(row["added"])[: len("2026-01-01T00:00")].replace("T", " ")
        rows.add_row(*(added if name == "added" else escape(str(row[name])) for name in table.colnames))
    Terminal().print(rows)
