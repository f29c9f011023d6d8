"""The command `skykin transfer`: the content of one picture in the style of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

from skykin.cli.painting_bar import painting_bar
from skykin.cli.pictures import (
    A_PICTURE,
    MAKING,
    OUTPUT,
    Download,
    Jobs,
    LearningRate,
    OptimiserName,
    Output,
    Overwrite,
    Pixels,
    Quiet,
    Recipe,
    Resume,
    Seed,
    Snapshots,
    Steps,
    Stretch,
    Survey,
    TileSize,
    cosines_text,
    interrupted,
    picture_book,
    say,
    sky_settings,
)

if TYPE_CHECKING:
    from skykin.generate.settings import Optimiser, Start


def transfer_command(
    content: Annotated[str, typer.Argument(help=f"What is shown: {A_PICTURE}.")],
    style: Annotated[str, typer.Argument(help="Whose style it takes: the same.")],
    output: Output = Path("transfer.png"),
    recipe: Recipe = "poster",
    steps: Steps = 300,
    optimiser: OptimiserName = "l-bfgs",
    learning_rate: LearningRate = 0.02,
    start: Annotated[
        str, typer.Option(help="The first picture: `content` or `noise`.", rich_help_panel=MAKING)
    ] = "content",
    seed: Seed = 0,
    style_weight: Annotated[float, typer.Option(help="Weight of the style.", rich_help_panel=MAKING)] = 1e-2,
    content_weight: Annotated[
        float, typer.Option(help="Weight of the content.", rich_help_panel=MAKING)
    ] = 1e4,
    variation_weight: Annotated[
        float, typer.Option(help="Weight of smoothness (total variation).", rich_help_panel=MAKING)
    ] = 30.0,
    survey: Survey = "wham",
    tile_size: TileSize = 15.0,
    pixels: Pixels = 256,
    stretch: Stretch = "asinh",
    figure: Annotated[
        bool,
        typer.Option(
            "--figure", help="Also draw content, style and result side by side.", rich_help_panel=OUTPUT
        ),
    ] = False,
    snapshots: Snapshots = 0,
    resume: Resume = False,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    download: Download = False,
    quiet: Quiet = False,
) -> None:
    """Paint the content of one picture in the style of another.

    As Gatys et al. do, with the weights of the TensorFlow tutorial, from the network and statistics that
    also score the sky.  A tile of the sky keeps its world coordinates: a FITS file lies beside the PNG, which
    itself carries AVM tags.  Needs the extra: pip install "skykin[generate]".
    """
    from skykin.generate.settings import TransferSettings

    settings = TransferSettings(
        recipe=recipe,
        steps=steps,
        optimiser=cast("Optimiser", optimiser),
        learning_rate=learning_rate,
        seed=seed,
        start=cast("Start", start),
        style_weight=style_weight,
        content_weight=content_weight,
        variation_weight=variation_weight,
    )
    sky = sky_settings(survey, tile_size, pixels, stretch, jobs)
    # Checks that cost nothing come before the libraries that do.
    from skykin.studio.easel import Easel
    from skykin.studio.transfer import make_transfer

    easel = Easel(output, overwrite, snapshots, resume)
    book = picture_book(sky, download, quiet)
    try:
        with painting_bar("Painting", Console(stderr=True), quiet=quiet) as callback:
            painting = make_transfer(book, content, style, easel, settings, figure=figure, callback=callback)
    except KeyboardInterrupt as error:
        raise interrupted(easel) from error
    if not quiet:
        say(f"style loss lowered by {painting.lowered:.1%} in {len(painting.history) - 1} steps")
        say(cosines_text(painting))
        say(f"Open {output}")
