"""The frame and the order of a HiPS that suit a survey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skykin.core.extent import Extent
from skykin.core.protocols import Survey
from skykin.products.field import frame_shown
from skykin.products.hips.geometry import HipsFrame, recommended_order
from skykin.products.preview import WIDEST_REGION_DEG
from skykin.survey.healpix.cells import cell_side_deg


def hips_frame(extent: Extent, survey_facts: Mapping[str, Any]) -> HipsFrame:
    """Galactic for much of the sky; for a small field equatorial, where its image is.

    Parameters
    ----------
    extent : Extent
    survey_facts : mapping
        Of the survey, as provenance has them.
    """
    if extent.radius_deg >= WIDEST_REGION_DEG or frame_shown(survey_facts) != "icrs":
        return "galactic"
    return "icrs"


def order_of_survey(survey: Survey) -> int:
    """Coarsest order whose pixels are not larger than those of a survey, or half its beam."""
    facts = survey.to_dict()
    found: Any = facts.get("pixel_deg")
    if found is None and (nside := facts.get("nside")):
        found = cell_side_deg(int(str(nside)).bit_length() - 1)
    return recommended_order(float(found) if found else survey.beam_deg / 2)
