"""The command `skykin layers`: content and style of a picture drawn apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skykin.cli.pictures import A_PICTURE, OUTPUT, Recipe, TileOptions, say, with_options


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
    from skykin.style.recipe import recipe as find_recipe

    chosen = find_recipe(recipe)
    sky = options.sky()
    from skykin.jobs.studio.layers import make_layers

    book = options.book(sky)
    opened = make_layers(
        book,
        reference,
        output,
        match=match,
        recipe=chosen,
        overwrite=options.overwrite,
        progress=book.progress,
    )
    if not options.quiet:
        for each in opened.pictures:
            shares = ", ".join(
                f"{layer} {100 * style.share:.3g} %" for layer, style in each.layers.style.items()
            )
            say(f"{each.name}: share of the squared length of all {opened.statistic}: {shares}")
        if match is not None:
            first, second = opened.pictures
            cosines = first.layers.cosines(second.layers)
            say("cosines: " + ", ".join(f"{layer} {cosine:.4f}" for layer, cosine in cosines.items()))
        say(f"Open {output}")
