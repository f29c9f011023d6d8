"""What a page shows of a map, as plain values for its script."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from skykin.core.clean import one_line
from skykin.core.footprint import Footprint
from skykin.core.frames import Frame, from_galactic
from skykin.core.shapes import Numbers
from skykin.products.hips.colour_map import colour_map
from skykin.products.hips.number_tiles import NearestRows
from skykin.products.mapped import MappedTiles
from skykin.products.one_file.rasters import PIXELS_PER_TILE, PageSky, numbers_picture
from skykin.products.result import numbers
from skykin.products.target_list import TargetList

#: Shares of the numbers, by count, shown in the first and the last colour.
SHADES = (1.0, 99.9)
#: Letters of a name that are written on the sky.
LONGEST_LABEL = 40
#: The whole sky and a little more; a field with as much around it.
WHOLE_DEG, AROUND = 340.0, 1.15
SMALLEST_Q = 1e-12


def contents(found: MappedTiles, targets: TargetList, sky: PageSky, background: str | None) -> dict[str, Any]:
    """Gather all that the script of the page draws.

    Parameters
    ----------
    found : MappedTiles
    targets : TargetList
    sky : PageSky
    background : str or None
        The picture below, a ``data:`` address.
    """
    return {
        "frame": sky.frame,
        "geometry": sky.geometry,
        "background": background,
        "colours": base64.b64encode(colour_map().tobytes()).decode("ascii"),
        "layers": _layers(found, sky),
        "references": [
            {"name": _label(each.name), "corners": _corners(each.footprint, sky.frame)}
            for each in found.query.references
            if each.footprint is not None
        ],
        "targets": [
            {"name": _label(name), **_place(where, sky.frame), "corners": _corners(where, sky.frame)}
            for name, where in zip(targets.table["name"], targets.footprints, strict=True)
        ],
        "home": _home(sky),
    }


def _home(sky: PageSky) -> dict[str, float]:
    """Where a page begins."""
    field = sky.field
    if field is None:
        return {"lon": 0.0, "lat": 0.0, "across": WHOLE_DEG, "down": WHOLE_DEG / 2}
    (left, right), (low, high) = field.x_deg, field.y_deg
    lon, lat = (
        float(each) for each in field.wcs.pixel_to_world_values(*((n - 1) / 2 for n in field.shape[::-1]))
    )
    return {"lon": lon, "lat": lat, "across": (right - left) * AROUND, "down": (high - low) * AROUND}


def _layers(found: MappedTiles, sky: PageSky) -> list[dict[str, Any]]:
    """Similarity, and q where there is one; first what the matches were chosen by."""
    rows = NearestRows(found.footprints)
    nearest = rows.at(*sky.positions(sky.shape(found.scored.spacing_deg / PIXELS_PER_TILE)))
    layers = [_layer("score", found.scores, nearest, _least_score(found))]
    rate = numbers(found.tiles["q"])
    if np.nanmin(rate, initial=1.0) < 1:
        cut = found.cut.value if found.cut.column == "q" and np.isfinite(found.cut.value) else 0.1
        known = -np.log10(np.clip(rate, SMALLEST_Q, 1))
        layers.append(_layer("q", known, nearest, float(-np.log10(max(cut, SMALLEST_Q)))))
    return layers[::-1] if found.cut.column == "q" and len(layers) > 1 else layers


def _least_score(found: MappedTiles) -> float:
    """Give the score of the least similar match; without matches that of the best hundredth."""
    if found.cut.column == "score" and np.isfinite(found.cut.value):
        return float(found.cut.value)
    scores = found.scores[np.asarray(found.tiles["match"], dtype=bool)]
    scores = scores[np.isfinite(scores)]
    return float(scores.min()) if len(scores) else float(np.nanpercentile(found.scores, 99))


def _layer(key: str, values: Numbers, nearest: Numbers, threshold: float) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    high = high if high > low else low + 1.0
    shades = [float(each) for each in np.percentile(known, SHADES)] if len(known) else [low, high]
    seen = np.append(values, np.nan)[nearest]
    return {
        "key": key,
        "picture": numbers_picture(seen, low, high),
        "low": low,
        "high": high,
        "shades": shades if shades[1] > shades[0] else [low, high],
        "threshold": min(max(threshold, low), high),
    }


def _place(where: Footprint, frame: Frame) -> dict[str, float]:
    lon, lat = from_galactic(np.array([where.lon_deg]), np.array([where.lat_deg]), frame)
    return {"lon": float(lon[0]), "lat": float(lat[0]), "size": where.width_deg}


def _corners(where: Footprint, frame: Frame) -> Sequence[tuple[float, float]]:
    outline = where.outline(4)
    lon, lat = from_galactic(outline.l.deg, outline.b.deg, frame)
    return [(round(x, 5), round(y, 5)) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]


def _label(name: object) -> str:
    """Shorten a name so that it fits on the sky."""
    text = one_line(name)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"
