"""The honest summary of a map: what it found beside what simpler rankings find, and what it may confuse."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.evaluation.confounders import confounders
from skykin.evaluation.recovery import SKY_FRACTIONS, Recovery, summarise


def honest_summary(
    tiles: QTable, regions: QTable, controls: Mapping[str, float], **facts: object
) -> dict[str, object]:
    """Gather what a reader needs before believing a score.

    Parameters
    ----------
    tiles : QTable
        Columns ``score``, ``match``, ``area``, ``lat``, ``mean_intensity`` and ``coverage``, and
        ``noise`` where it is known.
    regions : QTable
        What `recovery` says of the known regions.
    controls : Mapping of str to float
        Score of pictures that show no sky.
    **facts
        Further entries, such as ``threshold`` and ``reference``.

    Returns
    -------
    dict
        Entries ``n_tiles``, ``n_matches``, ``sky_fraction_matching``, ``sky_fraction_mapped``,
        ``regions``, ``recall_at``,
        ``spearman`` and ``controls`` besides the facts.
    """
    match, area = np.asarray(tiles["match"]), np.asarray(tiles["area"])
    counts = summarise(regions)
    return {
        **facts,
        "n_tiles": len(tiles),
        "n_matches": int(match.sum()),
        "sky_fraction_matching": float(area[match].sum()),
        "sky_fraction_mapped": float(area.sum()),
        "regions": _at_threshold(counts),
        "recall_at": _recall(counts),
        "spearman": confounders(
            tiles["score"],
            tiles["mean_intensity"].value,
            tiles["lat"].to_value(u.deg),
            tiles["coverage"],
            tiles["noise"].value if "noise" in tiles.colnames else None,
        ).as_dict(),
        "controls": dict(controls),
    }


def _at_threshold(counts: Recovery) -> dict[str, object]:
    return {
        "counted": counts.n_regions,
        "at_sky_fraction": counts.sky_fractions[0],
        "recovered": {ranking: found[0] for ranking, found in counts.by_ranking.items()},
    }


def _recall(counts: Recovery) -> dict[str, dict[str, float]]:
    if not counts.n_regions:
        return {}
    return {
        ranking: {
            f"{share:.2f}": number / counts.n_regions
            for share, number in zip(SKY_FRACTIONS, found[1:], strict=True)
        }
        for ranking, found in counts.by_ranking.items()
    }
