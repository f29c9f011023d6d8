"""The approximate index: tiles in lists of similar ones, of which a query reads few."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.atomic import sha256_of, whole_file
from skykin.core.errors import ResourceError
from skykin.core.protocols import Progress
from skykin.core.sampling import evenly
from skykin.core.shapes import Numbers
from skykin.indexing.own_files import APPROXIMATE, remove
from skykin.indexing.sky_index import StoredIndex
from skykin.style.basis import FITTED_TILES, fit_basis
from skykin.style.network.halves import widened

#: Tiles in a list, on average, and lists at most.
TILES_PER_LIST, MOST_LISTS = 1000, 4096
#: Tiles per list that the middles of the lists are fitted on.
FITTED_PER_LIST = 40
#: Numbers of a tile that are kept: where a tile belongs is seen in the leading directions of all layers
#: together, and the candidates are compared again by all their numbers.
DIRECTIONS = 160
#: Candidates among which a query must have this share of the true best, and how many of these; tested on so
#: many tiles of the index.
CANDIDATES, RECALL, TESTED_BEST, TESTED_TILES = 100, 0.998, 10, 400
#: From so many tiles on, a tile is kept as a code, half a byte for each of so many leading directions:
#: `DIRECTIONS` in half precision would no longer fit into memory.  A code is less exact, so that more
#: candidates are compared again by all their numbers.
CODED_FROM, CODED_DIRECTIONS, CODED_CANDIDATES, TESTED_CODES = 3_000_000, 64, 1000, 200
#: Groups of lists in which the list of a tile is looked for; a query looks at all.
GROUPS_READ = 4
#: What the file begins with; counts changes of how it is made.
STEM = "approximate-2"


@dataclass(frozen=True, eq=False)
class Lists:
    """Tiles of an index in lists of similar ones.

    Parameters
    ----------
    turned : faiss index
        Turns vectors to the leading directions, and keeps these, list by list: in half precision, or as codes
        where there are many tiles.
    """

    turned: Any

    @property
    def candidates(self) -> int:
        """How many candidates a query has at least."""
        return candidates_of(self.turned.ntotal)

    def best(self, queries: Numbers, count: int) -> Numbers:
        """Find candidates: for each vector (m, width) about the `count` tiles of the largest dot products."""
        count = max(count, min(self.candidates, self.turned.ntotal))
        _, numbers = self.turned.search(np.ascontiguousarray(queries, np.float32), count)
        return np.unique(numbers[numbers >= 0])


def candidates_of(total: int) -> int:
    """How many of so many tiles a query compares again by all their numbers."""
    return CANDIDATES if total < CODED_FROM else CODED_CANDIDATES


def lists_of(index: StoredIndex, progress: Progress) -> Lists:
    """Open the approximate index of an index; make it at its first use and where the index was changed.

    It is one file in the index's folder, named after the vectors that it was made of and its own hash; it can
    be removed at any time.

    Raises
    ------
    ResourceError
        If faiss is not installed (``RS-EXTRA``), or the file cannot be written.
    """
    faiss = loaded_faiss()
    begin = f"{STEM}-{_key(index)}-"
    for path in index.path.glob(f"{begin}*.faiss"):
        if sha256_of(path).startswith(path.stem.removeprefix(begin)):
            return Lists(faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY))
    # A tile without a style has no direction: it is nobody's neighbour.
    lists = made(
        lambda: (np.nan_to_num(block) for _, block in index.vectors(kind=index.kinds[0])),
        len(index),
        progress,
    )
    remove(index.path, APPROXIMATE)
    _write(lists, index.path, begin)
    return lists


def made(blocks: Callable[[], Iterator[Numbers]], total: int, progress: Progress) -> Lists:
    """Put rows into lists, and test how many lists a query has to read.

    Parameters
    ----------
    blocks : callable
        Gives the rows block by block, float16 or float32 (n, width), each time anew; a row without numbers
        counts as zeros, as it is stored.
    total : int
        How many there are.
    progress : Progress
    """
    faiss = loaded_faiss()
    count = int(np.clip(total // TILES_PER_LIST, 1, MOST_LISTS))
    coded = total >= CODED_FROM
    numbers = (FITTED_TILES, count * FITTED_PER_LIST, TESTED_CODES if coded else TESTED_TILES)
    fitted, trained, tested = (evenly(total, number) for number in numbers)
    known = np.unique(np.concatenate([fitted, trained, tested]))
    rows = _some(blocks(), known)
    basis = fit_basis(rows[np.isin(known, fitted)], CODED_DIRECTIONS if coded else DIRECTIONS)
    known_rows = rows[np.isin(known, trained)]
    inverted = _codes(len(basis), count, known_rows @ basis.T) if coded else _halves(len(basis), count)
    inverted.cp.spherical, inverted.cp.seed, inverted.cp.min_points_per_centroid = True, 1, 1
    turn = faiss.LinearTransform(basis.shape[1], len(basis), False)
    faiss.copy_array_to_vector(basis.reshape(-1), turn.A)
    turn.is_trained = True
    turned = faiss.IndexPreTransform(turn, inverted)
    turned.train(known_rows)
    truth = Truth(rows[np.isin(known, tested)], tested, min(TESTED_BEST, total))
    del rows, known_rows
    with progress.stage("Approximate index", total, "tiles") as counter:
        for block in blocks():
            for _, wide in widened(block):
                finite = np.nan_to_num(wide)
                truth.see(finite, turned.ntotal)
                turned.add(finite)
                counter.advance(len(finite))
    if coded:
        middles = faiss.downcast_index(inverted.quantizer)
        middles.nprobe = middles.nlist
    _set_lists_read(truth, turned, inverted)
    return Lists(turned)


def _halves(width: int, count: int) -> Any:
    """Keep rows in half precision in `count` lists."""
    faiss = loaded_faiss()
    half = faiss.ScalarQuantizer.QT_fp16
    middles = faiss.IndexFlatIP(width)
    return faiss.IndexIVFScalarQuantizer(middles, width, count, half, faiss.METRIC_INNER_PRODUCT, False)


def _codes(width: int, count: int, rows: Numbers) -> Any:
    """Keep rows as codes in `count` lists: half a byte for how far a row lies from the middle of its list.

    Codes that are learned for several directions at once, product quantisation, are no shorter for the same
    recall, and take five times as long to make.  The list of a row is found through lists of middles.
    """
    faiss = loaded_faiss()
    groups = max(1, round(count**0.5))
    middles = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, groups, faiss.METRIC_INNER_PRODUCT)
    middles.cp.spherical, middles.cp.seed, middles.cp.min_points_per_centroid = True, 1, 1
    middles.train(rows)
    middles.set_direct_map_type(faiss.DirectMap.Array)
    middles.nprobe = min(GROUPS_READ, groups)
    code = faiss.ScalarQuantizer.QT_4bit
    codes = faiss.IndexIVFScalarQuantizer(middles, width, count, code, faiss.METRIC_INNER_PRODUCT, True)
    codes.quantizer_trains_alone = 2  # their middles are found as those of other lists
    return codes


class Truth:
    """The rows most similar to some rows, found one by one.

    Parameters
    ----------
    queries : float32 array (n, width)
    own : int array (n,)
        Their numbers among the rows that will be seen: none is its own best.
    best : int
        How many to each.
    """

    def __init__(self, queries: Numbers, own: Numbers, best: int) -> None:
        self.queries, self.own, self.best = queries, own, best
        self.scores = np.full((len(queries), best), -np.inf, np.float32)
        self.numbers = np.full((len(queries), best), -1)

    def see(self, rows: Numbers, start: int) -> None:
        """Compare with rows, the first of which has the number `start`."""
        scores = self.queries @ rows.T
        mine = np.flatnonzero((self.own >= start) & (self.own < start + len(rows)))
        scores[mine, self.own[mine] - start] = -np.inf
        better = np.flatnonzero((scores > self.scores.min(axis=1, keepdims=True)).any(axis=0))
        scores = np.concatenate([self.scores, scores[:, better]], axis=1)
        numbers = np.broadcast_to(start + better, (len(self.own), len(better)))
        numbers = np.concatenate([self.numbers, numbers], axis=1)
        chosen = np.argpartition(-scores, self.best - 1, axis=1)[:, : self.best]
        self.scores = np.take_along_axis(scores, chosen, axis=1)
        self.numbers = np.take_along_axis(numbers, chosen, axis=1)


def _set_lists_read(truth: Truth, turned: Any, inverted: Any) -> None:
    """Let a query read as few lists as find `RECALL` of the truth.

    All are read if need be, but of codes no more than help: what a code does not tell apart, no list mends.
    """
    total = turned.ntotal
    count, found = min(candidates_of(total) + 1, total), [0, 0]
    for read in sorted({round(1.5 * 2**power) for power in range(-1, 12)} | {2**p for p in range(13)}):
        inverted.nprobe = min(read, inverted.nlist)
        _, numbers = turned.search(truth.queries, count)
        hits = sum(np.isin(true, row).sum() for true, row in zip(truth.numbers, numbers, strict=True))
        missed = (1 - RECALL) * truth.numbers.size
        useless = total >= CODED_FROM and hits - found[-2] < missed / 2
        if read >= inverted.nlist or hits >= truth.numbers.size - missed or useless:
            return
        found.append(hits)


def _some(blocks: Iterator[Numbers], numbers: Numbers) -> Numbers:
    """Rows of sorted numbers."""
    start, found = 0, []
    for block in blocks:
        mine = numbers[(numbers >= start) & (numbers < start + len(block))]
        found.append(np.nan_to_num(block[mine - start].astype(np.float32)))
        start += len(block)
    return np.concatenate(found)


def _key(index: StoredIndex) -> str:
    """Sixteen digits that change with any vector."""
    hashes = [shard.sha256 for _, shard in sorted(index.manifest.shards.items())]
    order = [step.name for step in index.manifest.steps]
    return hashlib.sha256("\n".join(hashes + order).encode()).hexdigest()[:16]


def _write(lists: Lists, folder: Path, begin: str) -> None:
    faiss = loaded_faiss()
    with whole_file(folder / f"{begin}new.faiss") as temporary:
        faiss.write_index(lists.turned, str(temporary))
        digest = sha256_of(temporary)
    (folder / f"{begin}new.faiss").replace(folder / f"{begin}{digest[:16]}.faiss")


def loaded_faiss() -> Any:
    """Load faiss.

    Raises
    ------
    ResourceError
        If it is not installed (``RS-EXTRA``).
    """
    try:
        import faiss  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ResourceError(
            "the approximate search needs faiss, which is not installed; "
            'run `pip install "skykin[approximate]"`',
            code="RS-EXTRA",
        ) from error
    return faiss
