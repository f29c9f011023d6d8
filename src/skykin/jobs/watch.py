"""Data as they arrive: an index that grows with its source, and the new targets of its standing queries."""

from __future__ import annotations

import glob
import hashlib
import json
import math
import re
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.errors import (
    IndexRefusedError,
    InputRefusedError,
    RemoteError,
    ResourceError,
    UsageError,
    shown,
)
from skykin.core.progress import SILENT, SilentProgress
from skykin.core.protocols import Progress
from skykin.core.sphere import apart, directions
from skykin.indexing.manifest import read_manifest
from skykin.indexing.standing import Found, Standing, StandingQuery
from skykin.jobs.announce import Command, Notice, NoticeFile, Sinks
from skykin.jobs.index import default_name, index_as, settings_of
from skykin.jobs.sky_index import SkyIndex, open_index
from skykin.jobs.standing import notice_of, targets_of

#: Units of time, in seconds.
SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
SHORTEST_S, LONGEST_S = 1.0, 366 * 86400.0
#: So often a round begins again because data arrived in the midst of it.
TRIES = 5
#: What may be mended until the next round.
PASSING = (InputRefusedError, RemoteError, ResourceError)
PASSING_CODES = frozenset({"IX-LOCKED"})
#: Name, size and time of change of a file.
File = tuple[str, int, int]


def watch(
    source: str | Path | Sequence[str | Path],
    index: str | Path | None = None,
    *,
    once: bool = False,
    every: str | float | u.Quantity = "10min",
    to: str | Path | None = None,
    call: str | Sequence[str] | None = None,
    announce: Callable[[Notice], object] | None = None,
    jobs: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> QTable:
    """Take new data of a source into its index, and announce the new targets of the standing queries.

    Only facets that are new, or whose picture changed, are measured.  A target is new if the same query
    announced none within its smallest separation before.  What is found is written into the index's folder
    before it is announced and marked after, so that nothing is lost, whatever ends the process.  A file has
    each target once.  A command, or `announce`, is told the one target again that was under way when the
    process was killed, with the same identifier.

    Parameters
    ----------
    source : str, Path, or three of these
        What was indexed: a folder, a pattern such as ``plates/*.fits``, a HiPS, a file.
    index : path, optional
        Folder of the index; the source's name with ``.skykin`` if left out.
    once : bool
        Do one round and return; otherwise go on until interrupted, which nothing is lost by.
    every : str, float or Quantity
        How long after a round the next one begins, such as ``10min``; bare numbers are seconds.
    to : path, optional
        File to which each new target is appended, one JSON line each.
    call : sequence of str, or str, optional
        A program and its arguments, run for each new target with the line on its standard input; text is
        divided at spaces outside quotes.  No shell reads it.
    announce : callable, optional
        Called for each new target with what the line says, as a dictionary.
    jobs : int, optional
        Threads that compute; all available cores if left out.
    download : bool
        Whether a survey with a name may be fetched from its public address.
    progress : Progress, optional

    Returns
    -------
    QTable
        The new targets of the round, those that waited first: ``identifier``, ``time`` (UTC, when found),
        ``query``, ``name``, ``lon``, ``lat`` (Galactic), ``ra``, ``dec`` (ICRS), ``size`` (side of the tile),
        ``score``, ``p``, ``q``, ``known`` (what is catalogued there) and ``announced``.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    A folder with one image, its index, and a query for what looks like the ring at l = 119.26°:

    >>> from pathlib import Path
    >>> from astropy.io import fits
    >>> from skykin.evaluation.planted import planted
    >>> first = planted({"ring": 4, "blob": 4}, seed=1, cells=4)
    >>> Path("plates").mkdir()
    >>> fits.PrimaryHDU(first.image, first.wcs.to_header()).writeto("plates/first.fits")
    >>> tiles = {"object_size": 0.12, "spacing": 0.18, "pixels": 32, "recipe": "mean-std"}
    >>> index = skykin.index("plates", "plates.skykin", **tiles)
    >>> rows = skykin.queries(index.path, "rings", reference="119.26,0.75", top_fraction=0.1)
    >>> print(*skykin.watch("plates", "plates.skykin", once=True)["query", "name"][0])
    rings SKYKIN J001922.2+624926

    Nothing new since:

    >>> len(skykin.watch("plates", "plates.skykin", once=True))
    0
    """
    found = rounds(
        source, index, once=once, every=every, to=to, call=call, announce=announce, jobs=jobs,
        download=download, progress=progress,
    )  # fmt: skip
    tables = list(found)
    return tables[-1]


def rounds(
    source: str | Path | Sequence[str | Path],
    index: str | Path | None = None,
    *,
    once: bool,
    every: str | float | u.Quantity,
    to: str | Path | None,
    call: str | Sequence[str] | None,
    announce: Callable[[Notice], object] | None,
    jobs: int | None,
    download: bool,
    progress: Progress | None,
) -> Iterator[QTable]:
    """Yield the new targets of each round; parameters as for `watch`."""
    progress = progress or SilentProgress()
    pause_s = seconds(every)
    place = str(source) if isinstance(source, str | Path) else ",".join(map(str, source))
    folder = Path(index) if index is not None else Path(f"{default_name(place)}.skykin")
    sinks = Sinks(
        None if call is None else Command(tuple(_words(call))),
        None if to is None else NoticeFile(Path(to).expanduser()),
        announce,
    )
    watcher = _Watcher(source, folder, sinks, jobs, download, progress)
    open_index(folder)  # tells at once where there is none
    while True:
        try:
            yield watcher.round()
        except (*PASSING, IndexRefusedError) as error:
            passes = isinstance(error, PASSING) or error.code in PASSING_CODES
            if once or not passes:
                raise
            progress.say(f"{error.code}: {error}; the next round is in {pause_s:g} s")
        if once:
            return
        time.sleep(pause_s)


@dataclass(frozen=True, eq=False)
class _Watcher:
    """A source, the index that follows it, and where its new targets go."""

    source: str | Path | Sequence[str | Path]
    folder: Path
    sinks: Sinks
    jobs: int | None
    download: bool
    progress: Progress

    def round(self) -> QTable:
        """Announce what waits, take in what is new, ask the standing queries, and announce what they find."""
        with Standing(self.folder) as standing:
            waiting = standing.waiting()
            left = self._announce(standing, waiting)
            files, asked = _files(self.source), standing.queries()
            if not left and files is not None and standing.seen == self._state(files, asked):
                return _table(waiting, left)
            found = self._found(standing, asked)
            standing.write_down(found)
            now = standing.waiting()
            left = frozenset(each.identifier for each in now) if left else self._announce(standing, now)
            if not left and files is not None:
                standing.seen = self._state(files, asked)
            return _table((*waiting, *found), left)

    def _found(self, standing: Standing, asked: Sequence[StandingQuery]) -> tuple[Found, ...]:
        """Bring the index up to date, and give what is new to each query."""
        for attempt in range(1, TRIES + 1):
            here = self._grown()
            try:
                return tuple(each for query in asked for each in self._new(here, query, standing))
            except IndexRefusedError as error:
                # The survey was opened again for views and is another one already, or the index is.
                if error.code not in {"IX-MISMATCH", "IX-REPLACED"} or attempt == TRIES:
                    raise
        raise AssertionError  # the loop returns or raises

    def _grown(self) -> SkyIndex:
        settings = settings_of(open_index(self.folder), self.source, jobs=self.jobs)
        return index_as(settings, self.folder, append=True, download=self.download, progress=self.progress)

    def _new(self, here: SkyIndex, query: StandingQuery, standing: Standing) -> Iterator[Found]:
        found = targets_of(here, query, SILENT)  # doubts about tiles were told when the query was added
        known = standing.found(query.name)
        fresh = np.ones(len(found), dtype=bool)
        if known and len(found):
            there = directions(*np.array([(each.lon_deg, each.lat_deg) for each in known]).T)
            places = directions(found.table["lon"].to_value(u.deg), found.table["lat"].to_value(u.deg))
            fresh = np.asarray(apart(places, there, found.separation_deg).all(axis=1))
        for row in found.table[fresh]:
            yield notice_of(here, query, found, row)

    def _announce(self, standing: Standing, waiting: Sequence[Found]) -> frozenset[str]:
        """Announce what waits, in its order; give the identifiers of what could not be announced."""
        for number, each in enumerate(waiting):
            try:
                with standing.announcing(each) as is_mine:
                    if is_mine:
                        self.sinks.announce(each.notice)
            except OSError as error:  # such as a pipe that was closed; ours derive from it, too
                left = waiting[number:]
                self.progress.say(
                    f"warning: {error}; {len(left)} targets wait and are announced at the next round"
                )
                return frozenset(one.identifier for one in left)
        return frozenset()

    def _state(self, files: Sequence[File], asked: Sequence[StandingQuery]) -> str:
        """Name the state of source, index and queries."""
        shards = sorted((name, shard.sha256) for name, shard in read_manifest(self.folder).shards.items())
        settings = [(query.name, query.settings, query.added) for query in asked]
        return hashlib.sha256(json.dumps([files, shards, settings], sort_keys=True).encode()).hexdigest()


def _words(call: str | Sequence[str]) -> Sequence[str]:
    try:
        return shlex.split(call) if isinstance(call, str) else call
    except ValueError as error:
        raise UsageError(f"the command {shown(call)} cannot be divided: {error}; close the quotes") from error


def seconds(every: str | float | u.Quantity) -> float:
    """Read a length of time, such as ``10min``; bare numbers are seconds.

    Raises
    ------
    UsageError
        If it is none between a second and a year.
    """
    found = math.nan
    try:
        if isinstance(every, u.Quantity):
            found = float(every.to_value(u.s))
        elif isinstance(every, str):
            written = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*", every.lower())
            if written:
                found = float(written[1]) * SECONDS[written[2] or "s"]
        else:
            found = float(every)
    except (u.UnitConversionError, KeyError, TypeError, ValueError):
        found = math.nan
    if not SHORTEST_S <= found <= LONGEST_S:
        raise UsageError(f"{shown(every)} is no length of time from a second to a year; write 10min or 2h")
    return found


def _table(found: Sequence[Found], left: frozenset[str]) -> QTable:
    notices = [each.notice for each in found]
    places = [each["position"] for each in notices]
    table = QTable(
        {name: [str(each[name]) for each in notices] for name in ("identifier", "time", "query", "name")}
    )
    for name in ("lon", "lat", "ra", "dec"):
        table[name] = np.array([place[f"{name}_deg"] for place in places], dtype=float) * u.deg
    table["size"] = np.array([each["size_deg"] for each in notices], dtype=float) * u.deg
    for name in ("score", "p", "q"):
        table[name] = np.array(
            [math.nan if each[name] is None else each[name] for each in notices], dtype=float
        )
    table["known"] = [str(each["known"]) for each in notices]
    table["announced"] = np.array([each.identifier not in left for each in found], dtype=bool)
    return table


def _files(source: str | Path | Sequence[str | Path]) -> list[File] | None:
    """List the files of a source on this computer; None of any other."""
    if not isinstance(source, str | Path):
        parts = [_files(part) for part in source]
        return None if None in parts else [one for part in parts for one in part or ()]
    path = Path(source).expanduser()
    paths: Iterable[Path]
    if path.is_dir():
        paths = path.rglob("*") if (path / "properties").exists() else path.iterdir()
    elif path.is_file():
        paths = (path,)
    elif any(letter in str(source) for letter in "*?["):
        paths = map(Path, glob.glob(str(source), recursive=True))  # noqa: PTH207 - absolute patterns
    else:
        return None
    return sorted(_told(paths))


def _told(paths: Iterable[Path]) -> Iterator[File]:
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # it went meanwhile
            continue
        if path.is_file():
            yield str(path), status.st_size, status.st_mtime_ns
