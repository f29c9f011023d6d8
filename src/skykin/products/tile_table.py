"""The catalogue of tiles, as ECSV and as VOTable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io.votable.tree import CooSys, Info, VOTableFile
from astropy.table import QTable

from skykin.core.plain import plain
from skykin.products.result import KinMap, numbers
from skykin.products.stamp import creator, settings

#: Meaning and UCD (IVOA UCD1+) of each column.
COLUMNS = {
    "rank": ("Place in the order of scores, 1 is the best", "stat.rank"),
    "name": ("Tile, named by its Galactic position", "meta.id;meta.main"),
    "lon": ("Galactic longitude of the centre", "pos.galactic.lon;meta.main"),
    "lat": ("Galactic latitude of the centre", "pos.galactic.lat;meta.main"),
    "width": ("Side along longitude", "phys.angSize"),
    "height": ("Side along latitude", "phys.angSize"),
    "score": ("Likeness to the reference", "stat.correlation;meta.main"),
    "match": ("Whether the tile is a match", "meta.code.member"),
    "standardised": (
        "Height of the score above that of tiles of the same brightness, |b| and coverage, in their spreads",
        "stat.value",
    ),
    "p": ("Share of tiles without kinship that stand out as much", "stat.probability"),
    "q": ("False discovery rate at which the tile is a match", "stat.probability"),
    "best_reference": ("Reference that the tile is most like", "meta.id"),
    "hubness": ("Mean of the ten largest scores against 64 tiles spread over the map", "stat.mean"),
    "csls": ("Score scaled locally: twice the score less the hubness of tile and reference", "stat.value"),
    "p_surrogate": ("Share of phase-randomised pictures of such tiles that gain as much", "stat.probability"),
    "score_low": ("5 % quantile of the score under the noise of the survey", "stat.min"),
    "score_high": ("95 % quantile of the score under the noise of the survey", "stat.max"),
    "coverage": ("Share of the tile with data, 0 to 1", "stat.filling"),
    "brightness": ("Mean of the rendered colours, 0 to 1", "stat.value"),
    "mean_intensity": ("Mean intensity of the survey in the tile", "phot.flux.sb;stat.mean"),
    "noise": ("Noise of that intensity at one position, where the survey knows it", "stat.stdev"),
    "area": ("Share of the sky that the tile stands for", "phys.angArea;arith.ratio"),
}


def ranked_tiles(result: KinMap) -> QTable:
    """Tiles by rank, with descriptions and UCDs, and the stamp in ``meta``.

    Returns
    -------
    QTable
        The columns of `KinMap.tiles`; each column's ``info.meta["ucd"]`` is its UCD.
    """
    table = result.tiles[np.argsort(numbers(result.tiles["rank"]), kind="stable")]
    texts = COLUMNS | {
        f"cosine_{layer}": (f"Cosine of style to the reference in layer {layer}", "stat.correlation")
        for layer in result.layers
    }
    for name in table.colnames:
        description, ucd = texts.get(name, ("", ""))
        info = table[name].info
        info.description = info.description or description or None
        info.meta = {**(info.meta or {}), **({"ucd": ucd} if ucd else {})}
    facts = result.provenance.to_dict()
    table.meta = {
        "creator": creator(result.provenance),
        "coordinate_system": "Galactic",
        "reference": result.reference_name,
        "match": result.line.words,
        "acknowledgements": plain(facts.pop("credits")),
        "provenance": plain(facts),
    }
    return table


def write_ecsv(result: KinMap, path: Path) -> None:
    """Write the catalogue as ECSV, which keeps units, descriptions and the stamp in Python."""
    ranked_tiles(result).write(path, format="ascii.ecsv", overwrite=True)


def write_votable(result: KinMap, path: Path) -> None:
    """Write the catalogue as VOTable for the tools of the Virtual Observatory."""
    table = ranked_tiles(result)
    # The stamp goes into INFO elements: the writer would drop nested metadata.
    table.meta = {}
    document = VOTableFile.from_table(table)
    resource = document.resources[0]
    resource.coordinate_systems.append(CooSys(ID="galactic", system="galactic"))
    for field in resource.tables[0].fields:
        if field.name in ("lon", "lat"):
            field.ref = "galactic"
    resource.description = _description(result)
    for name, text in settings(result.provenance):
        resource.infos.append(Info(name=name, value=text))
    # As text it takes three times the time and the space.
    document.to_xml(str(path), tabledata_format="binary")


def _description(result: KinMap) -> str:
    first = (
        f"Tiles of {result.survey_title} by likeness to {result.reference_name}; "
        f"a tile matches at {result.line.words}. Made by {creator(result.provenance)}."
    )
    return "\n".join([first, *(f"Acknowledgement: {credit}" for credit in result.provenance.credits)])
