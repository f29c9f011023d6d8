"""The command `skykin search`: score the tiles of an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from skykin.cli.options import (
    IN_INDEX,
    OUTPUT,
    QUERY,
    CombineBy,
    Csls,
    Index,
    Jobs,
    MaxQ,
    MinSeparation,
    Mirror,
    Night,
    NoiseDraws,
    Overwrite,
    PixelScale,
    Quiet,
    Scales,
    Seed,
    Site,
    Surrogates,
    SurveyOfIndex,
    TargetNumber,
    Threshold,
    TopFraction,
    Turns,
    Unlike,
    Views,
    Weight,
    Width,
    progress_unless,
    weights,
)
from skykin.cli.terminal import printer
from skykin.core.errors import UsageError, shown

if TYPE_CHECKING:
    from astropy.table import QTable


def search_command(
    index: Index,
    reference: Annotated[
        list[str],
        typer.Option(
            "--reference",
            "-r",
            help=f"What to look for: {IN_INDEX}; may be given several times.",
            rich_help_panel=QUERY,
        ),
    ],
    unlike: Unlike = None,
    combine: CombineBy = None,
    weight: Weight = None,
    width: Width = None,
    pixel_scale: PixelScale = None,
    turns: Turns = None,
    mirror: Mirror = None,
    scales: Scales = None,
    views: Views = None,
    tile_size: Annotated[
        float | None,
        typer.Option(
            help="Side of the tiles, degrees: the nearest of the sizes that the index adds up.",
            show_default="that of the index",
            rich_help_panel=QUERY,
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Run the network over the references instead of adding up cells; opens the survey.",
            rich_help_panel=QUERY,
        ),
    ] = False,
    pyramid: Annotated[
        bool,
        typer.Option(
            "--pyramid",
            help="Compare tiles of all sizes: columns `best_size` and `best_score`.",
            rich_help_panel=QUERY,
        ),
    ] = False,
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
    survey: SurveyOfIndex = None,
    k: Annotated[
        int,
        typer.Option("-k", help="How many non-overlapping tiles are listed.", rich_help_panel=OUTPUT),
    ] = 10,
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate",
            help="Only list the best tiles, from a part of a large index; no p-values, no map. Needs the "
            "extra `approximate`; prepares itself at its first use.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    heat_map_only: Annotated[
        bool,
        typer.Option(
            "--heat-map-only",
            help="Only the map of the scores and the best tiles, for an index whose tiles do not fit into "
            "memory; no p-values, no targets.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for all products of a map; opens the survey.",
            show_default="nothing is written",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> None:
    """Score the tiles of an index by their similarity to references; takes well under a second.

    Lists the targets, or the best tiles where no other than the reference matches.  With --output it writes
    what `skykin map` writes: targets, score map, catalogue, matches as MOC, figures, and report.html, which
    begins with the targets and the significance.
    """
    by_layer, progress, out = weights(weight), progress_unless(quiet), printer()
    from skykin.cli.target_table import target_table
    from skykin.jobs.heat_map import heat_map
    from skykin.jobs.search import nearest_tiles, search
    from skykin.products.summary import summary_lines

    of_all = {
        "--pyramid": pyramid, "--threshold": threshold is not None, "--tile-size": tile_size is not None,
        "--top-fraction": top_fraction is not None, "--max-q": max_q is not None, "--csls": csls,
        "--surrogates": surrogates > 0, "--noise-draws": noise_draws > 0, "--approximate": approximate,
        "--min-separation": min_separation is not None, "--site": site is not None,
        "--night": night is not None,
    }  # fmt: skip
    if heat_map_only:
        _known("--heat-map-only only makes the map of the scores and lists the best tiles", of_all)
        scores = heat_map(
            index, reference, k, unlike=unlike or [], combine=combine, weight=by_layer, width=width,
            pixel_scale=pixel_scale, turns=turns, mirror=mirror, scales=scales, views=views,
            measure=measure, survey=survey, jobs=jobs, output=output, overwrite=overwrite,
            progress=progress,
        )  # fmt: skip
        out.print(listed(scores.best, f"The kin of {scores.query.name}"))
        if not quiet:
            for line in scores.sentences():
                out.print(line)
            if output is not None:
                out.print(f"\nOpen {output / 'heat-map.png'}")
        return
    if approximate:
        _known(
            "--approximate only lists the best tiles",
            of_all
            | {"--approximate": False, "--measure": measure, "--output": output is not None}
            | {"--survey": survey is not None},
        )
        best = nearest_tiles(
            index, reference, k, approximate=True, unlike=unlike or [], combine=combine, weight=by_layer,
            width=width, pixel_scale=pixel_scale, turns=turns, mirror=mirror, scales=scales, views=views,
            progress=progress,
        )  # fmt: skip
        out.print(listed(best, f"The kin of {' and '.join(map(shown, reference))}"))
        if not quiet:
            out.print("No p-values: without --approximate, the significance is given.")
        return
    found = search(
        index,
        reference,
        unlike=unlike or [],
        combine=combine,
        weight=by_layer,
        width=width,
        pixel_scale=pixel_scale,
        turns=turns,
        mirror=mirror,
        scales=scales,
        views=views,
        tile_size=tile_size,
        measure=measure,
        pyramid=pyramid,
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
        survey=survey,
        jobs=jobs,
        output=output,
        overwrite=overwrite,
        progress=progress,
    )
    chosen = found.targets()
    out.print(
        target_table(chosen, k) if len(chosen) else listed(found.best(k), f"The kin of {found.query.name}")
    )
    if not quiet and output is None:
        out.print(f"{found.n_matches} of {len(found.tiles)} tiles match ({found.cut.words}).")
        if found.n_overlapping_matches:
            out.print(f"{found.n_overlapping_matches} of the matches overlap the reference itself.")
    elif not quiet and output is not None:
        for line in summary_lines(found.summary):
            out.print(line)
        out.print(f"\nOpen {output / 'report.html'}")


def _known(what: str, options: dict[str, bool]) -> None:
    """Refuse options that the chosen way of answering does not know."""
    for name, given in options.items():
        if given:
            raise UsageError(f"{what} and knows no {name}; leave one out")


def listed(best: QTable, title: str) -> Table:
    """Lay the best tiles out for a terminal."""
    heads = {"p": "p", "q": "q", "best_reference": "most like", "view_angle_deg": "turned [deg]",
             "view_scale": "scale", "best_size": "best size", "best_score": "score there"}  # fmt: skip
    more = [name for name in heads if name in best.colnames]
    table = Table(
        "rank", "tile", "l [deg]", "b [deg]", "score", *(heads[name] for name in more),
        title=title, title_justify="left",
    )  # fmt: skip
    for row in best:
        cells = [f"{row['lon'].value:.2f}", f"{row['lat'].value:+.2f}", f"{row['score']:.3f}"]
        for name in more:
            value = getattr(row[name], "value", row[name])
            digits = 2 if name in {"p", "q"} else 3
            cells.append(str(value) if name == "best_reference" else f"{value:.{digits}g}")
        table.add_row(str(row["rank"]), str(row["name"]), *cells)
    return table
