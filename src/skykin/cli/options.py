"""Options that several commands have, each with one text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from skykin.cli.bars import TerminalProgress
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.settings import DEFAULT_TILE_DEG
from skykin.core.survey_options import DEFAULT_BANDS_TEXT

SKY = "What to look at"
TILES = "How the sky is cut and coloured"
STYLE = "How style is measured"
OUTPUT = "What is written, and how fast"

TRUST = "What scores are worth"
COMBINED = "With several references: be like any of them (`max`) or like all (`mean`)."
COMBINED_DEFAULT = "as the named set says, else max"

Csls = Annotated[
    bool,
    typer.Option(
        "--csls",
        help="p and q of locally scaled scores: what a tile has in common with all sky is taken off.",
        rich_help_panel=TRUST,
    ),
]
Surrogates = Annotated[
    int,
    typer.Option(
        help="Compare the 50 most unusual tiles with so many phase-randomised pictures of their own.",
        rich_help_panel=TRUST,
    ),
]
NoiseDraws = Annotated[
    int,
    typer.Option(
        help="Measure the 50 most unusual tiles so many times with new noise of the survey's own size.",
        rich_help_panel=TRUST,
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of surrogates and noise.", rich_help_panel=TRUST)]
SurveyOption = Annotated[
    list[str] | None,
    typer.Option(
        help="What the file does not say itself, as `name=value`, such as `hdu=1`, `frame=galactic` or "
        "`rest=110.2GHz`; may be given several times.",
        show_default=False,
        rich_help_panel=SKY,
    ),
]
SurveyOfMap = Annotated[
    str | None,
    typer.Option(
        "--survey",
        help="The survey of the map: name, file or folder.",
        show_default="the ready-made one of that name",
        rich_help_panel=SKY,
    ),
]
Area = Annotated[
    str | None,
    typer.Option(
        help="Only tiles centred in `lon_min,lon_max,lat_min,lat_max` (Galactic degrees; "
        "330,30,-10,10 runs over l = 0).",
        show_default="all that the survey saw",
        rich_help_panel=SKY,
    ),
]
Combined = Annotated[
    str | None, typer.Option("--combine", help=COMBINED, show_default=COMBINED_DEFAULT, rich_help_panel=SKY)
]
TileSize = Annotated[
    float | None,
    typer.Option(
        help="Side of a tile, degrees.",
        show_default=f"what suits the recipe: 6 for core-contrast, else {DEFAULT_TILE_DEG:g}; "
        "on a survey of a part of the sky, a sixth of it",
        rich_help_panel=TILES,
    ),
]
Spacing = Annotated[
    float | None,
    typer.Option(
        help="Largest distance between tile centres, degrees.",
        show_default="what suits the recipe: an eighth of a tile for core-contrast, else a quarter",
        rich_help_panel=TILES,
    ),
]
Pixels = Annotated[
    int | None,
    typer.Option(
        help="Pixels on a side of a tile.",
        show_default="what suits the recipe: 64 for core-contrast, else 128",
        rich_help_panel=TILES,
    ),
]
Bands = Annotated[
    str | None,
    typer.Option(
        help="Velocity bands (LSR, km/s) shown as red, green and blue.",
        show_default=f"{DEFAULT_BANDS_TEXT} for wham; thirds of a cube's channels",
        rich_help_panel=TILES,
    ),
]
Stretch = Annotated[
    str,
    typer.Option(
        help="How intensity becomes brightness: `asinh`, `linear`, `log` or `symmetric`; limits are "
        "measured once over the survey.",
        rich_help_panel=TILES,
    ),
]
Recipe = Annotated[
    str, typer.Option(help="How style is measured; `skykin recipes` lists them.", rich_help_panel=STYLE)
]
MinCoverage = Annotated[
    float,
    typer.Option(
        help="Tiles with a smaller share of observed pixels are left out and counted.",
        rich_help_panel=STYLE,
    ),
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="The shared engine in bfloat16 by OpenVINO (extra `fast`): cosines differ by up to 0.002.",
        rich_help_panel=OUTPUT,
    ),
]
Folder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder of the products.", rich_help_panel=OUTPUT)
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the folder if Skykin made it.", rich_help_panel=OUTPUT)
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        help="Threads that compute; the numbers do not depend on it.",
        show_default="all cores",
        rich_help_panel=OUTPUT,
    ),
]
Download = Annotated[
    bool,
    typer.Option(
        "--download",
        help="Fetch the survey from its public address if it is not on this computer.",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress bars and no summary.", rich_help_panel=OUTPUT)
]


def progress_unless(quiet: bool) -> Progress:
    """Give bars on standard error, or silence."""
    return SilentProgress() if quiet else TerminalProgress(Console(stderr=True))


def printer() -> Console:
    """Give standard output, for lines that are printed as they are."""
    return Console(soft_wrap=True, highlight=False, markup=False)
