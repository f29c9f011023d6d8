"""The layers of a picture one by one: what its content layers show, and what its style layers keep of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from astropy.table import Table

from skykin.core.atomic import whole_file
from skykin.core.provenance import Provenance
from skykin.generate.layers import OpenedPicture
from skykin.products.folder import output_folder
from skykin.products.result import Result, TextTable, text_table
from skykin.products.stamp import stamp_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class OpenedLayers(Result):
    """The layers of the reference, and perhaps of a match.

    Parameters
    ----------
    pictures : sequence of OpenedPicture
        One or two, the reference first.
    statistic : str
        What the matrices are, in words.
    provenance : Provenance

    Examples
    --------
    >>> import numpy as np
    >>> opened = skykin.layers(np.random.default_rng(1).random((32, 32, 3), np.float32))
    >>> opened.statistic, len(opened.pictures)
    ('Gram matrices', 1)
    """

    shows: ClassVar[str] = "Matrices of the style layers, one column a layer"

    pictures: Sequence[OpenedPicture]
    statistic: str
    provenance: Provenance

    def __repr__(self) -> str:
        layers = ", ".join(self.pictures[0].layers.style)
        return f"<OpenedLayers of {self.names}: {self.statistic} of {layers}>"

    @property
    def names(self) -> str:
        """All names, for titles."""
        return " and ".join(opened.name for opened in self.pictures)

    @property
    def heading(self) -> str:
        """Whose layers they are."""
        return f"Layers of {self.names}"

    @property
    def cosines(self) -> Mapping[str, float]:
        """Cosine of the match's statistic with the reference's, layer by layer; empty without a match."""
        if len(self.pictures) < 2:
            return {}
        first, second = self.pictures
        return first.layers.cosines(second.layers)

    def sentences(self) -> list[str]:
        """Say which layers are long, and how similar two pictures are in each."""
        lines = []
        for each in self.pictures:
            shares = ", ".join(
                f"{layer} {100 * style.share:.3g} %" for layer, style in each.layers.style.items()
            )
            lines.append(f"{each.name}: share of the squared length of all {self.statistic}: {shares}")
        if self.cosines:
            told = ", ".join(f"{layer} {cosine:.4f}" for layer, cosine in self.cosines.items())
            lines.append(f"cosines: {told}")
        return lines

    @property
    def text_tables(self) -> list[TextTable]:
        """The numbers of the style layers."""
        table = layer_table(self)
        return [text_table("Style layers", table, table.colnames)]

    def plot(self) -> Figure:
        """Draw the matrices of the style layers as images."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.layers import style_figure  # noqa: PLC0415

        with house_style():
            return style_figure(self)

    def write(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write three figures and ``layers.ecsv``; the folder appears whole or not at all.

        Parameters
        ----------
        folder : path
            Folder to come.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        """
        from skykin.products.figures.layers import draw_layers  # noqa: PLC0415 - see plot

        with output_folder(Path(folder), overwrite=overwrite) as temporary:
            draw_layers(self, temporary)
            write_layer_table(self, temporary / "layers.ecsv")


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
        table["cosine"] = list(opened.cosines.values())
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
