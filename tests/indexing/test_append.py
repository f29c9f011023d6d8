"""Appending to an index: the old version answers until the new one is whole, and nothing is mixed."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from threadpoolctl import threadpool_limits

import skykin
from skykin.core.errors import IndexRefusedError
from skykin.core.settings import MapSettings
from skykin.indexing.facet_style import FacetMeter
from skykin.indexing.layout import SHARDS
from skykin.indexing.manifest import read_manifest
from skykin.jobs.index import index_as
from tests.skies import blob_survey

#: One facet; MORE adds another.
TINY = MapSettings(
    tile_size=30, spacing=15, pixels=32, area="190,218,-40,5", min_coverage=0.1, recipe="mean-std", jobs=1
)
MORE = replace(TINY, area="70,100,-15,15")


@pytest.fixture(scope="module")
def survey():
    return blob_survey()


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def made(survey, tmp_path_factory):
    return index_as(replace(TINY, survey=survey), tmp_path_factory.mktemp("made") / "tiny").path


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "tiny")


def append(survey, folder, settings=MORE):
    return index_as(replace(settings, survey=survey), folder, append=True)


def answers(index):
    """Names and vectors of all tiles, read from disk."""
    return list(index.tiles["name"]), np.concatenate([block for _, block in index.vectors()]).tolist()


def test_the_old_version_answers_while_another_area_is_measured_and_after_a_stop(folder, survey, monkeypatch):
    before, measure, during = answers(skykin.open_index(folder)), FacetMeter.__call__, []

    def watched(self, facet):
        during.append(answers(skykin.open_index(folder)))
        return measure(self, facet)

    monkeypatch.setattr(FacetMeter, "__call__", watched)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skykin.indexing.builder._Builder._fit", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            append(survey, folder)
    assert during == [before]
    stopped = skykin.open_index(folder)
    assert answers(stopped) == before
    assert stopped.verify() == stopped.manifest.size
    grown = append(survey, folder)
    assert set(before[0]) < set(grown.tiles["name"])
    assert len(during) == 1  # the facet that was finished is kept
    assert len(grown.counts) == 3


def test_an_append_that_was_stopped_is_the_same_in_the_end_and_leaves_no_file(
    folder, made, survey, tmp_path, monkeypatch
):
    whole = append(survey, shutil.copytree(made, tmp_path / "whole"))
    monkeypatch.setattr("skykin.indexing.builder._Builder._fit", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        append(survey, folder)
    monkeypatch.undo()
    grown = append(survey, folder)
    assert grown.manifest.shards == whole.manifest.shards
    assert {path.name for path in (folder / SHARDS).iterdir()} == {
        s.file for s in whole.manifest.shards.values()
    }


def test_another_append_begins_from_what_answers_and_forgets_the_one_that_was_stopped(
    folder, made, survey, tmp_path, monkeypatch
):
    other = replace(TINY, area="280,300,-10,10")
    whole = append(survey, shutil.copytree(made, tmp_path / "whole"), other)
    monkeypatch.setattr("skykin.indexing.builder._Builder._fit", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        append(survey, folder)
    monkeypatch.undo()
    grown = append(survey, folder, other)
    assert grown.manifest.shards == whole.manifest.shards
    assert grown.area == whole.area
    assert {path.name for path in (folder / SHARDS).iterdir()} == {
        s.file for s in whole.manifest.shards.values()
    }


def test_the_plain_command_leaves_an_append_that_was_stopped_as_it_is(folder, survey, monkeypatch):
    monkeypatch.setattr("skykin.indexing.builder._Builder._fit", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        append(survey, folder)
    monkeypatch.undo()
    files = {path.name for path in (folder / SHARDS).iterdir()}
    index_as(replace(TINY, survey=survey), folder)
    assert {path.name for path in (folder / SHARDS).iterdir()} == files
    with pytest.raises(IndexRefusedError, match="was made with .*recipe name 'mean-std'"):
        append(survey, folder, replace(MORE, recipe="covariance"))
    assert {path.name for path in (folder / SHARDS).iterdir()} == files


def test_an_open_index_says_that_it_was_replaced_not_that_it_is_damaged(folder, survey):
    old, used = skykin.open_index(folder), skykin.open_index(folder)
    before = answers(used)
    append(survey, folder)
    with pytest.raises(
        IndexRefusedError, match="the index 'tiny' was replaced while it was open, .* open it again"
    ) as e:
        list(old.vectors())
    assert e.value.code == "IX-REPLACED"
    with pytest.raises(IndexRefusedError, match="was replaced while it was open"):
        list(used.vectors())
    with pytest.raises(IndexRefusedError, match="was replaced while it was open"):
        old.verify()
    now = skykin.open_index(folder)
    assert set(before[0]) < set(now.tiles["name"])
    shutil.rmtree(folder)
    with pytest.raises(IndexRefusedError, match="the index 'tiny' was replaced while it was open"):
        list(now.vectors())


def test_what_is_damaged_in_an_open_index_is_still_called_damaged(folder):
    index = skykin.open_index(folder)
    path = next((folder / SHARDS).glob("projection-*.npy"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexRefusedError, match=f"shard '{path.name}' of the index has") as caught:
        list(index.vectors())
    assert caught.value.code == "IX-CORRUPT"


@pytest.mark.slow
def test_an_index_is_the_same_to_the_bit_for_any_number_of_threads_and_any_order_of_its_areas(
    made, survey, tmp_path
):
    threads = index_as(replace(TINY, survey=survey, jobs=3), tmp_path / "threads")
    assert threads.manifest.shards == read_manifest(made).shards
    both = append(survey, shutil.copytree(made, tmp_path / "both"))
    third = replace(TINY, area="280,300,-10,10")
    one = append(survey, both.path, third)
    other = append(survey, append(survey, shutil.copytree(made, tmp_path / "other"), third).path)
    cells = {
        name: shard.sha256 for name, shard in one.manifest.shards.items() if name.startswith(("cells", "mom"))
    }
    assert cells == {name: other.manifest.shards[name].sha256 for name in cells}
    assert set(one.tiles["name"]) == set(other.tiles["name"])


def test_scores_are_the_same_to_the_bit_however_much_is_read_at_a_time(made, monkeypatch):
    whole = skykin.open_index(made).search("209,-19", top_fraction=0.3).scores
    monkeypatch.setattr("skykin.indexing.shards.WINDOW", 1)
    np.testing.assert_array_equal(skykin.open_index(made).search("209,-19", top_fraction=0.3).scores, whole)


def test_appending_what_is_there_already_changes_no_shard(folder, survey):
    before = read_manifest(folder)
    append(survey, folder, TINY)
    assert read_manifest(folder).shards == before.shards
    assert read_manifest(folder).steps == before.steps


def _interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_tiles_of_a_hips_in_a_folder_that_change_are_found_and_only_their_facets_measured(
    tmp_path, monkeypatch
):
    from astropy.io import fits

    from tests.hostile.hips_tiles import write_hips

    sky = write_hips(tmp_path / "sky", orders=(2,))
    how = {
        "tile_size": 8,
        "spacing": 4,
        "pixels": 32,
        "area": "60,110,-10,10",
        "recipe": "mean-std",
        "jobs": 1,
    }
    monkeypatch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 6)
    monkeypatch.setattr("skykin.tiling.facets.MOST_PIXELS", 96)
    first = skykin.index(sky, tmp_path / "i", **how)
    assert len(first.counts) > 3
    measured, measure = [], FacetMeter.__call__
    monkeypatch.setattr(
        FacetMeter, "__call__", lambda self, facet: measured.append(1) or measure(self, facet)
    )
    skykin.index(sky, tmp_path / "i", append=True, **how)
    assert measured == []
    (lon, lat) = first.tiles["lon"][0].value, first.tiles["lat"][0].value
    from astropy_healpix import HEALPix

    number = int(HEALPix(4, order="nested").lonlat_to_healpix(lon * u.deg, lat * u.deg))
    path = sky / "Norder2" / "Dir0" / f"Npix{number}.fits"
    values = fits.getdata(path) + 3
    fits.PrimaryHDU(values).writeto(path, overwrite=True)
    skykin.index(sky, tmp_path / "i", append=True, **how)
    assert 0 < len(measured) < len(first.counts)
