"""The command `skykin agree`: where maps of the same reference from different surveys agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skykin.cli.options import Folder, Overwrite, Quiet, progress_unless
from skykin.cli.terminal import printer

DEFAULT_FOLDER = Path("skykin-agreement")


def agree_command(
    map_folders: Annotated[
        list[Path],
        typer.Argument(help="Folders that `skykin map` wrote, of the same reference; two or more."),
    ],
    top_fraction: Annotated[float, typer.Option(help="Share of the sky that is shown as matches.")] = 0.1,
    rotations: Annotated[
        int, typer.Option(help="How often the maps are rotated against each other for the p-values.")
    ] = 200,
    seed: Annotated[int, typer.Option(help="Random seed of the rotations.")] = 0,
    any_reference: Annotated[
        bool, typer.Option("--any-reference", help="Allow maps of different references.")
    ] = False,
    output: Folder = DEFAULT_FOLDER,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Put maps of the same reference from different surveys together, to see where they agree.

    Scores are converted to ranks (fraction of sky at or above) and multiplied (rank product); the product is
    compared with that of the same maps rotated in longitude.  `skykin evaluate` takes the result like a map,
    with each of the maps beside it; its other baselines are those of the first map's survey.
    """
    # The libraries of tables and figures are loaded only once the options make sense.
    from skykin.jobs.agree import agree

    progress = progress_unless(quiet)
    result = agree(
        map_folders,
        top_fraction=top_fraction,
        rotations=rotations,
        seed=seed,
        any_reference=any_reference,
        output=output,
        overwrite=overwrite,
        progress=progress,
    )
    if not quiet:
        out = printer()
        for line in result.sentences():
            out.print(line)
        out.print(f"\nOpen {output / 'agreement.png'}")
