"""What an evaluation of a map found, as one value that its products are written from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

import numpy as np
from astropy.table import QTable, Row

from skykin.core.provenance import Provenance
from skykin.products.wording import number

ALL_SKY, AUC_LAT, AGAINST = "all sky", "AUC_lat", "AUC against confusers"
FOLLOWS = "rank correlation with brightness"
LATITUDE = "−|b|"
#: With a probability below this the turned lists hardly ever do as well.
RARE = 0.05


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Numbers that say what a map's score is worth.

    Parameters
    ----------
    title : str
        What was judged, in words.
    trial : str
        Name of the ranking on trial, in the columns ``ranking``.
    numbers : QTable
        A row per list, zone, measure and ranking: ``value``, ``low`` and ``high`` (95 % interval), ``p``,
        ``null_low`` and ``null_high`` (turned lists), ``n``, ``gain``, ``gain_low`` and ``gain_high`` (the
        score on trial minus this ranking, paired).
    objects : QTable
        Each object with its score and the share of the sky that ranks at least as high.
    curves : QTable
        ``sky_fraction``, ``null_low``, ``null_high`` and the recall of the first list by each ranking.
    nulls : tuple of str
        Rankings that should find nothing, or not more than the score.
    stability : QTable
        The same map made differently: ``change``, ``correlation``, ``overlap``, ``auc``, ``auc_low``,
        ``auc_high`` and ``other_reference`` (whether only that is different); no rows where not asked for.
    injections : QTable
        The reference put at empty places: where, how, and whether it was found; no rows where not asked for.
    injection_changes : QTable
        What takes how much of it: ``change``, ``n``, ``found`` (share), ``low``, ``high`` and ``score``.
    facts : Mapping
        How it was done, JSON-ready.
    provenance : Provenance
        That of the map.
    """

    title: str
    trial: str
    numbers: QTable
    objects: QTable
    curves: QTable
    provenance: Provenance
    nulls: tuple[str, ...] = ()
    stability: QTable = field(default_factory=QTable)
    injections: QTable = field(default_factory=QTable)
    injection_changes: QTable = field(default_factory=QTable)
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def lists(self) -> tuple[str, ...]:
        """Titles of the lists, in their order."""
        return tuple(dict.fromkeys(str(title) for title in self.numbers["list"] if str(title)))

    @property
    def rankings(self) -> tuple[str, ...]:
        """Names of the rankings, the one on trial first."""
        return tuple(dict.fromkeys(str(name) for name in self.numbers["ranking"]))

    def rows(self, **wanted: str) -> list[Row]:
        """Rows of `numbers` whose columns hold these texts."""
        chosen = np.ones(len(self.numbers), dtype=bool)
        for column, text in wanted.items():
            chosen &= np.asarray(self.numbers[column]).astype(str) == text
        return list(self.numbers[chosen])

    def sentences(self) -> list[str]:
        """Tell the main numbers in plain words, each beside the best ranking without a network."""
        told = [line for title in self.lists for line in self._about(title)]
        told += self._about_nulls()
        told += [f"Rank correlation with brightness within latitude rows: {_with_interval(row)}."
                 for row in self.rows(measure=FOLLOWS, zone=ALL_SKY, ranking=self.trial)]  # fmt: skip
        told += self._about_injections()
        told += self._about_stability()
        return told

    def _about(self, title: str) -> Iterator[str]:
        for zone in dict.fromkeys(str(zone) for zone in self.numbers["zone"]):
            rows = {str(row["ranking"]): row for row in self.rows(list=title, zone=zone, measure=AUC_LAT)}
            if self.trial in rows:
                yield self._headline(title, zone, rows)
        against = {str(row["ranking"]): row for row in self.rows(list=title, zone=ALL_SKY, measure=AGAINST)}
        if self.trial in against:
            own = against[self.trial]
            yield (f"{title} against confusers: AUC {_with_interval(own)}{self._beside(against, 'AUC')}.")

    def _about_nulls(self) -> Iterator[str]:
        rows = {
            str(row["ranking"]): row for row in self.rows(list=self.lists[0], zone=ALL_SKY, measure=AUC_LAT)
        }
        known = [name for name in self.nulls if name in rows]
        if known:
            told = ", ".join(f"{name} {_with_interval(rows[name])}" for name in known)
            yield f"AUC_lat of maps that should find nothing or less ({self.lists[0]}, all sky): {told}."

    def _about_injections(self) -> Iterator[str]:
        if not len(self.injections):
            return
        found, before, by_intensity = (
            int(np.sum(self.injections[name])) for name in ("found", "found_before", "found_by_intensity")
        )
        yield (
            f"{found} of {len(self.injections)} injected copies of the reference are among the best 1 % of "
            f"the sky ({before} of the same places were before; ranking by mean intensity finds "
            f"{by_intensity})."
        )
        if len(self.injection_changes):
            told = ", ".join(f"{row['change']} {row['found']:.2f}" for row in self.injection_changes)
            yield f"Share of the copies found, by what was changed: {told}."

    def _about_stability(self) -> Iterator[str]:
        if not len(self.stability):
            return
        auc = np.asarray(self.stability["auc"], dtype=float)
        other = np.asarray(self.stability["other_reference"], dtype=bool)
        for chosen, how in ((~other, "Made in {} other ways"), (other, "For {} references")):
            if chosen.any():
                own = auc[chosen]
                spread = np.nanstd(own, ddof=1) if np.isfinite(own).sum() > 1 else math.nan
                yield (
                    f"{how.format(len(own))}, the map has an AUC_lat from {np.nanmin(own):.3f} to "
                    f"{np.nanmax(own):.3f} (mean {np.nanmean(own):.3f} ± {number(spread, '.3f')})."
                )

    def _headline(self, title: str, zone: str, rows: Mapping[str, Row]) -> str:
        own = rows[self.trial]
        chance = own["p"]
        rarely = "hardly ever" if chance < RARE else f"in {100 * chance:.0f} % of cases"
        return (
            f"{title}, {zone} ({own['n']} objects): AUC_lat {_with_interval(own)}; turned lists do as well "
            f"{rarely} (p = {chance:.3f}){self._beside(rows, 'AUC_lat')}."
        )

    def _beside(self, rows: Mapping[str, Row], what: str) -> str:
        rivals = {
            name: row for name, row in rows.items()
            if name not in (self.trial, *self.nulls) and math.isfinite(row["value"])
        }  # fmt: skip
        if not rivals:
            return ""
        name, best = max(rivals.items(), key=lambda item: float(item[1]["value"]))
        low, high = (number(best[end], "+.3f") for end in ("gain_low", "gain_high"))
        gain = f"{number(best['gain'], '+.3f')} [{low}, {high}]"
        verdict = (
            "the score does better" if best["gain_low"] > 0
            else "the score does worse" if best["gain_high"] < 0
            else "no difference is shown"
        )  # fmt: skip
        return (
            f". The best ranking without a network, {name}, has {what} {best['value']:.3f}: difference "
            f"{gain}, {verdict}"
        )

    def _repr_html_(self) -> str:
        """Show the main numbers in a notebook."""
        told = "".join(f"<p>{escape(line)}</p>" for line in self.sentences())
        return f"<h3>{escape(self.title)}</h3>{told}"


def _with_interval(row: Row) -> str:
    return f"{number(row['value'], '.3f')} [{number(row['low'], '.3f')}, {number(row['high'], '.3f')}]"
