"""One table of numbers: what each score finds of each list, in each zone, beside what chance finds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from astropy.table import QTable

from skykin.catalogue.target_list import TargetList
from skykin.core.errors import DataQualityError, UsageError, shown
from skykin.core.shapes import Degrees, Numbers
from skykin.evaluation.auc import auc_between, auc_in_rows, auc_turned
from skykin.evaluation.latitude_rows import rank_correlation_in_rows
from skykin.evaluation.measurement import Measurement
from skykin.evaluation.ranking import sky_share
from skykin.evaluation.recall import recalls
from skykin.evaluation.tile_centres import TileCentres
from skykin.evaluation.turned import EXCLUDE_DEG, TURNS, TurnedObjects
from skykin.evaluation.zone import ALL_SKY, OFF_PLANE, ZONES, Zone

SKY_FRACTIONS = (0.05, 0.10, 0.20)
LIFT_FRACTION = 0.10
#: With fewer objects than this nothing is said.
FEWEST_OBJECTS = 5
#: The score that knows nothing but latitude; its values are those of the objects' own places.
LATITUDE = "−|b|"
AUC_LAT, AUC_ROW = "AUC_lat", "AUC_row"
LIFT = f"lift at {LIFT_FRACTION:.0%}"
AGAINST = "AUC against confusers"
FOLLOWS = "rank correlation with brightness"
MIRRORED = {"AUC_lat, mirrored in b": (1, -1), "AUC_lat, mirrored in l": (-1, 1)}

_DESCRIPTIONS = {
    "list": "objects that are looked for",
    "zone": "part of the sky",
    "measure": "what is measured",
    "ranking": "what the sky is ranked by",
    "value": "the number",
    "low": "lower end of its 95 % interval (blocks of 30° of longitude drawn anew)",
    "high": "upper end",
    "p": "share of the turned lists, the real one among them, that do at least as well",
    "null_low": "lower end of the middle 95 % of the turned lists",
    "null_high": "upper end",
    "n": "objects, or tiles, behind the number",
    "gain": "by how much the score on trial does better than this ranking",
    "gain_low": "lower end of the 95 % interval of the gain, paired",
    "gain_high": "upper end",
}


@dataclass(frozen=True, eq=False)
class Assessment:
    """What is judged, and by what.

    Parameters
    ----------
    tiles : TileCentres
    scores : Mapping of str to array (tiles,)
        The first is on trial; the others are its baselines.
    brightness : array (tiles,)
        Mean intensity of each tile.
    lists : sequence of TargetList
        What should be found.
    confusers : TargetList, optional
        What should not.
    reference : (lon_deg, lat_deg) or array (references, 2), optional
        What was looked for; left out with all that is near it.
    exclude_deg : float
    turns : int
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
    lists: Sequence[TargetList]
    confusers: TargetList | None = None
    reference: tuple[float, float] | Degrees | None = None
    exclude_deg: float = EXCLUDE_DEG
    turns: int = TURNS
    seed: int = 0
    _placed: tuple[TurnedObjects, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.scores or not self.lists:
            raise UsageError("an evaluation needs a score and a list of objects; give at least one of each")
        placed = tuple(self.place(each) for each in self.lists)
        for each, objects in zip(self.lists, placed, strict=True):
            if len(objects) < FEWEST_OBJECTS:
                raise DataQualityError(
                    f"only {len(objects)} of the {len(each)} objects of {shown(each.title)} lie on the map "
                    f"where it has a score, away from the reference; an evaluation needs at least "
                    f"{FEWEST_OBJECTS}",
                    code="DQ-FEWVALID",
                )
        object.__setattr__(self, "_placed", placed)

    def place(self, objects: TargetList, turn: tuple[int, int] = (1, 1)) -> TurnedObjects:
        """Put a list on the map, mirrored where a sign is −1; objects that any score does not know go."""
        placed = TurnedObjects.on(
            self.tiles,
            turn[0] * objects.lon_deg % 360.0,
            turn[1] * objects.lat_deg,
            reference=self.reference,
            exclude_deg=self.exclude_deg,
            turns=self.turns,
        )
        return placed.scored(*self.scores.values())

    def table(self) -> QTable:
        """All numbers, a row each: list, zone, measure and ranking, value, interval, null and gain."""
        rows: list[dict[str, object]] = []
        for objects, placed in zip(self.lists, self._placed, strict=True):
            for zone in ZONES:
                rows += self._about(objects.title, placed.within(zone), zone)
            rows += self._mirrored(objects)
        rows += self._following()
        table = QTable(rows=rows, names=list(_DESCRIPTIONS))
        for name, description in _DESCRIPTIONS.items():
            table[name].info.description = description
        return table

    def objects(self) -> QTable:
        """Tell of each object where it is, and how much of the sky ranks at least as high.

        The column ``row_share`` is the share of the object's own row of latitude that scores lower.
        """
        trial = next(iter(self.scores.values()))
        parts: dict[str, list[object]] = {}
        shares = {name: sky_share(score, self.tiles.area) for name, score in self.scores.items()}
        for objects, placed in zip(self.lists, self._placed, strict=True):
            tile = placed.tile[:, 0]
            values = placed.values(trial)
            own, turned = values[:, :1], values[:, 1:]
            lower = (turned < own).sum(axis=1) + (turned == own).sum(axis=1) / 2
            number = np.isfinite(turned).sum(axis=1)
            columns: dict[str, Sequence[object]] = {
                "list": [objects.title] * len(placed),
                "name": [objects.names[i] for i in placed.rows],
                "lon_deg": placed.lon_deg.tolist(),
                "lat_deg": placed.lat_deg.tolist(),
                "diameter_deg": objects.diameter_deg[placed.rows].tolist(),
                "score": trial[tile].tolist(),
                "row_share": (lower / np.where(number, number, np.nan)).tolist(),
                **{f"sky share by {name}": share[tile].tolist() for name, share in shares.items()},
            }
            for name, column in columns.items():
                parts.setdefault(name, []).extend(column)
        return QTable(parts)

    def curves(self, sky_fractions: Numbers) -> QTable:
        """Recall against the fraction of the whole sky, for the first list and each ranking.

        The columns ``null_low`` and ``null_high`` hold the middle 95 % of the turned lists, ranked by the
        score on trial.
        """
        placed = self._placed[0]
        table = QTable({"sky_fraction": np.asarray(sky_fractions)})
        for name, score in self.scores.items():
            measured = recalls(placed, self.tiles, score, sky_fractions, ALL_SKY, seed=self.seed)
            if not len(table.colnames) > 1:
                table["null_low"], table["null_high"] = np.array([each.null_band for each in measured]).T
            table[name] = [each.value for each in measured]
        return table

    def _about(self, title: str, placed: TurnedObjects, zone: Zone) -> Iterator[dict[str, object]]:
        found: dict[str, dict[str, Measurement]] = {}
        others = None if self.confusers is None else self.place(self.confusers).within(zone)
        for name, score in self.scores.items():
            for measure, value in self._measured(placed, others, name, score, zone):
                found.setdefault(measure, {})[name] = value
        for measure, by_ranking in found.items():
            yield from _rows(title, zone.name, measure, by_ranking)

    def _measured(
        self, placed: TurnedObjects, others: TurnedObjects | None, name: str, score: Numbers, zone: Zone
    ) -> Iterator[tuple[str, Measurement]]:
        if len(placed) < FEWEST_OBJECTS:
            return
        at = placed.latitude_score() if name == LATITUDE else score
        yield AUC_LAT, auc_turned(placed, at, seed=self.seed)
        yield AUC_ROW, auc_in_rows(placed, at, seed=self.seed)
        found = recalls(placed, self.tiles, score, SKY_FRACTIONS, zone, seed=self.seed)
        for fraction, value in zip(SKY_FRACTIONS, found, strict=True):
            yield f"recall at {fraction:.0%}", value
            if zone == OFF_PLANE and fraction == LIFT_FRACTION:
                yield LIFT, value.times(1 / fraction)
        if others is not None and len(others) >= FEWEST_OBJECTS:
            yield AGAINST, auc_between(placed, others, score, seed=self.seed)

    def _mirrored(self, objects: TargetList) -> Iterator[dict[str, object]]:
        name, score = next(iter(self.scores.items()))
        for measure, signs in MIRRORED.items():
            placed = self.place(objects, signs)
            if len(placed) >= FEWEST_OBJECTS:
                value = auc_turned(placed, score, seed=self.seed)
                yield from _rows(objects.title, ALL_SKY.name, measure, {name: value})

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


def _rows(
    title: str, zone: str, measure: str, by_ranking: Mapping[str, Measurement]
) -> Iterator[dict[str, object]]:
    trial = next(iter(by_ranking.values()))
    for name, each in by_ranking.items():
        paired = each is not trial and (each.n_objects, each.n_blocks) == (trial.n_objects, trial.n_blocks)
        gain = trial.minus(each) if paired else None
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
