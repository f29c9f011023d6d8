"""The command `skykin texture`: new sky with the style of a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

from skykin.cli.painting_bar import painting_bar
from skykin.cli.pictures import (
    A_PICTURE,
    MAKING,
    Download,
    Jobs,
    LearningRate,
    OptimiserName,
    Output,
    Overwrite,
    Pixels,
    Quiet,
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
    from skykin.generate.painting import Callback
    from skykin.generate.settings import Optimiser


def texture_command(
    reference: Annotated[str, typer.Argument(help=f"Whose style the new sky has: {A_PICTURE}.")],
    output: Output = Path("texture.png"),
    recipe: Annotated[
        list[str],
        typer.Option(
            help="How style is measured; name several, such as `--recipe poster --recipe covariance`, "
            "to see their textures side by side.",
            rich_help_panel=MAKING,
        ),
    ] = ["poster"],  # noqa: B006 - typer's way to give the default of a list
    steps: Steps = 300,
    optimiser: OptimiserName = "l-bfgs",
    learning_rate: LearningRate = 0.02,
    seed: Seed = 0,
    survey: Survey = "wham",
    tile_size: TileSize = 15.0,
    pixels: Pixels = 256,
    stretch: Stretch = "asinh",
    snapshots: Snapshots = 0,
    resume: Resume = False,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    download: Download = False,
    quiet: Quiet = False,
) -> None:
    """Synthesise new sky with the style of a reference from noise.

    What the recipe's statistic keeps is in it; what it throws away, such as where things are, is not.  With
    several recipes the picture holds all textures side by side, and each lies beside it in a file of its own.
    Needs the extra: pip install "skykin[generate]".
    """
    from skykin.generate.settings import TextureSettings

    settings = [
        TextureSettings(
            recipe=name,
            steps=steps,
            optimiser=cast("Optimiser", optimiser),
            learning_rate=learning_rate,
            seed=seed,
        )
        for name in recipe
    ]
    sky = sky_settings(survey, tile_size, pixels, stretch, jobs)
    from contextlib import ExitStack

    from skykin.studio.easel import Easel
    from skykin.studio.texture import make_textures

    easel = Easel(output, overwrite, snapshots, resume)
    book = picture_book(sky, download, quiet)
    try:
        with ExitStack() as bars:
            console = Console(stderr=True)

            def callback_of(name: str) -> Callback | None:
                bars.close()
                return bars.enter_context(painting_bar(f"Texture, {name}", console, quiet=quiet))

            paintings = make_textures(book, reference, easel, settings, callback_of=callback_of)
    except KeyboardInterrupt as error:
        raise interrupted(easel) from error
    if not quiet:
        for name, painting in paintings.items():
            say(f"{name}: {cosines_text(painting)}")
        say(f"Open {output}")
