"""What changes no score: faults of single pixels, the unit of the data, and turns of the sky by 90°."""

import numpy as np
import pytest
from astropy import units as u
from astropy_healpix import HEALPix
from threadpoolctl import threadpool_limits

import skykin
from tests.hostile.healpix_files import write_map
from tests.jobs.test_flat_sky import CLOUDS, SETTINGS, Said, clouds, write
from tests.skies import intensity

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _quick(tmp_path_factory):
    with pytest.MonkeyPatch.context() as changed, threadpool_limits(1):
        changed.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("same") / "cache"))
        changed.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        yield


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    """Scores of an image by the name of the tile, and what was said."""

    def scored(values):
        said = Said()
        path = write(tmp_path_factory.mktemp("image") / "sky.fits", values)
        tiles = skykin.map(path, CLOUDS, progress=said, **SETTINGS).tiles
        flags = tiles["flag"] if "flag" in tiles.colnames else [""] * len(tiles)
        found = zip(tiles["name"], tiles["score"], flags, strict=True)
        return {name: (score, flag) for name, score, flag in found}, said.sentences

    return scored


@pytest.fixture(scope="module")
def plain(scores):
    return scores(clouds())[0]


def changes(one, other):
    return {name: abs(one[name][0] - other[name][0]) for name in one if name in other}


@pytest.mark.parametrize("fault", [1e30, -1e30, np.inf, -np.inf])
def test_one_hot_pixel_changes_no_score_by_more_than_a_thousandth(scores, plain, fault):
    values = clouds()
    values[30, 100] = fault
    changed = changes(plain, scores(values)[0])
    assert len(changed) == len(plain)
    assert max(changed.values()) <= 1e-3


@pytest.mark.parametrize("factor", [1e30, 1e-30])
def test_the_unit_of_the_data_changes_no_score(scores, plain, factor):
    changed = changes(plain, scores(clouds().astype(np.float64) * factor)[0])
    assert len(changed) == len(plain)
    assert max(changed.values()) <= 1e-6


def test_tiles_with_holes_are_named(scores, plain):
    values = clouds()
    values[8:24, 40:56] = np.nan  # 4° in tiles of 8°
    found, said = scores(values)
    named = {name for name, (_, flag) in found.items() if flag == "DQ-PARTIAL"}
    before = {name for name, (_, flag) in plain.items() if flag == "DQ-PARTIAL"}
    assert before & set(found) < named < set(found)
    assert any(
        f"{len(named)} of {len(found)} tiles have holes in more than 5 % of their area" in line
        for line in said
    )
    many = len(named) > 0.1 * len(found)
    assert many == any(
        f"with holes in {len(named) / len(found):.0%} of the tiles, the scores" in line for line in said
    )


def test_negative_data_are_doubted_in_a_sentence(scores, plain):
    found, said = scores(clouds() - 100)
    assert any("nearly all values of" in line and "turn their sign if they" in line for line in said)
    # Beyond the border the picture continues by mirrors, whatever the zero of the data.
    inner = [name for name in plain if name in found]
    assert len(inner) == len(plain)


def test_a_turn_of_the_sky_by_90_degrees_changes_no_score(tmp_path):
    grid = HEALPix(32, order="ring")
    lon, lat = (angle.deg for angle in grid.healpix_to_lonlat(np.arange(grid.npix)))
    values = intensity(lon, lat)[:, 1].astype(np.float32)
    scored = {}
    for turn in (0, 90):
        before = grid.lonlat_to_healpix((lon - turn) * u.deg, lat * u.deg)
        path = write_map(tmp_path / f"{turn}.fits", {"I": values[before]})
        area = f"{185 + turn},{235 + turn},-30,0"
        kin = skykin.map(
            path, f"{209 + turn},-19", engine="tiles", recipe="mean-std", tile_size=12, spacing=6, pixels=32,
            area=area,
        )  # fmt: skip
        scored[turn] = np.asarray(kin.tiles["score"])[np.lexsort((kin.tiles["lon"], kin.tiles["lat"]))]
    np.testing.assert_allclose(scored[0], scored[90], rtol=0, atol=1e-7)
