"""Sky without structure has no score: in a map, in a search and in an index alike."""

import numpy as np
import pytest
from astropy.io import fits
from threadpoolctl import threadpool_limits

import skykin
from skykin.core.errors import DataQualityError
from skykin.core.progress import SilentProgress
from skykin.indexing.query.neighbours import nearest_tiles_of
from skykin.products.summary import summary_lines

SETTINGS = {"tile_size": 8.0, "spacing": 4.0, "pixels": 32, "recipe": "mean-std"}
#: In the half with clouds, and in the half without.
CLOUDS, NOTHING = "88,0", "68,0"


def clouds(seed=1):
    """An image (64, 160) of smooth clouds, 0.25° to a pixel about l = 80°, b = 0°."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :160] * 1.0
    values = np.full((64, 160), 5.0)
    for _ in range(60):
        row, column, width = random.uniform(0, 64), random.uniform(0, 160), random.uniform(2, 8)
        values += random.uniform(1, 6) * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / width**2)
    return values.astype(np.float32)


def write(path, values):
    cards = {
        "CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 80.0, "CRVAL2": 0.0, "CRPIX1": 80.5,
        "CRPIX2": 32.5, "CDELT1": -0.25, "CDELT2": 0.25, "BMAJ": 0.5,
    }  # fmt: skip
    fits.PrimaryHDU(values, fits.Header(cards)).writeto(path, overwrite=True)
    return path


@pytest.fixture(scope="module", autouse=True)
def _quick(tmp_path_factory):
    with pytest.MonkeyPatch.context() as changed, threadpool_limits(1):
        changed.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("flat") / "cache"))
        changed.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        changed.setattr("skykin.jobs.streamed.STANDARD_TILES", 12)
        yield


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """Clouds at l > 80°; beyond, 5 everywhere but for the last bit of single precision."""
    values, random = clouds(), np.random.default_rng(2)
    values[:, 80:] = np.float32(5) + np.float32(5e-7) * random.integers(-1, 2, (64, 80), dtype=np.int8)
    assert np.ptp(values[:, 80:]) > 0
    return write(tmp_path_factory.mktemp("half") / "half.fits", values)


class Said(SilentProgress):
    def __init__(self):
        self.sentences = []

    def say(self, sentence):
        self.sentences.append(sentence)


def known_and_constant(tiles):
    """Scores, and which tiles lie wholly beyond the clouds, a pixel of margin left."""
    west = tiles["lon"].value + tiles["width"].value / 2
    return np.asarray(tiles["score"]), west < 79.5


@pytest.fixture(scope="module")
def index(half, tmp_path_factory):
    return skykin.index(half, tmp_path_factory.mktemp("flat") / "half.skykin", **SETTINGS)


@pytest.fixture(scope="module")
def found(half):
    said = Said()
    return skykin.map(half, CLOUDS, progress=said, **SETTINGS), said.sentences


def test_tiles_that_are_the_same_everywhere_have_no_score_and_never_match(found):
    kin, said = found
    score, constant = known_and_constant(kin.tiles)
    assert constant.sum() >= 10
    assert np.isnan(score[constant]).all()
    assert np.isfinite(score[~constant & (kin.tiles["lon"].value > 82)]).all()
    assert not np.asarray(kin.tiles["match"])[constant].any()
    assert set(kin.tiles["flag"][constant]) == {"DQ-CONST"}
    number = int(np.isnan(score).sum())
    assert any(
        f"{number} further tiles have no score, because their pictures are the same" in line
        for line in summary_lines(kin.summary)
    )
    assert any(
        f"{number} of {len(score)} tiles have no score, because their pictures are the same" in line
        for line in said
    )


def test_tiles_without_structure_are_the_same_in_map_search_and_single_tiles(found, half, index):
    score, _ = known_and_constant(found[0].tiles)
    searched = index.search(CLOUDS)
    np.testing.assert_array_equal(np.isnan(searched.tiles["score"]), np.isnan(score))
    np.testing.assert_array_equal(searched.tiles["flag"], found[0].tiles["flag"])
    alone, west = known_and_constant(skykin.map(half, CLOUDS, engine="tiles", **SETTINGS).tiles)
    assert np.isnan(alone[west]).all()
    assert np.isfinite(alone).any()


def test_other_sizes_of_tile_and_similar_tiles_leave_sky_without_structure_out(index):
    tiles = index.search(CLOUDS, pyramid=True).tiles
    beyond = tiles["lon"].value < 74
    assert beyond.any()
    assert np.isnan(tiles["best_score"][beyond]).all()
    near = nearest_tiles_of(index, 1)
    assert (near.numbers[beyond, 0] == -1).all()
    assert (near.numbers >= 0).any()
    assert not set(near.numbers.ravel()) & set(np.flatnonzero(beyond))


@pytest.mark.parametrize("how", ["map", "one by one", "search"])
def test_a_reference_without_structure_is_refused(half, index, how):
    ask = {
        "map": lambda: skykin.map(half, NOTHING, **SETTINGS),
        "one by one": lambda: skykin.map(half, NOTHING, engine="tiles", **SETTINGS),
        "search": lambda: index.search(NOTHING),
    }[how]
    with pytest.raises(DataQualityError, match="has no style, .* it is the same everywhere") as refused:
        ask()
    assert refused.value.code == "DQ-CONST"
