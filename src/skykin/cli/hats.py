"""The command `skykin hats`: the tiles of a map or an index as a HATS catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from skykin.cli.options import Folder, Overwrite, Quiet, progress_unless
from skykin.cli.terminal import printer


def hats_command(
    source: Annotated[
        str,
        typer.Argument(help="The folder of a map, of a search, of kinds of sky, or of an index."),
    ],
    output: Folder,
    max_rows: Annotated[
        int,
        typer.Option(help="Most rows of a file; fuller HEALPix cells are divided into four."),
    ] = 250_000,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write the tiles of a map or an index as a HATS catalogue: Parquet files that LSDB opens.

    Needs the extra `parquet`.
    """
    from skykin.jobs.hats import hats

    hats(source, output, max_rows=max_rows, overwrite=overwrite, progress=progress_unless(quiet))
    if not quiet:
        printer().print(f"Wrote {output}")
