"""What is written as a HiPS: the pixels of a tile as colours and as numbers, and how both are reduced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from skykin.core.shapes import Numbers
from skykin.products.hips.encoding import BLANK
from skykin.products.hips.gaps import shown_coverage
from skykin.products.hips.geometry import HipsFrame, pixel_deg, tile_positions
from skykin.products.hips.number_tiles import NearestRows, NumberTiles
from skykin.products.hips.picture_tiles import opaque
from skykin.products.hips.reduce import Reduce, mean_colours, mean_numbers, picked_colours, picked_labels
from skykin.survey.intensity import intensity
from skykin.survey.render import RenderedSurvey

#: Colours of labels that people with any vision tell apart (Okabe & Ito 2008).
LABEL_COLOURS = np.array(
    [
        (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
        (204, 121, 167),
    ],
    np.uint8,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pixels:
    """The pixels of one tile, the first row at the top.

    Parameters
    ----------
    colours : uint8 array (rows, columns, 4)
        Transparent where there is nothing.
    numbers : float32 or int16 array (rows, columns)
        NaN, or `BLANK`, where there is nothing.
    """

    colours: Numbers
    numbers: Numbers

    @property
    def seen(self) -> np.ndarray:
        """Where there is data, bool (rows, columns)."""
        return np.asarray(self.colours[..., 3] > 0)


class HipsSource(Protocol):
    """Gives the tiles of the finest order, and reduces four tiles to one."""

    @property
    def reduce_colours(self) -> Reduce:
        """Halves the sides of colours."""

    @property
    def reduce_numbers(self) -> Reduce:
        """Halves the sides of numbers."""

    def tile(self, order: int, npix: int) -> Pixels:
        """Pixels of a tile."""


@dataclass(frozen=True, eq=False)
class SurveySource:
    """A survey: its colours as they are rendered for the network, and its intensity in its unit.

    Parameters
    ----------
    sky : RenderedSurvey
    frame : {"galactic", "icrs"}
        Of the HiPS.
    """

    sky: RenderedSurvey
    frame: HipsFrame
    reduce_colours: Reduce = mean_colours
    reduce_numbers: Reduce = mean_numbers

    def tile(self, order: int, npix: int) -> Pixels:
        """Pixels of a tile."""
        survey = self.sky.survey
        values, coverage = survey.sample(*tile_positions(order, npix, self.frame))
        light = intensity(survey, values).astype(np.float32)
        shown = shown_coverage(coverage, pixel_deg(order)) if survey.extent.is_all_sky else coverage
        return Pixels(opaque(self.sky.stretch.apply(values), shown), np.where(coverage > 0, light, np.nan))


@dataclass(frozen=True, eq=False)
class NumberSource:
    """Numbers of the tiles of a map or an index, shown in the colours of a map of colours.

    Parameters
    ----------
    tiles : NumberTiles
    cut : pair of float
        Numbers shown in the first and the last colour.
    colour_map : uint8 array (256, 3)
    """

    tiles: NumberTiles
    cut: tuple[float, float]
    colour_map: Numbers
    reduce_colours: Reduce = mean_colours
    reduce_numbers: Reduce = mean_numbers

    def tile(self, order: int, npix: int) -> Pixels:
        """Pixels of a tile."""
        found = self.tiles.tile(order, npix)
        low, high = self.cut
        share = np.clip((np.nan_to_num(found) - low) / (high - low), 0, 1)
        colours = np.zeros((*found.shape, 4), np.uint8)
        colours[..., :3] = self.colour_map[np.round(share * 255).astype(int)]
        colours[..., 3] = 255
        colours[np.isnan(found)] = 0
        return Pixels(colours, found)


@dataclass(frozen=True, eq=False)
class LabelSource:
    """Labels of tiles, such as the number of a target: whole numbers, never averaged.

    Parameters
    ----------
    rows : NearestRows
    labels : sequence of int
        One per tile; 0 is shown transparent.
    """

    rows: NearestRows
    labels: Sequence[int]
    reduce_colours: Reduce = picked_colours
    reduce_numbers: Reduce = picked_labels

    def tile(self, order: int, npix: int) -> Pixels:
        """Pixels of a tile."""
        found = np.append(np.asarray(self.labels, np.int16), np.int16(BLANK))[self.rows.tile(order, npix)]
        colours = np.zeros((*found.shape, 4), np.uint8)
        shown = found > 0
        colours[shown, :3] = LABEL_COLOURS[(found[shown] - 1) % len(LABEL_COLOURS)]
        colours[shown, 3] = 255
        return Pixels(colours, found)
