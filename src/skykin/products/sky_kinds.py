"""Kinds of sky and outliers, as results that products are written from."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from skykin.core.atomic import write_hdus
from skykin.core.extent import Extent
from skykin.core.plain import json_text
from skykin.products.folder import output_folder
from skykin.products.grouped import GroupedTiles, OddTiles
from skykin.products.index_tables import write_table
from skykin.products.map_folder import TILES, read_document, read_table, reading, table_of
from skykin.products.result import SHOWN_TILES, Result, TextTable, coordinates_of, shortened, text_table
from skykin.products.stamp import creator, stamp_notes
from skykin.products.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class SkyKinds(GroupedTiles, Result):
    """The tiles of an index grouped by style, as `GroupedTiles` says, to be shown and written.

    Examples
    --------
    >>> kinds = skykin.cluster(made, 2)
    >>> len(kinds.tiles) == len(made)
    True
    """

    shows: ClassVar[str] = "Map of the sky in one colour a kind, and an example of each"

    def __repr__(self) -> str:
        return (
            f"<SkyKinds: {len(self.kinds)} kinds of {len(self.tiles)} tiles of "
            f"{shortened(self.survey_title)}, agreement {self.agreement:.2f}>"
        )

    @property
    def coordinates(self) -> SkyCoord:
        """Centres of the tiles, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return coordinates_of(self.tiles)

    @property
    def heading(self) -> str:
        """How many kinds of which survey."""
        return f"{len(self.kinds)} kinds of sky in {self.survey_title}"

    @property
    def text_tables(self) -> list[TextTable]:
        """The kinds, the faintest first."""
        return [text_table("Kinds", self.kinds, self.kinds.colnames)]

    def plot(self) -> Figure:
        """Draw the map of kinds, and one example picture of each below, where there are pictures."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.sky_kinds import kinds_figure  # noqa: PLC0415

        with house_style():
            return kinds_figure(self)

    def write(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the map (HEALPix), the catalogue, the figure and ``kinds.json``.

        Parameters
        ----------
        folder : path
            Folder to come; it appears whole or not at all.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        """
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415 - see plot
        from skykin.products.figures.sky_kinds import draw_kinds  # noqa: PLC0415

        with output_folder(Path(folder), overwrite=overwrite) as temporary, house_style():
            write_kinds(self, temporary)
            draw_kinds(self, temporary)

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Read what `write` wrote, without the example pictures.

        Raises
        ------
        InputRefusedError
            If the folder holds no kinds of sky.
        CorruptFileError
            If one of its files cannot be read.
        """
        folder = Path(folder)
        with reading(folder, (KINDS, TILES), "cluster", again="skykin cluster --overwrite"):
            document, provenance = read_document(folder / KINDS)
            kinds = table_of(document["kinds"])[list(KIND_COLUMNS)]
            kinds["mean_intensity"] = u.Quantity(kinds["mean_intensity"], document["unit"])
            return cls(
                tiles=read_table(folder / TILES),
                kinds=kinds,
                agreement=document["agreement"],
                pictures=(),
                survey_title=document["survey"],
                spacing_deg=document["spacing_deg"],
                extent=Extent(**document["extent"]),
                provenance=provenance,
            )

    def sentences(self) -> list[str]:
        """Say how large the kinds are, and how clear their borders."""
        told = "; ".join(
            f"kind {row['kind']}: {100 * row['sky_share']:.3g} % of the sky, such as {row['example']}"
            for row in self.kinds
        )
        how = "so their borders are clear" if self.agreement > CLEAR else "so their borders are arbitrary"
        return [
            f"{len(self.kinds)} kinds of sky in {self.survey_title}: {told}.",
            f"Two groupings from different starts agree to {self.agreement:.2f} (adjusted Rand index; 1 is "
            f"the same, 0 is chance), {how}.",
        ]


@dataclass(frozen=True, eq=False, repr=False)
class Outliers(OddTiles, Result):
    """The tiles of an index by oddness, as `OddTiles` says, to be shown and written.

    Examples
    --------
    >>> odd = skykin.outliers(made, 3)
    >>> bool((odd.tiles["oddness"][:-1] >= odd.tiles["oddness"][1:]).all())
    True
    """

    shows: ClassVar[str] = "Map of how unusual each tile is, and the most unusual tiles"

    def __repr__(self) -> str:
        return (
            f"<Outliers: {len(self.tiles)} tiles of {shortened(self.survey_title)} by oddness among "
            f"{self.k} most similar tiles>"
        )

    @property
    def coordinates(self) -> SkyCoord:
        """Centres of the tiles, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return coordinates_of(self.tiles)

    @property
    def heading(self) -> str:
        """Of which survey."""
        return f"Outliers of {self.survey_title}"

    def sentences(self) -> list[str]:
        """Say which tile is the most unusual."""
        first = self.tiles[0]
        return [
            f"The most unusual of {len(self.tiles)} tiles is {first['name']}: oddness "
            f"{number(float(first['oddness']), '.3f')}, which is 1 less its mean score with the {self.k} "
            f"most similar tiles that do not overlap it; the nearest is {first['neighbour']}."
        ]

    @property
    def text_tables(self) -> list[TextTable]:
        """The most unusual tiles."""
        return [text_table("Most unusual tiles", self.tiles[:SHOWN_TILES], SHOWN_COLUMNS)]

    def plot(self) -> Figure:
        """Draw the map of oddness, and the most unusual tiles below, where there are pictures."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.sky_kinds import outliers_figure  # noqa: PLC0415

        with house_style():
            return outliers_figure(self)

    def write(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the catalogue, the figure and ``outliers.json``.

        Parameters
        ----------
        folder : path
            Folder to come; it appears whole or not at all.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        """
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415 - see plot
        from skykin.products.figures.sky_kinds import draw_outliers  # noqa: PLC0415

        with output_folder(Path(folder), overwrite=overwrite) as temporary, house_style():
            write_table(self.tiles, temporary / ODD_TILES)
            _write_document(self, {"neighbours": self.k}, temporary / ODD)
            draw_outliers(self, temporary)

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Read what `write` wrote, without the pictures.

        Raises
        ------
        InputRefusedError
            If the folder holds no outliers.
        CorruptFileError
            If one of its files cannot be read.
        """
        folder = Path(folder)
        with reading(folder, (ODD, ODD_TILES), "outliers", again="skykin outliers --overwrite"):
            document, provenance = read_document(folder / ODD)
            return cls(
                tiles=read_table(folder / ODD_TILES),
                k=document["neighbours"],
                pictures=(),
                survey_title=document["survey"],
                spacing_deg=document["spacing_deg"],
                extent=Extent(**document["extent"]),
                provenance=provenance,
            )


#: Columns of `SkyKinds.kinds`.
KIND_COLUMNS = ("kind", "tiles", "sky_share", "mean_intensity", "example")
KINDS, ODD, ODD_TILES = "kinds.json", "outliers.json", "outliers.ecsv"
#: Columns of the most unusual tiles that a notebook shows.
SHOWN_COLUMNS = (
    "rank",
    "name",
    "lon",
    "lat",
    "ra",
    "dec",
    "oddness",
    "neighbour",
    "neighbour_score",
    "mean_intensity",
)
#: Groupings that agree less than this have no clear borders.
CLEAR = 0.8


def write_kinds_map(result: SkyKinds, path: Path) -> None:
    """Write the map of kinds as a FITS binary table with the HEALPix keywords."""
    values = result.healpix
    nside = round(math.sqrt(len(values) / 12))
    column = fits.Column(name="KIND", format="I", array=values, null=-1)
    table = fits.BinTableHDU.from_columns([column], name="KINDS OF SKY")
    for key, value, comment in (
        ("PIXTYPE", "HEALPIX", "HEALPix map"),
        ("ORDERING", "RING", "pixels run along circles of latitude"),
        ("COORDSYS", "G", "Galactic"),
        ("NSIDE", nside, "resolution"),
        ("FIRSTPIX", 0, "first pixel"),
        ("LASTPIX", len(values) - 1, "last pixel"),
        ("INDXSCHM", "IMPLICIT", "row number = pixel number"),
        ("OBJECT", "FULLSKY", "a row for every pixel of the sky"),
        ("NKINDS", len(result.kinds), "kinds, 1 is the faintest; 0 has no style"),
        ("AGREEMNT", result.agreement, "adjusted Rand index of two groupings"),
        ("CREATOR", creator(result.provenance), "program that wrote this file"),
    ):
        table.header[key] = (value, comment)
    stamp_notes(table.header, result.provenance)
    table.add_checksum(when="written by Skykin")
    write_hdus(path, fits.HDUList([fits.PrimaryHDU(), table]))


def write_kinds(result: SkyKinds, folder: Path) -> None:
    """Write map, catalogue and numbers into a folder."""
    write_kinds_map(result, folder / "kinds.fits")
    write_table(result.tiles, folder / TILES)
    kinds = [{name: _value(row[name]) for name in result.kinds.colnames} for row in result.kinds]
    unit = str(getattr(result.kinds["mean_intensity"], "unit", ""))
    facts = {"agreement": result.agreement, "kinds": kinds, "unit": unit}
    _write_document(result, facts, folder / KINDS)


def _write_document(result: SkyKinds | Outliers, own: dict[str, object], path: Path) -> None:
    facts = result.provenance.to_dict()
    document = {
        "survey": result.survey_title,
        "spacing_deg": result.spacing_deg,
        "extent": asdict(result.extent),
        "sentences": result.sentences(),
        **own,
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json_text(document, sort_keys=True, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _value(cell: object) -> object:
    value = getattr(cell, "value", cell)
    return value.item() if isinstance(value, np.generic | np.ndarray) else value
