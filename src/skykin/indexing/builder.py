"""Building an index: one process at a time measures, step by step, what is planned and not committed."""

from __future__ import annotations

import errno
import json
import os
import platform
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from threadpoolctl import threadpool_limits

from skykin.core.errors import (
    DataQualityError,
    IndexRefusedError,
    ResourceError,
    SkykinError,
    UsageError,
    shown,
)
from skykin.core.protocols import Progress
from skykin.core.sampling import evenly
from skykin.core.shapes import Numbers
from skykin.indexing.compare import Space, keeps_directions
from skykin.indexing.facet_style import FacetMeter, FacetStyle
from skykin.indexing.layout import LOCK, SHARDS
from skykin.indexing.manifest import Committed, Manifest, ManifestWriter, Step
from skykin.indexing.moments import Directions
from skykin.indexing.own_files import OWN_SHARD, check_index_folder, remove, remove_unfinished
from skykin.indexing.shards import Shard, write_shard
from skykin.indexing.stored import Shelf, StoredFacet, cell_of, facet_name, facet_of, facet_plan
from skykin.scale.cluster import by_kind
from skykin.scale.local import ordered_map
from skykin.style.basis import FITTED_TILES, fit_basis
from skykin.style.recipe import Recipe
from skykin.style.row_moments import RowMoments
from skykin.style.signature import Signature, Standardisation
from skykin.style.whitening import Whitening
from skykin.tiling.facets import Facet

#: Step that averages all tiles.
AVERAGE = "average"
#: Facts that an index may outgrow when data is appended.
GROWING = ("survey", "survey_title", "extent", "area", "opened", "versions", "credits")
#: Facts that decide no number.
INCIDENTAL = ("versions", "opened")
#: Where the lock itself lies, far behind the text that tells who holds it: Windows locks bytes for readers
#: too.
LOCKED_BYTE = 1 << 20
LONGEST_LOCK = 4096


@dataclass(frozen=True)
class Measured:
    """A facet whose shards are on disk, or that could not be measured.

    Parameters
    ----------
    name : str
        Of its step.
    result : dict
    shards : tuple of Shard
    cause : str
        Why it could not be measured; empty if it was.
    """

    name: str
    result: Mapping[str, Any]
    shards: tuple[Shard, ...]
    cause: str = ""


@dataclass(frozen=True, eq=False)
class Job:
    """All that an index is built from.

    Parameters
    ----------
    facts : dict
        What it is of; plain values.
    recipe : Recipe
    facets : iterable of Facet
        Looked at one after the other; none is kept.
    measure_scale : callable
        Measures mean and spread of the survey's tiles, and the directions of cells that are kept in few of
        them, if they are not known yet.
    ahead : callable
        Fetches what these facets show, where it is on the web.
    meter : callable
        Gives what measures facets, once the space is known.
    exact : bool
        Keep whole vectors of the standard tiles.
    in_rows : bool
        Whether the average tile is that of all tiles, within rows of latitude.
    recheck : bool
        Whether the survey may have changed without saying so, as tiles in a folder do: to append then looks
        at every picture again.
    elsewhere : callable, optional
        Measures facets on other computers: from what is committed of no single facet, and the steps of the
        facets that are missing, to what became of each, as many as came together.
    """

    facts: Mapping[str, Any]
    recipe: Recipe
    facets: Iterable[Facet]
    measure_scale: Callable[[], tuple[Standardisation, Mapping[str, Directions]]]
    ahead: Callable[[Iterable[Facet]], None]
    meter: Callable[[Space], FacetMeter]
    exact: bool
    in_rows: bool = False
    recheck: bool = False
    elsewhere: Callable[[Manifest, Iterator[Step]], Iterator[Sequence[Measured]]] | None = None


def build(folder: Path, job: Job, *, append: bool, workers: int, progress: Progress) -> bool:
    """Bring an index to what is planned; return whether there was anything to do.

    Raises
    ------
    IndexRefusedError
        If another process builds it (``IX-LOCKED``), or it is of something else (``IX-MISMATCH``).
    ResourceError
        If the disk is full or the folder cannot be written; what was committed stays.
    """
    with _faults_told(folder), writing(folder), threadpool_limits(limits=1):
        writer = ManifestWriter(folder)
        try:
            builder = _Builder(folder, job, writer, workers, progress)
            _remove_orphans(folder, writer)
            builder.agree(append=append)
            to_do = writer.count(done=False) > 0
            if to_do:
                builder.run()
            writer.publish()
            _remove_orphans(folder, writer)
            return to_do
        finally:
            writer.close()


@contextmanager
def _faults_told(folder: Path) -> Iterator[None]:
    """Tell what the system refuses to any library, such as one more open file."""
    try:
        yield
    except OSError as error:
        if isinstance(error, SkykinError) or error.errno is None:
            raise
        raise ResourceError(
            f"the index {shown(folder.name)} cannot be built on: {error.strerror}; what is finished is kept, "
            "so give the system what is missing and run the same command again",
            code="RS-FDS" if error.errno in (errno.EMFILE, errno.ENFILE) else "RS-DISK",
        ) from error


@dataclass(frozen=True, eq=False)
class _Builder:
    folder: Path
    job: Job
    writer: ManifestWriter
    workers: int
    progress: Progress

    def agree(self, *, append: bool) -> None:
        """Plan the work, or find that it is planned; refuse an index of something else."""
        made, now = self.writer.facts, self.job.facts
        if made:
            found = _differences(made, now, GROWING if append else INCIDENTAL)
            if found:
                raise IndexRefusedError(
                    f"the index {shown(self.folder.name)} was made with {'; '.join(found)}; give the same "
                    "settings or another name, or append where there is only more data",
                    code="IX-MISMATCH",
                )
        if append:
            self.writer.begin_next(lambda begun: not _differences(begun, now, INCIDENTAL))
            made = self.writer.facts
        scale = self.writer.step("scale")
        begun = scale is not None and scale.result is not None
        changed: set[str] = set()
        if append and begun and (self.job.recheck or made.get("survey") != now["survey"]):
            changed = self._changed()
        self.writer.plan(self._planned(), gone=changed, whole=(AVERAGE, "basis", "vectors-*"))
        if not made or append:
            self.writer.describe(now)

    def _planned(self) -> Iterator[Step]:
        """Yield all steps in their order."""
        yield Step("scale", {})
        for facet in self.job.facets:
            plan = facet_plan(facet)
            yield Step(f"facet-{facet_name(plan)}", plan)
        if keeps_directions(self.job.recipe):
            return
        if self.job.in_rows:
            yield Step(AVERAGE, {})
        yield Step("basis", {})
        for name in self.writer.planned("facet-*"):
            yield Step(name.replace("facet", "vectors"), {"facet": name})

    def _changed(self) -> set[str]:
        """Names of the committed facets whose pictures the new data changes."""
        meter = self.job.meter(self._space())
        changed = set()
        with self.progress.stage("What is still true", self.writer.count("facet-*"), "facets") as counter:
            for step in self.writer.steps("facet-*", done=True):
                _, sha256 = meter.picture(facet_of(step.plan))
                if sha256 != (step.result or {})["picture_sha256"]:
                    changed.add(step.name)
                counter.advance()
        return changed

    def run(self) -> None:
        """Do what is missing."""
        self.job.ahead(facet_of(step.plan) for step in self.writer.steps("facet-*", done=False))
        if self._lacks("scale"):
            scale, directions = self.job.measure_scale()
            rows = {layer: [scale.mean[layer], scale.spread[layer]] for layer in self.job.recipe.layers}
            for layer, own in directions.items():
                rows[layer].append(own.middle)
            shards = [self._write(f"scale-{layer}", np.stack(parts)) for layer, parts in rows.items()]
            shards += [self._write(f"basis-{layer}", own.basis) for layer, own in directions.items()]
            shards += [
                self._write(f"directions-{layer}-{part}", along)
                for layer, own in scale.whitening.items()
                for part, along in enumerate(own.directions)
            ]
            self.writer.commit(Committed("scale", {"tiles": scale.tiles}, shards))
        self._measure_facets()
        if self._lacks(AVERAGE):
            self._average()
        space = self._space()
        if self._lacks("basis"):
            self._fit(space)
        if self._lacks("vectors-*"):
            self._project(space)

    def _lacks(self, pattern: str) -> bool:
        return self.writer.count(pattern, done=False) > 0

    def _measure_facets(self) -> None:
        total, left = self.writer.count("facet-*"), self.writer.count("facet-*", done=False)
        if not left:
            return
        with self.progress.stage("Style of every facet", total, "facets") as counter:
            counter.advance(total - left)
            failed = {}
            for group in self._measured():
                failed.update({each.name: each.cause for each in group if each.cause})
                self.writer.commit(
                    *(Committed(each.name, each.result, each.shards) for each in group if not each.cause)
                )
                counter.advance(len(group))
        if failed:
            self._tell(failed, total)

    def _measured(self) -> Iterator[Sequence[Measured]]:
        """Measure facets here, side by side, or elsewhere; yield what came together."""
        left = self.writer.steps("facet-*", done=False)
        if self.job.elsewhere is not None:
            yield from self.job.elsewhere(self.writer.general(), left)
            return
        meter = self.job.meter(self._space())

        def measure(step: Step) -> tuple[str, FacetStyle]:
            return step.name, meter(facet_of(step.plan))

        for name, style in ordered_map(measure, left, self.workers):
            yield (written(self.folder / SHARDS, name, style),)

    def _tell(self, failed: Mapping[str, str], total: int) -> None:
        """Say which facets could not be measured, and why.

        Raises
        ------
        IndexRefusedError
            Always (``IX-FACETS``): an index without them answers nobody.
        """
        for name, cause in failed.items():
            self.progress.say(f"{name} was left out: {shown(cause)}")
        causes = by_kind(Counter(failed.values()))
        raise IndexRefusedError(
            f"{len(failed)} of {total} facets of the index {shown(self.folder.name)} could "
            f"not be measured ({causes}); all others are kept, so mend what is wrong and run the same "
            "command again",
            code="IX-FACETS",
        )

    def _average(self) -> None:
        """Average all tiles of the facets, as a map does."""
        space, recipe = self._space(), self.job.recipe
        parts = (
            RowMoments(np.asarray(facet.shelf(f"{AVERAGE}-{facet.name}"))) for facet, _ in self._stored(space)
        )
        assert recipe.rows_deg is not None  # noqa: S101 - the job says so
        found = Standardisation.of_moments(RowMoments.added(parts), space.whole_columns, recipe.rows_deg)
        shards = []
        for layer in recipe.layers:
            whole = np.stack([found.mean[layer], found.spread[layer]])
            shards.append(self._write(f"{AVERAGE}-{layer}", whole))
            shards.append(self._write(f"rows-{layer}", np.stack(found.of_rows(layer))))
        result = {
            "tiles": found.tiles,
            "rows": [own.tiles for own in found.rows],
            "edges_deg": list(found.edges_deg),
        }
        self.writer.commit(Committed(AVERAGE, result, shards))

    def _fit(self, space: Space) -> None:
        total = sum(tiles for _, tiles in self._stored(space))
        if not total:
            raise DataQualityError(
                "no tile is covered enough to be indexed; choose another --area or a smaller --min-coverage"
            )
        chosen, low = evenly(total, FITTED_TILES), 0
        parts: dict[str, list[Numbers]] = {layer: [] for layer in self.job.recipe.layers}
        for facet, tiles in self._stored(space):
            own = chosen[(chosen >= low) & (chosen < low + tiles)] - low
            for layer in parts if len(own) else ():
                parts[layer].append(facet.summed_rows(layer, own))
            low += tiles
        shards = [
            self._write(f"basis-{layer}", fit_basis(np.concatenate(rows))) for layer, rows in parts.items()
        ]
        self.writer.commit(Committed("basis", {"tiles": len(chosen)}, shards))

    def _project(self, space: Space) -> None:
        shelf = Shelf(self.folder / SHARDS, self.writer.general().shards)
        bases = {layer: np.asarray(shelf(f"basis-{layer}")) for layer in self.job.recipe.layers}

        def vectors(facet: StoredFacet) -> tuple[str, Numbers, Numbers, Numbers]:
            units, lengths = zip(*(facet.summed(layer) for layer in bases), strict=True)
            small = [np.nan_to_num(unit @ basis.T) for unit, basis in zip(units, bases.values(), strict=True)]
            whole = np.concatenate(units, axis=1)
            lines = np.concatenate(small, axis=1).astype(np.float16)
            return facet.name, lines, whole, np.stack(lengths, axis=1)

        missing = self.writer.steps("vectors-*", done=False)
        left = (self._stored_facet(str(step.plan["facet"]), space)[0] for step in missing)
        number = self.writer.count("vectors-*", done=False)
        with self.progress.stage("Vectors of tiles", number, "facets") as counter:
            for name, small, whole, lengths in ordered_map(vectors, left, self.workers):
                shards = [self._write(f"projection-{name}", small)]
                if self.job.exact and space.cell_kind == "exact":
                    shards.append(self._write(f"exact-{name}", whole))
                elif space.in_rows:
                    shards.append(self._write(f"exact-{name}", whole.astype(np.float16)))
                if space.in_rows:
                    shards.append(self._write(f"norms-{name}", lengths))
                self.writer.commit(Committed(name.replace("facet", "vectors"), {}, shards))
                counter.advance()

    def _space(self) -> Space:
        now = self.writer.general()
        return read_space(self.job.recipe, Shelf(self.folder / SHARDS, now.shards), now.steps)

    def _stored(self, space: Space) -> Iterator[tuple[StoredFacet, int]]:
        """Yield the committed facets one after the other, and how many tiles each has."""
        for step in self.writer.steps("facet-*", done=True):
            yield self._stored_facet(step.name, space)

    def _stored_facet(self, name: str, space: Space) -> tuple[StoredFacet, int]:
        step = self.writer.step(name)
        assert step is not None  # noqa: S101 - planned
        assert step.result is not None  # noqa: S101 - committed
        shards = self.writer.shards(f"{kind}-{name}" for kind in ("cells", "moments", "tiles", AVERAGE))
        shelf = Shelf(self.folder / SHARDS, shards)
        facet = StoredFacet(name, step.plan, shelf, space, cell_of(step.plan, space.recipe))
        return facet, int(step.result["tiles"])

    def _write(self, name: str, array: Numbers) -> Shard:
        return write_shard(self.folder / SHARDS, name, array)


def written(folder: Path, name: str, style: FacetStyle) -> Measured:
    """Write the shards of a facet."""
    arrays = {"cells": style.cells, "moments": style.moments, "tiles": style.tiles}
    if style.exact is not None:
        arrays["exact"] = style.exact
    if style.moments_of_tiles is not None:
        arrays[AVERAGE] = style.moments_of_tiles.records
    shards = tuple(write_shard(folder, f"{kind}-{name}", array) for kind, array in arrays.items())
    return Measured(name, {"picture_sha256": style.picture_sha256, "tiles": len(style.tiles)}, shards)


def read_space(recipe: Recipe, shelf: Shelf, steps: Sequence[Step]) -> Space:
    """Read mean and spread of the survey back."""
    parts = {layer: np.asarray(shelf(f"scale-{layer}")) for layer in recipe.layers}
    found = next(step.result for step in steps if step.name == "scale" and step.result)
    mean = Signature({layer: part[0] for layer, part in parts.items()})
    spread = Signature({layer: part[1] for layer, part in parts.items()})
    directions = {}
    if keeps_directions(recipe):
        directions = {
            layer: Directions(part[2], np.array(shelf(f"basis-{layer}"))) for layer, part in parts.items()
        }
    blocks = recipe.statistic.blocks
    whitening = {
        layer: Whitening(
            blocks, tuple(np.asarray(shelf(f"directions-{layer}-{part}")) for part in range(len(blocks)))
        )
        for layer in (recipe.layers if recipe.directions is not None else ())
    }
    scale = Standardisation(mean, spread, int(found["tiles"]), whitening)
    own = [step for step in steps if step.name == AVERAGE]
    average = _read_average(recipe, shelf, own[0].result) if own and own[0].result is not None else None
    return Space(recipe, scale, directions, bool(own), average)


def _read_average(recipe: Recipe, shelf: Shelf, found: Mapping[str, Any]) -> Standardisation:
    """Read the average of all tiles back."""
    parts = {layer: np.asarray(shelf(f"{AVERAGE}-{layer}")) for layer in recipe.layers}
    mean, spread = (Signature({layer: part[row] for layer, part in parts.items()}) for row in (0, 1))
    whole = Standardisation(mean, spread, int(found["tiles"]))
    rows = {layer: np.asarray(shelf(f"rows-{layer}")) for layer in recipe.layers}
    return whole.with_rows(rows, found["rows"], found["edges_deg"]) if found["rows"] else whole


def stored_facets(steps: Sequence[Step], shelf: Shelf, space: Space) -> list[StoredFacet]:
    """Facets that are committed, in the order of the plan."""
    return [
        StoredFacet(step.name, step.plan, shelf, space, cell_of(step.plan, space.recipe))
        for step in steps
        if step.name.startswith("facet-") and step.result is not None
    ]


def _remove_orphans(folder: Path, writer: ManifestWriter) -> None:
    """Remove shards that were written but not committed, or that an append replaced."""
    remove(folder / SHARDS, OWN_SHARD, but=writer.holds)


def _differences(made: Mapping[str, Any], now: Mapping[str, Any], left_out: Sequence[str]) -> list[str]:
    """List in words what differs between two nested settings, such as ``tile size 15 (now: 10)``."""
    left, right = (
        dict(_flat({name: value for name, value in facts.items() if name not in left_out}))
        for facts in (made, now)
    )
    return [
        f"{name} {shown(left.get(name, 'none'))} (now: {shown(right.get(name, 'none'))})"
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    ]


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        spoken = f"{above} {name}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, spoken)
        else:
            # As JSON reads it back: tuples are lists.
            yield spoken, json.loads(json.dumps(value))


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the right to write an index; remove what a builder that died left half written.

    The operating system takes the lock away from a process that ends, however it ends.

    Raises
    ------
    IndexRefusedError
        If another process holds it (``IX-LOCKED``).
    ResourceError
        If the folder cannot be written.
    UsageError
        If it holds something else than an index.
    """
    check_index_folder(folder)
    try:
        (folder / SHARDS).mkdir(parents=True, exist_ok=True)
        handle = _opened_lock(folder / LOCK)
    except OSError as error:
        code = "RS-READONLY" if isinstance(error, PermissionError) or error.errno == 30 else "RS-DISK"
        raise ResourceError(
            f"cannot write the index {shown(folder.name)}: {error.strerror or error}; nothing was changed, "
            "so choose another folder",
            code=code,
        ) from error
    with handle:
        if not _take(handle):
            raise _locked(folder, handle)
        if not _is_ours(handle):
            raise UsageError(
                f"{shown(LOCK)} in {shown(folder.name)} was not written by Skykin, so it is not replaced; "
                "move it away or name another folder",
                code="USAGE-OUT",
            )
        handle.seek(0)
        handle.truncate()
        me = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        json.dump(me, handle)
        handle.flush()
        remove_unfinished(folder)
        yield


def _opened_lock(path: Path) -> IO[str]:
    """Open the lock, never the target of a link."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.fdopen(os.open(path, flags, 0o666), "r+", encoding="utf-8", errors="replace")


def _is_ours(handle: IO[str]) -> bool:
    """Whether a lock is new, or one that a builder wrote and that has no second name."""
    status = os.fstat(handle.fileno())
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        return False
    handle.seek(0)
    text = handle.read(LONGEST_LOCK)
    try:
        return not text or set(json.loads(text)) == {"pid", "host", "since"}
    except (ValueError, TypeError):
        return False


def _take(handle: IO[str]) -> bool:
    try:
        if sys.platform == "win32":  # pragma: no cover
            import msvcrt  # noqa: PLC0415

            handle.seek(LOCKED_BYTE)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _locked(folder: Path, handle: IO[str]) -> IndexRefusedError:
    handle.seek(0)
    try:
        holder = json.loads(handle.read())
        who = f"process {holder['pid']:d} on {shown(holder['host'])} since {shown(holder['since'])}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return IndexRefusedError(
        f"the index {shown(folder.name)} is being built by {who}; wait until that is done, then run the same "
        "command again",
        code="IX-LOCKED",
    )
