"""An index in a bucket: built there, searched from there, and built on after its builder was killed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import skykin
from skykin.core.errors import IndexRefusedError, RemoteError, UsageError
from skykin.core.object_store import object_store
from skykin.core.progress import SilentProgress
from skykin.indexing import copies
from skykin.indexing.layout import MANIFEST, SHARDS
from skykin.indexing.manifest import read_manifest
from skykin.indexing.remote import RemoteIndex
from skykin.indexing.standing import Standing
from tests.buckets import fresh_bucket, server, settings_of

pytestmark = pytest.mark.extra
HOW = {"tile_size": 10, "spacing": 5, "pixels": 32, "recipe": "mean-std", "area": "200,245,-30,5", "jobs": 1}
#: Sides of facets: a few of them, each quickly measured.
SIDE = 96
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def served():
    with server() as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def _small_facets(asked_survey):  # other tests share that survey: it is made first
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setattr("skykin.tiling.facets.MOST_PIXELS", SIDE)
        yield


@pytest.fixture
def bucket(served, tmp_path):
    with fresh_bucket(served, tmp_path / "cache") as made:
        yield made


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    """The made-up sky as a file."""
    from tests.skies import blob_survey

    return blob_file(blob_survey(), tmp_path_factory.mktemp("sky") / "blobs.fits")


def blob_file(survey, path):
    from astropy.io import fits

    lon, lat = np.meshgrid(255 - 0.5 * np.arange(140), -40 + 0.5 * np.arange(110))
    header = fits.Header({
        "CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 255.0, "CRVAL2": 0.0, "CDELT1": -0.5,
        "CDELT2": 0.5, "CRPIX1": 1.0, "CRPIX2": 81.0, "BUNIT": "K",
    })  # fmt: skip
    fits.writeto(path, survey.sample(lon, lat)[0].sum(axis=-1).astype(np.float32), header)
    return path


@pytest.fixture(scope="module")
def local(plate, tmp_path_factory):
    """The same index in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKYKIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        return skykin.index(plate, tmp_path_factory.mktemp("local") / "blobs.skykin", **HOW)


def shards_of(manifest):
    return {name: (shard.file, shard.sha256) for name, shard in manifest.shards.items()}


def in_bucket(bucket):
    """Manifest as it lies in the bucket, and the shards that are there."""
    address = f"{bucket.address}/blobs.skykin"
    manifest = read_manifest(RemoteIndex(address).manifest_folder())
    return manifest, {key.rpartition("/")[2] for key in bucket.keys("blobs.skykin/shards")}


@pytest.mark.slow
def test_an_index_in_a_bucket_is_that_of_a_folder_and_another_computer_reads_only_what_it_needs(
    bucket, plate, local, monkeypatch, tmp_path
):
    address = f"{bucket.address}/blobs.skykin"
    made = skykin.index(plate, address, **HOW)
    manifest, there = in_bucket(bucket)
    assert shards_of(manifest) == shards_of(local.manifest)
    assert there == {file for file, _ in shards_of(manifest).values()}
    assert made.search("209,-19").scores == pytest.approx(local.search("209,-19").scores)
    # Another computer has another cache.
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "other"))
    known = len(bucket.requests)
    other = skykin.open_index(Path(address))  # pathlib makes one slash of two
    assert other.tiles["name"].tolist() == local.tiles["name"].tolist()
    asked = [path.rpartition("/")[2] for method, path in bucket.requests[known:] if method == "GET"]
    assert {name.partition("-")[0] for name in asked} == {"manifest.sqlite", "scale", "tiles"}
    table = skykin.nearest_tiles(other, "209,-19", k=2)
    wanted = skykin.nearest_tiles(local, "209,-19", k=2)
    assert table["name"].tolist() == wanted["name"].tolist()
    assert table["score"] == pytest.approx(wanted["score"])
    came = [path for method, path in bucket.requests[known:] if method == "GET" and path.endswith(".npy")]
    assert len(came) == len(set(came)) <= len(there)  # none twice
    again = len(bucket.requests)
    skykin.nearest_tiles(skykin.open_index(address), "209,-19", k=2)
    assert [path for _, path in bucket.requests[again:] if path.endswith(".npy")] == []


@pytest.mark.slow
def test_a_shard_that_was_altered_in_the_bucket_is_found_before_it_is_used(
    bucket, plate, monkeypatch, tmp_path
):
    address = f"{bucket.address}/blobs.skykin"
    skykin.index(plate, address, **HOW)
    _, there = in_bucket(bucket)
    (altered,) = [name for name in sorted(there) if name.startswith("projection-")][:1]
    content = bytearray(bucket.get(f"blobs.skykin/shards/{altered}"))
    content[-3] ^= 1
    bucket.put(f"blobs.skykin/shards/{altered}", bytes(content))
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "other"))
    with pytest.raises(IndexRefusedError, match=f"shard '{altered}' .* does not hold the bytes") as caught:
        skykin.nearest_tiles(address, "209,-19", k=2)
    assert caught.value.code == "IX-CORRUPT"


@pytest.mark.slow
def test_of_two_builders_of_one_index_the_second_writes_nothing_over_the_first(
    bucket, plate, local, monkeypatch, tmp_path
):
    address = f"{bucket.address}/blobs.skykin"
    from skykin.indexing import remote_build

    bring, started = remote_build._bring, []

    def meanwhile(remote, folder):
        bring(remote, folder)
        if not started:  # the other one, on its own computer, is quicker
            started.append(True)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SKYKIN_CACHE", str(tmp_path / "other"))
                skykin.index(plate, address, **HOW)

    monkeypatch.setattr(remote_build, "_bring", meanwhile)
    with pytest.raises(IndexRefusedError, match="is being built by another process, too") as caught:
        skykin.index(plate, address, **HOW)
    assert caught.value.code == "IX-LOCKED"
    assert shards_of(in_bucket(bucket)[0]) == shards_of(local.manifest)
    again = skykin.index(plate, address, **HOW)
    assert shards_of(again.manifest) == shards_of(local.manifest)


def uploaded(bucket, index, name, folder):
    """Put an index of a folder into the bucket as it is."""
    copy = folder / f"{name}.sqlite"
    with closing(sqlite3.connect(index.path / MANIFEST)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    bucket.put(f"{name}/{MANIFEST}", copy.read_bytes())
    for shard in index.manifest.shards.values():
        bucket.put(f"{name}/{SHARDS}/{shard.file}", (index.path / SHARDS / shard.file).read_bytes())
    return f"{bucket.address}/{name}"


class Told:
    """Keeps what is said."""

    def __init__(self):
        self.said = []
        self.stage = SilentProgress().stage

    def say(self, sentence):
        self.said.append(sentence)


@pytest.fixture
def small(asked_survey):
    return asked_survey[1]


def kept(address):
    return {path.name for path in (RemoteIndex(address).copy() / SHARDS).iterdir()}


def processes_end():
    """Let go of the copies as a process does that ends."""
    for scratch in copies._opened.values():
        scratch.remove()
    copies._opened.clear()


def test_copies_take_no_more_than_the_limit_and_what_was_read_longest_ago_goes_first(
    bucket, small, monkeypatch, tmp_path
):
    first, second, third = (uploaded(bucket, small, f"{name}.skykin", tmp_path) for name in "abc")
    size = small.manifest.size
    whole = {shard.file for shard in small.manifest.shards.values()}
    monkeypatch.setenv("SKYKIN_INDEX_CACHE_GIB", str(2.5 * size / 2**30))
    monkeypatch.setattr(copies, "COUNT_AFTER", 0)
    monkeypatch.setattr(copies.ROOM, "_left", 0.0)
    for address in (first, second):
        skykin.open_index(address).verify()
    assert (kept(first), kept(second)) == (whole, whole)
    processes_end()
    used = max(whole, key=lambda file: file.startswith("tiles"))
    time.sleep(0.02)
    copies.shard_used(RemoteIndex(first).place / "a.skykin" / SHARDS / used)
    processes_end()
    skykin.open_index(third).verify()
    assert kept(third) == whole
    assert used in kept(first) < whole
    sizes = {shard.file: shard.size for shard in small.manifest.shards.values()}
    assert sum(sizes[file] for each in (first, second, third) for file in kept(each)) <= 2.5 * size
    assert kept(second) == whole  # was read later
    # What was removed comes again when it is needed.
    assert skykin.nearest_tiles(first, "209,-19", k=1)["name"][0] == "G205.13-05.11"


@pytest.mark.slow
def test_of_an_index_that_is_open_nothing_is_removed(bucket, small, monkeypatch, tmp_path):
    first, second = (uploaded(bucket, small, f"{name}.skykin", tmp_path) for name in "ab")
    monkeypatch.setenv("SKYKIN_INDEX_CACHE_GIB", "1e-9")
    monkeypatch.setattr(copies, "COUNT_AFTER", 0)
    monkeypatch.setattr(copies.ROOM, "_left", 0.0)
    whole = {shard.file for shard in small.manifest.shards.values()}
    for address in (first, second):
        skykin.open_index(address).verify()
    assert (kept(first), kept(second)) == (whole, whole)
    # Another process that has it open counts as much as this one.
    program = (
        "import sys, time, skykin; skykin.open_index(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-P", "-c", program, first], env=environment, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        processes_end()
        copies.ROOM.make(0)
        shards = RemoteIndex(first).place / "a.skykin" / SHARDS
        assert {path.name for path in shards.iterdir()} == whole
        assert list((RemoteIndex(second).place / "b.skykin" / SHARDS).iterdir()) == []
        other.kill()
    copies.ROOM.make(0)
    assert list(shards.iterdir()) == []


def test_only_shards_of_copies_are_ever_removed(small, monkeypatch, tmp_path):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path))
    monkeypatch.setenv("SKYKIN_INDEX_CACHE_GIB", "1e-9")
    name = next(iter(small.manifest.shards.values())).file
    remote = RemoteIndex("s3://sky/a.skykin")
    mine = [tmp_path / "indexes" / "0123456789abcdef" / "mine" / SHARDS / name]
    mine += [
        tmp_path / "indexes" / "notes" / "a.skykin" / SHARDS / name,
        remote.copy() / SHARDS / "notes.npy",
    ]
    for path in (*mine, remote.copy() / SHARDS / name):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"something")
    processes_end()
    copies.Room().make(0)
    assert all(path.exists() for path in mine)
    assert not (remote.place / "a.skykin" / SHARDS / name).exists()


@pytest.mark.parametrize("told", ["much", "0", "-1", "nan"])
def test_a_limit_that_is_no_number_is_told(monkeypatch, told):
    monkeypatch.setenv("SKYKIN_INDEX_CACHE_GIB", told)
    with pytest.raises(
        UsageError, match=f"SKYKIN_INDEX_CACHE_GIB is '{told}'; set it to a number of GiB, such as 64"
    ):
        copies.limit_bytes()


@pytest.fixture
def no_network(bucket, monkeypatch):
    """Give what breaks the connection to the bucket."""

    def end():
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setattr("skykin.core.object_store.TRIES", 1)
        object_store.cache_clear()

    return end


def test_an_index_whose_files_are_here_is_opened_and_searched_without_the_network(
    bucket, small, no_network, tmp_path
):
    address, told = uploaded(bucket, small, "a.skykin", tmp_path), Told()
    skykin.open_index(address).verify()
    no_network()
    found = skykin.nearest_tiles(address, "209,-19", k=2, progress=told)
    assert found["name"].tolist() == ["G205.13-05.11", "G223.28-23.86"]
    (sentence,) = told.said
    begin = f"'{address}' cannot be reached: its copy on this computer is used, as the index was on "
    assert sentence.startswith(begin)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", sentence.removeprefix(begin))
    assert skykin.info(address, progress=told).facts["index"] == "a.skykin"


def test_a_heat_map_of_an_index_in_a_bucket_is_that_of_the_folder(bucket, small, tmp_path):
    address = uploaded(bucket, small, "a.skykin", tmp_path)
    wanted, found = (skykin.heat_map(place, "209,-19", k=2) for place in (small, address))
    assert found.best["name"].tolist() == wanted.best["name"].tolist()
    np.testing.assert_array_equal(found.score_map.columns["SCORE"], wanted.score_map.columns["SCORE"])


def test_an_index_of_which_a_file_is_missing_says_so_without_the_network(bucket, small, no_network, tmp_path):
    address = uploaded(bucket, small, "a.skykin", tmp_path)
    index = skykin.open_index(address)
    index.verify()
    missing = next(
        shard.file for shard in small.manifest.shards.values() if shard.name.startswith("projection")
    )
    (index.path / SHARDS / missing).unlink()
    no_network()
    with pytest.raises(
        RemoteError, match=r"cannot be reached .*; of the index 'a.skykin' some files that this needs"
    ):
        skykin.nearest_tiles(address, "209,-19", k=2)


def test_an_index_that_was_never_read_is_told_without_the_network(no_network, bucket):
    no_network()
    with pytest.raises(
        RemoteError, match=r"cannot be reached .*; there is no copy of the index 'a.skykin' on this"
    ):
        skykin.open_index(f"{bucket.address}/a.skykin")


def test_what_is_no_index_is_told(bucket):
    with pytest.raises(IndexRefusedError, match=f"'{bucket.address}/no.skykin' is no index: it holds no"):
        skykin.open_index(f"{bucket.address}/no.skykin")


@pytest.mark.parametrize("of", [RemoteIndex.copy, lambda remote: Path(remote.address)])
def test_standing_queries_are_refused_for_an_index_in_a_bucket(tmp_path, monkeypatch, of):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="but 's3://sky/blobs.skykin' is in a bucket; give the folder"):
        Standing(of(RemoteIndex("s3://sky/blobs.skykin")))


def builder(plate, address, environment):
    options = [text for name, value in HOW.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    program = (
        f"import skykin.tiling.facets as facets; facets.MOST_PIXELS = {SIDE}; "
        "import sys; from skykin.cli import main; sys.exit(main())"
    )
    return subprocess.Popen(
        [sys.executable, "-P", "-c", program, "index", str(plate), "-o", address, "--quiet", *options],
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(map(str, sys.path))},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("other_computer", [False, True])
def test_a_builder_that_is_killed_loses_only_what_was_not_committed(
    bucket, plate, local, tmp_path, other_computer
):
    """Killed as soon as so many shards are in the bucket, then run again: here, or with another cache."""
    address = f"{bucket.address}/blobs.skykin"
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    seen, kills = [], 0
    for shards in (1, 25, 60):
        cache = tmp_path / (f"cache-{kills}" if other_computer else "cache")
        running = builder(plate, address, settings_of(bucket, cache))
        while running.poll() is None and len(bucket.keys("blobs.skykin/shards")) < shards:
            time.sleep(0.02)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            kills += 1
        _, told = running.communicate()
        assert running.returncode in (0, -signal.SIGKILL), told.decode()
        if f"blobs.skykin/{MANIFEST}" in bucket.keys("blobs.skykin"):
            manifest, there = in_bucket(bucket)  # its seal is right
            assert {file for file, _ in shards_of(manifest).values()} <= there
            seen.append(len(manifest.shards))
    assert kills >= 2
    assert seen == sorted(seen)
    last = builder(plate, address, settings_of(bucket, tmp_path / "last"))
    assert last.wait(timeout=300) == 0, last.stderr.read().decode()
    last.stderr.close()
    manifest, there = in_bucket(bucket)
    assert not manifest.missing
    assert shards_of(manifest) == shards_of(local.manifest)
    assert {file for file, _ in shards_of(manifest).values()} <= there
    assert all(re.fullmatch(r"[\w.-]+\.npy", name) for name in there)
