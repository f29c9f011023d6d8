"""Files that a person takes away from the page: targets with decisions, score map, matches, picture."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from skykin.core.clean_table import cleaned
from skykin.core.scratch import TemporaryFolder
from skykin.products.hips.geometry import SHIFT, recommended_order
from skykin.products.matches import coverage_map, write_coverage_map
from skykin.products.score_map import write_score_map
from skykin.products.target_files import (
    target_table,
    write_target_ecsv,
    write_target_regions,
    write_target_votable,
)
from skykin.products.targets import Targets
from skykin.viewing.questions import Question, Verdict
from skykin.viewing.sky import Sky

#: Name of each file, and its type.
DOWNLOADS: Mapping[str, str] = {
    "targets.vot": "application/x-votable+xml",
    "targets.ecsv": "text/plain",
    "targets.csv": "text/csv",
    "targets.reg": "text/plain",
    "score.fits": "application/fits",
    "matches.moc.fits": "application/fits",
    "map.png": "image/png",
}
#: Cells along the side of a tile in the coverage map that the page draws.
SHOWN_CELLS = 32
OF_TARGETS: Mapping[str, Callable[[Targets, Path], None]] = {
    "targets.vot": write_target_votable, "targets.ecsv": write_target_ecsv,
    "targets.reg": write_target_regions,
}  # fmt: skip


def download(sky: Sky, question: Question, name: str) -> bytes:
    """Write a file of an answer; its name is one of `DOWNLOADS`."""
    found, targets = sky.found(question)
    if name == "map.png":
        stream = io.BytesIO()
        found.plot().savefig(stream, format="png", dpi=150)
        return stream.getvalue()
    with TemporaryFolder() as folder:
        path = folder / name
        if name == "score.fits":
            write_score_map(found, path)
        elif name == "matches.moc.fits":
            write_coverage_map(found, path)
        elif name == "targets.csv":
            plain = Table(target_table(judged(sky, question, targets)))
            cleaned(plain, formulas=True).write(path, format="ascii.csv")
        else:
            OF_TARGETS[name](judged(sky, question, targets), path)
        return path.read_bytes()


def judged(sky: Sky, question: Question, targets: Targets) -> Targets:
    """Add the columns ``decision`` and ``note`` to a list of targets."""
    decided = sky.decisions.of(question.scored.id)
    table = targets.table.copy(copy_data=False)
    rows = [decided.get(str(tile), Verdict()) for tile in table["tile"]]
    table["decision"] = np.array([each.decision or "" for each in rows], dtype=np.str_)
    table["note"] = np.array([each.note for each in rows], dtype=np.str_)
    return replace(targets, table=table)


def matches_moc(sky: Sky, question: Question) -> Any:
    """Give the matches as a coverage map in the JSON of MOC 2.0: numbers of cells by order."""
    found, _ = sky.found(question)
    moc = coverage_map(found.matching)
    coarse = recommended_order(found.scored.tile_deg / SHOWN_CELLS) + SHIFT
    return moc.degrade_to_order(min(coarse, moc.max_order)).serialize(format="json")
