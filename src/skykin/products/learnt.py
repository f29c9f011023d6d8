"""A rule learnt from a few examples: one value, its picture, and a folder that `skykin evaluate` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.core.plain import json_text, plain
from skykin.core.provenance import Provenance
from skykin.evaluation.assessment import AUC_LAT, rows_of
from skykin.evaluation.rotated import ALL_SKY
from skykin.products.evaluation import MEANING
from skykin.products.folder import output_folder
from skykin.products.map_folder import SUMMARY, TILES, read_document, read_table, reading, table_of
from skykin.products.result import SHOWN_TILES, Result, TextTable, coordinates_of, text_table
from skykin.products.stamp import creator
from skykin.products.tile_table import COLUMNS
from skykin.products.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HELD_OUT = "rule, held out"
#: Columns of the best tiles that a notebook shows.
SHOWN_COLUMNS = ("rank", "name", "lon", "lat", "ra", "dec", "score", "fitted", "example", "mean_intensity")
_TEXTS = {
    "score": "Rule learnt without the tile's block of longitude, in spreads above the mean of the sky",
    "fitted": "The same by the rule learnt from all examples",
    "example": "1 a positive example, −1 a negative one, 0 none",
}


@dataclass(frozen=True, eq=False, repr=False)
class Learnt(Result):
    """A linear rule on the styles of a map's tiles.

    Parameters
    ----------
    tiles : QTable
        As the map's, with the held-out score as ``score``, ``fitted`` (the rule of all examples), ``example``
        and ``share_cosine`` (share of the sky at least as similar to the map's own reference).
    numbers : QTable
        Held-out evaluation on the positive examples, a row per zone, measure and ranking, as in
        `Evaluation.numbers`.
    follows : Mapping of str to float
        Rank correlation of the held-out score with other rankings, within rows of latitude.
    n_positive, n_negative : int
    provenance : Provenance
        That of the map, with the rule in ``recipe``.

    Examples
    --------
    >>> positive = [f"{lon_deg},{lat_deg}" for lon_deg in (200, 230, 245) for lat_deg in (-30, 0, 4)]
    >>> negative = [f"{lon_deg},{lat_deg}" for lon_deg in (215, 225, 237) for lat_deg in (-25, -8, 4)]
    >>> rule = skykin.learn(found, positive, negative=negative, survey=survey)
    >>> "fitted" in rule.tiles.colnames
    True
    """

    shows: ClassVar[str] = (
        "Areas under the curve of the rule and of every other ranking, with their intervals"
    )

    tiles: QTable
    numbers: QTable
    follows: Mapping[str, float]
    n_positive: int
    n_negative: int
    provenance: Provenance

    def auc_lat(self, zone: str = ALL_SKY.name) -> Mapping[str, tuple[float, float, float]]:
        """AUC_lat of every ranking on the positive examples, with its 95 % interval."""
        return {
            str(row["ranking"]): (float(row["value"]), float(row["low"]), float(row["high"]))
            for row in rows_of(self.numbers, zone=zone, measure=AUC_LAT)
        }

    def sentences(self) -> list[str]:
        """Say in words what was learnt, and what is only brightness or latitude."""
        lines = [
            f"A linear rule on style, from {self.n_positive} positive and {self.n_negative} negative "
            "examples; every place is scored by a rule that saw no example in its 30° of longitude.",
            MEANING,
        ]
        lines += [
            f"AUC_lat of {name}: {number(value, '.3f')} [{number(low, '.3f')}, {number(high, '.3f')}]."
            for name, (value, low, high) in self.auc_lat().items()
        ]
        told = ", ".join(f"{number(value, '+.2f')} with {name}" for name, value in self.follows.items())
        return [*lines, f"Rank correlation of the held-out score within rows of latitude: {told}."]

    def plot(self) -> Figure:
        """Draw AUC_lat of the rule and of every other ranking with its interval, for each zone."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.evaluation import auc_figure  # noqa: PLC0415

        with house_style():
            return auc_figure(self.numbers, HELD_OUT)

    def write(self, folder: str | Path, *, overwrite: bool = False) -> dict[str, Path]:
        """Write table, numbers and summary, a folder that reads as a map; it appears whole or not at all.

        Returns
        -------
        dict of str to Path
            File name to place.
        """
        folder = Path(folder)
        with output_folder(folder, overwrite=overwrite) as temporary:
            _write_files(self, temporary)
            names = sorted(path.name for path in temporary.iterdir())
        return {name: folder / name for name in names}

    @classmethod
    def read(cls, folder: str | Path) -> Learnt:
        """Read what `write` wrote, or ``skykin learn``; the tiles are in the order of their rank.

        Raises
        ------
        InputRefusedError
            If the folder holds no rule.
        CorruptFileError
            If one of its files cannot be read.
        """
        folder = Path(folder)
        with reading(folder, (SUMMARY, TILES), "learn", again="skykin learn --overwrite"):
            document, provenance = read_document(folder / SUMMARY)
            return cls(
                tiles=read_table(folder / TILES),
                numbers=table_of(document["numbers"]),
                follows={
                    str(row["ranking"]): float(row["correlation"]) for row in table_of(document["follows"])
                },
                n_positive=document["n_positive"],
                n_negative=document["n_negative"],
                provenance=provenance,
            )

    def __repr__(self) -> str:
        value, low, high = self.auc_lat().get(HELD_OUT, (float("nan"),) * 3)
        return (
            f"<Learnt: a rule from {self.n_positive} positive and {self.n_negative} negative examples, "
            f"AUC_lat {number(value, '.3f')} [{number(low, '.3f')}, {number(high, '.3f')}] where held out>"
        )

    @property
    def heading(self) -> str:
        """What was learnt from."""
        return f"A rule learnt from {self.n_positive} positive and {self.n_negative} negative examples"

    @property
    def text_tables(self) -> list[TextTable]:
        """The best tiles by the rule, held out."""
        best = self.tiles[np.argsort(np.asarray(self.tiles["rank"]), kind="stable")[:SHOWN_TILES]]
        return [text_table("Best tiles", best, SHOWN_COLUMNS)]

    @property
    def coordinates(self) -> SkyCoord:
        """Centres of the tiles, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return coordinates_of(self.tiles)


def _write_files(result: Learnt, folder: Path) -> None:
    facts = result.provenance.to_dict()
    document = {
        "sentences": result.sentences(),
        "n_positive": result.n_positive,
        "n_negative": result.n_negative,
        "follows": [{"ranking": name, "correlation": value} for name, value in result.follows.items()],
        "numbers": [{name: plain(row[name]) for name in result.numbers.colnames} for row in result.numbers],
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json_text(document, indent=1)
    table = result.tiles[np.argsort(np.asarray(result.tiles["rank"]), kind="stable")]
    for name in table.colnames:
        if name in _TEXTS or name in COLUMNS:
            table[name].info.description = _TEXTS.get(name) or COLUMNS[name][0]
    table.meta = {"creator": creator(result.provenance), "provenance": plain(facts)}
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")
    table.write(folder / TILES, format="ascii.ecsv")
