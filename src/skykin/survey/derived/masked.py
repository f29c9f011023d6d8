"""A survey confined to a part of the sky."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from skykin.core.area import MocArea
from skykin.core.atomic import sha256_of
from skykin.core.extent import Extent
from skykin.core.protocols import Survey
from skykin.core.provenance import Source
from skykin.core.shapes import BandValues, Coverage, Degrees
from skykin.survey.base import About, BaseSurvey
from skykin.survey.fill import filled, in_rows
from skykin.survey.sky_mask import read_sky_mask


def masked(survey: Survey, path: Path) -> MaskedSurvey:
    """Use only the part of a survey that lies in a MOC or in the regions of a DS9 file.

    Raises
    ------
    InputRefusedError
        If the file cannot be used; see `read_sky_mask`.
    """
    mask = read_sky_mask(path)
    return MaskedSurvey(survey, mask, Source(path.name, sha256_of(path)), mask.extent())


@dataclass(frozen=True, eq=False, repr=False)
class MaskedSurvey(BaseSurvey):
    """A survey with coverage 0 outside a part of the sky.

    Parameters
    ----------
    survey : Survey
    mask : MocArea
        What is used.
    mask_source : Source
        The file that says so.
    mask_extent : Extent
        Where it lies.
    """

    survey: Survey
    mask: MocArea
    mask_source: Source
    mask_extent: Extent

    @property
    def about(self) -> About:
        """Names and sources of the survey."""
        return About.of(self.survey)

    @property
    def beam_deg(self) -> float:
        """Angular resolution (full width), degrees."""
        return self.survey.beam_deg

    @property
    def extent(self) -> Extent:
        """The smaller of the caps that hold the survey and the part."""
        return min(self.survey.extent, self.mask_extent, key=lambda extent: extent.radius_deg)

    @property
    def overview(self) -> MaskedSurvey:
        """The same part of the survey's overview."""
        return replace(self, survey=self.survey.overview)

    def to_dict(self) -> dict[str, object]:
        """Plain values for provenance, those of the mask among them."""
        mask = {"file": self.mask_source.name, "sha256": self.mask_source.sha256, "share": self.mask.share}
        return self.survey.to_dict() | {"mask": mask}

    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        """Sample the survey; values outside the mask are filled from inside."""
        values, coverage = self.survey.sample(lon_deg, lat_deg)
        (inside,) = in_rows(lambda *part: (self.mask.contains(*part),), lon_deg, lat_deg)
        covered = np.where(inside, coverage, np.float32(0))
        return filled(values, covered), covered
