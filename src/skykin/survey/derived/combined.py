"""Three surveys of one sky, shown as red, green and blue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from skykin.core.errors import SkyError
from skykin.core.extent import Extent
from skykin.core.protocols import Survey
from skykin.core.provenance import Source
from skykin.core.shapes import BandValues, Coverage, Degrees
from skykin.survey.base import About, BaseSurvey


def combine(red: Survey, green: Survey, blue: Survey) -> CombinedSurvey:
    """Show three surveys together, the mean of the bands of each as one colour.

    Only what all three cover is covered.  Their beams differ unless they were smoothed to a
    common one (option ``smooth_deg``).

    Raises
    ------
    SkyError
        If their footprints do not overlap.
    """
    parts = (red, green, blue)
    smallest = min((part.extent for part in parts), key=lambda extent: extent.radius_deg)
    for part in parts:
        distance = float(part.extent.distance_deg(np.array(smallest.lon_deg), np.array(smallest.lat_deg)))
        if distance > part.extent.radius_deg + smallest.radius_deg:
            raise SkyError(
                f"{part.name} lies {distance:.3g}° from the other surveys and has no sky in common with "
                "them; combine surveys of one region"
            )
    return CombinedSurvey(parts, smallest)


@dataclass(frozen=True, eq=False, repr=False)
class CombinedSurvey(BaseSurvey):
    """Three surveys as the bands of one.

    Parameters
    ----------
    parts : three Survey
        Red, green and blue.
    extent : Extent
        Cap that holds the common footprint of the three.
    """

    parts: tuple[Survey, Survey, Survey]
    extent: Extent

    @property
    def about(self) -> About:
        """The three names, titles and files; the unit, if all have the same; every credit once."""
        units = {part.unit for part in self.parts}
        red, green, blue = (f"{part.name} ({part.unit})" if part.unit else part.name for part in self.parts)
        together = "".join(part.source.sha256 for part in self.parts)
        return About(
            name="+".join(part.name for part in self.parts),
            title=", ".join(part.title for part in self.parts),
            unit=units.pop() if len(units) == 1 else "",
            bands=(red, green, blue),
            source=Source(
                " + ".join(part.source.name for part in self.parts),
                hashlib.sha256(together.encode()).hexdigest(),
            ),
            credits=tuple(dict.fromkeys(credit for part in self.parts for credit in part.credits)),
        )

    @property
    def beam_deg(self) -> float:
        """The widest beam."""
        return max(part.beam_deg for part in self.parts)

    @property
    def overview(self) -> CombinedSurvey:
        """The three overviews together."""
        red, green, blue = (part.overview for part in self.parts)
        return CombinedSurvey((red, green, blue), self.extent)

    def _facts(self) -> dict[str, object]:
        return {
            "frame": "galactic",
            "projection": "three surveys",
            "red": self.parts[0].to_dict(),
            "green": self.parts[1].to_dict(),
            "blue": self.parts[2].to_dict(),
        }

    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        """Sample each survey; the coverage is the least of the three."""
        sampled = [part.sample(lon_deg, lat_deg) for part in self.parts]
        values = np.stack([bands.mean(axis=-1) for bands, _ in sampled], axis=-1)
        coverage = np.minimum.reduce([covered for _, covered in sampled])
        return values.astype(np.float32), np.asarray(coverage, np.float32)
