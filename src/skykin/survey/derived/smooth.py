"""A survey smoothed to a wider beam."""

from __future__ import annotations

import math

import numpy as np
from astropy_healpix import HEALPix

from skykin.core.errors import TooLargeError, UsageError
from skykin.core.extent import Extent
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress, Survey
from skykin.core.shapes import Degrees, Numbers
from skykin.survey.base import About
from skykin.survey.healpix.cell_map import CellMap
from skykin.survey.healpix.cells import CellSurvey, level_for

CELLS_PER_BEAM = 4
#: The Gaussian has fallen to 0.2 % there, in full widths.
CUT_WIDTHS = 1.5
#: Points of the kernel lie so close, in beams of the survey, that none of its structure falls between them.
POINT_SPACING_BEAMS = 0.6
MOST_POINTS = 2000
MOST_CELLS = 12 * 1024**2
CELLS_AT_ONCE = 1 << 16
FINEST_LEVEL = 16
#: Beams that differ by less than a thousandth are the same.
SAME_BEAM = 1e-3


def smoothed(survey: Survey, beam_deg: float, progress: Progress = SILENT) -> Survey:
    r"""Smooth a survey with a Gaussian, so that its beam becomes `beam_deg` wide.

    .. math:: I_p = \frac{\sum_j k_j c_j I_j}{\sum_j k_j c_j}, \qquad
              c_p = \frac{\sum_j k_j c_j}{\sum_j k_j}, \qquad k_j = 2^{-4 d_j^2 / (B^2 - b^2)}

    over points :math:`j` of a hexagonal grid about each cell, with their coverage :math:`c_j`, the wanted
    beam :math:`B` and the survey's own :math:`b`.

    Returns
    -------
    Survey
        On HEALPix cells of at most a quarter of the beam, within the survey's extent.

    Raises
    ------
    UsageError
        If the survey's own beam is wider already, or so much narrower that points could not cover it.
    TooLargeError
        If so many cells would be needed that they cannot be held.
    """
    own = survey.beam_deg
    if beam_deg < own * (1 - SAME_BEAM):
        raise UsageError(
            f"{survey.name} has a beam of {own:.3g}°, which cannot be smoothed to {beam_deg:.3g}°; "
            f"use --survey-option smooth_deg={own:.3g} or more"
        )
    if beam_deg <= own * (1 + SAME_BEAM):
        return survey
    level = level_for(beam_deg / CELLS_PER_BEAM, FINEST_LEVEL)
    cells = _cells_within(survey, level, beam_deg)
    kernel = _kernel(math.sqrt(beam_deg**2 - own**2), own, survey.name, beam_deg)
    values, share = np.empty((len(cells), 3), np.float32), np.empty(len(cells), np.float32)
    grid = HEALPix(2**level, order="nested")
    with progress.stage(f"smooth {survey.name}", len(cells), "cells") as counter:
        for start in range(0, len(cells), CELLS_AT_ONCE):
            part = slice(start, start + CELLS_AT_ONCE)
            lon, lat = grid.healpix_to_lonlat(cells[part])
            values[part], share[part] = _average(survey, lon.deg, lat.deg, kernel)
            counter.advance(len(cells[part]))
    whole = len(cells) == grid.npix
    stored = f"{survey.to_dict().get('projection', '')}, smoothed from {own:.4g} to {beam_deg:.4g} deg"
    cell_map = CellMap(level, values, np.clip(share, 0, 1), None if whole else cells)
    return CellSurvey(cell_map, "galactic", beam_deg, About.of(survey), stored, survey.extent)


def _cells_within(survey: Survey, level: int, margin_deg: float) -> Numbers:
    extent: Extent = survey.extent
    share = (1 - math.cos(math.radians(min(extent.radius_deg + margin_deg, 180)))) / 2
    grid = HEALPix(2**level, order="nested")
    if share * grid.npix > MOST_CELLS:
        raise TooLargeError(
            f"smoothing {survey.name} needs {share * grid.npix:.2g} cells, but at most {MOST_CELLS} are "
            "held; use a larger --survey-option smooth_deg or a survey of a smaller area"
        )
    radius_deg = min(extent.radius_deg + margin_deg, 180)
    return Extent(extent.lon_deg, extent.lat_deg, radius_deg).pixels(grid.nside)


def _kernel(width_deg: float, own_deg: float, name: str, beam_deg: float) -> tuple[Numbers, Numbers, Numbers]:
    """Distance and direction (radians) and weight of the points of a hexagonal grid."""
    step = min(POINT_SPACING_BEAMS * own_deg, width_deg / 2)
    reach = CUT_WIDTHS * width_deg
    if (reach / step) ** 2 * math.pi / 0.87 > MOST_POINTS:
        raise UsageError(
            f"the beam of {name}, {own_deg:.3g}°, is too narrow to be smoothed to {beam_deg:.3g}° at once; "
            f"read the survey coarser as well, with --survey-option scale_deg={beam_deg / 8:.2g}"
        )
    count = math.ceil(reach / step / 0.86)
    i, j = (axis.ravel() for axis in np.meshgrid(*2 * [np.arange(-count, count + 1)]))
    x, y = (i + j / 2) * step, j * math.sqrt(3) / 2 * step
    distance = np.hypot(x, y)
    near = distance <= reach
    weight = np.exp2(-4 * (distance[near] / width_deg) ** 2)
    return np.radians(distance[near]), np.arctan2(y, x)[near], weight / weight.sum()


def _average(
    survey: Survey, lon_deg: Degrees, lat_deg: Degrees, kernel: tuple[Numbers, Numbers, Numbers]
) -> tuple[Numbers, Numbers]:
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    total, share = np.zeros((len(lon), 3)), np.zeros(len(lon))
    for distance, direction, weight in zip(*kernel, strict=True):
        east, north = math.sin(distance) * math.cos(direction), math.sin(distance) * math.sin(direction)
        # From the tangent frame (outward, east, north) to the sphere's axes.
        ahead = math.cos(distance) * np.cos(lat) - north * np.sin(lat)
        up = math.cos(distance) * np.sin(lat) + north * np.cos(lat)
        there = np.degrees(lon + np.arctan2(east, ahead)) % 360
        values, coverage = survey.sample(there, np.degrees(np.arctan2(up, np.hypot(ahead, east))))
        total += weight * coverage[:, None] * values
        share += weight * coverage
    return total / np.where(share > 0, share, 1)[:, None], share
