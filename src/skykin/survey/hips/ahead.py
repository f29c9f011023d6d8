"""Tiles of a HiPS on the web, fetched before they are looked at: with progress, and a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from astropy_healpix.core import lonlat_to_healpix
from mocpy import MOC

from skykin.core.footprint import Footprint
from skykin.core.frames import Frame, from_galactic
from skykin.core.protocols import Progress, Survey
from skykin.survey.healpix.cells import CellSurvey
from skykin.survey.hips.cells import HipsCells, tile_file
from skykin.survey.hips.store import AT_ONCE, CACHE_BYTES, MOST_UNCONFIRMED, WebStore
from skykin.survey.render import positions_over

#: What is fetched ahead takes at most this much of the cache, so that nothing of it goes before it is read.
MOST_BYTES = CACHE_BYTES // 2


def fetch_ahead(
    survey: Survey, footprints: Sequence[Footprint], progress: Progress, *, margin_deg: float = 0.0
) -> None:
    """Fetch the tiles of a HiPS on the web that these footprints show; do nothing for other surveys.

    What came stays in the cache folder whatever ends the work, and is not fetched again.

    Parameters
    ----------
    survey : Survey
        A HiPS, or what is made of some.
    footprints : sequence of Footprint
    progress : Progress
    margin_deg : float
        How far beyond their edges they are looked at, degrees.

    Raises
    ------
    RemoteError
        If a file does not come.
    """
    if not footprints:
        return
    for cells, frame in _within(survey):
        if isinstance(cells.store, WebStore):
            _fetch(cells, tiles_of(cells, frame, footprints, margin_deg), progress)


def fetch_overview(survey: Survey, progress: Progress) -> None:
    """Fetch the tiles on which the limits of the stretch are measured, where they are tiles on the web.

    Raises
    ------
    RemoteError
        If a file does not come.
    """
    for cells, frame in _within(survey.overview):
        if isinstance(cells.store, WebStore):
            lon, lat = from_galactic(*positions_over(survey.extent), frame)
            shown = lonlat_to_healpix(lon * u.deg, lat * u.deg, 2**cells.order, order="nested")
            numbers = [int(number) for number in np.unique(shown) if cells.may_hold(int(number))]
            _fetch(cells, numbers, progress)


def hips_within(survey: Survey) -> Iterator[HipsCells]:
    """Give the HiPS of which a survey is made."""
    return (cells for cells, _ in _within(survey))


def _within(survey: Survey) -> Iterator[tuple[HipsCells, Frame]]:
    if isinstance(survey, CellSurvey):
        if isinstance(survey.cells, HipsCells):
            yield survey.cells, survey.frame
        return
    for part in (*getattr(survey, "parts", ()), getattr(survey, "survey", None)):
        if isinstance(part, Survey):
            yield from _within(part)


def tiles_of(cells: HipsCells, frame: Frame, footprints: Sequence[Footprint], margin_deg: float) -> list[int]:
    """Numbers of the tiles of a HiPS, at the order in which it is read, that footprints and a margin show."""
    lon_deg, lat_deg, width, height = np.array(
        [(each.lon_deg, each.lat_deg, each.width_deg, each.height_deg) for each in footprints]
    ).T
    lon, lat = from_galactic(lon_deg, lat_deg, frame)
    reach = np.minimum(np.hypot(width / 2 + margin_deg, height / 2 + margin_deg), 180.0)
    union = MOC.from_cones(
        Longitude(lon, u.deg),
        Latitude(lat, u.deg),
        radius=u.Quantity(reach, u.deg),
        max_depth=cells.order,
        delta_depth=2,
        union_strategy="large_cones",
    )
    return [int(number) for number in union.flatten() if cells.may_hold(int(number))]


def _fetch(cells: HipsCells, numbers: list[int], progress: Progress) -> None:
    store = cells.store
    assert isinstance(store, WebStore)  # noqa: S101 - see on_the_web
    files = [tile_file(cells.order, number, cells.properties.format) for number in numbers]
    left = [file for file in files if not store.keeps(file)]
    if not left:
        return
    fetched = 0
    with (
        progress.stage(f"Fetch {store.name}", len(files), "tiles") as counter,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        counter.advance(len(files) - len(left))
        for start in range(0, len(left), MOST_UNCONFIRMED):
            for content in pool.map(store.read, left[start : start + MOST_UNCONFIRMED]):
                fetched += len(content or b"")
                counter.advance()
            store.confirm()
            if fetched > MOST_BYTES:
                break
    if fetched > MOST_BYTES:
        progress.say(
            f"note: the tiles of {store.name} take more room than the cache has; the others are fetched as "
            "they are needed"
        )
