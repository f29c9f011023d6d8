"""Jobs that write, and what must be true of their folders at any moment: an index, an append, a map."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from tests.kinds import made_up_result
from tests.skies import blob_survey

import skykin
from skykin.core.atomic import sha256_of
from skykin.core.errors import IndexRefusedError
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings
from skykin.indexing.builder import Job, build
from skykin.indexing.layout import SHARDS
from skykin.indexing.manifest import read_manifest
from skykin.jobs import index as index_job
from skykin.products import thumbnails, write
from skykin.products.folder import check_output_folder

SETTINGS = MapSettings(
    tile_size=30, spacing=15, pixels=32, area="190,218,-40,5", min_coverage=0.1, recipe="mean-std", jobs=1
)
MORE = replace(SETTINGS, area="70,100,-15,15")


@dataclass(frozen=True)
class Writer:
    """A job that writes a folder.

    Parameters
    ----------
    name : str
    begin : callable
        Makes the folder as it is before the job.
    work : callable
        Does the job; it measures nothing, so that nearly all of its time is writing.
    state : callable
        What readers see of the folder, as text; it raises if the folder is damaged.
    tidy : callable
        What the next command does first.
    """

    name: str
    begin: Callable[[Path], object]
    work: Callable[[Path], object]
    state: Callable[[Path], str]
    tidy: Callable[[Path], object]


def index_state(folder: Path) -> str:
    """Give everything that readers see of an index, every file of it checked."""
    try:
        index = skykin.open_index(folder)
    except IndexRefusedError as error:
        if error.code in {"IX-UNFINISHED", "IX-VERSION"}:
            return "none"
        raise
    index.verify()
    shards = sorted((shard.name, shard.sha256) for shard in index.manifest.shards.values())
    return hashlib.sha256(repr((shards, index.manifest.steps)).encode()).hexdigest()[:12]


def map_state(folder: Path) -> str:
    """Give everything that lies in the folder of a map: names, and bytes of every file."""
    if not folder.exists():
        return "none"
    content = sorted((path.name, sha256_of(path)) for path in folder.iterdir())
    return hashlib.sha256(repr(content).encode()).hexdigest()[:12]


def _no_orphans(folder: Path) -> None:
    """Make sure that an index, once built on, holds no file that its manifest does not name."""
    if (folder / SHARDS).is_dir() and index_state(folder) != "none":
        known = {shard.file for shard in read_manifest(folder).shards.values()}
        found = {path.name for path in (folder / SHARDS).iterdir()}
        if found != known:
            raise AssertionError(f"left in {folder}: {sorted(found ^ known)}")


def _remembered(settings: MapSettings, folder: Path, *, append: bool) -> Job:
    """Index once, and return a job that builds the same of what was measured then."""
    kept: list[Job] = []

    def built(place: Path, job: Job, **options: Any) -> bool:
        scale, known = cache(job.measure_scale), {}

        def meter(space: Any) -> Any:
            return _Remembering(job.meter(space), known)

        kept.append(replace(job, measure_scale=scale, meter=meter))
        return build(place, kept[0], **options)

    with mock.patch.object(index_job, "build", built):
        index_job.index_as(replace(settings, survey=blob_survey()), folder, append=append)
    return kept[0]


@dataclass(frozen=True)
class _Remembering:
    """Measures each facet once."""

    meter: Any
    known: dict[tuple[float, float], Any]

    def __call__(self, facet: Any) -> Any:
        place = facet.lon_deg, facet.lat_deg
        if place not in self.known:
            self.known[place] = self.meter(facet)
        return self.known[place]

    def picture(self, facet: Any) -> Any:
        return self.meter.picture(facet)


def writers(place: Path) -> list[Writer]:
    """Measure what the jobs write."""
    first = _remembered(SETTINGS, place / "measured", append=False)
    more = _remembered(MORE, place / "measured", append=True)
    silent, made = SilentProgress(), made_up_result()
    # Drawing, also of targets, takes long and writes nothing but in the folder that is not there yet.
    mock.patch.object(write, "draw_figures", return_value=[]).start()
    mock.patch.object(thumbnails, "named_surveys", return_value={}).start()
    mock.patch.object(
        write, "PRODUCTS", [each for each in write.PRODUCTS if each[0] != "preview.png"]
    ).start()
    other = made_up_result(threshold=0.95)

    def index(folder: Path) -> None:
        build(folder, first, append=False, workers=1, progress=silent)

    def append(folder: Path) -> None:
        build(folder, more, append=True, workers=1, progress=silent)

    def tidied(work: Callable[[Path], object]) -> Callable[[Path], object]:
        return lambda folder: (work(folder), _no_orphans(folder))

    return [
        Writer("index", lambda _: None, index, index_state, tidied(index)),
        Writer("append", index, append, index_state, tidied(append)),
        Writer(
            "map",
            made.write,
            lambda folder: other.write(folder, overwrite=True),
            map_state,
            lambda folder: check_output_folder(folder, overwrite=True),
        ),
    ]
