"""The files of an agreement of maps: a folder that `skykin evaluate` reads as it reads a map's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy_healpix import HEALPix
from mocpy import MOC

from skykin.core.plain import plain
from skykin.core.protocols import Progress
from skykin.products.agreement import SHARE, Agreement
from skykin.products.figures.agreement import draw_agreement
from skykin.products.figures.canvas import house_style
from skykin.products.folder import output_folder
from skykin.products.map_folder import SUMMARY, TILES
from skykin.products.stamp import ascii_text, creator, stamp_notes
from skykin.products.tile_table import COLUMNS

MAP, BEST = "score.fits", "matches.moc.fits"
FINEST_ORDER = 9
_TEXTS = {
    "score": "−log10 of the share of places that would rank as high were the maps independent",
    "maps": "How many maps know the place",
    "p": "Share of places of this latitude that rank as high once the maps are turned",
    "sky_share": "Share of the sky with at least this rank product",
}


def write_agreement(
    result: Agreement, folder: Path, *, overwrite: bool = False, progress: Progress
) -> dict[str, Path]:
    """Write table, HEALPix map, coverage map, figure and summary; the folder appears whole or not at all.

    Returns
    -------
    dict of str to Path
        File name to place.
    """
    with (
        progress.stage("Writing agreement", 3, "products") as counter,
        output_folder(folder, overwrite=overwrite) as temporary,
    ):
        _write_tables(result, temporary)
        counter.advance()
        _write_map(result, temporary / MAP)
        moc = result.coverage_map.serialize(format="fits")
        stamp_notes(moc[1].header, result.provenance)
        moc.writeto(temporary / BEST)
        counter.advance()
        with house_style():
            draw_agreement(result, temporary)
        counter.advance()
        names = sorted(path.name for path in temporary.iterdir())
    return {name: folder / name for name in names}


def best_sky(result: Agreement) -> MOC:
    """Cells of a HEALPix grid in ICRS, four times as fine, whose centres lie in pixels that match."""
    order = int(np.log2(result.nside))
    depth = max(order, min(order + 2, FINEST_ORDER))
    cells = HEALPix(2**depth, order="nested")
    number = np.arange(cells.npix)
    centres = SkyCoord(*cells.healpix_to_lonlat(number), frame="icrs").galactic
    pixels = HEALPix(result.nside, order="ring").lonlat_to_healpix(centres.l, centres.b)
    chosen = number[result.on_pixels("match")[pixels] == 1]
    depths = np.full(len(chosen), depth, dtype=np.uint8)
    return MOC.from_healpix_cells(chosen.astype(np.uint64), depths, max_depth=depth)


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
    text = json.dumps(plain(document), sort_keys=True, allow_nan=False, indent=1, ensure_ascii=False)
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
    fits.HDUList([primary, table]).writeto(path)
