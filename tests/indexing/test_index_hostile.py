"""Tests of an index under hostile conditions: one clear sentence each, and nothing lost."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core import atomic
from skykin.core.errors import DataQualityError, IndexRefusedError, ResourceError, UsageError
from skykin.core.scratch import MARKER
from skykin.core.settings import MapSettings
from skykin.indexing.builder import writing
from skykin.indexing.facet_style import FacetMeter
from skykin.indexing.layout import MANIFEST, SHARDS
from skykin.indexing.manifest import Manifest, ManifestWriter, read_manifest
from skykin.indexing.own_files import check_index_folder
from skykin.jobs.index import index_as
from tests.skies import blob_survey

#: One facet.
TINY = MapSettings(
    tile_size=30, spacing=15, pixels=32, area="190,218,-40,5", min_coverage=0.1, recipe="mean-std", jobs=1
)


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def survey():
    return blob_survey()


def built(survey, folder, settings=TINY):
    """Build an index of the survey by these settings."""
    return index_as(replace(settings, survey=survey), folder)


@pytest.fixture(scope="module")
def made(survey, tmp_path_factory):
    return built(survey, tmp_path_factory.mktemp("made") / "tiny").path


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "tiny")


def _shard(folder, kind):
    return next((folder / SHARDS).glob(f"{kind}-*.npy"))


def _use(folder):
    index = skykin.open_index(folder)
    list(index.vectors())
    list(index.vectors(None, "exact"))
    index.project(index.region(lambda lon, lat: lat < 90).signature)
    return index.tiles


def _signature(folder):
    """Everything that a manifest says of results, without the times that it does not hold."""
    manifest = read_manifest(folder)
    assert not manifest.missing
    return [(s.name, s.sha256, s.shape) for s in manifest.shards.values()], manifest.steps


@pytest.mark.parametrize("kind", ["cells", "moments", "tiles", "projection", "basis", "scale"])
def test_a_flipped_byte_in_any_shard_is_found_before_use(folder, kind):
    path = _shard(folder, kind)
    data = bytearray(path.read_bytes())
    for place in (5, 70, len(data) // 2, len(data) - 1):
        broken = bytearray(data)
        broken[place] ^= 1
        path.write_bytes(broken)
        with pytest.raises(
            IndexRefusedError, match=f"shard '{path.name}' .* does not hold the bytes"
        ) as caught:
            _use(folder)
        assert caught.value.code == "IX-CORRUPT"
    path.write_bytes(data)
    _use(folder)


def test_shards_cut_short_swapped_or_missing_are_named(folder):
    path, other = _shard(folder, "projection"), _shard(folder, "cells")
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(IndexRefusedError, match=f"has {len(data) - 1} bytes, not {len(data)}; nothing was"):
        _use(folder)
    path.write_bytes(other.read_bytes())
    with pytest.raises(IndexRefusedError, match=path.name):
        skykin.open_index(folder).verify()
    path.unlink()
    with pytest.raises(IndexRefusedError, match=f"shard '{path.name}' of the index is missing; nothing"):
        _use(folder)


def test_a_flipped_byte_in_the_manifest_is_found(folder):
    path = folder / MANIFEST
    data = path.read_bytes()
    known, rng = read_manifest(folder), random.Random(1)
    for place in rng.sample(range(len(data)), 200):
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :])
        try:
            found = read_manifest(folder)
        except IndexRefusedError as error:
            assert error.code in {"IX-CORRUPT", "IX-VERSION"}  # noqa: PT017
        else:
            assert found == known  # a byte that holds nothing


def test_other_versions_and_other_programs_are_refused(folder, tmp_path):
    for version, sentence in ((3, "format 3, but .* reads format 4; build it again"), (5, "update Skykin")):
        with closing(sqlite3.connect(folder / MANIFEST)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        with pytest.raises(IndexRefusedError, match=sentence) as caught:
            skykin.open_index(folder)
        assert caught.value.code == "IX-VERSION"
    with closing(sqlite3.connect(folder / MANIFEST)) as connection:
        connection.execute("PRAGMA application_id = 7")
    with pytest.raises(IndexRefusedError, match="is a database of another program; choose another folder"):
        skykin.open_index(folder)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / MANIFEST).write_text("hello" * 1000)
    with pytest.raises(IndexRefusedError, match=r"manifest.sqlite of the index 'text' is damaged"):
        skykin.open_index(tmp_path / "text")
    with pytest.raises(
        IndexRefusedError, match="^there is no index 'nothing'; make one with `skykin index`$"
    ):
        skykin.open_index(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(IndexRefusedError, match="'empty' is no index: it holds no manifest.sqlite; make one"):
        skykin.open_index(tmp_path / "empty")


def test_another_recipe_survey_or_grid_is_refused_with_what_differs(folder, survey):
    before = _signature(folder)
    with pytest.raises(IndexRefusedError, match="was made with .*recipe name 'mean-std' .now: 'covar") as e:
        built(survey, folder, replace(TINY, recipe="covariance"))
    assert e.value.code == "IX-MISMATCH"
    with pytest.raises(IndexRefusedError, match=r"grid pixels '32' \(now: '64'\)"):
        built(survey, folder, replace(TINY, pixels=64))
    with pytest.raises(IndexRefusedError, match="rendering kind 'asinh' .now: 'linear'"):
        built(survey, folder, replace(TINY, stretch="linear"))
    about = replace(survey.about, source=replace(survey.about.source, sha256="1" * 64))
    with pytest.raises(
        IndexRefusedError, match="survey sha256 '0000.*; give the same settings or another name"
    ):
        built(replace(survey, about=about), folder)
    with pytest.raises(IndexRefusedError, match="is of 'Survey of blobs' with sha256 000000000000…, but"):
        skykin.open_index(folder).sky(replace(survey, about=about))
    with pytest.raises(UsageError, match="was given as a Python object when it was indexed; give it again"):
        skykin.open_index(folder).sky()
    assert _signature(folder) == before


def test_a_survey_without_a_covered_tile_is_refused(survey, tmp_path):
    holed = blob_survey(covered=lambda lon, lat: lat > 30)
    with pytest.raises(
        DataQualityError,
        match="at least 2 tiles with data and structure, but 0 had them; choose a larger",
    ):
        built(holed, tmp_path / "empty")


def test_a_second_builder_is_told_who_is_first(folder, survey, tmp_path):
    with writing(folder):
        code = (
            "import sys; from skykin.indexing.builder import writing; from pathlib import Path\n"
            "with writing(Path(sys.argv[1])): pass"
        )
        run = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
        )
        assert f"is being built by process {os.getpid()} on" in run.stderr
        assert run.returncode == 1
    with writing(folder):
        pass


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_what_a_killed_builder_left_is_removed_and_nothing_else(folder, survey):
    code = (
        "import os, signal, sys; from pathlib import Path; from skykin.core.atomic import whole_file\n"
        "with whole_file(Path(sys.argv[1]) / 'moments-x.npy') as half:\n"
        "    half.write_bytes(b'half')\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder / SHARDS)], check=False)
    assert [path.name[:8] for path in (folder / SHARDS).glob(".*")] == [".skykin-"]
    (folder / SHARDS / ".notes").write_text("mine")
    with writing(folder):
        assert [path.name for path in (folder / SHARDS).glob(".*")] == [".notes"]
    _use(folder)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder_is_read_but_not_built_in(folder, survey):
    folder.chmod(0o500)
    try:
        _use(folder)
        with pytest.raises(ResourceError, match="cannot write the index") as caught:
            built(survey, folder)
        assert caught.value.code == "RS-READONLY"
    finally:
        folder.chmod(0o700)


@pytest.mark.slow
def test_a_full_disk_at_any_write_leaves_what_was_and_room_lets_it_go_on(survey, made, tmp_path, monkeypatch):
    wanted, path, sync = _signature(made), tmp_path / "full", atomic.sync
    left = 0

    def full(target):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(target)

    monkeypatch.setattr(atomic, "sync", full)
    for room in (0, 7):
        left = room
        with pytest.raises(ResourceError, match="No space left on device; the file is as it was") as caught:
            built(survey, path)
        assert caught.value.code == "RS-DISK"
        assert not list((path / SHARDS).glob(".*"))
        with pytest.raises(IndexRefusedError, match=r"is not finished: \d+ of \d+ parts are there; run the"):
            skykin.open_index(path)
    monkeypatch.setattr(atomic, "sync", sync)
    built(survey, path)
    assert _signature(path) == wanted


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk")
def test_a_really_full_disk(survey, made, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    for share in (0.05, 0.3, 0.6, 0.9):
        options = f"size={int(size * share)}"
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True, check=False
        ).returncode:
            pytest.skip("no disk can be mounted here")
        try:
            with pytest.raises(ResourceError, match="No space left|disk is full|disk I/O error"):
                built(survey, disk / "tiny")
            subprocess.run(["mount", "-o", f"remount,size={size * 3}", disk], check=True)
            built(survey, disk / "tiny")
            assert _signature(disk / "tiny") == _signature(made)
        finally:
            subprocess.run(["umount", disk], check=True)


def test_the_command_says_it_in_one_sentence(folder, tmp_path):
    runner = CliRunner()
    shown = runner.invoke(app, ["info", str(folder)])
    assert shown.exit_code == 0
    assert "4 of 30°, 15° apart" in shown.output or "of 30°" in shown.output
    assert "every file as it was written" in shown.output
    _shard(folder, "moments").write_bytes(b"")
    broken = runner.invoke(app, ["info", str(folder)])
    assert broken.exit_code == 5
    assert "IX-CORRUPT: shard 'moments-" in broken.output
    with closing(sqlite3.connect(folder / MANIFEST)) as connection:
        connection.execute("UPDATE facts SET value = '[0]' WHERE name = 'area'")
        connection.commit()
    sealed = runner.invoke(app, ["info", str(folder)])
    assert sealed.exit_code == 5
    assert "its rows are not those that were committed" in sealed.output


CODE = (
    "import sys\nfrom tests.skies import blob_survey\n"
    "from tests.indexing.test_index_hostile import KILLED, built\n"
    "built(blob_survey(), sys.argv[1], KILLED)\n"
)
KILLED = replace(TINY, area="170,240,-40,10")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_twenty_kills_at_random_moments_lose_nothing(survey, tmp_path):
    whole = built(survey, tmp_path / "whole", KILLED).path
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    rng, path = random.Random(7), tmp_path / "killed"
    kills, longest = 0, 6.0
    while kills < 20:
        process = subprocess.Popen([sys.executable, "-c", CODE, str(path)], env=environment)
        try:
            process.wait(rng.uniform(0.5, longest))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        assert process.returncode == 0
        assert _signature(path) == _signature(whole)
        shutil.rmtree(path)
    subprocess.run([sys.executable, "-c", CODE, str(path)], env=environment, check=True)
    assert _signature(path) == _signature(whole)
    known = {shard.file for shard in read_manifest(path).shards.values()}
    assert {file.name for file in (path / SHARDS).iterdir()} == known
    for file in known:
        assert (path / SHARDS / file).read_bytes() == (whole / SHARDS / file).read_bytes()


@pytest.mark.slow
def test_two_builders_at_once_make_one_index(survey, tmp_path):
    path = tmp_path / "two"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    both = [
        subprocess.Popen([sys.executable, "-c", CODE, str(path)], env=environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [process.communicate()[1].decode() for process in both]
    codes = [process.returncode for process in both]
    assert 0 in codes
    for code, text in zip(codes, told, strict=True):
        assert code == 0 or "is being built by process" in text
    assert _signature(path) == _signature(built(survey, tmp_path / "whole", KILLED).path)


def test_ctrl_c_leaves_an_index_that_goes_on(survey, made, tmp_path, monkeypatch):
    measure, seen = FacetMeter.__call__, []

    def stop(self, facet):
        seen.append(facet)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return measure(self, facet)

    monkeypatch.setattr(FacetMeter, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        built(survey, tmp_path / "stopped")
    built(survey, tmp_path / "stopped")
    assert len(seen) == 3  # the first one was kept
    assert _signature(tmp_path / "stopped") == _signature(made)
    monkeypatch.setattr("skykin.jobs.index.index", lambda *a, **k: _ctrl_c())
    told = CliRunner().invoke(app, ["index", "wham", "-o", str(tmp_path / "stopped")])
    assert told.exit_code == 130
    assert "what is finished is kept, and the same command goes on there" in told.output


def _ctrl_c():
    raise KeyboardInterrupt


def test_numbers_in_the_manifest_are_plain(folder):
    with closing(sqlite3.connect(folder / MANIFEST)) as connection:
        facts = dict(connection.execute("SELECT name, value FROM facts"))
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert json.loads(facts["grid"])["pixels"] == 32
    for path in (folder / SHARDS).iterdir():
        np.load(path, allow_pickle=False)
    assert not any(str(Path.home()) in text for text in facts.values())


FOREIGN = {
    ".notes": "mine",
    "thesis.tex": "mine",
    "shards/.hidden.npy": "mine",
    "shards/galaxies.npy": "mine",
}


def _filled(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _texts(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("name", [*FOREIGN, "shards/deep/a.npy", "writer.lock/mine", "manifest.sqlite"])
def test_a_folder_that_is_no_index_is_refused_before_anything_else(tmp_path, name):
    folder = _filled(tmp_path / "mine", {name: "mine"})
    with pytest.raises(
        UsageError, match=r"mine' holds '.*' and is no index, so nothing is written there"
    ) as e:
        index_as(replace(TINY, survey="no-such-survey"), folder)
    assert e.value.code == "USAGE-OUT"
    assert _texts(folder) == {name: "mine"}


def test_a_file_is_no_folder_for_an_index(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis.tex' is a file; name a folder for the index"):
        index_as(replace(TINY, survey="no-such-survey"), tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_files_of_somebody_in_an_index_outlive_its_builder(folder, survey):
    _filled(folder, FOREIGN)
    orphan = folder / SHARDS / "tiles-facet-old-0123456789abcdef.npy"
    orphan.write_bytes(b"never committed")
    index_as(replace(TINY, survey=survey, area="190,240,-40,5"), folder, append=True)
    assert not orphan.exists()
    assert {name: (folder / name).read_text() for name in FOREIGN} == FOREIGN


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("link", ["writer.lock", "shards", "manifest.sqlite", "manifest.sqlite-wal"])
def test_a_link_in_an_index_is_not_followed(folder, tmp_path, link):
    mine = _filled(tmp_path / "mine", {"tiles-facet-x-0123456789abcdef.npy": "mine", "a": "mine"})
    path = folder / link
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.symlink_to(mine if link == "shards" else mine / "a")
    with pytest.raises(UsageError, match=rf"'{link}' in .* is a link to another place"), writing(folder):
        pass
    assert set(_texts(mine).values()) == {"mine"}


def test_a_lock_with_a_second_name_or_another_content_is_not_emptied(folder, tmp_path):
    (folder / "writer.lock").unlink(missing_ok=True)
    (tmp_path / "thesis.tex").write_text("")
    os.link(tmp_path / "thesis.tex", folder / "writer.lock")
    sentence = r"'writer.lock' in 'tiny' was not written by Skykin, so it is not replaced"
    with pytest.raises(UsageError, match=sentence), writing(folder):
        pass
    (folder / "writer.lock").unlink()
    (folder / "writer.lock").write_text("mine")
    with pytest.raises(UsageError, match=sentence), writing(folder):
        pass
    assert (folder / "writer.lock").read_text() == "mine"


def test_what_a_killed_builder_began_is_gone_on_with(survey, tmp_path, made):
    folder = tmp_path / "begun"
    (folder / SHARDS).mkdir(parents=True)
    for name in ("writer.lock", MANIFEST):
        (folder / name).write_bytes(b"")
    half = folder / SHARDS / ".skykin-0123456789abcdef"
    half.mkdir()
    (half / MARKER).write_text(half.name)
    (half / "scale-block1_conv1-0123456789abcdef.npy").write_bytes(b"half")
    built(survey, folder)
    assert _signature(folder) == _signature(made)
    assert not list((folder / SHARDS).glob(".*"))


def test_an_index_whose_builder_was_killed_as_it_made_the_manifest_is_begun_again(tmp_path):
    with closing(sqlite3.connect(tmp_path / MANIFEST)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    # A hot journal: no pages of a database that had 0, in sectors of 512 bytes and pages of 4096.
    words = (0, 0x7CDCB14F, 0, 512, 4096)
    head = bytes.fromhex("d9d505f920a163d7") + b"".join(word.to_bytes(4, "big") for word in words)
    (tmp_path / f"{MANIFEST}-journal").write_bytes(head.ljust(512, b"\0"))
    check_index_folder(tmp_path)
    with closing(ManifestWriter(tmp_path)) as writer:
        assert writer.general() == Manifest({})


def test_too_few_files_that_may_be_open_are_one_sentence(survey, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("skykin.indexing.builder._Builder.agree", lambda *_, **__: refuse())
    with pytest.raises(ResourceError, match="cannot be built on: Too many open files; what is finished") as e:
        built(survey, tmp_path / "few")
    assert e.value.code == "RS-FDS"
