"""Map, search and explain are one path: the same query gives the same tiles, scores and sentences."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from mocpy import MOC
from PIL import Image
from regions import CircleSkyRegion
from threadpoolctl import threadpool_limits

import skykin
from skykin.core.errors import UsageError
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.provenance import Provenance
from skykin.jobs.examples import cut_in_context
from skykin.products.summary import summary_lines
from skykin.style.positions import own_coverage
from skykin.style.statistics.statistic import position_weights
from skykin.tiling.grid import cut
from tests.asking import SETTINGS, small_index
from tests.skies import blob_survey

#: A part of that sky.
LITTLE = SETTINGS | {"area": "197,222,-32,-6"}
PLACE, OTHER = "209,-19", "230,-25"
#: Tile and cells are summed up in single precision in two orders; a tile with little structure feels it most.
ROUNDED = {"score": 1e-5, "cosine": 2e-5}
QUERIES = {
    "a place": (PLACE, {}),
    "the largest of two": ([PLACE, OTHER], {"combine": "max"}),
    "the mean of two": ([PLACE, OTHER], {"combine": "mean"}),
    "a counter-example": (PLACE, {"unlike": OTHER}),
    "views": ([PLACE, OTHER], {"turns": 4, "scales": "2/3,1"}),
    "weights": (PLACE, {"weight": {"block5_conv1": 4, "block1_conv1": 0}}),
}


@pytest.fixture(scope="module", autouse=True)
def _quick(tmp_path_factory):
    """An average of few tiles, a cache of its own, one thread."""
    with pytest.MonkeyPatch.context() as changed, threadpool_limits(1):
        changed.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("one_path") / "cache"))
        changed.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        yield


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The small sky with a hole, and an index of it that keeps whole vectors."""
    return small_index(tmp_path_factory.mktemp("exact"), exact=True)


#: A second pair of runs for each shows little that the others do not.
LONG = ("the largest of two", "the mean of two", "a counter-example", "weights")


@pytest.fixture(
    scope="module",
    params=[pytest.param(each, marks=[pytest.mark.slow] * (each in LONG)) for each in QUERIES],
)
def pair(request, both):
    """A map and the answer of an index to the same query."""
    survey, index = both
    reference, more = QUERIES[request.param]
    made = skykin.map(survey, reference, **SETTINGS, **more)
    return made, skykin.search(index, reference, measure=True, survey=survey, **more)


# Map and search


def test_map_and_search_give_the_same_tiles_and_scores(pair):
    made, found = pair
    assert made.provenance.grid["kind"] == "facets"
    assert made.tiles.colnames == found.tiles.colnames
    np.testing.assert_array_equal(made.tiles["name"], found.tiles["name"])
    for name in ("lon", "lat", "ra", "dec", "coverage", "brightness", "mean_intensity", "area"):
        values, others = (u.Quantity(each.tiles[name]).value for each in pair)
        np.testing.assert_allclose(values, others, rtol=1e-6, atol=1e-12)
    for name in ("score", *(f"cosine_{layer}" for layer in made.layers)):
        rounded = ROUNDED[name.split("_")[0]]
        np.testing.assert_allclose(made.tiles[name], found.tiles[name], rtol=0, atol=rounded)
        assert np.median(np.abs(made.tiles[name] - found.tiles[name])) < 1e-6
    # Far from the bulk, the null's tail answers to the last bits.
    for name in ("standardised", "p", "q"):
        np.testing.assert_allclose(made.tiles[name], found.tiles[name], rtol=0.02, atol=2e-3)
    np.testing.assert_array_equal(made.tiles["match"], found.tiles["match"])
    # But for the numbers of tiles that are kept, nothing is rounded: the query is the same.
    query, other = made.source.query_style, found.source.scorer().style
    np.testing.assert_array_equal(query.layer_weights, other.layer_weights)
    assert query.combine == other.combine
    for layer in made.layers:
        np.testing.assert_allclose(query.vectors[layer], other.vectors[layer], rtol=0, atol=1e-6)


def test_map_and_search_tell_the_same(pair):
    made, found = (each.summary for each in pair)
    assert _keys(made.to_dict()) == _keys(found.to_dict())
    assert [_words(line) for line in summary_lines(made)] == [_words(line) for line in summary_lines(found)]
    assert (made.reference, made.warnings, made.combine) == (found.reference, found.warnings, found.combine)
    assert made.reference_score == pytest.approx(found.reference_score, abs=1e-6)
    assert made.controls == pytest.approx(found.controls, abs=1e-6)


def _keys(value):
    """Names in nested dictionaries, without what they hold."""
    if isinstance(value, dict):
        return {name: _keys(inner) for name, inner in value.items()}
    return [_keys(inner) for inner in value] if isinstance(value, list) else None


def _words(sentence):
    """A sentence without its numbers."""
    return re.sub(r"[+−-]?\d+(\.\d+)?(e-\d+)?", "#", sentence)


# Explain


def test_explain_shows_what_search_showed(both):
    survey, index = both
    found = skykin.search(index, PLACE, survey=survey, pyramid=True)
    sizes = found.tiles["best_size"].to_value(u.deg)
    smaller = np.flatnonzero(sizes < index.tile_deg - 1e-6)
    for number in (int(np.argmax(found.scores)), int(smaller[0])):
        told, tile = skykin.explain(index, PLACE, number, sample=0, survey=survey), found.tiles[number]
        assert told.tile.score == tile["score"]
        assert (told.tile.rank, told.tile.match) == (tile["rank"], tile["match"])
        assert told.cosines == {layer: tile[f"cosine_{layer}"] for layer in index.layers}
        at_best = min(told.sizes, key=lambda size: abs(size - sizes[number]))
        assert told.sizes[at_best][0] == pytest.approx(tile["best_score"], abs=1e-6)
        assert max(score for score, _ in told.sizes.values()) == pytest.approx(tile["best_score"], abs=1e-6)
        network = index.meter().shared.network
        seen = cut_in_context(index.sky(survey), index.footprints[number], index.pixels, network.halo)
        coverage = own_coverage(network, seen)
        for layer, where in told.where.items():
            weights = position_weights(coverage, where.shape)
            mean = np.average(where[weights > 0], weights=weights[weights > 0])
            assert mean == pytest.approx(tile[f"cosine_{layer}"], abs=2e-5)


# A map again


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The made-up sky about Orion as a FITS image."""
    place, path = Footprint(209, -19, 30), tmp_path_factory.mktemp("image") / "orion.fits"
    values = blob_survey().sample(*place.pixel_positions((90, 90)))[0].sum(axis=-1)
    fits.PrimaryHDU(values.astype(np.float32), place.wcs((90, 90)).to_header()).writeto(path)
    return path


def _region():
    return MOC.from_cone(lon=_orion().icrs.ra, lat=_orion().icrs.dec, radius=4 * u.deg, max_depth=8)


def _orion():
    return SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic")


def _picture():
    return Picture(np.random.default_rng(4).random((32, 48, 3), np.float32), np.ones((32, 48), np.float32))


@pytest.mark.parametrize(
    ("reference", "more"),
    [
        (PLACE, {"weight": {"block3_conv1": 2}}),
        pytest.param(_region(), {"unlike": "217,-12", "top_fraction": 0.2}, marks=pytest.mark.slow),
        pytest.param(_picture(), {"pixel_scale": 0.3}, marks=pytest.mark.slow),
    ],
    ids=["place", "region", "picture"],
)
def test_a_map_is_made_again_from_its_provenance_alone(image, reference, more, monkeypatch):
    how = {"tile_size": 10, "spacing": 5, "pixels": 32, "recipe": "mean-std"}
    made = skykin.map(image, reference, **how, **more)
    read = Provenance.from_dict(json.loads(json.dumps(made.provenance.to_dict(), allow_nan=False)))
    assert read == made.provenance
    assert read.settings["survey"] == Path(image).name, "provenance does not tell where a user keeps files"
    monkeypatch.chdir(Path(image).parent)
    again = skykin.map_again(read)
    assert again.tiles["score"].tobytes() == made.tiles["score"].tobytes()
    assert np.isfinite(again.tiles["score"]).all()
    assert again.query == made.query
    assert again.cut == made.cut
    assert again.provenance == made.provenance


@pytest.mark.slow
def test_a_survey_in_memory_is_asked_for_again(both):
    survey, _ = both
    made = skykin.map(survey, PLACE, **LITTLE)
    with pytest.raises(UsageError, match="the survey 'blobs' was an object in memory, .* give it again"):
        skykin.map_again(made.provenance)
    again = skykin.map_again(made.provenance, survey=survey)
    assert again.tiles["score"].tobytes() == made.tiles["score"].tobytes()


def test_queries_of_other_places_weights_or_combinations_differ():
    query = skykin.read_query([PLACE, OTHER], weight={"block1_conv1": 2})
    assert query == skykin.read_query((PLACE, OTHER), weight={"block1_conv1": 2})
    for other in (
        skykin.read_query(PLACE, weight={"block1_conv1": 2}),
        skykin.read_query([PLACE, OTHER]),
        skykin.read_query([PLACE, OTHER], weight={"block1_conv1": 2}, combine="mean"),
        skykin.read_query([PLACE, OTHER], weight={"block1_conv1": 2}, width=3),
        skykin.read_query([PLACE, OTHER], weight={"block1_conv1": 2}, unlike="0,0"),
    ):
        assert query != other


# Every kind of reference


def _ds9(folder, sky):
    file = folder / "orion.reg"
    file.write_text("galactic\ncircle(209,-19,5)\n")
    return file


def _png(folder, sky):
    # As fine as the tiles of the map, which are 10° of 32 pixels.
    file = folder / "orion.png"
    rgb = cut(sky, Footprint(209, -19, 10), 32).rgb
    Image.fromarray((rgb * 255).round().astype(np.uint8)).save(file)
    return file


def _as_picture(folder, sky):
    rgb = np.asarray(Image.open(_png(folder, sky)), np.float32) / 255
    return Picture(rgb, np.ones(rgb.shape[:2], np.float32))


KINDS = {
    "SkyCoord": lambda folder, sky: _orion().icrs,
    "tuple": lambda folder, sky: (209.0, -19.0),
    "Footprint": lambda folder, sky: Footprint(209, -19, 12),
    "MOC": lambda folder, sky: _region(),
    "region": lambda folder, sky: CircleSkyRegion(_orion().icrs, 5 * u.deg),
    "Picture": _as_picture,
    "DS9 file": _ds9,
    "PNG file": _png,
}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(each, marks=[pytest.mark.slow] * (each not in ("SkyCoord", "MOC"))) for each in KINDS],
)
def test_a_map_takes_a_reference_of_any_kind(both, tmp_path, kind):
    survey, index = both
    reference = KINDS[kind](tmp_path, index.sky(survey))
    scale = 10 / 32 if kind in {"Picture", "PNG file"} else None
    found = skykin.map(survey, reference, pixel_scale=scale, **LITTLE)
    assert len(found.tiles) > 12
    assert np.isfinite(found.scores).all()
    best = int(np.argmax(found.scores))
    assert found.scores[best] > (0.8 if scale is None else 0.5)  # a picture lacks what lies around it
    assert found.coordinates[best].separation(_orion()).deg < 3.6  # half a diagonal of the grid's spacing
    assert (found.references == ()) == (scale is not None)
