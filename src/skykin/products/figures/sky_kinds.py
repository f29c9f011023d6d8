"""Kinds of sky and outliers: where they are, and what they look like."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib
import numpy as np
from astropy.table import QTable
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, ListedColormap, Normalize, to_hex
from matplotlib.figure import Figure

from skykin.core.extent import Extent
from skykin.core.picture import Picture
from skykin.products.figures.annotations import draw_tiles, literal
from skykin.products.figures.canvas import Drawn, new_figure, save_figure
from skykin.products.figures.sky_axes import WHITE_ON_BLACK, SkyAxes, axes_for
from skykin.products.grouped import REACH, GroupedTiles, OddTiles, nearest_rows
from skykin.products.result import numbers
from skykin.products.wording import number, position

#: Okabe & Ito: told apart by people with any colour vision.
EIGHT = ("#0072B2", "#E69F00", "#009E73", "#F0E442", "#56B4E9", "#D55E00", "#CC79A7", "#000000")
PICTURES_A_ROW = 8
WIDTH_IN = 12.0


def draw_kinds(result: GroupedTiles, folder: Path) -> Drawn:
    """Draw the map of kinds and save it."""
    title = f"{len(result.kinds)} kinds of sky in {result.survey_title}"
    caption = (
        f"Above: kind of the nearest tile, from 1 (faintest) to {len(result.kinds)} (brightest); white "
        "outlines: the examples. Below: the tile nearest to the middle of each kind, framed in its colour. "
        f"Two groupings from other beginnings agree to {result.agreement:.2f} (adjusted Rand index)."
    )
    figure = kinds_figure(result)
    return save_figure(figure, result, folder, name="kinds-of-sky", title=title, caption=caption)


def kinds_figure(result: GroupedTiles) -> Figure:
    """Draw the map of kinds, and one example picture of each below, where there are pictures."""
    colours = kind_colours(len(result.kinds))
    figure, sky = _sheet(result, len(result.pictures))
    lon_deg, lat_deg = sky.positions()
    row = nearest_rows(result.tiles, lon_deg, lat_deg, REACH * result.spacing_deg)
    labels = np.asarray(result.tiles["kind"])[row]
    shown = np.where((row >= 0) & (labels > 0), labels, np.nan)
    sky.paint(shown, cmap=ListedColormap(colours), norm=Normalize(0.5, len(colours) + 0.5))
    sky.axes.set_title(f"Kinds of sky in {literal(result.survey_title)}")
    notes = [
        f"kind {kind['kind']}: {number(100 * kind['sky_share'], '.3g')} % of the sky" for kind in result.kinds
    ]
    for axes, picture, colour, note in zip(
        _frames(figure, len(result.pictures)), result.pictures, colours, notes, strict=False
    ):
        _show(axes, picture, f"{note}\n{_where(picture)}", colour)
        draw_tiles(sky, [f for f in [picture.footprint] if f], colors="white", linewidths=1.2, zorder=5)
    return figure


def draw_outliers(result: OddTiles, folder: Path) -> Drawn:
    """Draw the map of oddness and save it."""
    caption = (
        f"Above: how far each tile is from its {result.k} most similar tiles elsewhere on the sky. Below: "
        "the most unusual tiles that do not overlap, numbered as above."
    )
    figure = outliers_figure(result)
    return save_figure(
        figure, result, folder, name="outliers", title=f"Outliers of {result.survey_title}", caption=caption
    )


def outliers_figure(result: OddTiles) -> Figure:
    """Draw the map of oddness, and the most unusual tiles below, where there are pictures."""
    figure, sky = _sheet(result, len(result.pictures), bar=True)
    lon_deg, lat_deg = sky.positions()
    row = nearest_rows(result.tiles, lon_deg, lat_deg, REACH * result.spacing_deg)
    values = np.asarray(result.tiles["oddness"], float)
    known = values[np.isfinite(values)]
    norm = Normalize(float(np.quantile(known, 0.01)), float(known.max())) if known.size else Normalize(0, 1)
    image = sky.paint(np.where(row >= 0, values[row], np.nan), cmap="cividis", norm=norm)
    sky.axes.set_title(f"How unlike everything else {literal(result.survey_title)} is")
    height_in = float(figure.get_size_inches()[1])
    box = figure.add_axes((0.3, 1 - 7.0 / height_in, 0.4, 0.13 / height_in))
    figure.colorbar(
        image, cax=box, orientation="horizontal",
        label=f"oddness: 1 less the mean score with the {result.k} most similar tiles (no unit)",
    )  # fmt: skip
    by_place = dict(zip(result.tiles["name"], values, strict=True))
    places = _places(result)
    for number_, (axes, picture) in enumerate(
        zip(_frames(figure, len(result.pictures)), result.pictures, strict=False), start=1
    ):
        odd = by_place[places[picture]]
        _show(axes, picture, f"{number_}: oddness {number(odd, '.2f')}\n{_where(picture)}", "0.4")
        if picture.footprint is not None:
            draw_tiles(sky, [picture.footprint], colors="white", linewidths=1.2, zorder=5)
            x, y = sky.place(np.array(picture.footprint.lon_deg), np.array(picture.footprint.lat_deg))
            sky.axes.text(x, y, str(number_), ha="center", va="center", zorder=6, **WHITE_ON_BLACK)
    return figure


def intensity_figure(tiles: QTable, spacing_deg: float, extent: Extent, title: str) -> Figure:
    """Draw the mean intensity of tiles on the sky, the faintest 1 % and the brightest 1 % cut off."""
    figure = new_figure(WIDTH_IN, 7.2)
    sky = axes_for(figure, (0.05, 0.13, 0.9, 0.81), extent, "mollweide")
    row = nearest_rows(tiles, *sky.positions(), REACH * spacing_deg)
    values = numbers(tiles["mean_intensity"])
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, (0.01, 0.99)) if known.size else (0.0, 1.0)
    norm = AsinhNorm(max((high - low) / 50, 1e-12), low, max(high, low + 1e-9))
    image = sky.paint(np.where(row >= 0, values[row], np.nan), cmap="cividis", norm=norm)
    unit = str(getattr(tiles["mean_intensity"], "unit", "")) or "no unit"
    box = figure.add_axes((0.25, 0.085, 0.5, 0.02))
    label = f"mean intensity of each tile ({unit})"
    bar = figure.colorbar(image, cax=box, orientation="horizontal", extend="both", label=label)
    ticks = [float(tick) for tick in norm.inverse(np.linspace(0, 1, 6))]
    bar.set_ticks(ticks, labels=[number(tick, ".2g") for tick in ticks])
    bar.minorticks_off()
    sky.axes.set_title(f"Tiles of {literal(title)}")
    return figure


def kind_colours(k: int) -> list[str]:
    """As many colours as there are kinds, from the faintest to the brightest."""
    if k <= len(EIGHT):
        return list(EIGHT[:k])
    return [to_hex(colour) for colour in matplotlib.colormaps["viridis"](np.linspace(0, 1, k))]


def _places(result: OddTiles) -> dict[Picture, str]:
    """Name of the tile that each picture shows."""
    lon = np.array([p.footprint.lon_deg for p in result.pictures if p.footprint])
    lat = np.array([p.footprint.lat_deg for p in result.pictures if p.footprint])
    rows = nearest_rows(result.tiles, lon, lat, result.spacing_deg)
    return {p: str(result.tiles["name"][row]) for p, row in zip(result.pictures, rows, strict=True)}


def _sheet(result: GroupedTiles | OddTiles, pictures: int, *, bar: bool = False) -> tuple[Figure, SkyAxes]:
    rows = math.ceil(pictures / PICTURES_A_ROW)
    height_in = 6.5 + 1.0 * bar + 1.95 * rows
    figure = new_figure(WIDTH_IN, height_in)
    box = (0.05, 1 - 6.35 / height_in, 0.9, 5.85 / height_in)
    return figure, axes_for(figure, box, result.extent, "mollweide")


def _frames(figure: Figure, pictures: int) -> list[Axes]:
    """Axes of small pictures in rows along the bottom."""
    height_in = float(figure.get_size_inches()[1])
    rows = math.ceil(pictures / PICTURES_A_ROW)
    side = 1.35
    found = []
    for place in range(pictures):
        row, column = divmod(place, PICTURES_A_ROW)
        across = min(PICTURES_A_ROW, pictures - row * PICTURES_A_ROW)
        left = WIDTH_IN / 2 + (column - across / 2) * 1.47 + 0.06
        bottom = 0.1 + (rows - 1 - row) * 1.95
        found.append(
            figure.add_axes((left / WIDTH_IN, bottom / height_in, side / WIDTH_IN, side / height_in))
        )
    return found


def _show(axes: Axes, picture: Picture, note: str, colour: str) -> None:
    axes.imshow(picture.rgb.clip(0, 1), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.set_title(note, fontsize=8, fontweight="normal", loc="center", pad=4)
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linewidth=3)


def _where(picture: Picture) -> str:
    return "" if picture.footprint is None else position(picture.footprint)
