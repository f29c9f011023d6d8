"""The command `skykin catalogues`: the lists of objects that ship, and a user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from skykin.cli.bars import TerminalProgress
from skykin.cli.terminal import Terminal, printer
from skykin.core.frames import Frame

if TYPE_CHECKING:
    from astropy.table import QTable, Row


def catalogues_command(
    catalogue: Annotated[
        str | None,
        typer.Argument(
            help="One of the lists, or a file: FITS, VOTable, ECSV, Parquet, CSV.", show_default="all lists"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write it here: .ecsv, .csv or .xml (VOTable).", show_default="no file"
        ),
    ] = None,
    frame: Annotated[
        Frame | None,
        typer.Option(help="Frame of a file's columns lon and lat.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """List the catalogues that ship with Skykin, show one, or show how a file of yours is understood."""
    from skykin.jobs.listing import catalogues

    progress = TerminalProgress(Terminal(stderr=True))
    table = catalogues(catalogue, output=output, frame=frame, overwrite=overwrite, progress=progress)
    if catalogue is None:
        shown = Table(
            "list", "objects", "star-forming", "what is in it", title="Catalogues", title_justify="left"
        )
        for row in table:
            shown.add_row(*(str(row[name]) for name in ("name", "objects", "star_forming", "summary")))
        Terminal().print(shown)
    elif output is None:
        Terminal().print(_shown(catalogue, table))
    else:
        printer().print(f"Wrote {len(table)} rows to {output}")


def _shown(title: str, table: QTable) -> Table:
    shown = Table(
        "name",
        "l [deg]",
        "b [deg]",
        "size [deg]",
        "kind",
        "stars form",
        "also called",
        title=escape(title),
        title_justify="left",
    )
    for row in table:
        shown.add_row(
            escape(str(row["name"])),
            f"{row['lon_deg'].value:.2f}",
            f"{row['lat_deg'].value:+.2f}",
            _size(row),
            escape(str(row["kind"])),
            "yes" if row["star_forming"] else "no",
            escape(str(row["aliases"]).replace(";", ",")),
        )
    return shown


def _size(row: Row) -> str:
    size = row["diameter_deg"]
    return "" if getattr(size, "mask", False) else f"{float(getattr(size, 'unmasked', size).value):.3g}"
