"""What the commands that make pictures share: their options, and how they answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_type_hints

import typer
from rich.console import Console
from rich.markup import escape

from skykin.cli.bars import TerminalProgress
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings, StretchKind

if TYPE_CHECKING:
    from skykin.generate.painting import Painting
    from skykin.jobs.studio.easel import Easel
    from skykin.jobs.studio.picture_book import PictureBook

SKY = "What to look at"
MAKING = "How the picture is made"
OUTPUT = "What is written, and how fast"
INTERRUPTED = 130
A_PICTURE = "a region (`skykin regions` lists them), Galactic `l,b`, any position, or a PNG or JPEG file"

Recipe = Annotated[
    str,
    typer.Option(help="How style is measured; `skykin recipes` lists them.", rich_help_panel=MAKING),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The picture, `.png`.", rich_help_panel=OUTPUT)]


@dataclass(frozen=True, kw_only=True)
class TileOptions:
    """Options of every command that takes tiles."""

    survey: Annotated[
        str, typer.Option(help="Survey of the tiles: `wham`, or the path of its file.", rich_help_panel=SKY)
    ] = "wham"
    tile_size: Annotated[float, typer.Option(help="Side of a tile, degrees.", rich_help_panel=SKY)] = 15.0
    pixels: Annotated[
        int,
        typer.Option(help="Pixels on a side of a tile; files are scaled down to it.", rich_help_panel=SKY),
    ] = 256
    stretch: Annotated[
        str,
        typer.Option(
            help="How intensity becomes brightness: `asinh`, `linear` or `log`.", rich_help_panel=SKY
        ),
    ] = "asinh"
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run wrote.", rich_help_panel=OUTPUT)
    ] = False
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", help="Threads that compute.", show_default="all cores", rich_help_panel=OUTPUT
        ),
    ] = None
    download: Annotated[
        bool,
        typer.Option(
            "--download", help="Fetch the survey if it is not on this computer.", rich_help_panel=OUTPUT
        ),
    ] = False
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel=OUTPUT)
    ] = False

    def sky(self) -> MapSettings:
        """Check what a tile is to be."""
        return MapSettings(
            survey=self.survey,
            tile_size=self.tile_size,
            pixels=self.pixels,
            stretch=cast("StretchKind", self.stretch),
            jobs=self.jobs,
        )

    def book(self, sky: MapSettings) -> PictureBook:
        """Open a picture book that tells its progress."""
        from skykin.jobs.studio.picture_book import PictureBook

        progress = SilentProgress() if self.quiet else TerminalProgress(Console(stderr=True))
        return PictureBook(sky, self.download, progress)


@dataclass(frozen=True, kw_only=True)
class PaintOptions(TileOptions):
    """Options of every command that makes a picture step by step."""

    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps of the optimiser.",
            show_default="300 for a transfer, 100 for a texture",
            rich_help_panel=MAKING,
        ),
    ] = None
    optimiser: Annotated[
        str,
        typer.Option(
            help="`l-bfgs`, as in Gatys et al., or `adam`, as in the tutorial.", rich_help_panel=MAKING
        ),
    ] = "l-bfgs"
    learning_rate: Annotated[
        float,
        typer.Option(
            help="Largest change of a colour in a step of Adam; smooth sky wants less, such as 0.003.",
            rich_help_panel=MAKING,
        ),
    ] = 0.02
    seed: Annotated[int, typer.Option(help="Seed of the noise.", rich_help_panel=MAKING)] = 0
    snapshots: Annotated[
        int,
        typer.Option(
            help="Also write the picture every so many steps; 0: only at the end.", rich_help_panel=OUTPUT
        ),
    ] = 0
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from where an earlier run stopped.", rich_help_panel=OUTPUT),
    ] = False

    def making(self) -> dict[str, Any]:
        """Pick those that are fields of `PaintSettings`."""
        chosen = {name: getattr(self, name) for name in ("optimiser", "learning_rate", "seed")}
        return chosen if self.steps is None else {**chosen, "steps": self.steps}

    def easel(self, output: Path) -> Easel:
        """Set up the easel of a picture."""
        from skykin.jobs.studio.easel import Easel

        return Easel(output, self.overwrite, self.snapshots, self.resume)


def with_options(shared: type[TileOptions]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Spread the parameter ``options`` of a command, an object of this class, into options of the shell."""

    def spread(command: Callable[..., None]) -> Callable[..., None]:
        def called(**values: Any) -> None:
            options = shared(**{each.name: values.pop(each.name) for each in fields(shared)})
            command(**values, options=options)

        own = inspect.signature(command, eval_str=True).parameters
        kinds = get_type_hints(shared, include_extras=True)
        together = [
            *(
                inspect.Parameter(
                    each.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=each.default,
                    annotation=kinds[each.name],
                )
                for each in fields(shared)
            ),
            *(
                each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
                for each in own.values()
                if each.name != "options"
            ),
        ]
        called.__doc__, called.__name__ = command.__doc__, command.__name__
        called.__signature__ = inspect.Signature(together)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in together}
        return called

    return spread


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
