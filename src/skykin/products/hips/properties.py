"""The text file ``properties`` of a HiPS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Literal

import numpy as np

from skykin.core.clean import one_line
from skykin.core.extent import Extent
from skykin.core.frames import from_galactic
from skykin.products.hips.geometry import WIDTH, HipsFrame, pixel_deg

HipsFormat = Literal["fits", "png", "jpeg"]
FRAMES: Mapping[HipsFrame, str] = {"galactic": "galactic", "icrs": "equatorial"}
#: Widest view that viewers begin with, degrees.
WIDEST_FIELD_DEG = 180.0


@dataclass(frozen=True)
class HipsFacts:
    """What a HiPS says about itself.

    Parameters
    ----------
    name : str
        Short, of letters, digits and hyphens: the last part of its identifier.
    title : str
    frame : {"galactic", "icrs"}
    order : int
        The finest.
    formats : tuple of {"fits", "png", "jpeg"}
        Formats of its tiles; the first is what a viewer shows.
    extent : Extent
        What a viewer shows first.
    sky_fraction : float
        Share of the sky with data.
    cut : pair of float, optional
        Numbers that a viewer shows darkest and brightest, where there are tiles of numbers.
    unit : str
        Of the numbers.
    bitpix : int
        Of the numbers: −32 or 16.
    credits : tuple of str
    description : str
    averaged : bool
        Whether tiles of lower orders are means; of labels they are picked.
    released : datetime, optional
        When it was made, UTC.
    """

    name: str
    title: str
    frame: HipsFrame
    order: int
    formats: tuple[HipsFormat, ...]
    extent: Extent
    sky_fraction: float = 1.0
    cut: tuple[float, float] | None = None
    unit: str = ""
    bitpix: int = -32
    credits: tuple[str, ...] = ()
    description: str = ""
    averaged: bool = True
    released: datetime | None = None


def properties_text(facts: HipsFacts) -> str:
    """Write the file ``properties``: each keyword of the standard that is known, a line each.

    References
    ----------
    Fernique et al. 2017, HiPS 1.0, IVOA Recommendation, section 4.4.1.
    """
    ra, dec, field_deg = first_view(facts.extent)
    date = "" if facts.released is None else facts.released.strftime("%Y-%m-%dT%H:%MZ")
    said = {
        "creator_did": f"ivo://UNK.AUT/P/skykin/{facts.name}",
        "obs_title": facts.title,
        "obs_description": facts.description,
        "obs_ack": "; ".join(facts.credits),
        "data_unit": facts.unit if "fits" in facts.formats else "",
        "dataproduct_type": "image",
        "hips_version": "1.4",
        "hips_builder": f"Skykin {version('skykin')}",
        "hips_creation_date": date,
        "hips_release_date": date,
        "hips_status": "public master clonable",
        "hips_frame": FRAMES[facts.frame],
        "hips_order": facts.order,
        "hips_order_min": 0,
        "hips_tile_width": WIDTH,
        "hips_tile_format": " ".join(facts.formats),
        "hips_pixel_scale": f"{pixel_deg(facts.order):.6g}",
        "hips_hierarchy": "mean" if facts.averaged else "",
        "hips_initial_ra": f"{ra:.6f}",
        "hips_initial_dec": f"{dec:.6f}",
        "hips_initial_fov": f"{field_deg:.6g}",
        "moc_sky_fraction": f"{facts.sky_fraction:.6g}",
    }
    if "fits" in facts.formats:
        said["hips_pixel_bitpix"] = facts.bitpix
        if facts.cut is not None:
            low, high = facts.cut
            said["hips_pixel_cut"] = f"{low:.7g} {high:.7g}"
    lines = ((key, one_line(value).strip()) for key, value in said.items())
    return "".join(f"{key:20} = {text}\n" for key, text in lines if text)


def first_view(extent: Extent) -> tuple[float, float, float]:
    """Right ascension, declination and width, degrees, that show a cap of the sky."""
    lon, lat = np.array([extent.lon_deg]), np.array([extent.lat_deg])
    ra, dec = from_galactic(lon, lat, "icrs")
    return float(ra[0]), float(dec[0]), min(2 * extent.radius_deg, WIDEST_FIELD_DEG)
