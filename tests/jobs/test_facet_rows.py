"""Tests of whole maps by the shared engine: agreement, seams, determinism, going on after a stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import skykin
from skykin.core.area import SkyBox
from skykin.core.errors import UsageError
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings
from skykin.jobs.examples import cut_in_context
from skykin.jobs.sizing import sized
from skykin.jobs.streamed import FacetReader, facets_of
from skykin.style.engine.meter import ContextMeter
from skykin.style.engine.shared import SharedMeter
from skykin.style.network.blocks import block_network
from skykin.style.recipe import recipe
from skykin.style.signature import layer_cosines
from skykin.style.similarity import QueryStyle
from skykin.survey.render import RenderedSurvey, Stretch, measure_stretch
from skykin.survey.table.wham import open_wham
from skykin.tiling.facets import facets
from tests.skies import Patch, blob_survey

#: Little sky in few pixels: four facets.
SMALL = {
    "tile_size": 30,
    "spacing": 15,
    "pixels": 32,
    "recipe": "mean-std",
    "area": "170,240,-40,10",
    "min_coverage": 0.1,
}


class Texture:
    """Waves of one character everywhere on the sphere, in directions that have no pole."""

    def __init__(self):
        rng = np.random.default_rng(8)
        directions = rng.normal(size=(160, 3))
        self._waves = directions / np.linalg.norm(directions, axis=1)[:, None] * rng.uniform(15, 45, (160, 1))
        self._phases = rng.uniform(0, 2 * np.pi, (160, 3))

    def colours(self, lon_deg, lat_deg):
        lon, lat = np.broadcast_arrays(np.radians(lon_deg), np.radians(lat_deg))
        where = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
        rgb = np.zeros((*lon.shape, 3), np.float32)
        for wave, phase in zip(self._waves, self._phases, strict=True):
            rgb += np.cos((where @ wave)[..., None] + phase).astype(np.float32)
        return np.clip(0.5 + rgb / 40, 0, 1), np.ones(lon.shape, np.float32)

    intensity_bands, sample = (0, 1, 2), colours
    stretch = Stretch("linear", (0.0,) * 3, (1.0,) * 3, 0.1)

    @property
    def survey(self):
        return self


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(1):
        yield


def _reader(name="poster", tile=64):
    """A reader of the texture, and the style of one of its tiles as a query."""
    how = recipe(name)
    meter = ContextMeter(SharedMeter(how, block_network(how.layers)), tile)
    reference = meter(cut_in_context(Texture(), _footprint(), tile, meter.halo))
    return FacetReader(Texture(), meter, 0.5), QueryStyle(how, (reference,))


def _footprint():
    return Footprint(209, -19, 15)


@pytest.mark.slow
def test_a_facets_central_tile_scores_what_the_tile_alone_scores_in_its_context():
    reader, style = _reader()
    facet = next(f for f in facets(15, 3.75, 64) if f.lat_deg == 0)
    rows = reader.rows(facet, style)
    footprints = facet.footprints()
    away = [abs(f.lat_deg) + abs((f.lon_deg - facet.lon_deg + 180) % 360 - 180) for f in footprints]
    middle = int(np.argmin(away))
    assert away[middle] < 1e-6
    for number, tolerance in ((middle, 1e-5), (0, 0.03), (len(rows) - 1, 0.03)):
        # The facet's own picture of a tile off its middle is turned and bent a little.
        pixel = 4 * np.tan(np.radians(15 / 4)) / 64
        width = np.degrees(4 * np.arctan(facet.pixel / pixel * np.tan(np.radians(15 / 4))))
        there = Footprint(footprints[number].lon_deg, footprints[number].lat_deg, width)
        alone = reader.meter(cut_in_context(Texture(), there, 64, reader.meter.halo))
        cosines = list(layer_cosines(alone, style.likes[0]).values())
        np.testing.assert_allclose(rows["cosines"][number], cosines, rtol=0, atol=tolerance)


def _steps(reader, style, pieces):
    """Median difference of the scores of neighbours, across borders of facets and inside."""
    centers, scores, owner = [], [], []
    for number, piece in enumerate(pieces):
        centers += [(f.lon_deg, f.lat_deg) for f in piece.footprints()]
        scores.append(reader.rows(piece, style)["cosines"].mean(axis=1))
        owner += [number] * len(scores[-1])
    score, owner, (lon, lat) = np.concatenate(scores), np.array(owner), np.radians(centers).T
    where = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    angle = np.degrees(np.arccos(np.clip(where @ where.T, -1, 1)))
    a, b = np.nonzero(np.triu((angle > 2.2) & (angle < 4.2), 1))
    step, across = np.abs(score[a] - score[b]), owner[a] != owner[b]
    known = np.isfinite(step)
    assert (across & known).sum() > 50
    return np.median(step[across & known]), np.median(step[~across & known])


@pytest.mark.slow
def test_scores_of_a_texture_have_no_step_at_the_borders_of_facets():
    across, inside = _steps(*_reader(), facets(15, 3.75, 64, SkyBox(10, 70, -45, 45)))
    assert across < 1.2 * inside


@pytest.mark.slow
@pytest.mark.wham
@pytest.mark.parametrize(
    ("area", "most"),
    # About a pole no picture has north up everywhere: where the cap begins, directions jump and scores may.
    [((0, 360, -72, 72), 1.2), ((0, 360, 60, 90), 2.0)],
)
def test_scores_of_wham_have_no_step_at_borders_or_longitude_zero(wham_path, area, most):
    survey = open_wham(wham_path)
    sky = RenderedSurvey(survey, measure_stretch(survey))
    meter = _reader()[0].meter
    reference = meter(cut_in_context(sky, _footprint(), 64, meter.halo))
    reader = FacetReader(sky, meter, min_coverage=0.5)
    style = QueryStyle(meter.recipe, (reference,))
    across, inside = _steps(reader, style, facets(15, 3.75, 64, SkyBox(*area)))
    assert across < most * inside


@pytest.mark.parametrize(
    "changes", [{}, {"recipe": "core-contrast", "spacing": 15 / 4, "pixels": 64, "area": "200,215,-30,0"}]
)
@pytest.mark.slow
def test_the_same_map_for_any_number_of_workers(changes):
    survey, how = blob_survey(), SMALL | changes
    first, second = (skykin.map(survey, **how, jobs=jobs) for jobs in (1, 3))
    np.testing.assert_array_equal(first.tiles["score"], second.tiles["score"])
    assert first.provenance.to_dict()["grid"]["kind"] == "facets"


@pytest.mark.slow
def test_facets_may_come_in_any_order():
    (reader, style), pieces = _reader("mean-std", 32), facets(30, 15, 32, SkyBox(170, 240, -40, 10))
    forward = [reader.rows(piece, style).tobytes() for piece in pieces]
    backward = [reader.rows(piece, style).tobytes() for piece in reversed(pieces)]
    assert forward == backward[::-1]


@pytest.mark.slow
def test_a_stopped_map_goes_on_from_its_finished_facets(monkeypatch):
    survey, read, seen = blob_survey(), FacetReader.rows, []
    whole = skykin.map(survey, **SMALL, jobs=1)

    def stop_at_the_third(self, facet, *query):
        seen.append(facet)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return read(self, facet, *query)

    monkeypatch.setattr(FacetReader, "rows", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        skykin.map(survey, **SMALL, jobs=1)
    done = len(seen) - 1
    seen.clear()
    monkeypatch.setattr(FacetReader, "rows", lambda self, f, *query: seen.append(f) or read(self, f, *query))
    again = skykin.map(survey, **SMALL, jobs=1)
    total = len(facets(30, 15, 32, SkyBox(170, 240, -40, 10)))
    assert len(seen) == total - done
    assert again.tiles["score"].tobytes() == whole.tiles["score"].tobytes()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_map_goes_on_from_its_finished_facets(tmp_path):
    cache = tmp_path / "killed"
    code = (
        "import skykin; from tests.skies import blob_survey; "
        f"skykin.map(blob_survey(), **{ {**SMALL, 'area': None}!r}, jobs=1)"
    )
    environment = {**os.environ, "SKYKIN_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 300
    while len(list(cache.glob("work/*/facet-*.part"))) < 4 and time.monotonic() < deadline:
        assert process.poll() is None, "the map was done before it could be killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    parts = {path: path.stat().st_mtime_ns for path in cache.glob("work/*/facet-*.part")}
    assert len(parts) >= 4
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=600)
    assert not list(cache.glob("work/*/*"))


@pytest.mark.slow
def test_a_survey_of_a_part_of_the_sky_is_mapped_by_the_shared_engine():
    survey = Patch(blob_survey(), Extent(209, -18, 25))
    kin = skykin.map(survey, "209,-19", tile_size=20, spacing=10, pixels=32, recipe="mean-std")
    tiles = kin.tiles
    assert survey.extent.contains(tiles["lon"].value, tiles["lat"].value).all()
    assert kin.provenance.to_dict()["grid"]["kind"] == "facets"
    assert len(tiles) == 9
    assert kin.scored.n_left_out == 0  # positions beside the survey are none
    assert 0.5 <= tiles["coverage"].min() < 0.9
    best = np.argmax(tiles["score"])
    away = np.hypot(tiles["lon"].value[best] - 209, tiles["lat"].value[best] + 19)
    assert away < 8


def test_settings_that_contradict_the_engine_are_refused():
    with pytest.raises(
        UsageError, match="the shared engine reads its tiles from facets, which --grid plate-carree"
    ):
        MapSettings(engine="shared", grid="plate-carree")
    with pytest.raises(
        UsageError, match="a dense map is read by the shared engine .* leave out --engine tiles"
    ):
        MapSettings(engine="tiles", dense=True)
    with pytest.raises(UsageError, match="engine is 'fast', but it must be tiles or shared"):
        MapSettings(engine="fast")
    with pytest.raises(
        UsageError,
        match="only the shared engine runs the fast network; leave out --stretch-per-tile or --fast",
    ):
        MapSettings(fast=True, stretch_per_tile=True)


@pytest.mark.parametrize(("name", "step"), [("covariance", 16), ("core-contrast", 8)])
def test_a_dense_map_has_tiles_as_close_as_the_recipe_s_deepest_layer_lets_them_be(name, step):
    asked = MapSettings(dense=True, tile_size=15, pixels=128)
    found = sized(asked, blob_survey(), recipe(name), SilentProgress())
    assert found.spacing_deg == pytest.approx(15 * step / 128)
    piece, *_ = facets_of(found, recipe(name), blob_survey())
    assert (piece.tile, piece.spacing) == (128, step)
