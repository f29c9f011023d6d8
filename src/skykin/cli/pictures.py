"""What the commands that make pictures share: their options, and how they answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape

from skykin.cli.bars import TerminalProgress
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings, StretchKind

if TYPE_CHECKING:
    from skykin.generate.painting import Painting
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


def sky_settings(survey: str, tile_size: float, pixels: int, stretch: str, jobs: int | None) -> MapSettings:
    """Check what a tile is to be."""
    return MapSettings(
        survey=survey, tile_size=tile_size, pixels=pixels, stretch=cast("StretchKind", stretch), jobs=jobs
    )


def picture_book(sky: MapSettings, download: bool, quiet: bool) -> PictureBook:
    """Open a picture book that tells its progress."""
    from skykin.studio.picture_book import PictureBook

    progress = SilentProgress() if quiet else TerminalProgress(Console(stderr=True))
    return PictureBook(sky, download, progress)


def cosines_text(painting: Painting) -> str:
    """Tell the style cosine of each layer."""
    return "style cosines " + ", ".join(f"{layer} {value:.4f}" for layer, value in painting.cosines.items())


def say(sentence: str) -> None:
    """Print one line of the answer."""
    Console(soft_wrap=True, highlight=False, markup=False).print(sentence)


def interrupted(easel: Easel) -> typer.Exit:
    """Tell what Ctrl-C left, and give the way out."""
    way = "nothing was written"
    if easel.state_path.is_file():
        way = (
            f"the state is kept in {easel.state_path.name}; the same command with --resume goes on from there"
        )
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"interrupted; {escape(way)}")
    return typer.Exit(INTERRUPTED)
