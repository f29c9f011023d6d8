"""Options that several commands have, each with one text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from skykin.cli.bars import TerminalProgress
from skykin.cli.terminal import Terminal
from skykin.core.errors import UsageError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.settings import DEFAULT_TILE_DEG, DeviceKind, PrecisionKind, StretchKind
from skykin.core.survey_options import DEFAULT_BANDS_TEXT, SurveyOptions

Combine = Literal["max", "mean"]

QUERY = "Query"
SKY = "Survey"
TILES = "How the sky is cut and coloured"
STYLE = "How style is measured"
MATCHES = "What matches"
SIGNIFICANCE = "Significance"
TARGETS = "Targets"
OUTPUT = "What is written, and how fast"

IN_MAP = (
    "a name (`skykin regions` lists them), `set:NAME` for a named set, Galactic `l,b` in degrees, any "
    "position such as `05h35m17s -05d23m28s` (ICRS), a file (DS9 regions, MOC, PNG, JPEG, "
    "TIFF), or a table (CSV, ECSV, VOTable) whose rows are references"
)
IN_INDEX = f"{IN_MAP}, the name of a tile, or `place@INDEX` for a place in another survey's index"

Index = Annotated[
    Path, typer.Argument(help="Folder of the index, made by `skykin index`, or its address in a bucket.")
]
Unlike = Annotated[
    list[str] | None,
    typer.Option(
        "--unlike",
        help="A counter-example: what is more similar to it than to the reference loses as much; may be "
        "given several times.",
        show_default=False,
        rich_help_panel=QUERY,
    ),
]
CombineBy = Annotated[
    Combine | None,
    typer.Option(
        help="Combine similarities to several references by maximum or mean.",
        show_default="as the named set says, else max",
        rich_help_panel=QUERY,
    ),
]
Weight = Annotated[
    list[str] | None,
    typer.Option(
        help="Weight of a layer, as `block3_conv1=2`; 1 for those not named; may be given several times.",
        show_default=False,
        rich_help_panel=QUERY,
    ),
]
Width = Annotated[
    float | None,
    typer.Option(
        help="Side of the square about a position, degrees.", show_default="a tile", rich_help_panel=QUERY
    ),
]
PixelScale = Annotated[
    float | None,
    typer.Option(
        help="Side of a pixel of a picture file on the sky, degrees.",
        show_default=False,
        rich_help_panel=QUERY,
    ),
]
Turns = Annotated[
    int | None,
    typer.Option(
        help="Look at the reference turned by this many angles: 1, 4, 8 or 16.",
        show_default="8 for recipes of cores and rings, else 1",
        rich_help_panel=QUERY,
    ),
]
Mirror = Annotated[
    bool | None,
    typer.Option(help="Look at its mirror image, too.", show_default="no", rich_help_panel=QUERY),
]
Scales = Annotated[
    str | None,
    typer.Option(
        help="Look at the reference so many times as large, as `2/3,1,3/2`: 0.25 to 4.",
        show_default="2/3,1,3/2 for recipes of cores and rings, else 1",
        rich_help_panel=QUERY,
    ),
]
Views = Annotated[
    Combine | None,
    typer.Option(
        help="Combine similarities to the views of a reference by maximum or mean.",
        show_default="max",
        rich_help_panel=QUERY,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Score from which a tile matches.", show_default="the recipe's own", rich_help_panel=MATCHES
    ),
]
TopFraction = Annotated[
    float | None,
    typer.Option(
        help="Instead: the fraction of the sky that matches, such as 0.1.",
        show_default=False,
        rich_help_panel=MATCHES,
    ),
]
MaxQ = Annotated[
    float | None,
    typer.Option(
        help="Instead: the false discovery rate up to which a tile matches, such as 0.1.",
        show_default="0.1 for all recipes but poster",
        rich_help_panel=MATCHES,
    ),
]
Csls = Annotated[
    bool,
    typer.Option(
        "--csls",
        help="p and q of locally scaled scores: similarity to the average sky is subtracted.",
        rich_help_panel=SIGNIFICANCE,
    ),
]
Surrogates = Annotated[
    int,
    typer.Option(
        help="Compare each of the 50 most unusual tiles with this many phase-randomised pictures of it.",
        rich_help_panel=SIGNIFICANCE,
    ),
]
NoiseDraws = Annotated[
    int,
    typer.Option(
        help="Measure the 50 most unusual tiles with this many realisations of the survey's noise.",
        rich_help_panel=SIGNIFICANCE,
    ),
]
Seed = Annotated[int, typer.Option(help="Random seed of surrogates and noise.", rich_help_panel=SIGNIFICANCE)]
TargetNumber = Annotated[
    int, typer.Option("--targets", help="How many targets are listed at most.", rich_help_panel=TARGETS)
]
MinSeparation = Annotated[
    float | None,
    typer.Option(
        help="Smallest distance between two targets, degrees.",
        show_default="√2 tiles: none overlap",
        rich_help_panel=TARGETS,
    ),
]
Site = Annotated[
    str | None,
    typer.Option(
        help="Observatory, by name or as `lat,lon,height`: with --night, targets get their altitude at "
        "transit and the dark hours above 30°.",
        show_default=False,
        rich_help_panel=TARGETS,
    ),
]
Night = Annotated[
    str | None,
    typer.Option(
        help="Date on whose evening the night begins, such as 2026-01-15.",
        show_default=False,
        rich_help_panel=TARGETS,
    ),
]
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
        show_default="the survey of that name",
        rich_help_panel=SKY,
    ),
]
SurveyOfIndex = Annotated[
    str | None,
    typer.Option(
        "--survey",
        help="The survey of the index, if it was moved or has another name: name, file or folder.",
        show_default="the one that was indexed",
        rich_help_panel=SKY,
    ),
]
Area = Annotated[
    str | None,
    typer.Option(
        help="Only tiles centred in `lon_min,lon_max,lat_min,lat_max` (Galactic degrees; "
        "330,30,-10,10 runs over l = 0).",
        show_default="full survey footprint",
        rich_help_panel=SKY,
    ),
]
TileSize = Annotated[
    float | None,
    typer.Option(
        help="Side of a tile, degrees.",
        show_default="what suits the recipe: 6 for recipes of cores and rings (core-spread 4), else "
        f"{DEFAULT_TILE_DEG:g}; on a survey of a part of the sky, so that about 42 lie side by side",
        rich_help_panel=TILES,
    ),
]
ObjectSize = Annotated[
    str | None,
    typer.Option(
        help="Instead: size of the object that is looked for, such as `30\"`, `2'` or `0.1` (degrees); tiles "
        "are three times as wide.",
        show_default=False,
        rich_help_panel=TILES,
    ),
]
Spacing = Annotated[
    float | None,
    typer.Option(
        help="Largest distance between tile centres, degrees.",
        show_default="what suits the recipe: an eighth of a tile for recipes of cores and rings, else "
        "a quarter",
        rich_help_panel=TILES,
    ),
]
Pixels = Annotated[
    int | None,
    typer.Option(
        help="Pixels on a side of a tile.",
        show_default="what suits the recipe: 64 for recipes of cores and rings, else 128",
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
    StretchKind | None,
    typer.Option(
        help="How intensity becomes brightness; limits are measured once over the survey. identity shows the "
        "colours of a picture as they are.",
        show_default="identity for pictures of 8 bits, else asinh",
        rich_help_panel=TILES,
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        help="How style is measured: for objects (rings, shells, filaments, knots) radial-profile; for "
        "clouds and complexes of the whole sky core-spread; for "
        "textures (fields, turbulence) covariance or mean-std; the original experiment is poster. "
        "`skykin recipes` says more.",
        show_default="core-spread on a whole sky that resolves clouds, core-contrast on others, "
        "radial-profile on images",
        rich_help_panel=STYLE,
    ),
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
        help="The shared engine in bfloat16: cosines differ by up to 0.002 on the processor, by OpenVINO "
        "(extra `fast`), and by up to 0.0014 by PyTorch.",
        rich_help_panel=OUTPUT,
    ),
]
Device = Annotated[
    DeviceKind,
    typer.Option(
        help="Where the network runs: `cpu`, `cuda` (a graphics card, by the extra `gpu`), or `auto`: on the "
        "card if there is one.",
        rich_help_panel=OUTPUT,
    ),
]
Precision = Annotated[
    PrecisionKind | None,
    typer.Option(
        help="Of the network on a graphics card: `float32`, or `tf32`, which is faster, with cosines that "
        "differ by up to 0.00005.",
        show_default="tf32",
        rich_help_panel=OUTPUT,
    ),
]
Folder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder of the products.", rich_help_panel=OUTPUT)
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the folder if Skykin made it.", rich_help_panel=OUTPUT)
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Address of the cluster, such as `tcp://10.0.0.1:8786`.",
        show_default="one on this computer",
        rich_help_panel=OUTPUT,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes of a cluster on this computer.", show_default="one per core", rich_help_panel=OUTPUT
    ),
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
    return SilentProgress() if quiet else TerminalProgress(Terminal(stderr=True))


def survey_options(texts: list[str] | None) -> SurveyOptions | None:
    """Read survey options, each ``"name=value"``.

    Raises
    ------
    UsageError
        If one has no ``=``, or is not known.
    """
    for text in texts or ():
        if "=" not in text:
            raise UsageError(f"the survey option {shown(text)} is not of the form name=value, such as hdu=1")
    return SurveyOptions.parse(dict(text.split("=", 1) for text in texts)) if texts else None


def weights(texts: list[str] | None) -> dict[str, float]:
    """Read weights of layers, each ``"layer=number"``.

    Raises
    ------
    UsageError
        If one is not of this form.
    """
    found = {}
    for text in texts or ():
        layer, _, number = text.partition("=")
        try:
            found[layer.strip()] = float(number)
        except ValueError as error:
            raise UsageError(
                f"the weight {shown(text)} is not of the form layer=number, such as block3_conv1=2"
            ) from error
    return found
