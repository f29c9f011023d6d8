"""The best targets laid out for a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from skykin.products.designation import PREFIX
from skykin.products.result import numbers, text_table
from skykin.products.targets import Targets

#: Rows that a summary shows.
SHOWN = 10
#: Columns, with what stands above them.
HEADS = {
    "rank": "", "name": f"{PREFIX} …", "constellation": "in", "score": "score", "view_angle_deg": "turn °",
    "view_scale": "scale", "best_reference": "most like", "best_size": "best size",
    "best_score": "score there", "p": "p", "q": "q", "transit_altitude": "alt. °", "hours_high": "dark h",
}  # fmt: skip
#: Those that may take several lines, so that no number is cut off.
WORDS = {"constellation", "best_reference"}


def target_table(targets: Targets, most: int = SHOWN) -> Table:
    """Lay the best targets out, each with the nearest object that is catalogued there."""
    names = [name for name in HEADS if name in targets.table.colnames]
    if {"hours_high", "best_reference"} & {*names}:  # Eighty letters have no room for all.
        names.remove("constellation")
    best = targets.table[:most]
    best["name"] = [str(name).removeprefix(f"{PREFIX} ") for name in best["name"]]
    more = f", the best {len(best)} of {len(targets)}" if len(targets) > len(best) else ""
    title = Text(f"The kin of {targets.reference_name}: targets{more}")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    if "view_angle_deg" in names:
        best["view_angle_deg"] = [f"{angle:.0f}" for angle in numbers(best["view_angle_deg"])]
    _, _, rows = text_table("", best, names)
    for name in names:
        table.add_column(Text(HEADS[name]), no_wrap=name not in WORDS, overflow="fold")
    table.add_column("known there", overflow="fold")
    for row, known in zip(rows, best["known_name"], strict=True):
        table.add_row(*map(Text, [*row, str(known) or "NOTHING"]))
    return table
