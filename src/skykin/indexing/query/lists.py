"""The approximate index: tiles in lists of similar ones, of which a query reads few."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.atomic import sha256_of, whole_file
from skykin.core.protocols import Progress
from skykin.core.sampling import evenly
from skykin.core.shapes import Numbers
from skykin.indexing.own_files import APPROXIMATE, remove
from skykin.indexing.query.scan import loaded_faiss
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
#: What the file begins with; counts changes of how it is made.
STEM = "approximate-1"


@dataclass(frozen=True, eq=False)
class Lists:
    """Tiles of an index in lists of similar ones.

    Parameters
    ----------
    turned : faiss index
        Turns vectors to the leading directions, and keeps these in half precision, list by list.
    """

    turned: Any

    def best(self, queries: Numbers, count: int) -> Numbers:
        """Find candidates: for each vector (m, width) about the `count` tiles of the largest dot products."""
        _, numbers = self.turned.search(np.ascontiguousarray(queries, np.float32), count)
        return np.unique(numbers[numbers >= 0])


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
    basis = fit_basis(_some(blocks(), evenly(total, FITTED_TILES)), DIRECTIONS)
    inverted = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(len(basis)),
        len(basis),
        count,
        faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
        False,
    )
    inverted.cp.spherical, inverted.cp.seed, inverted.cp.min_points_per_centroid = True, 1, 1
    turn = faiss.LinearTransform(basis.shape[1], len(basis), False)
    faiss.copy_array_to_vector(basis.reshape(-1), turn.A)
    turn.is_trained = True
    turned = faiss.IndexPreTransform(turn, inverted)
    turned.train(_some(blocks(), evenly(total, count * FITTED_PER_LIST)))
    tested = evenly(total, TESTED_TILES)
    truth = _Truth(_some(blocks(), tested), tested, min(TESTED_BEST, total))
    with progress.stage("Approximate index", total, "tiles") as counter:
        for block in blocks():
            for _, wide in widened(block):
                known = np.nan_to_num(wide)
                truth.see(known, turned.ntotal)
                turned.add(known)
                counter.advance(len(known))
    truth.set_lists_read(turned, inverted)
    return Lists(turned)


class _Truth:
    """The rows most similar to some rows, found one by one."""

    def __init__(self, queries: Numbers, numbers: Numbers, best: int) -> None:
        self.queries, self.own, self.best = queries, numbers, best
        self.scores = np.full((len(queries), best), -np.inf, np.float32)
        self.numbers = np.full((len(queries), best), -1)

    def see(self, rows: Numbers, start: int) -> None:
        """Compare with rows, the first of which has the number `start`."""
        scores = self.queries @ rows.T
        numbers = start + np.arange(len(rows))
        scores[self.own[:, None] == numbers] = -np.inf
        scores = np.concatenate([self.scores, scores], axis=1)
        chosen = np.argpartition(-scores, self.best - 1, axis=1)[:, : self.best]
        self.scores = np.take_along_axis(scores, chosen, axis=1)
        known = np.concatenate([self.numbers, np.broadcast_to(numbers, (len(self.own), len(rows)))], axis=1)
        self.numbers = np.take_along_axis(known, chosen, axis=1)

    def set_lists_read(self, turned: Any, inverted: Any) -> None:
        """Let a query read as few lists as find `RECALL` of the truth; all if need be."""
        for read in sorted({round(1.5 * 2**power) for power in range(-1, 12)} | {2**p for p in range(13)}):
            inverted.nprobe = min(read, inverted.nlist)
            _, found = turned.search(self.queries, CANDIDATES + 1)
            hits = sum(np.isin(true, row).sum() for true, row in zip(self.numbers, found, strict=True))
            if read >= inverted.nlist or hits >= RECALL * self.numbers.size:
                return


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
