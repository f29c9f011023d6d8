"""An explained match, as one value that the figure, the JSON and the sentences are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.plain import json_text
from skykin.core.shapes import Numbers
from skykin.core.views import View
from skykin.products.explained import ExplainedTile, RecipeRank, TileFacts
from skykin.products.folder import output_folder
from skykin.products.map_folder import read_document, reading
from skykin.products.result import Result, TextTable, shortened, text_table
from skykin.products.stamp import creator
from skykin.products.wording import number
from skykin.significance.tile_scores import place_columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUMBERS, ARRAYS = "explanation.json", "explanation.npz"
#: Pictures of an explanation.
PICTURES = ("reference", "tile", "counter")
PLACE = ("lon_deg", "lat_deg")


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(ExplainedTile, Result):
    """Why a tile is similar to a reference, as `ExplainedTile` says, to be shown and written.

    Examples
    --------
    >>> why = skykin.explain(made, "209,-19", 3, survey=survey, sample=0)
    >>> why.where["block1_conv1"].shape
    (32, 32)
    """

    shows: ClassVar[str] = (
        "The reference, the tile, and where in it the score comes from; cosines of "
        "layers, scores by size of tile, and ranks by recipe"
    )

    def __repr__(self) -> str:
        return (
            f"<Explanation of tile {self.tile.name}: score {self.tile.score:.3f} against "
            f"{shortened(self.reference_name)}, rank {self.tile.rank} of {self.ranks[0].of}>"
        )

    @property
    def coordinates(self) -> SkyCoord:
        """Centre of the tile, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return SkyCoord(self.tile.lon_deg * u.deg, self.tile.lat_deg * u.deg, frame="galactic")

    @property
    def heading(self) -> str:
        """Which tile is compared with what."""
        return f"Why {self.tile.name} is similar to {self.reference_name}"

    @property
    def layers(self) -> QTable:
        """One row per layer, with ``layer``, ``cosine``, ``usual`` (mean of the survey) and ``share``."""
        names = list(self.cosines)
        parts = {"cosine": self.cosines, "usual": self.usual, "share": self.shares}
        columns = {name: [values[layer] for layer in names] for name, values in parts.items()}
        return QTable({"layer": names, **columns})

    @property
    def tiles(self) -> QTable:
        """The tile and, below, the one of the same brightness that does not match, if there is one."""
        rows = [each for each in (self.tile, self.counter) if each is not None]
        place = place_columns(*(np.array([getattr(each, name) for each in rows]) for name in PLACE))
        light = [each.mean_intensity for each in rows] * u.Unit(self.unit)
        return QTable(
            {"name": [each.name for each in rows], **place}
            | {name: [getattr(each, name) for each in rows] for name in ("score", "rank", "match")}
            | {"mean_intensity": light}
        )

    @property
    def text_tables(self) -> list[TextTable]:
        """The two tiles, and the layers."""
        return [
            text_table("Tiles", self.tiles, self.tiles.colnames),
            text_table("Layers", self.layers, self.layers.colnames),
        ]

    def plot(self) -> Figure:
        """Draw pictures, maps of where the score comes from, layers, scales and ranks."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.explanation import explanation_figure  # noqa: PLC0415

        with house_style():
            return explanation_figure(self)

    def write(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the figure, the numbers (``explanation.json``), and pictures and maps (``.npz``).

        Parameters
        ----------
        folder : path
            Folder to come; it appears whole or not at all.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        """
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415 - see plot
        from skykin.products.figures.explanation import draw_explanation  # noqa: PLC0415

        with output_folder(Path(folder), overwrite=overwrite) as temporary, house_style():
            write_explanation(self, temporary / NUMBERS)
            np.savez_compressed(temporary / ARRAYS, **self._arrays())
            draw_explanation(self, temporary)

    def _arrays(self) -> dict[str, Any]:
        """Pictures and maps by their names in the file."""
        found = {"whole": self.whole, **{f"where_{layer}": values for layer, values in self.where.items()}}
        for name in PICTURES:
            picture: Picture | None = getattr(self, f"{name}_picture")
            if picture is not None:
                found |= {f"{name}_rgb": picture.rgb, f"{name}_coverage": picture.coverage}
        return found

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        InputRefusedError
            If the folder holds no explanation.
        CorruptFileError
            If one of its files cannot be read.
        """
        folder = Path(folder)
        with reading(folder, (NUMBERS, ARRAYS), "explain", again="skykin explain --overwrite"):
            facts, provenance = read_document(folder / NUMBERS)
            with np.load(folder / ARRAYS, allow_pickle=False) as stored:
                arrays = dict(stored)
            layers, counter = facts["layers"], facts["same_brightness"]
            sizes = {
                each["size_deg"]: (_number(each["score"]), _number(each["usual"])) for each in facts["sizes"]
            }
            reference, own, other = (
                _picture(name, facts["pictures"], arrays) if name in facts["pictures"] else None
                for name in PICTURES
            )
            assert reference is not None and own is not None  # noqa: PT018, S101 - always written
            return cls(
                reference_name=facts["reference"],
                tile=TileFacts(**facts["tile"]),
                counter=None if counter is None else TileFacts(**counter),
                cosines={layer: _number(each["cosine"]) for layer, each in layers.items()},
                usual={layer: _number(each["usual"]) for layer, each in layers.items()},
                shares={layer: _number(each["share"]) for layer, each in layers.items()},
                sizes=sizes,
                where={layer: arrays[f"where_{layer}"] for layer in layers},
                whole=arrays["whole"],
                ranks=tuple(RecipeRank(**each) for each in facts["ranks"]),
                unit=facts["unit"],
                survey_title=facts["survey"],
                provenance=provenance,
                view=View(**facts["view"]),
                reference_picture=reference,
                tile_picture=own,
                counter_picture=other,
            )

    def sentences(self) -> list[str]:
        """Say in words what carries the score."""
        tile = self.tile
        lines = [
            f"Tile {tile.name} scores {tile.score:.3f} against {self.reference_name}: rank {tile.rank} of "
            f"{self.ranks[0].of}, {'a match' if tile.match else 'no match'}."
        ]
        if not self.view.plain:
            lines.append(f"It is most similar to the reference {self.view.words}.")
        by_share = sorted(self.shares, key=lambda layer: -self.shares[layer])
        told = ", ".join(
            f"{layer} {number(self.cosines[layer], '.3f')} (usually {number(self.usual[layer], '+.3f')})"
            for layer in by_share
        )
        lines.append(f"Cosine of each layer, that which carries most first: {told}.")
        if np.isfinite(self.half):
            lines.append(f"Half of the similarity lies in {100 * self.half:.0f} % of the tile.")
        known = {size: pair for size, pair in self.sizes.items() if np.isfinite(pair[0])}
        if known:
            best = max(known, key=lambda size: known[size][0])
            told = ", ".join(f"{size:.3g}°: {known[size][0]:.3f}" for size in known)
            lines.append(f"By size of tile: {told}; most similar at {best:.3g}°.")
        counter = self.counter
        if counter is None:
            lines.append("No other tile away from the reference is as bright (to a tenth) without a match.")
        else:
            lines.append(
                f"Of the same brightness ({number(counter.mean_intensity, '.3g')} against "
                f"{number(tile.mean_intensity, '.3g')}{f' {self.unit}' if self.unit else ''}) but no match: "
                f"{counter.name}, score {number(counter.score, '.3f')}, rank {counter.rank}."
            )
        for each in self.ranks[1:]:
            lines.append(
                f"Under recipe {each.recipe}: rank {each.rank} of {each.of} (the tile and an even sample), "
                f"score {each.score:.3f}."
            )
        return lines


def _number(value: float | None) -> float:
    """Give NaN for what JSON could not write."""
    return float("nan") if value is None else value


def _picture(name: str, places: Mapping[str, Any], arrays: Mapping[str, Numbers]) -> Picture:
    where = places[name]
    footprint = None if where is None else Footprint(**where)
    return Picture(arrays[f"{name}_rgb"], arrays[f"{name}_coverage"], footprint)


def write_explanation(result: Explanation, path: Path) -> None:
    """Write the numbers as JSON with sorted keys; what is not a number is null."""
    facts = result.provenance.to_dict()
    document = {
        "reference": result.reference_name,
        "survey": result.survey_title,
        "tile": vars(result.tile),
        "same_brightness": None if result.counter is None else vars(result.counter),
        "unit": result.unit,
        "view": asdict(result.view),
        "layers": {
            layer: {
                "cosine": result.cosines[layer],
                "usual": result.usual[layer],
                "share": result.shares[layer],
            }
            for layer in result.cosines
        },
        "sizes": [
            {"size_deg": size, "score": own, "usual": usual} for size, (own, usual) in result.sizes.items()
        ],
        "half_of_similarity_in_share_of_tile": result.half,
        "ranks": [vars(each) for each in result.ranks],
        "sentences": result.sentences(),
        "pictures": {
            name: None if picture.footprint is None else asdict(picture.footprint)
            for name in PICTURES
            if (picture := getattr(result, f"{name}_picture")) is not None
        },
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json_text(document, sort_keys=True, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
