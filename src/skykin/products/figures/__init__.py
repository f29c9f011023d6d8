"""The figures of a map, drawn in memory and saved as PNG and PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skykin.products.figures.canvas import Drawn, house_style
from skykin.products.figures.heat_map import draw_heat_map
from skykin.products.figures.matches import draw_matches
from skykin.products.figures.rendered_sky import draw_rendered_sky
from skykin.products.figures.scores import draw_scores
from skykin.products.figures.targets import draw_targets
from skykin.products.figures.tiles import draw_best_and_opposite, draw_reference
from skykin.products.mapped import MappedTiles

if TYPE_CHECKING:
    from skykin.core.protocols import Counter

FIGURES = (
    draw_targets,
    draw_matches,
    draw_rendered_sky,
    draw_heat_map,
    draw_reference,
    draw_best_and_opposite,
    draw_scores,
)
#: Names of their files, in the same order.
NAMES = (
    "targets", "figure-2-matches", "figure-3-rendered-sky", "figure-4-heat-map", "reference-tile",
    "best-and-opposite", "scores",
)  # fmt: skip


def draw_figures(result: MappedTiles, folder: Path, counter: Counter) -> tuple[Drawn, ...]:
    """Draw all figures of a map into a folder.

    Parameters
    ----------
    result : MappedTiles
    folder : Path
        Must exist.
    counter : Counter
        Advances by one for each figure.

    Returns
    -------
    tuple of Drawn
        In the order of the report.
    """
    drawn = []
    with house_style():
        for draw in FIGURES:
            drawn.append(draw(result, folder))
            counter.advance()
    return tuple(drawn)
