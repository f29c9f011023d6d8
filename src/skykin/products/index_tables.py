"""Tables of an index's tiles among themselves: neighbours, kinds of sky, outliers."""

from __future__ import annotations

from pathlib import Path

from astropy.table import QTable

from skykin.core.atomic import whole_file
from skykin.core.plain import plain
from skykin.core.provenance import Provenance
from skykin.products.stamp import creator

#: Meaning of each column.
COLUMNS = {
    "tile": "Tile, named by its Galactic position",
    "name": "Tile, named by its Galactic position",
    "lon": "Galactic longitude of the centre",
    "lat": "Galactic latitude of the centre",
    "ra": "Right ascension of the centre, ICRS",
    "dec": "Declination of the centre, ICRS",
    "place": "1 is the most similar",
    "neighbour": "Name of a similar tile that does not overlap it",
    "neighbour_lon": "Galactic longitude of its centre",
    "neighbour_lat": "Galactic latitude of its centre",
    "neighbour_ra": "Right ascension of its centre, ICRS",
    "neighbour_dec": "Declination of its centre, ICRS",
    "neighbour_score": "Similarity of the two",
    "separation": "Distance of the two centres",
    "mutual": "Whether each is among the most similar tiles of the other",
    "kind": "Kind of sky, 1 is the faintest; 0 without a style",
    "closeness": "Cosine with the middle of its kind",
    "oddness": "1 less the mean score with its most similar tiles",
    "rank": "Place in the order, 1 is the oddest",
    "coverage": "Share of the tile with data, 0 to 1",
    "mean_intensity": "Mean intensity of the survey in the tile",
    "area": "Share of the sky that the tile stands for",
}


def stamped(table: QTable, provenance: Provenance, **facts: object) -> QTable:
    """Return the table with descriptions, and the stamp in ``meta``."""
    for name in table.colnames:
        table[name].info.description = COLUMNS.get(name)
    everything = provenance.to_dict()
    table.meta = {
        "creator": creator(provenance),
        "coordinate_system": "Galactic",
        **{name: plain(value) for name, value in facts.items()},
        "acknowledgements": plain(everything.pop("credits")),
        "provenance": plain(everything),
    }
    return table


def write_table(table: QTable, path: Path) -> None:
    """Write a stamped table as ECSV; the file is whole or not there.

    Raises
    ------
    ResourceError
        If it cannot be written.
    """
    with whole_file(path) as temporary:
        table.write(temporary, format="ascii.ecsv", overwrite=True)
