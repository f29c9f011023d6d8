"""Commands that compare the tiles of an index: `skykin neighbours`, `skykin cluster`, `skykin outliers`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from skykin.cli.options import Folder, Index, Overwrite, Quiet, SurveyOfIndex, progress_unless
from skykin.cli.terminal import Terminal, printer

#: Rows that a terminal is shown.
LISTED = 10


def neighbours_command(
    index: Index,
    k: Annotated[int, typer.Option("-k", help="How many similar tiles are listed for each tile.")] = 5,
    output: Annotated[Path, typer.Option("--output", "-o", help="File of the table (ECSV).")] = Path(
        "neighbours.ecsv"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    quiet: Quiet = False,
) -> None:
    """List the most similar tiles of each tile, among those that do not overlap it."""
    from skykin.jobs.kinds import neighbours

    progress = progress_unless(quiet)
    table = neighbours(index, k, output=output, overwrite=overwrite, progress=progress)
    if not quiet:
        mutual = float(table["mutual"].mean())
        _say(f"{len(table)} pairs; {100 * mutual:.0f} % are mutual.", f"Wrote {output}")


def cluster_command(
    index: Index,
    k: Annotated[int, typer.Option("-k", help="How many kinds of sky.")] = 6,
    seed: Annotated[int, typer.Option(help="The same seed gives the same kinds.")] = 0,
    survey: SurveyOfIndex = None,
    output: Folder = Path("kinds-of-sky"),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Group the tiles into kinds of sky: a HEALPix map, a catalogue, and an example picture of each kind.

    An index of `core-contrast` groups tiles by what lies at their centre: peaks, depressions, oriented
    gradients.  For the texture of whole tiles, make the index with `--recipe mean-std`.

    Needs the extra: pip install "skykin[learn]".
    """
    from skykin.jobs.kinds import cluster

    result = cluster(
        index, k, seed=seed, survey=survey, output=output, overwrite=overwrite,
        progress=progress_unless(quiet),
    )  # fmt: skip
    if not quiet:
        table = Table("kind", "tiles", "share of the sky", "mean intensity", "example")
        for row in result.kinds:
            light = row["mean_intensity"]
            table.add_row(
                str(row["kind"]), str(row["tiles"]), f"{100 * row['sky_share']:.3g} %", f"{light:.3g}",
                str(row["example"]),
            )  # fmt: skip
        Terminal().print(table)
        _say(result.sentences()[-1], f"Wrote {output}")


def outliers_command(
    index: Index,
    k: Annotated[
        int,
        typer.Option("-k", help="Most similar tiles that count; with more, a rare kind of tile is odd too."),
    ] = 5,
    survey: SurveyOfIndex = None,
    output: Folder = Path("outliers"),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Rank the tiles by how unlike everything else they are: a catalogue and a figure."""
    from skykin.jobs.kinds import outliers

    progress = progress_unless(quiet)
    result = outliers(index, k, survey=survey, output=output, overwrite=overwrite, progress=progress)
    if not quiet:
        table = Table("rank", "tile", "oddness", "most similar", "score with it")
        for row in result.tiles[:LISTED]:
            table.add_row(
                str(row["rank"]), str(row["name"]), f"{row['oddness']:.3f}", str(row["neighbour"]),
                f"{row['neighbour_score']:.3f}",
            )  # fmt: skip
        Terminal().print(table)
        _say(f"Wrote {output}")


def _say(*lines: str) -> None:
    out = printer()
    for line in lines:
        out.print(line)
