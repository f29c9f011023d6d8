"""The commands that show what style means: `skykin transfer`, `skykin texture` and `skykin layers`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape

from skykin.cli.bars import TerminalProgress
from skykin.cli.painting_bar import painting_bar
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings, StretchKind

if TYPE_CHECKING:
    from skykin.generate.painting import Callback, Painting
    from skykin.generate.settings import Optimiser, Start
    from skykin.studio.easel import Easel
    from skykin.studio.picture_book import PictureBook

SKY = "What to look at"
MAKING = "How the picture is made"
OUTPUT = "What is written, and how fast"
INTERRUPTED = 130
A_PICTURE = "a region (`skykin regions` lists them), Galactic `l,b`, any position, or a PNG or JPEG file"

Survey = Annotated[
    str, typer.Option(help="Survey of the tiles: `wham`, or the path of its file.", rich_help_panel=SKY)
]
TileSize = Annotated[float, typer.Option(help="Side of a tile, degrees.", rich_help_panel=SKY)]
Pixels = Annotated[
    int,
    typer.Option(help="Pixels on a side of a tile; files are scaled down to it.", rich_help_panel=SKY),
]
Stretch = Annotated[
    str,
    typer.Option(help="How intensity becomes brightness: `asinh`, `linear` or `log`.", rich_help_panel=SKY),
]
Steps = Annotated[int, typer.Option(help="Steps of the optimiser.", rich_help_panel=MAKING)]
OptimiserName = Annotated[
    str,
    typer.Option(help="`l-bfgs`, as in Gatys et al., or `adam`, as in the tutorial.", rich_help_panel=MAKING),
]
LearningRate = Annotated[
    float,
    typer.Option(
        help="Largest change of a colour in a step of Adam; smooth sky wants less, such as 0.003.",
        rich_help_panel=MAKING,
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of the noise.", rich_help_panel=MAKING)]
Recipe = Annotated[
    str,
    typer.Option(help="How style is measured; `skykin recipes` lists them.", rich_help_panel=MAKING),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The picture, `.png`.", rich_help_panel=OUTPUT)]
Snapshots = Annotated[
    int,
    typer.Option(
        help="Also write the picture every so many steps; 0: only at the end.", rich_help_panel=OUTPUT
    ),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on from where an earlier run stopped.", rich_help_panel=OUTPUT),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what an earlier run wrote.", rich_help_panel=OUTPUT)
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", help="Threads that compute.", show_default="all cores", rich_help_panel=OUTPUT
    ),
]
Download = Annotated[
    bool,
    typer.Option(
        "--download", help="Fetch the survey if it is not on this computer.", rich_help_panel=OUTPUT
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel=OUTPUT)
]


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
    sky = _sky(survey, tile_size, pixels, stretch, jobs)
    # Checks that cost nothing come before the libraries that do.
    from skykin.studio.easel import Easel
    from skykin.studio.transfer import make_transfer

    easel = Easel(output, overwrite, snapshots, resume)
    book = _book(sky, download, quiet)
    try:
        with painting_bar("Painting", Console(stderr=True), quiet=quiet) as callback:
            painting = make_transfer(book, content, style, easel, settings, figure=figure, callback=callback)
    except KeyboardInterrupt as error:
        raise _interrupted(easel) from error
    if not quiet:
        _say(f"style loss lowered by {painting.lowered:.1%} in {len(painting.history) - 1} steps")
        _say(_cosines(painting))
        _say(f"Open {output}")


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
    sky = _sky(survey, tile_size, pixels, stretch, jobs)
    from contextlib import ExitStack

    from skykin.studio.easel import Easel
    from skykin.studio.texture import make_textures

    easel = Easel(output, overwrite, snapshots, resume)
    book = _book(sky, download, quiet)
    try:
        with ExitStack() as bars:
            console = Console(stderr=True)

            def callback_of(name: str) -> Callback | None:
                bars.close()
                return bars.enter_context(painting_bar(f"Texture, {name}", console, quiet=quiet))

            paintings = make_textures(book, reference, easel, settings, callback_of=callback_of)
    except KeyboardInterrupt as error:
        raise _interrupted(easel) from error
    if not quiet:
        for name, painting in paintings.items():
            _say(f"{name}: {_cosines(painting)}")
        _say(f"Open {output}")


def layers_command(
    reference: Annotated[str, typer.Argument(help=f"Whose layers are drawn: {A_PICTURE}.")],
    match: Annotated[str | None, typer.Argument(help="Another picture, drawn beside it.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the figures.", rich_help_panel=OUTPUT)
    ] = Path("layers"),
    recipe: Recipe = "poster",
    survey: Survey = "wham",
    tile_size: TileSize = 15.0,
    pixels: Pixels = 256,
    stretch: Stretch = "asinh",
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    download: Download = False,
    quiet: Quiet = False,
) -> None:
    """Draw the content layers and the style layers of a picture apart.

    Activation maps of the content layers; the matrices of the style layers as images, each layer's share of
    their length, and the spectrum of their eigenvalues.  Needs the extra: pip install "skykin[generate]".
    """
    from skykin.style.recipe import recipe as find_recipe

    chosen = find_recipe(recipe)
    sky = _sky(survey, tile_size, pixels, stretch, jobs)
    from skykin.studio.layers import make_layers

    book = _book(sky, download, quiet)
    opened = make_layers(
        book, reference, output, match=match, recipe=chosen, overwrite=overwrite, progress=book.progress
    )
    if not quiet:
        for each in opened.pictures:
            shares = ", ".join(
                f"{layer} {100 * style.share:.3g} %" for layer, style in each.layers.style.items()
            )
            _say(f"{each.name}: share of the squared length of all {opened.statistic}: {shares}")
        if match is not None:
            first, second = opened.pictures
            cosines = first.layers.cosines(second.layers)
            _say("cosines: " + ", ".join(f"{layer} {cosine:.4f}" for layer, cosine in cosines.items()))
        _say(f"Open {output}")


def _sky(survey: str, tile_size: float, pixels: int, stretch: str, jobs: int | None) -> MapSettings:
    return MapSettings(
        survey=survey, tile_size=tile_size, pixels=pixels, stretch=cast("StretchKind", stretch), jobs=jobs
    )


def _book(sky: MapSettings, download: bool, quiet: bool) -> PictureBook:
    from skykin.studio.picture_book import PictureBook

    progress = SilentProgress() if quiet else TerminalProgress(Console(stderr=True))
    return PictureBook(sky, download, progress)


def _cosines(painting: Painting) -> str:
    return "style cosines " + ", ".join(f"{layer} {value:.4f}" for layer, value in painting.cosines.items())


def _say(sentence: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(sentence)


def _interrupted(easel: Easel) -> typer.Exit:
    way = "nothing was written"
    if easel.state_path.is_file():
        way = (
            f"the state is kept in {easel.state_path.name}; the same command with --resume goes on from there"
        )
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"interrupted; {escape(way)}")
    return typer.Exit(INTERRUPTED)
