"""What several maps of the same reference say together: one value, its picture and its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from astropy_healpix import HEALPix
from mocpy import MOC

from skykin.core.atomic import write_hdus
from skykin.core.plain import json_text, plain
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.provenance import Provenance
from skykin.core.shapes import Numbers
from skykin.evaluation.tile_centres import TileCentres
from skykin.products.folder import output_folder
from skykin.products.map_folder import SUMMARY, TILES, read_document, read_table, reading, table_of
from skykin.products.result import SHOWN_TILES, Result, TextTable, coordinates_of, numbers, text_table
from skykin.products.stamp import ascii_text, creator, stamp_notes
from skykin.products.tile_table import COLUMNS
from skykin.products.wording import number, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Begins the names of the columns with each map's own share of the sky.
SHARE = "share_"
MAP, BEST = "score.fits", "matches.moc.fits"
FINEST_ORDER = 9
#: Columns of the best tiles that a notebook shows.
SHOWN_COLUMNS = ("rank", "name", "lon", "lat", "ra", "dec", "score", "maps", "p", "sky_share")
_TEXTS = {
    "score": "−log10 of the share of places that would rank as high were the maps independent",
    "maps": "How many maps know the place",
    "p": "Share of places of this latitude that rank as high once the maps are rotated in longitude",
    "sky_share": "Share of the sky with at least this rank product",
}


@dataclass(frozen=True, eq=False, repr=False)
class Agreement(Result):
    """Several maps at the same places, and their rank product.

    Parameters
    ----------
    reference_name : str
    maps : Mapping of str to str
        Short name of each map, which its columns have, to its title.
    tiles : QTable
        A row per tile that any map knows: the columns of `SkyMap.tiles` with the rank product as ``score``,
        ``maps`` (how many know the place), ``p`` (share of the places of its latitude that rank as high once
        the maps are rotated in longitude) and ``share_<map>`` (share of the map's sky that
        ranks at least as high there).
    nside : int
        Of the HEALPix map (RING, Galactic): pixels no larger than a tile's share of the sky.
    top_fraction : float
        Share of the sky that matches.
    correlations : QTable
        A row per pair: ``first``, ``second``, ``spearman`` over the sky, ``in_rows`` within rows of latitude
        with ``low`` and ``high`` (95 %), ``overlap`` (share of the first's best tenth in the second's).
    provenance : Provenance
        That of the first map, with the others in ``recipe["maps"]``.

    Examples
    --------
    >>> both = skykin.agree([found, found], rotations=20)
    >>> list(both.maps)
    ['blobs-1', 'blobs-2']
    """

    shows: ClassVar[str] = (
        "Maps of the share of the sky that ranks at least as high, in all maps together and in each"
    )

    reference_name: str
    maps: Mapping[str, str]
    tiles: QTable
    nside: int
    top_fraction: float
    correlations: QTable
    provenance: Provenance

    @property
    def scores(self) -> Numbers:
        """Rank product of each tile."""
        return numbers(self.tiles["score"])

    def on_pixels(self, column: str) -> Numbers:
        """Paint a column on all pixels of the sky: the tile that is nearest, NaN where none is near."""
        return np.where(self._nearest >= 0, numbers(self.tiles[column])[self._nearest], np.nan)

    @cached_property
    def _nearest(self) -> Numbers:
        grid = HEALPix(self.nside, order="ring")
        lon, lat = grid.healpix_to_lonlat(np.arange(grid.npix))
        return TileCentres.of(self.tiles).nearest(lon.deg, lat.deg)

    @cached_property
    def coverage_map(self) -> MOC:
        """The best share of the sky as multi-order coverage map (ICRS).

        Cells of a grid four times as fine, whose centres lie in pixels that match.
        """
        order = int(np.log2(self.nside))
        depth = max(order, min(order + 2, FINEST_ORDER))
        cells = HEALPix(2**depth, order="nested")
        number = np.arange(cells.npix)
        centres = SkyCoord(*cells.healpix_to_lonlat(number), frame="icrs").galactic
        pixels = HEALPix(self.nside, order="ring").lonlat_to_healpix(centres.l, centres.b)
        chosen = number[self.on_pixels("match")[pixels] == 1]
        depths = np.full(len(chosen), depth, dtype=np.uint8)
        return MOC.from_healpix_cells(chosen.astype(np.uint64), depths, max_depth=depth)

    def sentences(self) -> list[str]:
        """Say in words what was found."""
        known = np.asarray(self.tiles["maps"])
        p = numbers(self.tiles["p"])
        lines = [
            f"{len(self.maps)} maps of {self.reference_name} at the same places: "
            f"{', '.join(self.maps.values())}.",
            f"{percent(float(np.mean(known == len(self.maps))))} of the places are known to all of them; "
            "elsewhere the rank product is that of the others.",
        ]
        lines += [
            f"Rank correlation of {row['first']} with {row['second']}: {number(row['spearman'], '+.2f')}; "
            f"within rows of latitude {number(row['in_rows'], '+.2f')} [{number(row['low'], '+.2f')}, "
            f"{number(row['high'], '+.2f')}]; {percent(row['overlap'], 0)} of the best tenth are common "
            "(10 % by chance)."
            for row in self.correlations
        ]
        rare = float(np.mean(p[np.isfinite(p)] <= 0.01))
        return [
            *lines,
            f"{percent(rare)} of the sky agree so well that at most 1 % of the places of their latitude do, "
            "once the maps are rotated against each other (1 % by chance).",
        ]

    def plot(self) -> Figure:
        """Draw the share of the sky that ranks at least as high: in all maps together, then in each."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.agreement import agreement_figure  # noqa: PLC0415
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415

        shares = {"All together: rank product": self.on_pixels("sky_share")}
        shares |= {title: self.on_pixels(f"{SHARE}{name}") for name, title in self.maps.items()}
        with house_style():
            return agreement_figure(shares, self.nside, self.reference_name)

    def write(
        self, folder: str | Path, *, overwrite: bool = False, progress: Progress | None = None
    ) -> dict[str, Path]:
        """Write table, HEALPix map, coverage map, figure and summary, a folder that reads as a map.

        Parameters
        ----------
        folder : path
            Folder to come; it appears whole or not at all.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        progress : Progress, optional

        Returns
        -------
        dict of str to Path
            File name to place.
        """
        from skykin.products.figures.canvas import house_style, save_figure  # noqa: PLC0415 - see plot

        folder = Path(folder)
        with (
            (progress or SilentProgress()).stage("Writing agreement", 3, "products") as counter,
            output_folder(folder, overwrite=overwrite) as temporary,
        ):
            _write_tables(self, temporary)
            counter.advance()
            _write_map(self, temporary / MAP)
            moc = self.coverage_map.serialize(format="fits")
            stamp_notes(moc[1].header, self.provenance)
            write_hdus(temporary / BEST, moc)
            counter.advance()
            caption = (
                f"Share of the sky that is at least as similar to {self.reference_name}: by the rank product "
                "of all maps, and by each alone; bright is similar. Mollweide projection in Galactic "
                "coordinates; grey: no data."
            )
            with house_style():
                title = "Agreement of the maps"
                save_figure(self.plot(), self, temporary, name="agreement", title=title, caption=caption)
            counter.advance()
            names = sorted(path.name for path in temporary.iterdir())
        return {name: folder / name for name in names}

    @classmethod
    def read(cls, folder: str | Path) -> Agreement:
        """Read what `write` wrote, or ``skykin agree``; the tiles are in the order of their rank.

        Raises
        ------
        InputRefusedError
            If the folder holds no agreement.
        CorruptFileError
            If one of its files cannot be read.
        """
        folder = Path(folder)
        with reading(folder, (SUMMARY, TILES, BEST), "agree", again="skykin agree --overwrite"):
            document, provenance = read_document(folder / SUMMARY)
            return cls(
                reference_name=document["reference"],
                maps=document["maps"],
                tiles=read_table(folder / TILES),
                nside=document["nside"],
                top_fraction=document["top_fraction"],
                correlations=table_of(document["correlations"]),
                provenance=provenance,
            )

    def __repr__(self) -> str:
        maps = ", ".join(self.maps)
        return f"<Agreement of {maps} on {self.reference_name}: {len(self.tiles)} tiles>"

    @property
    def heading(self) -> str:
        """What agrees with what."""
        return f"Agreement of {len(self.maps)} maps of {self.reference_name}"

    @property
    def text_tables(self) -> list[TextTable]:
        """The places that rank highest, and the pairs of maps."""
        best = self.tiles[np.argsort(numbers(self.tiles["rank"]), kind="stable")[:SHOWN_TILES]]
        return [
            text_table("Best tiles", best, SHOWN_COLUMNS),
            text_table("Pairs of maps", self.correlations, self.correlations.colnames),
        ]

    @property
    def coordinates(self) -> SkyCoord:
        """Centres of the tiles, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return coordinates_of(self.tiles)


def _write_tables(result: Agreement, folder: Path) -> None:
    facts = result.provenance.to_dict()
    document = {
        "reference": result.reference_name,
        "maps": dict(result.maps),
        "n_tiles": len(result.tiles),
        "nside": result.nside,
        "top_fraction": result.top_fraction,
        "sentences": result.sentences(),
        "correlations": [
            {name: plain(row[name]) for name in result.correlations.colnames} for row in result.correlations
        ],
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json_text(document, indent=1)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")
    table = result.tiles[np.argsort(np.asarray(result.tiles["rank"]), kind="stable")]
    for name in table.colnames:
        table[name].info.description = _text(result, name)
    table.meta = {"creator": creator(result.provenance), "provenance": plain(facts)}
    table.write(folder / TILES, format="ascii.ecsv")


def _text(result: Agreement, name: str) -> str | None:
    if name.startswith(SHARE):
        title = result.maps[name.removeprefix(SHARE)]
        return f"Share of the sky that ranks at least as high in {title}"
    return _TEXTS.get(name) or COLUMNS.get(name, (None, ""))[0]


def _write_map(result: Agreement, path: Path) -> None:
    names = ["score", "p", "maps", *(f"{SHARE}{name}" for name in result.maps)]
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(
                name=name.upper().replace("-", "_"), format="E", array=result.on_pixels(name).astype("f4")
            )
            for name in names
        ],
        name="AGREEMENT",
    )
    for key, value in (
        ("PIXTYPE", "HEALPIX"), ("ORDERING", "RING"), ("COORDSYS", "G"), ("NSIDE", result.nside),
        ("FIRSTPIX", 0), ("LASTPIX", 12 * result.nside**2 - 1), ("INDXSCHM", "IMPLICIT"),
        ("OBJECT", "FULLSKY"), ("CREATOR", creator(result.provenance)),
        ("REFNAME", ascii_text(result.reference_name)[:60]),
    ):  # fmt: skip
        table.header[key] = value
    table.header.add_comment("Pixels that no map knows are NaN.")
    stamp_notes(table.header, result.provenance)
    table.add_checksum(when="written by Skykin")
    primary = fits.PrimaryHDU()
    primary.add_checksum(when="written by Skykin")
    write_hdus(path, fits.HDUList([primary, table]))
