"""What a survey holds, in words, numbers and one picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from skykin.core.atomic import whole_file
from skykin.core.protocols import ColouredSky, Survey
from skykin.core.shapes import BandValues, Coverage
from skykin.products.field import field_of_sky, frame_shown
from skykin.products.preview import WIDEST_REGION_DEG, region_image, sky_image
from skykin.survey.render import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Told by a line of their own.
SPOKEN = {"name", "file", "sha256", "unit", "bands", "beam_deg", "frame", "projection"}
LONGEST_LIST = 5


def survey_facts(survey: Survey, values: BandValues, coverage: Coverage) -> dict[str, str]:
    """Describe a survey by name, place, resolution and values.

    Parameters
    ----------
    survey : Survey
    values, coverage : arrays (n, 3), (n,)
        Samples of equal area over the survey's extent.
    """
    known = survey.to_dict()
    seen = coverage > 0
    facts = {
        "survey": f"{survey.name}: {survey.title}",
        "file": f"{survey.source.name} (SHA-256 {survey.source.sha256[:16]}…)",
        "frame": str(known.get("frame", "not told")),
        "projection": str(known.get("projection", "not told")),
        "extent": _extent(survey),
        "resolution": f"{survey.beam_deg:.4g}° ({survey.beam_deg * 60:.4g}′)",
        "unit": survey.unit or "none",
        "covered": f"{coverage.mean(dtype=np.float64):.1%} of the extent",
    }
    columns = np.moveaxis(values[seen], -1, 0)
    if len(set(survey.bands)) == 1:
        facts["brightness"] = f"{survey.bands[0]}: {_range(columns[0])}"
    else:
        for colour, band, column in zip(COLOURS, survey.bands, columns, strict=True):
            facts[colour] = f"{band}: {_range(column)}"
    for name, value in known.items():
        if name not in SPOKEN:
            facts[name.replace("_", " ")] = _short(value)
    facts["credits"] = "; ".join(survey.credits) or "none known: cite the survey's own paper"
    return facts


def survey_picture(survey: Survey, sky: ColouredSky) -> Figure:
    """Draw the survey in colours, with a graticule and a legend of its bands."""
    # Matplotlib is loaded for a picture only.
    from skykin.products.figures.canvas import house_style  # noqa: PLC0415
    from skykin.products.figures.rendered_sky import survey_figure  # noqa: PLC0415

    field = None
    if survey.extent.radius_deg < WIDEST_REGION_DEG:
        field = field_of_sky(sky, survey.extent, frame_shown(survey.to_dict()))
    with house_style():
        return survey_figure(sky, survey.title, survey.bands, field)


def write_survey_preview(survey: Survey, sky: ColouredSky, path: Path, width: int = 1024) -> None:
    """Write the survey in colours as PNG: a part of the sky gnomonic, the whole sky in plate carrée."""
    if survey.extent.radius_deg < WIDEST_REGION_DEG:
        picture = region_image(sky, survey.extent, width // 2)
    else:
        picture = sky_image(sky, width)
    with whole_file(path) as temporary:
        Image.fromarray(np.round(picture * 255).clip(0, 255).astype(np.uint8)).save(temporary, format="PNG")


def _extent(survey: Survey) -> str:
    extent = survey.extent
    if extent.is_all_sky:
        return "the whole sky"
    # A centre that misses the plane by a rounding error is on it: b is +0, not −0.
    lat_deg = round(extent.lat_deg, 4) + 0.0
    return f"within {extent.radius_deg:.4g}° of l={extent.lon_deg:.4f}°, b={lat_deg:+.4f}°"


def _range(values: np.ndarray) -> str:
    if not len(values):
        return "nothing covered"
    low, middle, high = np.percentile(values, (1, 50, 99))
    return f"{low:.4g} to {high:.4g} (1 % to 99 %), median {middle:.4g}"


def _short(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) > LONGEST_LIST:
        return f"{len(value)} entries"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_short(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_short(entry) for entry in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
