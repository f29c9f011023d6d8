"""The command `skykin map`: from a survey and a reference to a map, a catalogue and a report."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from skykin.cli.option_texts import parse_options
from skykin.cli.options import (
    OUTPUT,
    SKY,
    STYLE,
    TILES,
    Area,
    Bands,
    Combined,
    Csls,
    Download,
    Fast,
    Jobs,
    MinCoverage,
    NoiseDraws,
    Overwrite,
    Pixels,
    Quiet,
    Recipe,
    Seed,
    Spacing,
    Stretch,
    Surrogates,
    SurveyOption,
    TileSize,
    printer,
    progress_unless,
)
from skykin.core.criterion import MatchCriterion
from skykin.core.robustness import Robustness
from skykin.core.settings import (
    EngineKind,
    GridKind,
    MapSettings,
    StretchKind,
)

if TYPE_CHECKING:
    from skykin.style.recipe import Combine

DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(MapSettings)}
ROBUSTNESS = Robustness()

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
    survey_option: SurveyOption = None,
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
    combine: Combined = None,
    area: Area = None,
    tile_size: TileSize = None,
    spacing: Spacing = None,
    pixels: Pixels = None,
    grid: Annotated[
        str,
        typer.Option(
            help="`healpix`: gnomonic tiles, the same shape everywhere; `plate-carree`: the "
            "poster's rectangles.",
            rich_help_panel=TILES,
        ),
    ] = DEFAULTS["grid"],
    bands: Bands = None,
    stretch: Stretch = DEFAULTS["stretch"],
    stretch_per_tile: Annotated[
        bool,
        typer.Option(
            "--stretch-per-tile",
            help="Measure the limits on each tile: finds faint structure, forgets brightness.",
            rich_help_panel=TILES,
        ),
    ] = False,
    recipe: Recipe = DEFAULTS["recipe"],
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
    csls: Csls = False,
    surrogates: Surrogates = ROBUSTNESS.surrogates,
    noise_draws: NoiseDraws = ROBUSTNESS.noise_draws,
    seed: Seed = ROBUSTNESS.seed,
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
    fast: Fast = False,
    min_coverage: MinCoverage = DEFAULTS["min_coverage"],
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
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    download: Download = False,
    quiet: Quiet = False,
) -> None:
    """Map the kin of a region: compare the style of every tile of a survey with the reference's.

    Without options the sky of WHAM, coloured by velocity, is compared with the Orion Molecular Cloud
    Complex; `--recipe poster` is the poster's experiment.  Several references are looked for together:
    `-r carina -r rosette`, or a named set.  It writes a score map (HEALPix), a catalogue of tiles, the
    matches as DS9 regions and as MOC, figures, and report.html, which says first what the scores are worth.
    """
    settings = MapSettings(
        survey=survey,
        survey_option=parse_options(survey_option or []),
        reference=_asked(reference),
        combine=cast("Combine | None", combine),
        tile_size=tile_size,
        spacing=spacing,
        pixels=pixels,
        grid=cast("GridKind", grid),
        bands=bands,
        stretch=cast("StretchKind", stretch),
        stretch_per_tile=stretch_per_tile,
        recipe=recipe,
        criterion=MatchCriterion(threshold=threshold, top_fraction=top_fraction, max_q=max_q),
        robustness=Robustness(csls=csls, surrogates=surrogates, noise_draws=noise_draws, seed=seed),
        area=area,
        engine=cast("EngineKind | None", engine),
        dense=dense,
        fast=fast,
        min_coverage=min_coverage,
        jobs=jobs,
    )
    # The network, FITS and plotting libraries are loaded only once the settings make sense.
    from skykin.jobs import map_kin
    from skykin.products.rejected import REJECTED, rejected_files
    from skykin.products.summary import summary_lines

    folder = output or default_folder(settings)
    progress = progress_unless(quiet)
    result = map_kin(settings, output=folder, overwrite=overwrite, download=download, progress=progress)
    if not quiet:
        out = printer()
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
