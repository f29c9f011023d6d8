"""An explained match drawn: what is similar, in which layers, at which scale, and where."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.image import AxesImage

from skykin.core.picture import Picture
from skykin.products.explained import ExplainedTile
from skykin.products.figures.annotations import literal
from skykin.products.figures.canvas import ORANGE, Drawn, new_figure, save_figure
from skykin.products.wording import number, position

WIDTH_IN, HEIGHT_IN = 12.0, 10.2
#: Blue subtracts, red adds: told apart by people with any colour vision.
SIGNED = "RdBu_r"
BLUE = "#0072B2"


def explanation_figure(result: ExplainedTile) -> Figure:
    """Draw pictures, maps of where the score comes from, layers, scales and ranks."""
    figure = new_figure(WIDTH_IN, HEIGHT_IN)
    sheet = figure.add_gridspec(
        3, 1, left=0.09, right=0.985, bottom=0.065, top=0.945, hspace=0.36, height_ratios=[1.25, 1.0, 1.05]
    )
    above = _row(figure, sheet[0], 4, 0.1)
    seen = "" if result.view.plain else f"\n{result.view.words}"
    _picture(above[0], result.reference_picture, f"Reference: {result.reference_name}{seen}")
    score = number(result.tile.score, ".3f")
    _picture(above[1], result.tile_picture, f"Tile {result.tile.name}\nscore {score}")
    image = _where(above[2], result, "Where its score comes from")
    if result.counter_picture is None or result.counter is None:
        above[3].set_axis_off()
    else:
        note = f"As bright, no match: {result.counter.name}\nscore {number(result.counter.score, '.3f')}"
        _picture(above[3], result.counter_picture, note)
    _bar(figure, image, above[2])
    _layers(_row(figure, sheet[1], len(result.where), 0.1), result)
    below = _row(figure, sheet[2], 3, 0.42)
    _cosines(below[0], result)
    _sizes(below[1], result)
    _ranks(below[2], result)
    return figure


def draw_explanation(result: ExplainedTile, folder: Path) -> Drawn:
    """Draw the explanation and save it."""
    caption = (
        f"Top: the reference as the tile is most similar to it, the tile at {_place(result.tile_picture)}, "
        "what each of its positions adds to "
        "the score (red) or subtracts (blue; its mean over what is covered is the score), and the nearest "
        "tile of the same brightness that does not match. Middle: the same for each layer; the mean is its "
        "cosine. "
        "Bottom: cosine of each layer and the survey's mean; score of tiles of other sizes there; rank of "
        "the tile under each recipe, as a share of the tiles ranked."
    )
    figure = explanation_figure(result)
    return save_figure(
        figure,
        result,
        folder,
        name="explanation",
        title=f"Why {result.tile.name} is similar to {result.reference_name}",
        caption=caption,
    )


def _row(figure: Figure, part: SubplotSpec, columns: int, gap: float) -> list[Axes]:
    inner = part.subgridspec(1, columns, wspace=gap)
    return [figure.add_subplot(inner[0, column]) for column in range(columns)]


def _picture(axes: Axes, picture: Picture, note: str) -> None:
    axes.imshow(picture.rgb.clip(0, 1), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.set_title(literal(_wrapped(note)), fontsize=9.5, loc="center")
    axes.set_xlabel(_place(picture), fontsize=8.5)


def _wrapped(note: str) -> str:
    return "\n".join(fill(line, 34) for line in note.splitlines())


def _where(axes: Axes, result: ExplainedTile, note: str) -> AxesImage:
    grey = result.tile_picture.rgb.mean(axis=-1)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=max(float(grey.max()), 1e-3), interpolation="nearest")
    reach = _reach(result.whole)
    rows, columns = grey.shape
    image = axes.imshow(
        result.whole, cmap=SIGNED, norm=Normalize(-reach, reach), alpha=0.75, interpolation="nearest",
        extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
    )  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.set_title(note, fontsize=9.5, loc="center")
    return image


def _bar(figure: Figure, image: AxesImage, axes: Axes) -> None:
    axes.figure.canvas.draw()
    box = axes.get_position()
    bar = figure.add_axes((box.x0 + 0.012, box.y0 - 0.018, box.width - 0.024, 0.009))
    figure.colorbar(image, cax=bar, orientation="horizontal")
    bar.tick_params(labelsize=7)
    bar.set_xlabel("adds to the score", fontsize=8, labelpad=1)


def _layers(row: list[Axes], result: ExplainedTile) -> None:
    for axes, (layer, values) in zip(row, result.where.items(), strict=True):
        reach = _reach(values)
        axes.imshow(values, cmap=SIGNED, norm=Normalize(-reach, reach), interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"{layer}\ncosine {number(result.cosines[layer], '.3f')}", fontsize=9, loc="center")
        axes.set_xlabel(f"colours: ±{reach:.2g}", fontsize=8)


def _cosines(axes: Axes, result: ExplainedTile) -> None:
    layers = list(result.cosines)
    places = np.arange(len(layers))
    axes.barh(
        places, [result.cosines[layer] for layer in layers], color=ORANGE, height=0.6, label="this tile"
    )
    axes.scatter(
        [result.usual[layer] for layer in layers], places, color="black", marker="|", s=160, linewidths=2,
        label="mean of the survey", zorder=3,
    )  # fmt: skip
    axes.set_yticks(places, layers, fontsize=8)
    axes.invert_yaxis()
    axes.axvline(0, color="0.6", linewidth=0.8)
    axes.set_xlim(min(0.0, *result.cosines.values(), *result.usual.values()) - 0.05, 1)
    axes.set_xlabel("cosine (no unit)")
    axes.set_title("Layers", fontsize=10)
    axes.legend(fontsize=7.5, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, handlelength=1.0)


def _sizes(axes: Axes, result: ExplainedTile) -> None:
    sizes = np.array(list(result.sizes))
    own, usual = np.array(list(result.sizes.values())).T
    axes.plot(sizes, own, "o-", color=ORANGE, label="this place")
    axes.plot(sizes, usual, "s--", color="black", markersize=4, label="mean of the survey")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:.3g}°" for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="size of the tile", ylabel="score (no unit)")
    axes.set_title("Scales", fontsize=10)
    axes.legend(fontsize=7.5, loc="best", handlelength=1.5)


def _ranks(axes: Axes, result: ExplainedTile) -> None:
    places = np.arange(len(result.ranks))
    shares = [100 * each.rank / each.of for each in result.ranks]
    axes.barh(places, shares, color=[ORANGE, *[BLUE] * (len(shares) - 1)], height=0.6)
    for place, share, each in zip(places.tolist(), shares, result.ranks, strict=True):
        kind = "of a sample" if each.sampled else "of all"
        inside = share > 55
        axes.text(
            share - 2 if inside else share + 2, place, f"{each.rank} of {each.of} ({kind})", va="center",
            ha="right" if inside else "left", fontsize=8,
            color="white" if inside and each.sampled else "black",
        )  # fmt: skip
    axes.set_yticks(places, [each.recipe for each in result.ranks], fontsize=8)
    axes.invert_yaxis()
    axes.set(xlim=(0, 100), xlabel="rank, per cent of the tiles ranked")
    axes.set_title("Recipes", fontsize=10)


def _reach(values: np.ndarray) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(np.quantile(known, 0.99)) or 1.0 if known.size else 1.0


def _place(picture: Picture) -> str:
    where = picture.footprint
    return "" if where is None else f"{position(where)}, {where.width_deg:.3g}° wide"
