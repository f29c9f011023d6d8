"""How an index shows itself: its tiles on the sky, and its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from astropy.coordinates import SkyCoord

from skykin.indexing.sky_index import StoredIndex
from skykin.products.result import Result, TextTable, coordinates_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ShownIndex(StoredIndex, Result):
    """A stored index that is also a result."""

    shows: ClassVar[str] = "Map of the mean intensity of the tiles"

    @property
    def coordinates(self) -> SkyCoord:
        """Centres of the standard tiles, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return coordinates_of(self.tiles)

    @property
    def heading(self) -> str:
        """What it is, in a few words."""
        return f"Index of {self.survey_title}"

    def sentences(self) -> list[str]:
        """Say what it holds."""
        return [f"{len(self):,} tiles of {self.tile_deg:g}°, measured by the recipe {self.recipe.name}."]

    @property
    def text_tables(self) -> list[TextTable]:
        """Its facts, as ``skykin info`` tells them."""
        return [("What it holds", ("", ""), [list(pair) for pair in self.describe().items()])]

    def plot(self) -> Figure:
        """Draw the mean intensity of its tiles on the sky; needs no survey."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.sky_kinds import intensity_figure  # noqa: PLC0415

        with house_style():
            return intensity_figure(self.tiles, self.spacing_deg, self.extent, self.survey_title)
