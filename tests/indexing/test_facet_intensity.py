"""Tests of the intensity of a facet's tiles against that of each tile by itself."""

import numpy as np
import pytest

from skykin.core.area import SkyBox
from skykin.indexing.facet_intensity import mean_intensities
from skykin.survey.intensity import mean_intensity
from skykin.tiling.facets import facets
from tests.skies import blob_survey


class Masked:
    """A survey that saw nothing north of its edge, where its values are wild."""

    intensity_bands = (0, 1, 2)

    def __init__(self, survey, edge_deg):
        self._survey, self._edge_deg = survey, edge_deg

    def sample(self, lon_deg, lat_deg):
        values, coverage = self._survey.sample(lon_deg, lat_deg)
        seen = np.broadcast_to(lat_deg <= self._edge_deg, coverage.shape)
        return np.where(seen[..., None], values, 1e3), np.where(seen, coverage, 0)


@pytest.mark.parametrize(("tile", "spacing", "step"), [(64, 1.875, 8), (128, 3.75, 16), (96, 3.75, 8)])
def test_the_tiles_of_a_facet_are_as_bright_as_each_by_itself(tile, spacing, step):
    survey = Masked(blob_survey(), -12)
    for facet in facets(15, spacing, tile, SkyBox(195, 225, -32, -6), step=step):
        found = mean_intensities(survey, facet)[facet.own]
        expected = np.array([mean_intensity(survey, footprint) for footprint in facet.footprints()])
        # A facet turns and bends its outer tiles a little, and the light of a blob is steep.
        np.testing.assert_allclose(found, expected, rtol=0.08)
        assert np.median(np.abs(found / expected - 1)) < 0.02


def test_a_tile_that_nothing_is_known_of_has_no_intensity():
    survey = Masked(blob_survey(), -40)
    for facet in facets(15, 7.5, 64, SkyBox(200, 220, -20, 0)):
        assert np.isnan(mean_intensities(survey, facet)[facet.own]).all()
