"""The catalogue of tiles, as ECSV and as VOTable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.io.votable.tree import CooSys, Info, VOTableFile
from astropy.table import QTable

from skykin.core.clean import lines, one_line
from skykin.core.clean_table import cleaned
from skykin.core.plain import plain
from skykin.core.provenance import Provenance
from skykin.products.mapped import MappedTiles
from skykin.products.result import numbers
from skykin.products.stamp import creator, settings

#: Meaning and UCD (IVOA UCD1+) of each column.
COLUMNS = {
    "rank": ("Place in the order of scores, 1 is the best", "stat.rank"),
    "name": ("Tile, named by its Galactic position", "meta.id;meta.main"),
    "lon": ("Galactic longitude of the centre", "pos.galactic.lon;meta.main"),
    "lat": ("Galactic latitude of the centre", "pos.galactic.lat;meta.main"),
    "ra": ("Right ascension of the centre, ICRS", "pos.eq.ra"),
    "dec": ("Declination of the centre, ICRS", "pos.eq.dec"),
    "width": ("Side along longitude", "phys.angSize"),
    "height": ("Side along latitude", "phys.angSize"),
    "turn": (
        "Angle from Galactic north to the upward side of the tile, through growing longitude",
        "pos.posAng",
    ),
    "score": (
        "Similarity to the reference: 0 is an average tile, 1 the reference itself",
        "stat.correlation;meta.main",
    ),
    "match": ("Whether the tile is a match", "meta.code.member"),
    "standardised": (
        "Height of the score above that of tiles of the same brightness, |b| and coverage, in their spreads",
        "stat.value",
    ),
    "p": ("p-value under the matched null", "stat.probability"),
    "q": ("False discovery rate at which the tile is a match", "stat.probability"),
    "best_reference": ("Reference that the tile is most similar to", "meta.id"),
    "view_angle_deg": (
        "Angle by which the reference is turned in the view that the tile is most similar to, from Galactic "
        "north through growing longitude",
        "pos.posAng",
    ),
    "view_scale": ("How many times as large the reference is shown in that view", "arith.factor"),
    "view_mirrored": ("Whether that view is mirrored", "meta.code"),
    "hubness": ("Mean of the ten largest scores against 64 tiles spread over the map", "stat.mean"),
    "reference_hubness": ("The same of the reference that the tile is compared with", "stat.mean"),
    "best_size": ("Size of tile at which the place is most similar", "phys.angSize"),
    "best_score": ("Score at that size", "stat.correlation"),
    "csls": ("Score scaled locally: twice the score less the hubness of tile and reference", "stat.value"),
    "p_surrogate": ("Share of phase-randomised pictures of such tiles that gain as much", "stat.probability"),
    "score_low": ("5 % quantile of the score under the noise of the survey", "stat.min"),
    "score_high": ("95 % quantile of the score under the noise of the survey", "stat.max"),
    "coverage": ("Share of the tile with data, 0 to 1", "stat.filling"),
    "brightness": ("Mean of the rendered colours, 0 to 1", "stat.value"),
    "mean_intensity": ("Mean intensity of the survey in the tile", "phot.flux.sb;stat.mean"),
    "noise": ("Noise of that intensity at one position, where the survey knows it", "stat.stdev"),
    "area": ("Share of the sky that the tile stands for", "phys.angArea;arith.ratio"),
    "flag": (
        "DQ-CONST: the picture is the same everywhere, so it has no score; DQ-PARTIAL: holes in the data may "
        "decide the score",
        "meta.code.qual",
    ),
}


def ranked_tiles(result: MappedTiles) -> QTable:
    """Tiles by rank, with descriptions and UCDs, and the stamp in ``meta``.

    Returns
    -------
    QTable
        The columns of `SkyMap.tiles`; each column's ``info.meta["ucd"]`` is its UCD.
    """
    table = cleaned(result.tiles[np.argsort(numbers(result.tiles["rank"]), kind="stable")])
    texts = COLUMNS | {
        f"cosine_{layer}": (f"Cosine of style to the reference in layer {layer}", "stat.correlation")
        for layer in result.layers
    }
    facts = {"reference": result.query.name, "match": result.cut.words}
    return described(table, texts, result.provenance, **facts)


def described(
    table: QTable, texts: Mapping[str, tuple[str, str]], provenance: Provenance, **facts: object
) -> QTable:
    """Give the columns of a table descriptions and UCDs, and put facts and the stamp into ``meta``.

    Parameters
    ----------
    table : QTable
        Changed in place.
    texts : Mapping of str to (description, UCD)
    provenance : Provenance
    **facts
        Plain values.
    """
    for name in table.colnames:
        description, ucd = texts.get(name, ("", ""))
        info = table[name].info
        info.description = one_line(info.description or description or "") or None
        info.meta = {**(info.meta or {}), **({"ucd": ucd} if ucd else {})}
    everything = provenance.to_dict()
    table.meta = {
        "creator": creator(provenance),
        "coordinate_system": "Galactic",
        **facts,
        "acknowledgements": plain(everything.pop("credits")),
        "provenance": plain(everything),
    }
    return table


def write_ecsv(result: MappedTiles, path: Path) -> None:
    """Write the catalogue as ECSV, which keeps units, descriptions and the stamp in Python."""
    ranked_tiles(result).write(path, format="ascii.ecsv", overwrite=True)


def write_votable(result: MappedTiles, path: Path) -> None:
    """Write the catalogue as VOTable for the tools of the Virtual Observatory."""
    what = (
        f"Tiles of {result.survey.title} by similarity to {result.query.name}; "
        f"a tile matches at {result.cut.words}."
    )
    save_votable(ranked_tiles(result), what, result.provenance, path)


def save_votable(table: QTable, what: str, provenance: Provenance, path: Path) -> None:
    """Write a table whose columns are described as VOTable, with its frames and the stamp.

    Parameters
    ----------
    table : QTable
        Loses its ``meta``.
    what : str
        What it is, in a sentence.
    provenance : Provenance
    path : Path
    """
    # The stamp goes into INFO elements: the writer would drop nested metadata.
    table.meta = {}
    document = VOTableFile.from_table(table)
    resource = document.resources[0]
    systems = {"lon": "galactic", "lat": "galactic", "ra": "icrs", "dec": "icrs"}
    resource.coordinate_systems.append(CooSys(ID="galactic", system="galactic"))
    resource.coordinate_systems.append(CooSys(ID="icrs", system="ICRS"))
    for field in resource.tables[0].fields:
        if field.name in systems:
            field.ref = systems[field.name]
    credits_of = (f"Acknowledgement: {credit}" for credit in provenance.credits)
    resource.description = lines("\n".join([f"{what} Made by {creator(provenance)}.", *credits_of]))
    for name, text in settings(provenance):
        resource.infos.append(Info(name=name, value=text))
    # As text it takes three times the time and the space.
    document.to_xml(str(path), tabledata_format="binary")
