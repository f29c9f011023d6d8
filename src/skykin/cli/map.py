"""The command `skykin map`: from a survey and a reference to a map, a catalogue and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from skykin.cli.options import (
    IN_MAP,
    OUTPUT,
    QUERY,
    SKY,
    STYLE,
    TILES,
    Area,
    Bands,
    CombineBy,
    Csls,
    Device,
    Download,
    Fast,
    Jobs,
    MaxQ,
    MinCoverage,
    MinSeparation,
    Mirror,
    Night,
    NoiseDraws,
    ObjectSize,
    Overwrite,
    Pixels,
    PixelScale,
    Precision,
    Quiet,
    Recipe,
    Scales,
    Scheduler,
    Seed,
    Site,
    Spacing,
    Stretch,
    Surrogates,
    SurveyOption,
    TargetNumber,
    Threshold,
    TileSize,
    TopFraction,
    Turns,
    Unlike,
    Views,
    Weight,
    Width,
    Workers,
    progress_unless,
    survey_options,
    weights,
)
from skykin.cli.surveys import print_facts
from skykin.cli.terminal import printer
from skykin.core.clean import file_name
from skykin.core.settings import DEFAULTS, GridKind

MapEngine = Literal["tiles", "shared", "dask"]

#: Exit code of a map from which some of the files given are missing.
SOME_LEFT_OUT = 4


def map_command(
    survey: Annotated[
        str | None,
        typer.Option(
            help="Survey: a name (`skykin surveys` lists them), a file, a folder, a pattern such as "
            "`plates/*.fits`, or three of these, `r.fits,g.fits,b.fits`.",
            show_default="far-infrared; wham for velocity bands and the recipe poster",
            rich_help_panel=SKY,
        ),
    ] = None,
    survey_option: SurveyOption = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            "-r",
            help=f"What to look for: {IN_MAP}; may be given several times.",
            show_default="orion",
            rich_help_panel=QUERY,
        ),
    ] = None,
    unlike: Unlike = None,
    combine: CombineBy = None,
    weight: Weight = None,
    width: Width = None,
    pixel_scale: PixelScale = None,
    turns: Turns = None,
    mirror: Mirror = None,
    scales: Scales = None,
    views: Views = None,
    area: Area = None,
    tile_size: TileSize = None,
    object_size: ObjectSize = None,
    spacing: Spacing = None,
    pixels: Pixels = None,
    grid: Annotated[
        GridKind,
        typer.Option(
            help="`healpix`: gnomonic tiles, the same shape everywhere; `plate-carree`: the rectangles of "
            "the original experiment.",
            rich_help_panel=TILES,
        ),
    ] = DEFAULTS.grid,
    bands: Bands = None,
    stretch: Stretch = DEFAULTS.stretch,
    stretch_per_tile: Annotated[
        bool,
        typer.Option(
            "--stretch-per-tile",
            help="Measure the limits on each tile: enhances faint structure; absolute brightness is lost.",
            rich_help_panel=TILES,
        ),
    ] = False,
    recipe: Recipe = None,
    threshold: Threshold = None,
    top_fraction: TopFraction = None,
    max_q: MaxQ = None,
    csls: Csls = False,
    surrogates: Surrogates = 0,
    noise_draws: NoiseDraws = 0,
    seed: Seed = 0,
    targets: TargetNumber = 50,
    min_separation: MinSeparation = None,
    site: Site = None,
    night: Night = None,
    engine: Annotated[
        MapEngine | None,
        typer.Option(
            help="`shared`: the network runs once over the sky and every overlapping tile is read from it; "
            "`tiles`: once over every tile; `dask`: shared, by the workers of a Dask cluster (`cluster`).",
            show_default="tiles for recipe poster, else shared",
            rich_help_panel=STYLE,
        ),
    ] = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    dense: Annotated[
        bool,
        typer.Option(
            "--dense",
            help="Tiles as close as the shared engine reads them: 8 or 16 pixels apart.",
            rich_help_panel=TILES,
        ),
    ] = False,
    fast: Fast = False,
    device: Device = DEFAULTS.device,
    precision: Precision = None,
    min_coverage: MinCoverage = DEFAULTS.min_coverage,
    title: Annotated[
        str | None,
        typer.Option(
            help="What the survey is called in figures, tables and the report.",
            show_default="its own title",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder of the products.",
            show_default="skykin-REFERENCE, and the recipe if given",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Overwrite = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Measure nothing: print how many tiles, seconds and how much memory it would take, and "
            "write the pictures of the references in all views.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    jobs: Jobs = None,
    download: Download = False,
    quiet: Quiet = False,
) -> None:
    """Map a survey by similarity: compare the style of every tile with the reference's.

    Without options the sky in far infrared is compared with the Orion Molecular Cloud Complex; `--survey
    wham` maps the sky of WHAM, coloured by velocity, and `--recipe poster` is the original experiment.
    Several references are combined: `-r carina -r rosette`, or a named set.  It writes the targets (the best
    of each group of overlapping matches, with what is known there), a score map (HEALPix), a catalogue of
    tiles, the matches as MOC, figures, and report.html, which begins with the targets and the significance.
    """
    references = reference or ["orion"]
    folder = output or default_folder(references, recipe)
    progress = progress_unless(quiet)
    if dry_run:
        from skykin.jobs.dry_run import dry_run as walk

        told = walk(
            survey,
            references,
            unlike=unlike or [],
            width=width,
            pixel_scale=pixel_scale,
            turns=turns,
            mirror=mirror,
            scales=scales,
            views=views,
            survey_option=survey_options(survey_option),
            area=area,
            tile_size=tile_size,
            object_size=object_size,
            spacing=spacing,
            pixels=pixels,
            grid=grid,
            bands=bands,
            stretch=stretch,
            stretch_per_tile=stretch_per_tile,
            recipe=recipe,
            engine="shared" if engine == "dask" else engine,
            dense=dense,
            fast=fast,
            device=device,
            precision=precision,
            min_coverage=min_coverage,
            jobs=jobs,
            download=download,
            progress=progress,
        )
        pictures = folder.with_name(f"{folder.name}-references.png")
        print_facts(told.facts)
        told.write_preview(pictures, overwrite=overwrite)
        print_facts({"pictures": str(pictures)})
        return
    from skykin.cli.target_table import target_table
    from skykin.jobs.map import map as make_map
    from skykin.products.rejected import REJECTED, rejected_files
    from skykin.products.summary import summary_lines

    result = make_map(
        survey,
        references,
        unlike=unlike or [],
        combine=combine,
        weight=weights(weight),
        width=width,
        pixel_scale=pixel_scale,
        turns=turns,
        mirror=mirror,
        scales=scales,
        views=views,
        survey_option=survey_options(survey_option),
        area=area,
        tile_size=tile_size,
        object_size=object_size,
        spacing=spacing,
        pixels=pixels,
        grid=grid,
        bands=bands,
        stretch=stretch,
        stretch_per_tile=stretch_per_tile,
        recipe=recipe,
        threshold=threshold,
        top_fraction=top_fraction,
        max_q=max_q,
        csls=csls,
        surrogates=surrogates,
        noise_draws=noise_draws,
        seed=seed,
        targets=targets,
        min_separation=min_separation,
        site=site,
        night=night,
        engine=engine,
        scheduler=scheduler,
        workers=workers,
        dense=dense,
        fast=fast,
        device=device,
        precision=precision,
        min_coverage=min_coverage,
        jobs=jobs,
        title=title,
        output=folder,
        overwrite=overwrite,
        download=download,
        progress=progress,
    )
    if not quiet:
        out = printer()
        if len(listed := result.targets()):
            out.print(target_table(listed))
        for line in summary_lines(result.summary):
            out.print(line)
        out.print(f"\nOpen {folder / 'report.html'}")
    if rejected := rejected_files(result.provenance.survey):
        progress.say(f"{len(rejected)} of the files given could not be used: see {folder / REJECTED}")
        raise typer.Exit(SOME_LEFT_OUT)


def default_folder(references: list[str], recipe: str | None) -> Path:
    """Name the output after the references, and after the recipe where one is requested."""
    told = "".join(c if c.isalnum() else "-" for c in " ".join(references).lower())
    return Path("-".join(["skykin", file_name(told, 40), *([file_name(recipe)] if recipe else [])]))
