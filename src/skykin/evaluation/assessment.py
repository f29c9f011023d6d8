"""One table of numbers: what each score finds of each list, in each zone, beside what chance finds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from astropy.table import QTable, Row

from skykin.catalogue.object_lists import ObjectList
from skykin.core.errors import DataQualityError, UsageError, shown
from skykin.core.shapes import Degrees, Numbers
from skykin.evaluation.measures import (
    Measurement,
    auc_between,
    auc_lat,
    auc_row,
    average,
    rank_correlation_in_rows,
    recalls,
)
from skykin.evaluation.ranking import sky_share
from skykin.evaluation.recovery import SKY_FRACTIONS
from skykin.evaluation.rotated import ALL_SKY, EXCLUDE_DEG, OFF_PLANE, ROTATIONS, ZONES, RotatedObjects, Zone
from skykin.evaluation.tile_centres import TileCentres

LIFT_FRACTION = 0.10
#: With fewer objects than this nothing is said.
FEWEST_OBJECTS = 5
#: The score that knows nothing but latitude; its values are those of the objects' own places.
LATITUDE = "−|b|"
AUC_LAT, AUC_ROW = "AUC_lat", "AUC_row"
LIFT = f"lift at {LIFT_FRACTION:.0%}"
AGAINST = "AUC against contaminants"
#: AUC_lat of each list and its AUC against the contaminants, averaged: one number for several lists.
AVERAGE = "average AUC of all lists"
FOLLOWS = "rank correlation with brightness"
MIRRORED = {"AUC_lat, mirrored in b": (1, -1), "AUC_lat, mirrored in l": (-1, 1)}

_DESCRIPTIONS = {
    "list": "objects that should be found",
    "zone": "part of the sky",
    "measure": "what is measured",
    "ranking": "what the sky is ranked by",
    "value": "the number",
    "low": "lower end of its 95 % interval (blocks of 30° of longitude drawn anew)",
    "high": "upper end",
    "p": "share of the catalogues rotated in longitude, the real one among them, that do at least as well",
    "null_low": "lower end of the middle 95 % of the rotated catalogues",
    "null_high": "upper end",
    "n": "objects, or tiles, behind the number",
    "gain": "by how much the evaluated score does better than this ranking",
    "gain_low": "lower end of the 95 % interval of the gain, paired",
    "gain_high": "upper end",
}


@dataclass(frozen=True, eq=False)
class Assessment:
    """The evaluated score, the rankings beside it, and the lists of objects that they should find.

    Parameters
    ----------
    tiles : TileCentres
    scores : Mapping of str to array (tiles,)
        The first is evaluated; the others are its baselines.
    brightness : array (tiles,)
        Mean intensity of each tile.
    lists : sequence of ObjectList
        What should be found.
    contaminants : ObjectList, optional
        What should not: objects bright in Hα that do not form stars.
    reference : (lon_deg, lat_deg) or array (references, 2), optional
        The reference; left out with all that is near it.
    exclude_deg : float
    rotations : int
    seed : int
        Of the bootstrap.

    Raises
    ------
    UsageError
        If there is no score or no list.
    DataQualityError
        If fewer than `FEWEST_OBJECTS` objects of a list lie on the map.
    """

    tiles: TileCentres
    scores: Mapping[str, Numbers]
    brightness: Numbers
    lists: Sequence[ObjectList]
    contaminants: ObjectList | None = None
    reference: tuple[float, float] | Degrees | None = None
    exclude_deg: float = EXCLUDE_DEG
    rotations: int = ROTATIONS
    seed: int = 0
    _placed: tuple[RotatedObjects, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.scores or not self.lists:
            raise UsageError("an evaluation needs a score and a list of objects; give at least one of each")
        placed = tuple(self.place(each) for each in self.lists)
        for each, objects in zip(self.lists, placed, strict=True):
            if len(objects) < FEWEST_OBJECTS:
                raise DataQualityError(
                    f"only {len(objects)} of the {len(each)} objects of {shown(each.title)} lie on the map "
                    f"where it has a score, more than {self.exclude_deg:g}° from the reference; an "
                    f"evaluation needs at least {FEWEST_OBJECTS}, on a map of a large part of the sky",
                    code="DQ-FEWVALID",
                )
        object.__setattr__(self, "_placed", placed)

    def place(self, objects: ObjectList, signs: tuple[int, int] = (1, 1)) -> RotatedObjects:
        """Put a list on the map, mirrored where a sign is −1; objects without every score are left out."""
        placed = RotatedObjects.on(
            self.tiles,
            signs[0] * objects.lon_deg % 360.0,
            signs[1] * objects.lat_deg,
            reference=self.reference,
            exclude_deg=self.exclude_deg,
            rotations=self.rotations,
        )
        return placed.scored(*self.scores.values())

    def table(self) -> QTable:
        """All numbers, a row each: list, zone, measure and ranking, value, interval, null and gain."""
        rows: list[dict[str, object]] = []
        for objects, placed in zip(self.lists, self._placed, strict=True):
            for zone in ZONES:
                rows += self._about(objects.title, placed.within(zone), zone)
            rows += self._mirrored(objects)
        rows += self._averaged()
        rows += self._following()
        table = QTable(rows=rows, names=list(_DESCRIPTIONS))
        for name, description in _DESCRIPTIONS.items():
            table[name].info.description = description
        return table

    def objects(self) -> QTable:
        """Give each object's position, and the share of the sky that ranks at least as high.

        The column ``row_share`` is the share of the object's own row of latitude that scores lower.
        """
        evaluated = next(iter(self.scores.values()))
        parts: dict[str, list[object]] = {}
        shares = {name: sky_share(score, self.tiles.area) for name, score in self.scores.items()}
        for objects, placed in zip(self.lists, self._placed, strict=True):
            tile = placed.own_tile
            values = placed.values(evaluated)
            own, rotated = values[:, :1], values[:, 1:]
            lower = (rotated < own).sum(axis=1) + (rotated == own).sum(axis=1) / 2
            number = np.isfinite(rotated).sum(axis=1)
            columns: dict[str, Sequence[object]] = {
                "list": [objects.title] * len(placed),
                "name": [objects.names[i] for i in placed.rows],
                "lon_deg": placed.lon_deg.tolist(),
                "lat_deg": placed.lat_deg.tolist(),
                "diameter_deg": objects.diameter_deg[placed.rows].tolist(),
                "score": evaluated[tile].tolist(),
                "row_share": (lower / np.where(number, number, np.nan)).tolist(),
                **{f"sky share by {name}": share[tile].tolist() for name, share in shares.items()},
            }
            for name, column in columns.items():
                parts.setdefault(name, []).extend(column)
        return QTable(parts)

    def curves(self, sky_fractions: Numbers) -> QTable:
        """Recall against the fraction of the whole sky, for the first list and each ranking.

        The columns ``null_low`` and ``null_high`` hold the middle 95 % of the rotated catalogues, ranked by
        the evaluated score.
        """
        placed = self._placed[0]
        table = QTable({"sky_fraction": np.asarray(sky_fractions)})
        for name, score in self.scores.items():
            measured = recalls(placed, self.tiles, score, sky_fractions, ALL_SKY, seed=self.seed)
            if not len(table.colnames) > 1:
                table["null_low"], table["null_high"] = np.array([each.null_band for each in measured]).T
            table[name] = [each.value for each in measured]
        return table

    def _about(self, title: str, placed: RotatedObjects, zone: Zone) -> Iterator[dict[str, object]]:
        found: dict[str, dict[str, Measurement]] = {}
        others = None if self.contaminants is None else self.place(self.contaminants).within(zone)
        for name, score in self.scores.items():
            for measure, value in self._measured(placed, others, name, score, zone):
                found.setdefault(measure, {})[name] = value
        for measure, by_ranking in found.items():
            yield from _rows(title, zone.name, measure, by_ranking)

    def _measured(
        self, placed: RotatedObjects, others: RotatedObjects | None, name: str, score: Numbers, zone: Zone
    ) -> Iterator[tuple[str, Measurement]]:
        if len(placed) < FEWEST_OBJECTS:
            return
        at = placed.latitude_score() if name == LATITUDE else score
        yield AUC_LAT, auc_lat(placed, at, seed=self.seed)
        yield AUC_ROW, auc_row(placed, at, seed=self.seed)
        found = recalls(placed, self.tiles, score, SKY_FRACTIONS, zone, seed=self.seed)
        for fraction, value in zip(SKY_FRACTIONS, found, strict=True):
            yield f"recall at {fraction:.0%}", value
            if zone == OFF_PLANE and fraction == LIFT_FRACTION:
                yield LIFT, value.times(1 / fraction)
        if others is not None and len(others) >= FEWEST_OBJECTS:
            yield AGAINST, auc_between(placed, others, score, seed=self.seed)

    def _mirrored(self, objects: ObjectList) -> Iterator[dict[str, object]]:
        name, score = next(iter(self.scores.items()))
        for measure, signs in MIRRORED.items():
            placed = self.place(objects, signs)
            if len(placed) >= FEWEST_OBJECTS:
                value = auc_lat(placed, score, seed=self.seed)
                yield from _rows(objects.title, ALL_SKY.name, measure, {name: value})

    def _averaged(self) -> Iterator[dict[str, object]]:
        """Average the numbers of several lists, each against rotations and against the contaminants."""
        if len(self._placed) < 2:
            return
        others = None if self.contaminants is None else self.place(self.contaminants)
        against = [] if others is None or len(others) < FEWEST_OBJECTS else [others]
        beside = np.concatenate([each.lon_deg for each in (*self._placed, *against)])
        found = {}
        for name, score in self.scores.items():
            parts = [
                auc_lat(
                    placed,
                    placed.latitude_score() if name == LATITUDE else score,
                    seed=self.seed,
                    beside=beside,
                )
                for placed in self._placed
            ]
            parts += [
                auc_between(placed, other, score, seed=self.seed, beside=beside)
                for other in against
                for placed in self._placed
            ]
            found[name] = average(parts)
        yield from _rows("", ALL_SKY.name, AVERAGE, found)

    def _following(self) -> Iterator[dict[str, object]]:
        sky = self._placed[0].sky
        for zone in ZONES:
            chosen = sky & zone.contains(self.tiles.lat_deg)
            found = {
                name: rank_correlation_in_rows(self.tiles, score, self.brightness, chosen, seed=self.seed)
                for name, score in self.scores.items()
            }
            for row in _rows("", zone.name, FOLLOWS, found):
                yield {**row, "gain": math.nan, "gain_low": math.nan, "gain_high": math.nan}


def entries(table: QTable, column: str) -> tuple[str, ...]:
    """List the texts in a column of `Assessment.table`, each once and in their order; empty ones are none."""
    return tuple(dict.fromkeys(str(text) for text in table[column] if str(text)))


def rows_of(table: QTable, **wanted: str) -> list[Row]:
    """Rows of `Assessment.table` whose columns hold these texts."""
    chosen = np.ones(len(table), dtype=bool)
    for column, text in wanted.items():
        chosen &= np.asarray(table[column]).astype(str) == text
    return list(table[chosen])


def _rows(
    title: str, zone: str, measure: str, by_ranking: Mapping[str, Measurement]
) -> Iterator[dict[str, object]]:
    evaluated = next(iter(by_ranking.values()))
    for name, each in by_ranking.items():
        same = (each.n_objects, each.n_blocks) == (evaluated.n_objects, evaluated.n_blocks)
        gain = evaluated.minus(each) if same and each is not evaluated else None
        yield {
            "list": title,
            "zone": zone,
            "measure": measure,
            "ranking": name,
            "value": each.value,
            "low": each.interval[0],
            "high": each.interval[1],
            "p": each.p,
            "null_low": each.null_band[0],
            "null_high": each.null_band[1],
            "n": each.n_objects,
            "gain": math.nan if gain is None else gain.value,
            "gain_low": math.nan if gain is None else gain.interval[0],
            "gain_high": math.nan if gain is None else gain.interval[1],
        }
