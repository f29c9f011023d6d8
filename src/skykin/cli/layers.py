"""The command `skykin layers`: content and style of a picture drawn apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skykin.cli.options import OUTPUT
from skykin.cli.pictures import A_PICTURE, Recipe, TileOptions, say, with_options


@with_options(TileOptions)
def layers_command(
    reference: Annotated[str, typer.Argument(help=f"Whose layers are drawn: {A_PICTURE}.")],
    match: Annotated[str | None, typer.Argument(help="Another picture, drawn beside it.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the figures.", rich_help_panel=OUTPUT)
    ] = Path("layers"),
    recipe: Recipe = "poster",
    *,
    options: TileOptions,
) -> None:
    """Draw the content layers and the style layers of a picture apart.

    Activation maps of the content layers; the matrices of the style layers as images, each layer's share of
    their length, and the spectrum of their eigenvalues.
    """
    from skykin.jobs.studio.layers import layers

    opened = layers(reference, match, recipe=recipe, output=output, **options.values())
    if not options.quiet:
        for line in opened.sentences():
            say(line)
        say(f"Open {output}")
