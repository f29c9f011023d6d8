"""Progress bars on a terminal."""

import io

import pytest
from rich.console import Console

from skykin.cli.bars import TerminalProgress, rate


@pytest.mark.parametrize(
    ("speed", "told"),
    [(0.5, "0.5 tiles/s"), (18.23, "18.2 tiles/s"), (185_000, "185k tiles/s"), (2.5e6, "2.5M tiles/s")],
)
def test_a_rate_is_told_in_three_digits(speed, told):
    assert rate(speed, "tiles") == told


def test_a_stage_fits_on_one_line_of_eighty_columns():
    screen = io.StringIO()
    progress = TerminalProgress(Console(file=screen, width=80, force_terminal=True, color_system=None))
    with progress.stage("Style of every tile", 786432, "pixels") as counter:
        counter.advance(786432)
    last = screen.getvalue().rstrip("\x1b[?25h").split("\r")[-1]
    assert "786432/786432" in last
    assert "left" in last
    assert last.rstrip().count("\n") == 0


def test_what_is_said_is_shown_as_it_is():
    screen = io.StringIO()
    TerminalProgress(Console(file=screen, width=80)).say("note: [bold]3[/bold] tiles")
    assert screen.getvalue() == "note: [bold]3[/bold] tiles\n"
