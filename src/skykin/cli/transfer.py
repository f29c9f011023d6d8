"""The command `skykin transfer`: the content of one picture in the style of another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skykin.cli.options import OUTPUT
from skykin.cli.painting_bar import painting_bar
from skykin.cli.pictures import (
    A_PICTURE,
    MAKING,
    Output,
    PaintOptions,
    Recipe,
    interrupted,
    say,
    with_options,
)
from skykin.cli.terminal import Terminal
from skykin.generate.settings import Start


@with_options(PaintOptions)
def transfer_command(
    content: Annotated[str, typer.Argument(help=f"What is shown: {A_PICTURE}.")],
    style: Annotated[str, typer.Argument(help="Whose style it takes: the same.")],
    output: Output = Path("transfer.png"),
    recipe: Recipe = "poster",
    start: Annotated[Start, typer.Option(help="The first picture.", rich_help_panel=MAKING)] = "content",
    style_weight: Annotated[float, typer.Option(help="Weight of the style.", rich_help_panel=MAKING)] = 1e-2,
    content_weight: Annotated[
        float, typer.Option(help="Weight of the content.", rich_help_panel=MAKING)
    ] = 1e4,
    variation_weight: Annotated[
        float, typer.Option(help="Weight of smoothness (total variation).", rich_help_panel=MAKING)
    ] = 30.0,
    figure: Annotated[
        bool,
        typer.Option(
            "--figure", help="Also draw content, style and result side by side.", rich_help_panel=OUTPUT
        ),
    ] = False,
    *,
    options: PaintOptions,
) -> None:
    """Paint the content of one picture in the style of another.

    As Gatys et al. do, with the weights of the TensorFlow tutorial, from the network and statistics that
    also score the sky.  A tile of the sky keeps its world coordinates: a FITS file lies beside the PNG, which
    itself carries AVM tags.  Needs the extra: pip install "skykin[generate]".
    """
    from skykin.jobs.studio.transfer import transfer

    try:
        with painting_bar("Painting", Terminal(stderr=True), quiet=options.quiet) as callback:
            made = transfer(
                content,
                style,
                recipe=recipe,
                start=start,
                style_weight=style_weight,
                content_weight=content_weight,
                variation_weight=variation_weight,
                output=output,
                figure=figure,
                callback=callback,
                **options.values(),
            )
    except KeyboardInterrupt as error:
        raise interrupted(output) from error
    if not options.quiet:
        for line in made.sentences():
            say(line)
        say(f"Open {output}")
