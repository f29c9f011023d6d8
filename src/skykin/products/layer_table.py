"""The numbers of opened layers as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from astropy.table import Table

from skykin.core.atomic import whole_file
from skykin.products.stamp import stamp_lines

if TYPE_CHECKING:
    from skykin.products.figures.layers import OpenedLayers


def layer_table(opened: OpenedLayers) -> Table:
    """One row per style layer: channels, shares, directions and, with a match, the cosine."""
    reference = opened.pictures[0].layers.style
    table = Table({"layer": list(reference), "channels": [len(style.matrix) for style in reference.values()]})
    table["layer"].description = "layer of VGG19"
    table["channels"].description = "channels of the layer"
    for which, each in zip(("reference", "match"), opened.pictures, strict=False):
        styles = each.layers.style.values()
        table[f"share_{which}"] = [style.share for style in styles]
        table[f"share_{which}"].description = "part of the squared length of all style layers"
        table[f"directions_{which}"] = [style.dimensions for style in styles]
        table[f"directions_{which}"].description = "1 / sum of squared eigenvalues, as shares of their sum"
    if len(opened.pictures) == 2:
        table["cosine"] = list(opened.pictures[0].layers.cosines(opened.pictures[1].layers).values())
        table["cosine"].description = "cosine of the match's statistic with the reference's"
    table.meta["pictures"] = [each.name for each in opened.pictures]
    table.meta["comments"] = stamp_lines(opened)
    return table


def write_layer_table(opened: OpenedLayers, path: Path) -> None:
    """Write the table as ECSV.

    Raises
    ------
    ResourceError
        If it cannot be written.
    """
    with whole_file(path) as temporary:
        layer_table(opened).write(temporary, format="ascii.ecsv", overwrite=True)
