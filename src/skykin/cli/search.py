"""The command `skykin search`: ask an index what looks like this."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.table import Table

from skykin.cli.options import (
    COMBINED,
    COMBINED_DEFAULT,
    OUTPUT,
    Csls,
    NoiseDraws,
    Overwrite,
    Quiet,
    Seed,
    Surrogates,
    printer,
    progress_unless,
)
from skykin.core.errors import UsageError, shown

if TYPE_CHECKING:
    from astropy.table import QTable

    from skykin.style.recipe import Combine

ASKED = "What to look for"
LINE = "What matches"
A_REFERENCE = (
    "a name, Galactic `l,b`, any position, the name of a tile, a file (DS9 regions, MOC, PNG, JPEG, TIFF), "
    "`place@INDEX` for a place in another survey's index, or `set:NAME` for a named set"
)

Index = Annotated[Path, typer.Argument(help="Folder of the index, made by `skykin index`.")]
Width = Annotated[
    float | None,
    typer.Option(
        help="Side of the square about a position, degrees.",
        show_default="a tile of the index",
        rich_help_panel=ASKED,
    ),
]
PixelScale = Annotated[
    float | None,
    typer.Option(
        help="Side of a pixel of a picture file on the sky, degrees.",
        show_default=False,
        rich_help_panel=ASKED,
    ),
]


def search_command(
    index: Index,
    reference: Annotated[
        list[str],
        typer.Option(
            "--reference",
            "-r",
            help=f"What to look for: {A_REFERENCE}; may be given several times.",
            rich_help_panel=ASKED,
        ),
    ],
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            help="A counter-example: what a tile has in common with it is taken off its score; may be given "
            "several times.",
            show_default=False,
            rich_help_panel=ASKED,
        ),
    ] = None,
    width: Width = None,
    pixel_scale: PixelScale = None,
    combine: Annotated[
        str | None,
        typer.Option(
            "--combine",
            help=COMBINED,
            show_default=COMBINED_DEFAULT,
            rich_help_panel=ASKED,
        ),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            help="How much a layer counts, as `block3_conv1=2`; 1 for those not named.",
            show_default=False,
            rich_help_panel=ASKED,
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Run the network over the references instead of adding up cells; opens the survey.",
            rich_help_panel=ASKED,
        ),
    ] = False,
    pyramid: Annotated[
        bool,
        typer.Option(
            "--pyramid",
            help="Compare tiles of all sizes: columns `best_size` and `best_score`.",
            rich_help_panel=ASKED,
        ),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Score from which a tile matches.", show_default="the recipe's own", rich_help_panel=LINE
        ),
    ] = None,
    top_fraction: Annotated[
        float | None,
        typer.Option(
            help="Instead: the share of the sky that matches.", show_default=False, rich_help_panel=LINE
        ),
    ] = None,
    max_q: Annotated[
        float | None,
        typer.Option(
            help="Instead: the false discovery rate up to which a tile matches.",
            show_default=False,
            rich_help_panel=LINE,
        ),
    ] = None,
    csls: Csls = False,
    surrogates: Surrogates = 0,
    noise_draws: NoiseDraws = 0,
    seed: Seed = 0,
    k: Annotated[
        int,
        typer.Option(
            "-k", help="How many tiles are listed, none of which shares sky.", rich_help_panel=OUTPUT
        ),
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
    quiet: Quiet = False,
) -> None:
    """Ask an index what looks like this; an answer takes well under a second.

    Lists the best tiles.  With --output it writes what `skykin map` writes: score map, catalogue, matches as
    DS9 regions and MOC, figures, and report.html, which says first what the scores are worth.
    """
    weights = parse_weights(weight or [])
    from skykin.jobs.nearest import nearest_tiles
    from skykin.jobs.search import search_index
    from skykin.products.summary import summary_lines

    progress, out = progress_unless(quiet), printer()
    if approximate:
        _without_a_map({
            "--measure": measure, "--pyramid": pyramid, "--threshold": threshold is not None,
            "--top-fraction": top_fraction is not None, "--max-q": max_q is not None,
            "--output": output is not None, "--csls": csls, "--surrogates": surrogates > 0,
            "--noise-draws": noise_draws > 0,
        })  # fmt: skip
        best = nearest_tiles(
            index,
            list(reference),
            k,
            approximate=True,
            unlike=list(unlike or []),
            width_deg=width,
            pixel_deg=pixel_scale,
            combine=cast("Combine | None", combine),
            weights=weights,
            progress=progress,
        )
        out.print(listed(best, f"The kin of {' and '.join(map(shown, reference))}"))
        if not quiet:
            out.print("No p-values: without --approximate, the answer says what its scores are worth.")
        return
    answer = search_index(
        index,
        list(reference),
        unlike=list(unlike or []),
        width_deg=width,
        pixel_deg=pixel_scale,
        combine=cast("Combine | None", combine),
        weights=weights,
        measure=measure,
        pyramid=pyramid,
        threshold=threshold,
        top_fraction=top_fraction,
        max_q=max_q,
        csls=csls,
        surrogates=surrogates,
        noise_draws=noise_draws,
        seed=seed,
        output=output,
        overwrite=overwrite,
        progress=progress,
    )
    out.print(listed(answer.best(k), f"The kin of {answer.name}"))
    if not quiet:
        matches = int(answer.tiles["match"].sum())
        out.print(f"{matches} of {len(answer.tiles)} tiles match ({answer.line.words}).")
        if output is None and answer.n_matches_beside:
            out.print(f"{answer.n_matches_beside} of the matches share sky with the reference itself.")
        if output is not None:
            for line in summary_lines(answer.kin.summary):
                out.print(line)
            out.print(f"\nOpen {output / 'report.html'}")


def _without_a_map(options: dict[str, bool]) -> None:
    for name, given in options.items():
        if given:
            raise UsageError(f"--approximate only lists the best tiles and knows no {name}; leave one out")


def listed(best: QTable, title: str) -> Table:
    """Lay the best tiles out for a terminal."""
    heads = {"p": "p", "q": "q", "best_reference": "most like", "best_size": "best size",
             "best_score": "score there"}  # fmt: skip
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


def parse_weights(texts: list[str]) -> dict[str, float]:
    """Read weights of layers, each ``"layer=number"``.

    Raises
    ------
    UsageError
        If one is not of this form.
    """
    weights = {}
    for text in texts:
        layer, _, number = text.partition("=")
        try:
            weights[layer.strip()] = float(number)
        except ValueError as error:
            raise UsageError(
                f"the weight {shown(text)} is not of the form layer=number, such as block3_conv1=2"
            ) from error
    return weights
