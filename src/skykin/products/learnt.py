"""What was learnt from a few examples, as one value and as a folder that `skykin evaluate` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from astropy.table import QTable

from skykin.core.plain import plain
from skykin.core.provenance import Provenance
from skykin.products.folder import output_folder
from skykin.products.map_folder import SUMMARY, TILES
from skykin.products.stamp import creator
from skykin.products.tile_table import COLUMNS
from skykin.products.wording import number

HELD_OUT = "rule, held out"
_TEXTS = {
    "score": "Rule learnt without the tile's block of longitude, in spreads above the mean of the sky",
    "fitted": "The same by the rule learnt from all examples",
    "example": "1 a positive example, −1 a negative one, 0 none",
}


@dataclass(frozen=True, eq=False)
class Learnt:
    """A linear rule on the styles of a map's tiles.

    Parameters
    ----------
    tiles : QTable
        As the map's, with the held-out score as ``score``, ``fitted`` (the rule of all examples), ``example``
        and ``share_cosine`` (share of the sky at least as like the map's own reference).
    numbers : QTable
        Held-out evaluation on the positive examples, a row per zone, measure and ranking, as in
        `Evaluation.numbers`.
    follows : Mapping of str to float
        Rank correlation of the held-out score with other rankings, within rows of latitude.
    n_positive, n_negative : int
    provenance : Provenance
        That of the map, with the rule in ``recipe``.
    """

    tiles: QTable
    numbers: QTable
    follows: Mapping[str, float]
    n_positive: int
    n_negative: int
    provenance: Provenance

    def auc_lat(self, zone: str = "all sky") -> Mapping[str, tuple[float, float, float]]:
        """AUC_lat of every ranking on the positive examples, with its 95 % interval."""
        table = self.numbers
        chosen = (table["zone"] == zone) & (table["measure"] == "AUC_lat")
        return {
            str(row["ranking"]): (float(row["value"]), float(row["low"]), float(row["high"]))
            for row in table[chosen]
        }

    def sentences(self) -> list[str]:
        """Say in words what was learnt, and what is only brightness or latitude."""
        lines = [
            f"A linear rule on style, from {self.n_positive} positive and {self.n_negative} negative "
            "examples; every place is scored by a rule that saw no example in its 30° of longitude."
        ]
        lines += [
            f"AUC_lat of {name}: {number(value, '.3f')} [{number(low, '.3f')}, {number(high, '.3f')}]."
            for name, (value, low, high) in self.auc_lat().items()
        ]
        told = ", ".join(f"{number(value, '+.2f')} with {name}" for name, value in self.follows.items())
        return [*lines, f"Rank correlation of the held-out score within rows of latitude: {told}."]

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(line)}</p>" for line in self.sentences())


def write_learnt(result: Learnt, folder: Path, *, overwrite: bool = False) -> None:
    """Write table, numbers and summary; the folder appears whole or not at all."""
    facts = result.provenance.to_dict()
    document = {
        "sentences": result.sentences(),
        "n_positive": result.n_positive,
        "n_negative": result.n_negative,
        "follows": dict(result.follows),
        "numbers": [{name: plain(row[name]) for name in result.numbers.colnames} for row in result.numbers],
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json.dumps(plain(document), sort_keys=True, allow_nan=False, indent=1, ensure_ascii=False)
    table = result.tiles[np.argsort(np.asarray(result.tiles["rank"]), kind="stable")]
    for name in table.colnames:
        if name in _TEXTS or name in COLUMNS:
            table[name].info.description = _TEXTS.get(name) or COLUMNS[name][0]
    table.meta = {"creator": creator(result.provenance), "provenance": plain(facts)}
    with output_folder(folder, overwrite=overwrite) as temporary:
        (temporary / SUMMARY).write_text(text + "\n", encoding="utf-8")
        table.write(temporary / TILES, format="ascii.ecsv")
