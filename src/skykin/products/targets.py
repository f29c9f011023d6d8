"""Targets: places to look at, as a result that shows itself, is written and read back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from astropy.coordinates import SkyCoord

from skykin.catalogue.target_choice import TargetChoice
from skykin.products.folder import output_folder
from skykin.products.mapped import MappedTiles
from skykin.products.page import html_text
from skykin.products.result import SHOWN_TILES, Result, TextTable, coordinates_of, shortened, text_table
from skykin.products.summary import target_lines
from skykin.products.target_facts import target_facts
from skykin.products.target_files import (
    read_targets,
    write_target_ecsv,
    write_target_regions,
    write_target_votable,
)
from skykin.products.target_list import TargetList, target_list

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Columns that a notebook or a terminal shows.
SHOWN_COLUMNS = (
    "rank", "name", "tile", "lon", "lat", "ra", "dec", "constellation", "score", "view_angle_deg",
    "view_scale", "p", "q", "mean_intensity", "transit_altitude", "hours_high", "known", "inside",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Targets(TargetList, Result):
    """The targets of a map, as `TargetList` says, to be shown and written.

    Examples
    --------
    >>> targets = skykin.search(made, "209,-19", top_fraction=0.5).targets(2)
    >>> print("; ".join(targets.table["name"]))
    SKYKIN G205.1-05.1; SKYKIN G223.2-23.8
    """

    shows: ClassVar[str] = "Map of the targets on the sky"

    @classmethod
    def of(cls, found: MappedTiles, choice: TargetChoice | None = None) -> Self:
        """Choose the targets of a map; those that its own choice names if none is given."""
        listed = target_list(found, choice)
        return cls(**{each.name: getattr(listed, each.name) for each in fields(listed)})

    def __repr__(self) -> str:
        best = f", the best {self.table['name'][0]}" if len(self) else ""
        return (
            f"<Targets: {len(self)} of {shortened(self.survey_title)} like "
            f"{shortened(self.reference_name)}{best}>"
        )

    def _repr_html_(self) -> str:
        """Show figure, pictures and sentences in a notebook."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import html_image  # noqa: PLC0415
        from skykin.products.target_page import target_section  # noqa: PLC0415 - loads Jinja

        picture = html_image(self.plot(), self.heading)
        section = target_section(self, self.sentences(), most=SHOWN_TILES)
        return f"<h3>{html_text(self.heading)}</h3>{picture}{section}"

    @property
    def heading(self) -> str:
        """How many targets of which survey."""
        return f"{len(self)} targets like {shortened(self.reference_name)} in {self.survey_title}"

    @property
    def coordinates(self) -> SkyCoord:
        """Where the targets are, as a Galactic `~astropy.coordinates.SkyCoord`."""
        return coordinates_of(self.table)

    @property
    def text_tables(self) -> list[TextTable]:
        """The best targets, if there are any."""
        if not len(self):
            return []
        return [text_table("Targets", self.table[:SHOWN_TILES], SHOWN_COLUMNS)]

    def sentences(self) -> list[str]:
        """Say how many there are, and at how many nothing is catalogued."""
        return target_lines(target_facts(self))

    def plot(self) -> Figure:
        """Draw the targets on the sky."""
        # Matplotlib is loaded for a picture only.
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415
        from skykin.products.figures.targets import targets_figure  # noqa: PLC0415

        with house_style():
            return targets_figure(self)

    def write(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write the table (ECSV and VOTable), DS9 regions and the figure.

        Parameters
        ----------
        folder : path
            Folder to come; it appears whole or not at all.
        overwrite : bool
            Whether a folder that Skykin made before may be replaced.
        """
        from skykin.products.figures.canvas import house_style  # noqa: PLC0415 - see plot
        from skykin.products.figures.targets import save_targets  # noqa: PLC0415

        with output_folder(Path(folder), overwrite=overwrite) as temporary, house_style():
            write_target_ecsv(self, temporary / "targets.ecsv")
            write_target_votable(self, temporary / "targets.vot")
            write_target_regions(self, temporary / "targets.reg")
            save_targets(self, temporary)

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Read the list that `write`, or a map, wrote; its view then has no pictures of the map's survey.

        Raises
        ------
        InputRefusedError
            If the folder holds no targets.
        CorruptFileError
            If the table cannot be read.
        """
        return cls(**read_targets(Path(folder)))
