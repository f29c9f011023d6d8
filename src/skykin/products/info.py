"""What is known of a survey, an index or this machine: names with texts, and a picture where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from skykin.core.atomic import whole_file
from skykin.core.errors import UsageError, shown
from skykin.core.picture import Panel
from skykin.products.folder import check_output_file
from skykin.products.result import Result, TextTable, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Info(Result):
    """Facts for people.

    Parameters
    ----------
    title : str
        What the facts are about.
    facts : Mapping of str to str
    notes : tuple of str
        What to do about them.
    draw : callable, optional
        Draws the picture; None where there is none.
    save : callable, optional
        Writes the picture of a survey alone, without frame and names, into a file.
    name : str
        Short name of a survey.
    drawn : str
        What the picture shows, for those who cannot see it.

    Examples
    --------
    >>> skykin.info(made).facts["recipe"]
    'mean-std: block1_conv1, block2_conv1, block3_conv1, block4_conv1, block5_conv1'
    """

    title: str
    facts: Mapping[str, str]
    notes: tuple[str, ...] = ()
    draw: Callable[[], Figure] | None = None
    save: Callable[[Path], None] | None = None
    name: str = ""
    drawn: str = "Picture"

    @classmethod
    def of_pictures(
        cls, title: str, facts: Mapping[str, str], panels: Sequence[Panel], name: str, per_row: int
    ) -> Self:
        """Tell facts beside pictures, which are drawn in rows."""

        def draw() -> Figure:
            # Matplotlib is loaded for a picture only.
            from skykin.products.figures.canvas import house_style  # noqa: PLC0415
            from skykin.products.figures.side_by_side import side_by_side_figure  # noqa: PLC0415

            with house_style():
                return side_by_side_figure(panels, per_row)

        def save(path: Path) -> None:
            with whole_file(path) as temporary:
                draw().savefig(temporary, format="png")

        drawn = f"{len(panels)} pictures of {name}"
        return cls(title, facts, draw=draw, save=save, name=name, drawn=drawn)

    def __repr__(self) -> str:
        return f"<Info on {shortened(self.title)}: {shortened(', '.join(self.facts), 160)}>"

    @property
    def heading(self) -> str:
        """What the facts are about."""
        return self.title

    @property
    def pictured(self) -> bool:
        """Whether there is a picture."""
        return self.draw is not None

    @property
    def picture_text(self) -> str:
        """What is told where the picture cannot be seen."""
        return f"{self.drawn}: {self.heading}"

    def sentences(self) -> list[str]:
        """Say what to do about the facts."""
        return list(self.notes)

    @property
    def text_tables(self) -> list[TextTable]:
        """Names and texts in two columns."""
        return [("", ("", ""), [list(pair) for pair in self.facts.items()])]

    def plot(self) -> Figure:
        """Draw the picture.

        Raises
        ------
        UsageError
            If there is none.
        """
        if self.draw is None:
            raise self._without_picture()
        return self.draw()

    def write_preview(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a picture of a survey as PNG, without frame and names.

        Parameters
        ----------
        path : path
        overwrite : bool
            Whether a file that is there may be replaced.

        Raises
        ------
        UsageError
            If it is no survey, or the file is there already.
        ResourceError
            If it cannot be written.
        """
        if self.save is None:
            raise self._without_picture()
        check_output_file(path, overwrite=overwrite)
        self.save(Path(path))

    def _without_picture(self) -> UsageError:
        return UsageError(f"there is no picture of {shown(self.title)}; look at its facts")
