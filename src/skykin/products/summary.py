"""The honest summary of a map: how much it found, beside what far simpler rankings find.

Keys of the summary; any may be missing or None and is then left out of the text:

``n_tiles``, ``n_left_out``, ``n_matches``
    Tiles scored, tiles with too little data, tiles that match.
``n_matches_beside``
    Matches that share sky with the reference.
``line``
    Where the line between match and no match is drawn: ``column`` (score or q) and ``value``.
``references``, ``combine``
    Every reference: ``name``, ``lon_deg``, ``lat_deg``, ``coverage`` of its tile and, where the recipe
    compares cores, ``core_coverage``; how likenesses to several are combined.
``concerns``
    Sentences on what makes the references a poor question.
``threshold``, ``recipe``, ``survey``, ``reference``
    The score from which a tile matches, if that is the rule; names for the reader.
``n_independent``
    Tiles without common sky that the tiles away from the reference are worth.
``surrogates``, ``noise``
    What a second look at the most unusual tiles said: ``tiles``, ``draws``, and how many score higher than
    their surrogates (``unusual``), or how wide their interval is (``median_width``) and how far new noise
    moves them (``median_shift``); None where it was not asked for.
``sky_fraction_matching``
    Share of the sky that the matching tiles stand for (their ``area``).
``sky_fraction_in_matching_tiles``
    Share of the sky inside at least one matching tile.
``sky_fraction_mapped``
    Share of the sky that all scored tiles stand for.
``regions``
    ``counted``: annotated regions that the survey can show, away from the reference; ``recovered``: how
    many of them each ranking finds (``score``, ``brightness``, ``latitude``); ``at_sky_fraction``: with
    the best tiles up to that share of the sky, the same for each ranking.
``recall_at``
    For each ranking, the share of regions recovered (0 to 1) at a share of the sky (keys such as "0.05").
``spearman``
    Rank correlation of the score with ``mean_intensity``, ``abs_latitude``, ``coverage`` and ``noise``.
``controls``
    Score of pictures that have no sky in them, such as ``black``, ``white`` and ``noise``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skykin.core.criterion import ScoreCut
from skykin.core.plain import plain
from skykin.products.result import KinMap
from skykin.products.stamp import creator
from skykin.products.wording import number, percent

#: What each ranking is called in a sentence.
RANKINGS = {
    "score": "score",
    "brightness": "mean brightness",
    "latitude": "closeness to the Galactic plane (−|b|)",
}
#: A map of more of the sky than this is one of the whole sky.
NEARLY_ALL = 0.95
CONFOUNDERS = {
    "mean_intensity": "mean intensity",
    "abs_latitude": "|b|",
    "coverage": "coverage",
    "noise": "noise",
}


def write_summary(result: KinMap, path: Path) -> None:
    """Write the summary and the stamp as JSON with sorted keys; what is not a number is null."""
    facts = result.provenance.to_dict()
    document = {
        **result.summary,
        "acknowledgements": facts.pop("credits"),
        "creator": creator(result.provenance),
        "provenance": facts,
    }
    text = json.dumps(plain(document), sort_keys=True, allow_nan=False, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def summary_lines(summary: Mapping[str, Any]) -> list[str]:
    """Tell the summary in plain sentences, for the terminal and the report.

    Parameters
    ----------
    summary : mapping
        As described at the top of this module.

    Returns
    -------
    list of str
        One sentence or two each; baselines and controls stand right beside the recovery.
    """
    facts = plain(summary)
    assert isinstance(facts, dict)  # noqa: S101 - a mapping stays a mapping
    tellers = (_asked, _counts, _second_look, _regions, _recall, _correlations, _controls)
    return [line for tell in tellers for line in tell(facts)]


def recall_rows(summary: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Recovery of the annotated regions as a table.

    Returns
    -------
    heads : list of str
        Shares of the sky, such as "5 %".
    rows : list of (ranking, cells)
        The share of regions that each ranking recovers there.
    """
    recall: Any = plain(summary.get("recall_at") or {})
    shares = sorted({share for row in recall.values() for share in row}, key=float)
    rows = [
        (RANKINGS.get(name, name), [percent(row.get(share), 0) for share in shares])
        for name, row in sorted(recall.items(), key=lambda item: _place(item[0]))
    ]
    return [percent(float(share), 0) for share in shares], rows


def _asked(facts: Mapping[str, Any]) -> list[str]:
    """Name several references, and say what is wrong with them."""
    asked = facts.get("references") or []
    how = {"mean": "mean of the likenesses to", "max": "largest of the likenesses to"}.get(
        facts.get("combine") or ""
    )
    names = [str(each["name"]) for each in asked]
    told = [f"The score is the {how} {', '.join(names[:-1])} and {names[-1]}."] if how else []
    return [*told, *(facts.get("concerns") or [])]


def _counts(facts: Mapping[str, Any]) -> list[str]:
    lines = []
    if _has(facts, "n_tiles"):
        left_out = facts.get("n_left_out") or 0
        without = f"; {left_out} were left out for too little data" if left_out else ""
        lines.append(f"{facts['n_tiles']} tiles were scored{without}.")
    if _has(facts, "n_matches", "line"):
        share = percent(facts.get("sky_fraction_matching"))
        inside = percent(facts.get("sky_fraction_in_matching_tiles"))
        rule = ScoreCut.from_dict(facts["line"]).words
        if not facts["n_matches"]:
            return [*lines, f"No tile matches: none has {rule}.", *_trust(facts)]
        line = f"{facts['n_matches']} of them match ({rule})"
        line += f": they stand for {share} of the sky" if share else ""
        line += f", and {inside} lies inside at least one of them" if share and inside else ""
        lines.append(line + ".")
        missed = facts["line"].get("missed_q")
        if missed and facts.get("calibrated", True):
            lines.append(
                f"No tile away from the reference has q {missed:g} or less, so the matches are only the most "
                "alike of the sky: a list to look at, not a finding."
            )
        if facts.get("n_matches_beside"):
            lines.append(f"{facts['n_matches_beside']} of the matches share sky with the reference itself.")
    return [*lines, *_trust(facts)]


def _trust(facts: Mapping[str, Any]) -> list[str]:
    """Say how q was found, where matches depend on it."""
    line = facts.get("line") or {}
    if (line.get("column") != "q" and not line.get("missed_q")) or not _has(facts, "n_independent"):
        return []
    independent = facts["n_independent"]
    if not facts.get("calibrated", True):
        return [
            "Their p and q are not known: the tiles away from the reference are worth "
            f"{independent:.0f} without common sky, too few or too much alike to tell what is usual; "
            + (
                "the matches are only the most alike."
                if line.get("missed_q")
                else "use a score (--threshold) or a share of the sky (--top-fraction)."
            )
        ]
    return [
        "q is the false discovery rate among tiles compared with those of the same brightness, |b| and "
        f"coverage away from the reference, which are worth {independent:.0f} tiles without common sky."
    ]


def _second_look(facts: Mapping[str, Any]) -> list[str]:
    """Tell what surrogates and noise said of the most unusual tiles."""
    lines = []
    if made := facts.get("surrogates"):
        lines.append(
            f"Of the {made['tiles']} most unusual tiles, {made['unusual']} score higher than pictures with "
            f"their own spectrum and random phases do (p_surrogate 0.05 or less, {made['draws']} pictures a "
            "tile): in these the form counts, not only colour and power."
        )
    noise = facts.get("noise")
    if noise and not noise["draws"]:
        lines.append("The noise of this survey is not known, so its scores have no interval.")
    elif noise:
        lines.append(
            f"The noise of the survey leaves the scores of the {noise['tiles']} most unusual tiles uncertain "
            f"by {number(noise['median_width'], '.3g')} (width of the 90 % interval, median); as much noise "
            f"again moves them by {number(noise['median_shift'], '+.3g')}."
        )
    return lines


def _regions(facts: Mapping[str, Any]) -> list[str]:
    regions = facts.get("regions") or {}
    recovered = regions.get("recovered") or {}
    if not _has(regions, "counted") or not _has(recovered, "score") or regions.get("at_sky_fraction") == 0:
        return []
    share = percent(regions.get("at_sky_fraction"))
    where = f" in the best {share} of {_sky(facts)}" if share else ""
    line = (
        f"{recovered['score']} of {regions['counted']} well-known star-forming regions "
        f"(away from the reference, and in what the survey can show) are recovered{where}"
    )
    others = [
        f"{recovered[name]} by {text}" for name, text in RANKINGS.items()
        if name != "score" and _has(recovered, name)
    ]  # fmt: skip
    if not others:
        return [line + "."]
    lines = [f"{line}; as much sky ranked without any network recovers {' and '.join(others)}."]
    best = max(recovered[name] for name in RANKINGS if name != "score" and _has(recovered, name))
    if recovered["score"] <= best:
        lines.append("So in this map the score finds no more of these regions than a simple ranking does.")
    return lines


def _recall(facts: Mapping[str, Any]) -> list[str]:
    heads, rows = recall_rows(facts)
    if not rows:
        return []
    told = "; ".join(f"by {name} {' / '.join(cell or '?' for cell in cells)}" for name, cells in rows)
    return [f"Regions recovered at {' / '.join(heads)} of {_sky(facts)}: {told}."]


def _correlations(facts: Mapping[str, Any]) -> list[str]:
    spearman = facts.get("spearman") or {}
    told = [
        f"{number(spearman[key], '+.2f')} with {text}"
        for key, text in CONFOUNDERS.items()
        if _has(spearman, key)
    ]
    return [f"Rank correlation (Spearman) of the score: {', '.join(told)}."] if told else []


def _controls(facts: Mapping[str, Any]) -> list[str]:
    controls = {name: score for name, score in (facts.get("controls") or {}).items() if score is not None}
    if not controls:
        return []
    told = ", ".join(f"{name.replace('_', ' ')} {number(score, '.3f')}" for name, score in controls.items())
    lines = [f"Score of pictures without any sky in them: {told}."]
    threshold = facts.get("threshold")
    passing = [
        name.replace("_", " ") for name, score in controls.items()
        if threshold is not None and score >= threshold
    ]  # fmt: skip
    if passing:
        lines.append(
            f"Beware: {' and '.join(passing)} would match too; the score alone is no proof of likeness."
        )
    return lines


def _sky(facts: Mapping[str, Any]) -> str:
    """Name what shares are shares of: rankings know only the tiles of the map."""
    mapped = facts.get("sky_fraction_mapped")
    return "the sky" if mapped is None or mapped > NEARLY_ALL else "the mapped sky"


def _has(facts: Mapping[str, Any], *keys: str) -> bool:
    return all(facts.get(key) is not None for key in keys)


def _place(ranking: str) -> int:
    names = list(RANKINGS)
    return names.index(ranking) if ranking in names else len(names)
