"""The targets of a map: the best tile of each group of overlapping matches, with what is known there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, get_constellation
from astropy.table import QTable

from skykin.catalogue.known import KnownObject, known_at
from skykin.catalogue.target_choice import TargetChoice
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.provenance import Provenance
from skykin.core.shapes import Numbers
from skykin.core.sphere import apart, directions_of, reach_deg, spread_out
from skykin.evaluation.visibility import visibility
from skykin.products.designation import designations
from skykin.products.mapped import MappedTiles
from skykin.products.result import numbers
from skykin.products.wording import number

NOTHING = "nothing catalogued"
#: Objects at a target that are named; the others are counted.
MOST_NAMED = 4
#: Columns of the tiles that a target has too, where a map has them.
OF_TILE = (
    "score", "view_angle_deg", "view_scale", "best_reference", "best_size", "best_score", "standardised",
    "p", "q", "p_surrogate", "score_low", "score_high", "mean_intensity", "coverage",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class TargetList:
    """Places to look at, the best first.

    Parameters
    ----------
    table : QTable
        One row per target: ``rank``, ``name`` (designation), ``tile``, ``lon``, ``lat`` (Galactic), ``ra``,
        ``dec`` (ICRS), ``constellation``, ``size`` (side of the tile), ``group`` (matching tiles of which it
        is the best), the columns `OF_TILE` that the map has, ``known`` (what is catalogued there, in
        words), ``inside`` (much larger objects around it), ``known_objects`` (how many are there),
        ``known_name``, ``known_kind``, ``known_list`` and ``known_separation`` of the nearest, and for an
        observer ``transit_altitude`` and ``hours_high``.
    choice : TargetChoice
    groups : int
        Groups of overlapping matches away from the references, listed or not.
    separation_deg : float
        Smallest distance between two targets.
    known_within_deg : float
        How far from a target a catalogued object may lie.
    reference_name, survey_title : str
    matched : str
        The cut that separates matches from other tiles, in words.
    extent : Extent
        Cap of the sky that holds the survey.
    provenance : Provenance
    found : MappedTiles or None
        The map, for pictures; None for a list that was read.
    """

    table: QTable
    choice: TargetChoice
    groups: int
    separation_deg: float
    known_within_deg: float
    reference_name: str
    survey_title: str
    matched: str
    extent: Extent
    provenance: Provenance
    found: MappedTiles | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def uncatalogued(self) -> np.ndarray:
        """At which targets nothing is catalogued: bool array (targets,)."""
        return np.asarray(np.asarray(self.table["known_objects"]) == 0)

    @property
    def footprints(self) -> tuple[Footprint, ...]:
        """Where the tiles of the targets lie."""
        if self.found is not None:
            wanted = [str(name) for name in self.table["tile"]]
            names = np.asarray(self.found.tiles["name"])
            rows = {str(names[row]): row for row in np.flatnonzero(np.isin(names, wanted)).tolist()}
            return tuple(self.found.footprints[rows[name]] for name in wanted)
        columns = [self.table[name].to_value(u.deg).tolist() for name in ("lon", "lat", "size")]
        return tuple(Footprint(*place) for place in zip(*columns, strict=True))


def target_list(found: MappedTiles, choice: TargetChoice | None = None) -> TargetList:
    """Choose the targets of a map, and tell what is known there.

    Of the matches that do not overlap a reference, the best is a target; what is nearer to it than the
    smallest separation is its group; the best of the others is the next target.

    Parameters
    ----------
    found : MappedTiles
    choice : TargetChoice, optional
        That of the map if left out.
    """
    return _target_list(found, choice or found.choice)


@lru_cache(maxsize=4)
def _target_list(found: MappedTiles, choice: TargetChoice) -> TargetList:
    """Make the list; every product of a map asks for the same one."""
    tile_deg = found.scored.tile_deg
    separation_deg = reach_deg(tile_deg) if choice.min_separation is None else choice.min_separation
    rows, groups, sizes = _chosen(found, separation_deg, choice.targets)
    known_within_deg = tile_deg / 2
    return TargetList(
        _table(found, rows, sizes, known_within_deg, choice),
        choice,
        groups,
        separation_deg,
        known_within_deg,
        found.query.name,
        found.survey.title,
        found.cut.words,
        found.survey.extent,
        found.provenance,
        found,
    )


def candidates(found: MappedTiles) -> Numbers:
    """Rows of the matches that do not overlap a reference, the best first."""
    order = np.argsort(numbers(found.tiles["rank"]), kind="stable")
    fit = np.asarray(found.tiles["match"], dtype=bool) & np.isfinite(found.scores) & ~found.overlapping
    return np.asarray(order[fit[order]])


def _chosen(found: MappedTiles, separation_deg: float, count: int) -> tuple[Numbers, int, Numbers]:
    """Rows of the targets, the number of all groups, and how many matches each target's group has."""
    rows = candidates(found)
    places = directions_of(found.tiles[rows])
    best = spread_out(places, separation_deg, len(rows))
    listed = best[:count]
    # A match belongs to the first target that is near enough: the one that took it.
    near = ~apart(places[listed], places, separation_deg)
    near[np.arange(len(listed)), listed] = True
    taken = near.any(axis=0)
    sizes = (
        np.bincount(near.argmax(axis=0)[taken], minlength=len(listed)) if len(listed) else np.empty(0, int)
    )
    return rows[listed], len(best), sizes


def _table(
    found: MappedTiles, rows: Numbers, sizes: Numbers, known_within_deg: float, choice: TargetChoice
) -> QTable:
    tiles = found.tiles[rows]
    lon, lat, ra, dec = (tiles[name].to_value(u.deg) for name in ("lon", "lat", "ra", "dec"))
    table = QTable({"rank": np.arange(1, len(rows) + 1)})
    table["name"] = _texts(designations(lon, lat, ra, dec, found.scored.tile_deg))
    table["tile"] = _texts(tiles["name"])
    for name in ("lon", "lat", "ra", "dec"):
        table[name] = tiles[name]
    icrs = SkyCoord(tiles["ra"], tiles["dec"], frame="icrs")
    table["constellation"] = _texts(_constellations(icrs) if len(rows) else [])
    table["size"] = np.sqrt(tiles["width"] * tiles["height"])
    table["group"] = sizes
    for name in OF_TILE:
        if name in tiles.colnames:
            table[name] = tiles[name]
    known = [known_at(*place, known_within_deg) for place in zip(lon.tolist(), lat.tolist(), strict=True)]
    there = [tuple(each for each in objects if not each.around) for objects in known]
    around = [tuple(each for each in objects if each.around) for objects in known]
    table["known"] = _texts(known_words(each) or NOTHING for each in there)
    table["inside"] = _texts(known_words(each) for each in around)
    table["known_objects"] = np.array([len(each) for each in there], dtype=int)
    for column, name in (("known_name", "name"), ("known_kind", "kind"), ("known_list", "listed")):
        table[column] = _texts(getattr(each[0], name) if each else "" for each in there)
    nearest = np.array([each[0].separation_deg if each else np.nan for each in there])
    table["known_separation"] = nearest * u.deg
    site, night = choice.observatory, choice.evening
    if site is not None and night is not None:
        altitude, hours = visibility(ra, dec, lat_deg=site.lat_deg, lon_deg=site.lon_deg, night=night)
        table["transit_altitude"], table["hours_high"] = altitude * u.deg, hours * u.h
    return table


def _constellations(places: SkyCoord) -> list[str]:
    """Constellation of each place; astropy spells one without its second h."""
    return [str(name).replace("Ophiucus", "Ophiuchus") for name in get_constellation(places)]


def _texts(texts: Iterable[object]) -> np.ndarray:
    return np.array([str(text) for text in texts], dtype=np.str_)


def known_words(known: tuple[KnownObject, ...]) -> str:
    """Tell in words what is catalogued at a place, the nearest first; empty where nothing is."""
    told = [f"{each.name}, {each.kind}, {number(each.separation_deg, '.2g')}°" for each in known[:MOST_NAMED]]
    more = len(known) - len(told)
    return "; ".join([*told, *([f"and {more} more"] if more else [])])
