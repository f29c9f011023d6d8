"""The command `skykin map`: from a survey and a reference to a map, a catalogue and a report."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console

from skykin.cli.bars import TerminalProgress
from skykin.cli.option_texts import DEFAULT_BANDS, parse_bands, parse_options
from skykin.core.settings import (
    DEFAULT_TILE_DEG,
    EngineKind,
    GridKind,
    MapSettings,
    StretchKind,
)

if TYPE_CHECKING:
    from skykin.style.recipe import Combine

DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(MapSettings)}

SKY = "What to look at"
TILES = "How the sky is cut and coloured"
STYLE = "How style is measured"
TRUST = "What scores are worth"
OUTPUT = "What is written, and how fast"

#: Exit code of a map from which some of the files given are missing.
SOME_LEFT_OUT = 4


def map_command(
    survey: Annotated[
        str,
        typer.Option(
            help="Survey: a name (`skykin surveys` lists them), a file, a folder, a pattern such as "
            "`plates/*.fits`, or three of these, `r.fits,g.fits,b.fits`.",
            rich_help_panel=SKY,
        ),
    ] = DEFAULTS["survey"],
    survey_option: Annotated[
        list[str] | None,
        typer.Option(
            help="What the file does not say itself, as `name=value`, such as `hdu=1`, `frame=galactic` or "
            "`rest=110.2GHz`; may be given several times.",
            show_default=False,
            rich_help_panel=SKY,
        ),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            "-r",
            help="What to look for: a name, or a set as `set:NAME` (`skykin regions` lists both), Galactic "
            "`l,b` in degrees, or any position such as `05h35m17s -05d23m28s` (ICRS); may be given several "
            "times.",
            show_default=DEFAULTS["reference"],
            rich_help_panel=SKY,
        ),
    ] = None,
    combine: Annotated[
        str | None,
        typer.Option(
            help="With several references: be like any of them (`max`) or like all (`mean`).",
            show_default="as the named set says, else max",
            rich_help_panel=SKY,
        ),
    ] = None,
    area: Annotated[
        str | None,
        typer.Option(
            help="Only tiles centred in `lon_min,lon_max,lat_min,lat_max` (Galactic degrees; "
            "330,30,-10,10 runs over l = 0).",
            show_default="all sky",
            rich_help_panel=SKY,
        ),
    ] = None,
    tile_size: Annotated[
        float | None,
        typer.Option(
            help="Side of a tile, degrees.",
            show_default=f"what suits the recipe: 6 for core-contrast, else {DEFAULT_TILE_DEG:g}; "
            "on a survey of a part of the sky, a sixth of it",
            rich_help_panel=TILES,
        ),
    ] = None,
    spacing: Annotated[
        float | None,
        typer.Option(
            help="Largest distance between tile centres, degrees.",
            show_default="what suits the recipe: an eighth of a tile for core-contrast, else a quarter",
            rich_help_panel=TILES,
        ),
    ] = None,
    pixels: Annotated[
        int | None,
        typer.Option(
            help="Pixels on a side of a tile.",
            show_default="what suits the recipe, 128",
            rich_help_panel=TILES,
        ),
    ] = None,
    grid: Annotated[
        str,
        typer.Option(
            help="`healpix`: gnomonic tiles, the same shape everywhere; `plate-carree`: the "
            "poster's rectangles.",
            rich_help_panel=TILES,
        ),
    ] = DEFAULTS["grid"],
    bands: Annotated[
        str | None,
        typer.Option(
            help="Velocity bands (LSR, km/s) shown as red, green and blue.",
            show_default=f"{DEFAULT_BANDS} for wham; thirds of a cube's channels",
            rich_help_panel=TILES,
        ),
    ] = None,
    stretch: Annotated[
        str,
        typer.Option(
            help="How intensity becomes brightness: `asinh`, `linear` or `log`; limits are "
            "measured once over the survey.",
            rich_help_panel=TILES,
        ),
    ] = DEFAULTS["stretch"],
    stretch_per_tile: Annotated[
        bool,
        typer.Option(
            "--stretch-per-tile",
            help="Measure the limits on each tile: finds faint structure, forgets brightness.",
            rich_help_panel=TILES,
        ),
    ] = False,
    recipe: Annotated[
        str,
        typer.Option(help="How style is measured; `skykin recipes` lists them.", rich_help_panel=STYLE),
    ] = DEFAULTS["recipe"],
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Score above which a tile matches.", show_default="the recipe's own", rich_help_panel=STYLE
        ),
    ] = None,
    top_fraction: Annotated[
        float | None,
        typer.Option(
            help="Instead of a threshold: the share of the sky that matches, such as 0.1.",
            show_default=False,
            rich_help_panel=STYLE,
        ),
    ] = None,
    max_q: Annotated[
        float | None,
        typer.Option(
            help="Instead of both: the false discovery rate up to which a tile matches, such as 0.1.",
            show_default="0.1 for all recipes but poster",
            rich_help_panel=STYLE,
        ),
    ] = None,
    csls: Annotated[
        bool,
        typer.Option(
            "--csls",
            help="p and q of locally scaled scores: what a tile has in common with all sky is taken off.",
            rich_help_panel=TRUST,
        ),
    ] = False,
    surrogates: Annotated[
        int,
        typer.Option(
            help="Compare the 50 most unusual tiles with so many phase-randomised pictures of their own.",
            rich_help_panel=TRUST,
        ),
    ] = DEFAULTS["surrogates"],
    noise_draws: Annotated[
        int,
        typer.Option(
            help="Measure the 50 most unusual tiles so many times with new noise of the survey's own size.",
            rich_help_panel=TRUST,
        ),
    ] = DEFAULTS["noise_draws"],
    seed: Annotated[
        int, typer.Option(help="Seed of surrogates and noise.", rich_help_panel=TRUST)
    ] = DEFAULTS["seed"],
    engine: Annotated[
        str | None,
        typer.Option(
            help="`shared`: the network runs once over the sky and every overlapping tile is read from it; "
            "`tiles`: once over every tile.",
            show_default="tiles for recipe poster, else shared",
            rich_help_panel=STYLE,
        ),
    ] = None,
    dense: Annotated[
        bool,
        typer.Option(
            "--dense",
            help="Tiles as close as the shared engine reads them: 8 or 16 pixels apart.",
            rich_help_panel=TILES,
        ),
    ] = False,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="The shared engine in bfloat16 by OpenVINO (extra `fast`): cosines differ by up to 0.002.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    min_coverage: Annotated[
        float,
        typer.Option(
            help="Tiles with a smaller share of observed pixels are left out and counted.",
            rich_help_panel=STYLE,
        ),
    ] = DEFAULTS["min_coverage"],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder of the products.",
            show_default="skykin-REFERENCE-RECIPE",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the folder if Skykin made it.", rich_help_panel=OUTPUT),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            help="Threads that compute; the scores do not depend on it.",
            show_default="all cores",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Fetch the survey from its public address if it is not on this computer.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No progress bars and no summary.", rich_help_panel=OUTPUT),
    ] = False,
) -> None:
    """Map the kin of a region: compare the style of every tile of a survey with the reference's.

    Without options the sky of WHAM, coloured by velocity, is compared with the Orion Molecular Cloud
    Complex; `--recipe poster` is the poster's experiment.  Several references are looked for together:
    `-r carina -r rosette`, or a named set.  It writes a score map (HEALPix), a catalogue of tiles, the
    matches as DS9 regions and as MOC, figures, and report.html, which says first what the scores are worth.
    """
    settings = MapSettings(
        survey=survey,
        survey_options=parse_options(survey_option or []),
        reference=_asked(reference),
        combine=cast("Combine | None", combine),
        tile_size=tile_size,
        spacing=spacing,
        pixels=pixels,
        grid=cast("GridKind", grid),
        bands_km_s=None if bands is None else parse_bands(bands),
        stretch=cast("StretchKind", stretch),
        stretch_per_tile=stretch_per_tile,
        recipe=recipe,
        threshold=threshold,
        top_fraction=top_fraction,
        max_q=max_q,
        csls=csls,
        surrogates=surrogates,
        noise_draws=noise_draws,
        seed=seed,
        area=area,
        engine=cast("EngineKind | None", engine),
        dense=dense,
        fast=fast,
        min_coverage=min_coverage,
        jobs=jobs,
    )
    # The network, FITS and plotting libraries are loaded only once the settings make sense.
    from skykin.core.progress import SilentProgress
    from skykin.pipeline import map_kin
    from skykin.products.rejected import REJECTED, rejected_files
    from skykin.products.summary import summary_lines

    folder = output or default_folder(settings)
    progress = SilentProgress() if quiet else TerminalProgress(Console(stderr=True))
    result = map_kin(settings, output=folder, overwrite=overwrite, download=download, progress=progress)
    if not quiet:
        out = Console(soft_wrap=True, highlight=False, markup=False)
        for line in summary_lines(result.summary):
            out.print(line)
        out.print(f"\nOpen {folder / 'report.html'}")
    if rejected := rejected_files(result.provenance.survey):
        progress.say(f"{len(rejected)} of the files given could not be used: see {folder / REJECTED}")
        raise typer.Exit(SOME_LEFT_OUT)


def _asked(reference: list[str] | None) -> str | list[str]:
    """Take the default where nothing was asked for, and one reference as one."""
    if not reference:
        return str(DEFAULTS["reference"])
    return reference[0] if len(reference) == 1 else reference


def default_folder(settings: MapSettings) -> Path:
    """Name the output after what was asked, with nothing that a shell or file system minds."""
    several = isinstance(settings.reference, tuple)
    told = " ".join(map(str, settings.reference)) if several else str(settings.reference)
    asked = "".join(c if c.isalnum() else "-" for c in told.lower())
    return Path(f"skykin-{asked.strip('-')[:40]}-{settings.recipe}")
