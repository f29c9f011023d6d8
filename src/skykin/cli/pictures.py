"""What the commands that make pictures share: their options, and how they answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from rich.markup import escape

from skykin.cli.bars import TerminalProgress
from skykin.cli.interrupts import INTERRUPTED
from skykin.cli.options import OUTPUT
from skykin.cli.terminal import Terminal, errors, printer
from skykin.core.progress import SilentProgress
from skykin.core.settings import StretchKind
from skykin.generate.settings import Optimiser

SKY = "What to look at"
MAKING = "How the picture is made"
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
        StretchKind | None,
        typer.Option(
            help="How intensity becomes brightness.",
            show_default="identity for pictures of 8 bits, else asinh",
            rich_help_panel=SKY,
        ),
    ] = None
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

    def values(self) -> dict[str, Any]:
        """Give all as arguments of the function of the same name, with progress instead of quiet."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        progress = SilentProgress() if given.pop("quiet") else TerminalProgress(Terminal(stderr=True))
        return {name: value for name, value in given.items() if value is not None} | {"progress": progress}


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
        Optimiser,
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


def say(sentence: str) -> None:
    """Print one line of the answer."""
    printer().print(sentence)


def interrupted(output: Path) -> typer.Exit:
    """Tell what Ctrl-C left, and give the way out."""
    from skykin.jobs.studio.easel import Easel

    state, way = Easel(output).state_path, "nothing was written"
    if state.is_file():
        way = f"the state is kept in {state.name}; the same command with --resume goes on from there"
    errors().print(f"interrupted; {escape(way)}")
    return typer.Exit(INTERRUPTED)
