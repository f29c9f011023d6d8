"""The command `skykin catalogues`: the lists of objects that ship, and a user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from skykin.cli.bars import TerminalProgress
from skykin.cli.options import printer

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
        str | None,
        typer.Option(
            help="Frame of a file's columns lon and lat: galactic, icrs or ecliptic.", show_default=False
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """List the catalogues that ship with Skykin, show one, or show how a file of yours is understood."""
    from skykin.catalogue.object_lists import write_object_table
    from skykin.core.errors import UsageError

    if catalogue is None:
        if output is not None:
            raise UsageError(
                "say which of the catalogues is to be written, such as `skykin catalogues sharpless`"
            )
        Console().print(_lists())
        return
    table = _table(catalogue, frame)
    if output is None:
        Console().print(_shown(catalogue, table))
    else:
        write_object_table(table, output, overwrite=overwrite)
        printer().print(f"Wrote {len(table)} rows to {output}")


def _lists() -> Table:
    from skykin.catalogue.object_lists import object_list, object_lists

    shown = Table(
        "list", "objects", "star-forming", "what is in it", title="Catalogues", title_justify="left"
    )
    for one in object_lists():
        table = object_list(one.name)
        shown.add_row(one.name, str(len(table)), str(int(table["star_forming"].sum())), one.summary)
    return shown


def _table(catalogue: str, frame: str | None) -> QTable:
    from skykin.catalogue.object_lists import object_list, object_lists
    from skykin.catalogue.user_catalogue import read_catalogue
    from skykin.core.errors import UnknownNameError

    if catalogue in {one.name for one in object_lists()}:
        return object_list(catalogue)
    if Path(catalogue).exists():
        return read_catalogue(catalogue, frame=frame, progress=TerminalProgress(Console(stderr=True)))
    try:
        return object_list(catalogue)
    except UnknownNameError as error:
        raise UnknownNameError(f"{error}; and there is no such file") from error


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
