"""Tests of the nearest tiles: fast dot products, the approximate index, and what it cannot do."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import ResourceError, UsageError
from skykin.core.progress import SilentProgress
from skykin.indexing import shards
from skykin.indexing.query import lists as lists_module
from skykin.indexing.query.lists import lists_of, made
from skykin.indexing.shards import write_shard
from skykin.indexing.stored import Shelf
from skykin.style.network.halves import NUMBERS_AT_ONCE, widened

SILENT = SilentProgress()
ORION = "209,-19"


@pytest.fixture
def index(asked_survey, tmp_path):
    """A copy, beside which the approximate index is written."""
    folder = tmp_path / "blobs.skykin"
    shutil.copytree(asked_survey[1].path, folder)
    return skykin.open_index(folder)


@pytest.fixture
def no_faiss(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)


def alike(rows, count, seed, noise=0.3):
    """Rows with the differences of others added: they differ as those do."""
    random = np.random.default_rng(seed)
    chosen, one, other = random.integers(len(rows), size=(3, count))
    difference = rows[one] - rows[other]
    lengths = np.linalg.norm(difference, axis=1, keepdims=True)
    difference = np.divide(difference, lengths, out=np.zeros_like(difference), where=lengths > 0)
    size = np.linalg.norm(rows[chosen], axis=1, keepdims=True)
    return (rows[chosen] + noise * size * difference).astype(np.float16)


def test_every_half_is_widened_to_the_same_number():
    bits = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = bits[~np.isnan(bits)].reshape(-1, 2)
    ((part, wide),) = widened(halves)
    assert (part.start, part.stop, wide.dtype) == (0, len(halves), np.float32)
    assert_array_equal(wide, halves.astype(np.float32))


def test_many_halves_are_widened_piece_by_piece_and_singles_are_left_alone():
    rows = np.zeros((5, NUMBERS_AT_ONCE // 2), np.float16)
    assert [(part.start, part.stop) for part, _ in widened(rows)] == [(0, 2), (2, 4), (4, 5)]
    singles = np.ones((3, 2), np.float32)
    ((part, same),) = widened(singles)
    assert part == slice(0, 3)
    assert np.shares_memory(same, singles)


@pytest.mark.parametrize("question", [{}, {"unlike": "235,0"}, {"weight": {"block1_conv1": 0}}])
def test_the_nearest_tiles_are_the_best_of_the_whole_answer(index, question, no_faiss):
    best = skykin.search(index, ORION, **question).best(3)
    nearest = skykin.nearest_tiles(index, ORION, 3, **question)
    assert list(nearest["name"]) == list(best["name"])
    assert_allclose(nearest["score"], best["score"], atol=1e-5)
    assert_allclose(nearest["cosine_block3_conv1"], best["cosine_block3_conv1"], atol=1e-5)
    assert list(nearest["rank"]) == [1, 2, 3]
    assert nearest["lon"].unit == "deg"


def test_candidates_grow_until_enough_do_not_overlap(index, monkeypatch, no_faiss):
    best = skykin.search(index, ORION).best(3)
    monkeypatch.setattr("skykin.jobs.search.SHORTLIST", 4)
    assert list(skykin.nearest_tiles(index, ORION, 3)["name"]) == list(best["name"])


@pytest.mark.parametrize("combine", ["max", "mean"])
@pytest.mark.extra
def test_the_approximate_index_finds_the_same_tiles(index, combine):
    pytest.importorskip("faiss")
    places = [ORION, "225,-10"]
    whole = skykin.nearest_tiles(index, places, 2, combine=combine)
    quick = skykin.nearest_tiles(index, places, 2, combine=combine, approximate=True)
    assert list(quick["name"]) == list(whole["name"])
    assert_allclose(quick["score"], whole["score"], atol=1e-6)


@pytest.mark.extra
def test_the_approximate_index_is_one_file_that_is_made_once_and_again_when_damaged(index, monkeypatch):
    pytest.importorskip("faiss")
    lists_of(index, SILENT)
    (file,) = index.path.glob("approximate-*")
    content = file.read_bytes()
    monkeypatch.setattr(lists_module, "made", None)  # is not called again
    lists_of(index, SILENT)
    monkeypatch.undo()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    lists_of(index, SILENT)
    (again,) = index.path.glob("approximate-*")
    assert (again.name, again.read_bytes()) == (file.name, content)


@pytest.mark.extra
def test_the_approximate_index_of_other_vectors_is_not_used(index):
    pytest.importorskip("faiss")
    stale = index.path / "approximate-1-0123456789abcdef-0123456789abcdef.faiss"
    stale.write_bytes(b"")
    lists_of(index, SILENT)
    assert not stale.exists()


@pytest.mark.extra
def test_queries_read_as_many_lists_as_recall_needs(index, monkeypatch):
    faiss = pytest.importorskip("faiss")
    rows = alike(index.rows(range(len(index))), 8_000, 0)
    monkeypatch.setattr(lists_module, "TILES_PER_LIST", 80)
    lists = made(lambda: iter(np.array_split(rows, 3)), len(rows), SILENT)
    inverted = faiss.downcast_index(lists.turned.index)
    assert 1 <= inverted.nprobe < inverted.nlist == 100
    queries = alike(index.rows(range(len(index))), 200, 1).astype(np.float32)
    truth = np.argsort(-queries @ rows.astype(np.float32).T, axis=1)[:, :10]
    hits = sum(
        np.isin(true, lists.best(query[None], 100)).sum() for query, true in zip(queries, truth, strict=True)
    )
    assert hits >= 0.99 * truth.size


@pytest.mark.extra
def test_of_very_many_tiles_codes_are_kept_and_their_candidates_compared_again(index, monkeypatch):
    faiss = pytest.importorskip("faiss")
    monkeypatch.setattr(lists_module, "CODED_FROM", 10_000)
    monkeypatch.setattr(lists_module, "TILES_PER_LIST", 200)
    rows = alike(index.rows(range(len(index))), 20_000, 0)
    lists = made(lambda: iter(np.array_split(rows, 3)), len(rows), SILENT)
    inverted = faiss.downcast_index(lists.turned.index)
    assert inverted.code_size == lists_module.CODED_DIRECTIONS / 2 == 32  # bytes
    assert (inverted.nlist, lists.candidates) == (100, 1000)
    queries = alike(index.rows(range(len(index))), 100, 1).astype(np.float32)
    truth = np.argsort(-queries @ rows.astype(np.float32).T, axis=1)[:, :10]
    hits = 0
    for query, true in zip(queries, truth, strict=True):
        candidates = lists.best(query[None], 100)
        assert 100 < len(candidates) <= 1000
        hits += np.isin(true, candidates[np.argsort(-rows[candidates].astype(np.float32) @ query)[:10]]).sum()
    assert hits >= 0.99 * truth.size


@pytest.mark.extra
def test_the_coded_index_of_a_survey_finds_the_same_tiles(index, monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(lists_module, "CODED_FROM", 0)
    whole = skykin.nearest_tiles(index, ORION, 2)
    quick = skykin.nearest_tiles(index, ORION, 2, approximate=True)
    assert list(quick["name"]) == list(whole["name"])
    assert_allclose(quick["score"], whole["score"], atol=1e-6)


def test_the_truth_is_the_best_of_all_rows_but_the_row_itself():
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, 12)).astype(np.float32)
    own = np.array([3, 77, 499])
    seen = lists_module.Truth(rows[own], own, 5)
    for start in range(0, 500, 90):
        seen.see(rows[start : start + 90], start)
    scores = rows[own] @ rows.T
    scores[np.arange(3), own] = -np.inf
    assert_array_equal(np.sort(seen.numbers), np.sort(np.argsort(-scores, axis=1)[:, :5]))


def test_without_faiss_one_sentence_says_what_to_install(index, no_faiss):
    with pytest.raises(
        ResourceError, match=r'needs faiss, .* run `pip install "skykin\[approximate\]"`'
    ) as caught:
        skykin.nearest_tiles(index, ORION, approximate=True)
    assert caught.value.code == "RS-EXTRA"
    assert caught.value.exit_code == 6


def test_what_the_nearest_tiles_cannot_be(index):
    with pytest.raises(UsageError, match="not what is unlike a counter-example; leave one of the two out"):
        skykin.nearest_tiles(index, ORION, unlike="235,0", approximate=True)
    with pytest.raises(UsageError, match=f"100000 tiles were requested, but there are {len(index)};"):
        skykin.nearest_tiles(index, ORION, 100_000)


@pytest.mark.parametrize("option", [["--pyramid"], ["--output", "folder"], ["--max-q", "0.2"]])
def test_the_command_refuses_what_needs_the_whole_answer(index, option):
    told = CliRunner().invoke(app, ["search", str(index.path), "-r", ORION, "--approximate", *option])
    assert isinstance(told.exception, UsageError) or told.exit_code == 2
    assert f"only lists the best tiles and knows no {option[0]}" in str(told.exception) + told.output


@pytest.mark.extra
def test_the_command_lists_the_nearest_tiles(index):
    pytest.importorskip("faiss")
    told = CliRunner().invoke(app, ["search", str(index.path), "-r", ORION, "--approximate", "-k", "2"])
    assert told.exit_code == 0
    names = skykin.nearest_tiles(index, ORION, 2)["name"]
    assert all(name in told.output for name in names)
    assert "No p-values" in told.output


def test_a_large_shard_is_mapped_window_by_window(tmp_path, monkeypatch):
    array = np.arange(1000, dtype=np.float32).reshape(100, 10)
    shard = write_shard(tmp_path, "many", array)
    shelf = Shelf(tmp_path, {"many": shard})
    ((part, rows),) = shelf.windows("many")
    assert (part, rows.shape) == (slice(0, 100), (100, 10))
    monkeypatch.setattr(shards, "WINDOW", 33 * 40)
    found = list(shelf.windows("many"))
    assert [(part.start, part.stop) for part, _ in found] == [(0, 33), (33, 66), (66, 99), (99, 100)]
    assert_array_equal(np.concatenate([rows for _, rows in found]), array)
    assert not any(rows.flags.writeable for _, rows in found)


PEAK = """
from pathlib import Path
import numpy as np
from skykin.indexing.shards import Shard
from skykin.indexing.stored import Shelf
from skykin.style.network.halves import widened

def peak_kib():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])

before, total = peak_kib(), 0.0
for _, rows in Shelf(Path({folder!r}), {{"large": {shard!r}}}).windows("large"):
    for _, wide in widened(rows):
        total += float(wide[:, 0].sum())
print(total, peak_kib() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_reading_a_large_shard_keeps_memory_small(tmp_path):
    shard = write_shard(tmp_path, "large", np.ones((240_000, 640), np.float16))  # 307 MB
    code = PEAK.format(folder=str(tmp_path), shard=shard)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    total, grown_kib = told.stdout.split()
    assert float(total) == 240_000
    assert int(grown_kib) < 200e6 / 1024  # two windows of 64 MiB and what is widened
