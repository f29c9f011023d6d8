"""Pictures of single tiles: the reference, the best matches, their opposite."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from astropy.visualization.wcsaxes import WCSAxes
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from skykin.core.picture import Picture
from skykin.core.shapes import Coverage
from skykin.products.field import frame_shown
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import ORANGE, Drawn, new_figure, save_figure
from skykin.products.mapped import MappedTiles
from skykin.products.upright import upright_wcs
from skykin.products.wording import band_words, number, position

ROWS, COLUMNS = 4, 2
#: References side by side, and at most.
ABREAST, MOST_REFERENCES = 4, 12
GAPS = "thin lines enclose gaps in the data, which are filled in from around them"


def draw_reference(result: MappedTiles, folder: Path) -> Drawn:
    """Draw the reference with Galactic coordinates, and how much data stands behind each pixel.

    Several references are drawn side by side.
    """
    if len(result.pictures.references) > 1:
        return _draw_references(result, folder)
    picture, where = result.pictures.references[0], result.reference
    figure = new_figure(11, 5.2)
    left = _sky_axes(figure, (0.09, 0.13, 0.38, 0.74), picture, result)
    left.imshow(picture.rgb[::-1].clip(0, 1), origin="lower", interpolation="nearest")
    _outline_gaps(left, picture.coverage[::-1])
    left.set_title(f"Reference: {literal(result.short_name)}")
    right = _sky_axes(figure, (0.55, 0.13, 0.38, 0.74), picture, result)
    image = right.imshow(
        picture.coverage[::-1], origin="lower", interpolation="nearest", cmap="cividis", vmin=0, vmax=1
    )
    right.set_title("Coverage")
    if isinstance(right, WCSAxes):
        right.coords[1].set_axislabel("")
    box = figure.add_axes((0.94, 0.13, 0.012, 0.74))
    figure.colorbar(image, cax=box, label="share of good data")
    sides = ""
    if where is not None:
        sides = f", {where.width_deg:g}° × {where.height_deg:g}° about {position(where)}"
    title = f"The reference tile: {result.query.name}"
    caption = (
        f"The reference: {result.query.name}{sides}, as the network saw it "
        f"({'; '.join(text for _, text in band_words(result.survey.bands))}; {GAPS}), Galactic north up. "
        f"Mean coverage {picture.covered:.3f}."
    )
    return save_figure(figure, result, folder, name="reference-tile", title=title, caption=caption)


def _draw_references(result: MappedTiles, folder: Path) -> Drawn:
    """Draw several references, each with its name, place and coverage."""
    pictures = result.pictures.references
    shown = pictures[:MOST_REFERENCES]
    columns = min(len(shown), ABREAST)
    rows = -(-len(shown) // columns)
    height = 4.0 * rows + 0.1
    figure = new_figure(3.4 * columns, height)
    for axes in (grid := figure.subplots(rows, columns, squeeze=False).ravel()):
        axes.set_axis_off()
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.02, top=1 - 0.7 / height, wspace=0.06, hspace=0.24)
    for axes, picture, example in zip(grid, shown, result.query.references, strict=False):
        axes.imshow(picture.rgb.clip(0, 1), interpolation="nearest")
        _outline_gaps(axes, picture.coverage)
        place = "" if example.footprint is None else f"{position(example.footprint)}\n"
        label = f"{literal(example.name)}\n{place}coverage {picture.covered:.2f}"
        axes.set_title(label, fontsize=10, fontweight="normal", loc="center", pad=4)
    title = f"The reference tiles: {result.short_name}"
    more = f" The first {len(shown)} of {len(pictures)} are shown." if len(shown) < len(pictures) else ""
    bands = "; ".join(text for _, text in band_words(result.survey.bands))
    caption = (
        f"The references, as the network saw them ({bands}; "
        f"{GAPS}), each with its Galactic position and mean coverage.{more}"
    )
    return save_figure(figure, result, folder, name="reference-tile", title=title, caption=caption)


def draw_best_and_opposite(result: MappedTiles, folder: Path) -> Drawn:
    """Draw the best matches beside the least similar tiles."""
    figure = new_figure(9.6, 10.4)
    sheet = figure.add_gridspec(1, 2, wspace=0.04)
    left, right = figure.add_subfigure(sheet[0, 0]), figure.add_subfigure(sheet[0, 1])
    pictures, several = result.pictures, len(result.references) > 1
    for half, chosen, heading in zip(
        (left, right),
        (pictures.best, pictures.opposite),
        (f"Most similar to {literal(result.short_name)}", f"Least similar to {'them' if several else 'it'}"),
        strict=True,
    ):
        half.suptitle(heading, fontsize=13, fontweight="bold")
        grid = half.subplots(ROWS, COLUMNS).ravel()
        half.subplots_adjust(left=0.03, right=0.97, bottom=0.01, top=0.9, wspace=0.06, hspace=0.22)
        for axes in grid:
            axes.set_axis_off()
        for axes, picture in zip(grid, chosen, strict=False):
            _draw_tile(axes, picture, result)
    title = f"Most similar to {result.short_name}, and least similar"
    matching = set(result.matching)
    number = sum(picture.footprint in matching for picture in pictures.best)
    which = {0: "None of them matches", 1: "One of them, framed, matches"}.get(
        number, f"{number} of them, framed, match"
    )
    caption = (
        "Left: the tiles with the highest scores that overlap neither a reference nor a better one, best "
        f"first. {which} ({result.cut.words}). Right: those with the lowest scores, likewise. "
        f"Each with its position and score; {GAPS}."
    )
    return save_figure(figure, result, folder, name="best-and-opposite", title=title, caption=caption)


def _draw_tile(axes: Axes, picture: Picture, result: MappedTiles) -> None:
    axes.imshow(picture.rgb.clip(0, 1), interpolation="nearest")
    _outline_gaps(axes, picture.coverage)
    where = picture.footprint
    if where is not None:
        row = result.row_of(where)
        if result.tiles["match"][row]:
            axes.add_patch(
                Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=ORANGE, linewidth=4)
            )
        frame = frame_shown(result.provenance.survey)
        label = f"{position(where, frame=frame)}\nscore {number(result.scores[row], '.3f')}"
        axes.set_title(label, fontsize=9, fontweight="normal", loc="center", pad=3)


def _outline_gaps(axes: Axes, coverage: Coverage) -> None:
    """Draw a line around the parts without data, whose colours are filled in from around them."""
    gaps = coverage == 0
    if gaps.any() and not gaps.all():
        axes.contour(gaps.astype(float), levels=[0.5], colors="white", linewidths=0.6, alpha=0.8)


def _sky_axes(
    figure: Figure, box: tuple[float, float, float, float], picture: Picture, result: MappedTiles
) -> Axes:
    """Axes with Galactic coordinates for a picture drawn from its last row up."""
    rows, columns = picture.coverage.shape
    if result.reference is None:  # a picture lies nowhere
        plain: Axes = figure.add_axes(box)
        plain.set(xticks=[], yticks=[])
        return plain
    axes = WCSAxes(figure, box, wcs=upright_wcs(result.reference, (rows, columns)))
    figure.add_axes(axes)
    for coordinate, label in zip(axes.coords, ("Galactic longitude", "Galactic latitude"), strict=True):
        coordinate.set_format_unit("deg", decimal=True)
        coordinate.set_ticks(number=4)
        coordinate.set_axislabel(label)
        coordinate.grid(color="white", alpha=0.35, linewidth=0.5)
    return cast("Axes", axes)
