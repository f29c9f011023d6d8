"""Whether a map stays the same when it is made differently."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from astropy.table import QTable

from skykin.catalogue.target_list import TargetList
from skykin.core.picture import Picture
from skykin.core.protocols import Progress
from skykin.evaluation.auc import auc_turned
from skykin.evaluation.confounders import rank_correlation
from skykin.evaluation.ranking import threshold_of_top
from skykin.evaluation.turned import TurnedObjects
from skykin.jobs.judged_map import JudgedMap
from skykin.jobs.remake import Change, Remade, remade_all

REFERENCES = ("Orion", "Carina", "Cygnus X", "Rosette", "rho Oph")
TOP = 0.1
OTHER_TILE = 2 / 3


def stability(
    judged: JudgedMap, targets: TargetList, *, turns: int, seed: int, workers: int, progress: Progress
) -> QTable:
    """Make the map again in other ways, and compare it with itself.

    Parameters
    ----------
    judged : JudgedMap
        With its survey.
    targets : TargetList
        For AUC_lat.

    Returns
    -------
    QTable
        A row per change: ``change``, ``correlation`` (ranks, with the map on trial), ``overlap`` (of the best
        10 % of the sky: common part of the whole), ``auc``, ``auc_low``, ``auc_high``, ``other_reference``.
    """
    made = remade_all(judged, changes_of(judged), workers, progress)
    return QTable(rows=[_row(judged, each, targets, turns, seed) for each in made])


def changes_of(judged: JudgedMap) -> Sequence[Change]:
    """List the changes: intensity, orientation, grid, tile size, stretch, reference."""
    width = judged.reference.width_deg
    step = float(judged.provenance.grid["spacing_deg"])  # type: ignore[arg-type]
    other = "log" if judged.provenance.rendering["kind"] == "asinh" else "asinh"
    smaller = {"tile_size": width * OTHER_TILE, "spacing": step * OTHER_TILE}
    return (
        Change("half the intensity", factor=0.5),
        Change("twice the intensity", factor=2.0),
        Change("reference turned by 90°", alter_reference=quarter_turn),
        Change("grid moved by half a step", turn_deg=step / 2),
        Change(f"tiles of {width * OTHER_TILE:.3g}°", smaller),
        Change(f"stretch {other}", {"stretch": other}, same_stretch=False),
        *(Change(f"reference {name}", {"reference": name}) for name in REFERENCES),
    )


def quarter_turn(picture: Picture) -> Picture:
    """Turn a picture by 90°."""
    return Picture(
        np.ascontiguousarray(np.rot90(picture.rgb)), np.ascontiguousarray(np.rot90(picture.coverage))
    )


def _row(judged: JudgedMap, made: Remade, targets: TargetList, turns: int, seed: int) -> dict[str, object]:
    centres = judged.centres
    again = made.at(centres)
    both = np.isfinite(again) & np.isfinite(judged.score)
    area = centres.area[both]
    best = [score[both] >= threshold_of_top(score[both], TOP, area) for score in (judged.score, again)]
    together = area[best[0] | best[1]].sum()
    placed = TurnedObjects.on(
        made.centres,
        targets.lon_deg,
        targets.lat_deg,
        reference=made.references.positions,
        turns=turns,
    ).scored(made.score)
    auc = auc_turned(placed, made.score, seed=seed)
    return {
        "change": made.change,
        "correlation": rank_correlation(judged.score, again),
        "overlap": float(area[best[0] & best[1]].sum() / together) if together else math.nan,
        "auc": auc.value,
        "auc_low": auc.interval[0],
        "auc_high": auc.interval[1],
        "other_reference": made.change.startswith("reference ") and "turned" not in made.change,
    }
