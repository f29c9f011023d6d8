"""The summary of a map: how much it found, beside what simpler rankings find."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from skykin.core.angle import area_words
from skykin.core.criterion import ScoreCut
from skykin.core.plain import plain
from skykin.core.views import Views
from skykin.products.page import html_text
from skykin.products.result import shortened
from skykin.products.wording import number, percent
from skykin.style.recipe import COARSE, RESOLVED, SHAPES, recipes

#: What each ranking is called in a sentence.
RANKINGS = {
    "score": "score",
    "brightness": "mean brightness",
    "latitude": "closeness to the Galactic plane (−|b|)",
}
#: What targets are chosen by otherwise.
TARGET_RANKINGS = {
    "brightness": "mean brightness",
    "contrast": "contrast of 2° with 5°",
    "halpha": "Hα brightness (WHAM)",
}
#: A map of more of the sky than this is one of the whole sky.
NEARLY_ALL = 0.95
#: A map of less of the sky than this is one of a small field: 41 square degrees.
SMALL = 0.001
WHOLE_SKY_DEG2 = 4 * math.pi * math.degrees(1) ** 2
CONFOUNDERS = {
    "mean_intensity": "mean intensity",
    "abs_latitude": "|b|",
    "coverage": "coverage",
    "noise": "noise",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class MapSummary:
    """The numbers of a map; its fields are those of ``summary.json``.

    Parameters
    ----------
    survey, recipe, reference : str
        Names for the reader.
    references : tuple of Mapping
        Every reference: ``name``, where it lies (``lon_deg``, ``lat_deg``, ``width_deg``), ``coverage`` and,
        where the recipe compares cores, ``core_coverage``.
    combine : {"max", "mean"} or None
        How similarities to several references are combined; None for one.
    views : Mapping or None
        In which views references are looked at: ``turns``, ``mirror``, ``scales``, ``views`` (how they
        combine), and ``left_out``, from the name of a reference to how many of its views look past the edge
        of the survey; None for one view.
    warnings : tuple of str
        Sentences on what makes the query a poor one.
    n_tiles, n_left_out, n_constant, n_partial, n_matches : int
        Tiles mapped, tiles with too little data, tiles without a score because their pictures are the same
        everywhere, tiles whose scores holes in the data may decide, tiles that match.
    n_overlapping_matches : int
        Matches that overlap a reference.
    cut : ScoreCut or None
        The cut that separates matches from other tiles.
    reference_score : float
        Score of the references themselves, the largest.
    calibrated : bool
        Whether p and q are known.
    n_independent : float
        Number of independent tiles that the tiles away from the references are equivalent to.
    surrogates : Mapping or None
        What the comparison of the most unusual tiles with phase-randomised pictures found: ``tiles``,
        ``draws``, and how many score higher (``unusual``); None where it was not requested.
    noise : Mapping or None
        What realisations of the survey's noise found: ``tiles``, ``draws``, how wide the interval of the
        scores is (``median_width``) and how far more noise moves them (``median_shift``).
    sky_fraction_matching, sky_fraction_in_matching_tiles, sky_fraction_mapped : float
        Share of the sky that the matching tiles stand for (their ``area``), that lies inside at least one of
        them, and that all scored tiles stand for.
    regions : Mapping
        ``counted``: annotated regions that the survey can show, away from the references; ``recovered``: how
        many of them each ranking finds (``score``, ``brightness``, ``latitude``); ``at_sky_fraction``: with
        the best tiles up to that share of the sky, the same for each ranking.
    recall_at : Mapping
        For each ranking, the share of regions recovered at a share of the sky (keys such as "0.05").
    spearman : Mapping
        Rank correlation of the score with ``mean_intensity``, ``abs_latitude``, ``coverage``, ``noise``.
    controls : Mapping of str to float
        Score of the control images, such as ``black``, ``white`` and ``grey-noise``.
    targets : Mapping
        How many targets were ``requested`` and ``listed``, of how many ``groups`` of matches; how many have
        a false discovery rate of 0.1 or less (``significant``); at how many
        nothing is catalogued (``uncatalogued``, within ``known_within_deg``); ``separation_deg``, ``site``
        and ``night``; and in ``near_nebulae``, for the ranking by ``score``, ``brightness`` and
        ``contrast`` and for so many of the best, the ``share`` within 1° of a listed nebula, the mean share
        of the same places ``rotated`` in longitude, the interval (``low``, ``high``) of the rotations, and
        ``p``; with ``halpha`` where the survey is another and WHAM is on this computer.  ``complexes``: of
        how many well-known ones (``counted``) the same places name how many (``named``), and their mean over
        rotations (``rotated``).

    Examples
    --------
    >>> found.summary.n_tiles == len(found.tiles)
    True
    >>> sorted(found.summary.controls)
    ['black', 'colour-noise', 'grey', 'grey-noise', 'white']
    """

    survey: str = ""
    recipe: str = ""
    reference: str = ""
    references: tuple[Mapping[str, Any], ...] = ()
    combine: str | None = None
    views: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    n_tiles: int = 0
    n_left_out: int = 0
    n_constant: int = 0
    n_partial: int = 0
    n_matches: int = 0
    n_overlapping_matches: int = 0
    cut: ScoreCut | None = None
    reference_score: float | None = None
    calibrated: bool = True
    n_independent: float | None = None
    surrogates: Mapping[str, Any] | None = None
    noise: Mapping[str, Any] | None = None
    sky_fraction_matching: float | None = None
    sky_fraction_in_matching_tiles: float | None = None
    sky_fraction_mapped: float | None = None
    regions: Mapping[str, Any] = field(default_factory=dict)
    recall_at: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    spearman: Mapping[str, float | None] = field(default_factory=dict)
    controls: Mapping[str, float | None] = field(default_factory=dict)
    targets: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"<MapSummary of {shortened(self.survey)}, {shortened(self.reference)}: {self.n_matches} of "
            f"{self.n_tiles} tiles match>"
        )

    def _repr_html_(self) -> str:
        """Show the sentences in a notebook."""
        return "".join(f"<p>{html_text(line)}</p>" for line in summary_lines(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is not a number is None."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        values["cut"] = None if self.cut is None else self.cut.to_dict()
        reduced: Any = plain(values)
        return dict(reduced)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; further entries are left out."""
        known = {each.name for each in fields(cls)}
        values = {name: value for name, value in facts.items() if name in known}
        for name in ("references", "warnings"):
            values[name] = tuple(values.get(name) or ())
        cut = values.get("cut")
        return cls(**{**values, "cut": None if cut is None else ScoreCut.from_dict(cut)})


def summary_lines(summary: MapSummary, *, recall: bool = True, targets: bool = True) -> list[str]:
    """Tell the summary in plain sentences, for the terminal and the report.

    Parameters
    ----------
    summary : MapSummary
    recall : bool
        Whether to tell the recall at shares of the sky, which the report has as a table.
    targets : bool
        Whether to tell of the targets, to which the report has a part of its own.

    Returns
    -------
    list of str
        One sentence or two each; baselines and controls stand right beside the recovery.
    """
    tellers = [_targets, _query, _counts, _robustness, _regions, _recall, _correlations, _controls]
    if not recall:
        tellers.remove(_recall)
    if not targets:
        tellers.remove(_targets)
    return [line for tell in tellers for line in tell(summary)]


def recall_rows(summary: MapSummary) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Recovery of the annotated regions as a table.

    Returns
    -------
    heads : list of str
        Shares of the sky, such as "5 %".
    rows : list of (ranking, cells)
        The share of regions that each ranking recovers there.
    """
    recall = summary.recall_at
    shares = sorted({share for row in recall.values() for share in row}, key=float)
    rows = [
        (RANKINGS.get(name, name), [percent(row.get(share), 0) for share in shares])
        for name, row in sorted(recall.items(), key=lambda item: _place_of(item[0]))
    ]
    return [percent(float(share), 0) for share in shares], rows


def _targets(summary: MapSummary) -> list[str]:
    return target_lines(summary.targets)


def target_lines(facts: Mapping[str, Any]) -> list[str]:
    """Tell in sentences how many targets there are, and how good such a list is.

    Parameters
    ----------
    facts : Mapping
        As ``targets`` of `MapSummary`.
    """
    if not facts:
        return []
    listed, groups, requested = facts["listed"], facts["groups"], facts["requested"]
    if not listed:
        return [
            f"No targets: no tile away from the reference has {facts['matched']}; a weaker criterion "
            "(--threshold, --top-fraction or --max-q) lists more."
        ]
    line = f"{_counted(listed, 'target')}: the best of each group of matches that lie less than "
    line += f"{number(facts['separation_deg'], '.3g')}° apart, without those that overlap the reference"
    if listed < groups:
        line += f"; the other {groups - listed} of {groups} groups are not listed (--targets {groups})"
    elif listed < requested:
        line += f"; {requested} were requested, and there are no more"
    within = f"{number(facts['known_within_deg'], '.3g')}°"
    lines = [
        f"{line}.",
        f"{facts['significant']} of them have q 0.1 or less. "
        f"At {facts['uncatalogued']} nothing is catalogued within {within}.",
    ]
    if facts.get("site"):
        lines.append(f"Seen from {facts['site']} in the night of {facts['night']}.")
    return [*lines, *_near_nebulae(facts.get("near_nebulae") or {}), *_complexes(facts.get("complexes"))]


def _near_nebulae(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Tell the share of the targets near a nebula, beside rotated places and simpler rankings."""
    own = found.get("score", {})
    counts = sorted(own, key=int)
    if not counts:
        return []

    def shares(name: str) -> str:
        return " and ".join(percent(found[name][count]["share"], 0) for count in counts)

    best = " and ".join(f"the best {count}" for count in counts)
    rotated = " and ".join(
        f"{percent(each['rotated'], 0)} ({percent(each['low'], 0)} to {percent(each['high'], 0)})"
        for each in (own[count] for count in counts)
    )
    lines = [
        f"Of {best} targets {shares('score')} lie within 1° of a listed nebula; of the same places rotated "
        f"in longitude {rotated} do (mean, and 95 % of the rotations)."
    ]
    rivals = [f"{shares(name)} by {text}" for name, text in TARGET_RANKINGS.items() if name in found]
    if rivals:
        lines.append(f"Of as many targets chosen without any network: {'; '.join(rivals)}.")
    return lines


def _complexes(facts: Mapping[str, Any] | None) -> list[str]:
    """Tell how many well-known complexes the targets name, beside rotated places and simpler rankings."""
    if not facts or not facts["counted"]:
        return []
    named, counts = facts["named"], sorted(facts["named"]["score"], key=int)

    def numbers_of(name: str) -> str:
        return " and ".join(str(named[name][count]) for count in counts)

    rotated = " and ".join(number(facts["rotated"]["score"][count], ".1f") for count in counts)
    best = " and ".join(f"the best {count}" for count in counts)
    rivals = [f"{numbers_of(name)} by {text}" for name, text in TARGET_RANKINGS.items() if name in named]
    return [
        f"Of {facts['counted']} well-known complexes away from the reference, {best} targets name "
        f"{numbers_of('score')}; rotated in longitude {rotated} (mean); as many places chosen without any "
        f"network: {'; '.join(rivals)}."
    ]


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def _query(summary: MapSummary) -> list[str]:
    """Name several references, and say what is wrong with them."""
    names = [str(each["name"]) for each in summary.references]
    told = []
    if summary.combine and len(names) > 1:
        how = {"mean": "mean of the similarities", "max": "largest of the similarities"}[summary.combine]
        told = [f"The score is the {how} to {', '.join(names[:-1])} and {names[-1]}."]
    return [*told, *_views(summary), *_other_recipes(summary), *summary.warnings]


def _other_recipes(summary: MapSummary) -> list[str]:
    """Say which recipe suits what, of a map by one that is taken where none is requested."""
    if summary.recipe not in (RESOLVED, COARSE, SHAPES):
        return []
    own = f"The recipe {summary.recipe} is for {recipes()[summary.recipe].suits}."
    if summary.recipe == SHAPES:
        return [f"{own} For textures (fields, turbulence) use --recipe covariance or mean-std."]
    return [
        f"{own} For objects of a shape (rings, shells, filaments) use --recipe radial-profile, for textures "
        "(fields, turbulence) covariance or mean-std."
    ]


def _views(summary: MapSummary) -> list[str]:
    """Say in which views the references are looked at, and which were left out."""
    if not summary.views:
        return []
    facts = dict(summary.views)
    left_out = facts.pop("left_out")
    views = Views.from_dict(facts)
    how = "mean" if views.by == "mean" else "largest"
    told = [
        f"The reference is looked at in {len(views.each)} views, {views.words}; a tile's similarity to it is "
        f"the {how} over the views."
    ]
    return told + [
        f"{number} views of {name} were left out, because they look past the edge of the survey."
        for name, number in left_out.items()
    ]


def _counts(summary: MapSummary) -> list[str]:
    without = f"; {summary.n_left_out} were left out for too little data" if summary.n_left_out else ""
    lines = [f"{summary.n_tiles - summary.n_constant} tiles were scored{without}."]
    if summary.n_constant:
        lines.append(
            f"{summary.n_constant} further tiles have no score, because their pictures are the same "
            "everywhere (DQ-CONST in the column flag of tiles.ecsv)."
        )
    if summary.n_partial:
        lines.append(
            f"{summary.n_partial} tiles have holes in more than 5 % of their area, which may decide their "
            "scores (DQ-PARTIAL in the column flag of tiles.ecsv)."
        )
    cut = summary.cut
    if cut is None:
        return lines
    if not summary.n_matches:
        return [*lines, f"No tile matches: none has {cut.words}.", *_significance(summary)]
    line = f"{summary.n_matches} of them match ({cut.words})"
    if summary.sky_fraction_matching is not None:
        whole, sky = _mapped(summary)
        line += f": they stand for {percent(summary.sky_fraction_matching / whole)} of {sky}"
        if summary.sky_fraction_in_matching_tiles is not None:
            inside = summary.sky_fraction_in_matching_tiles / whole
            # Tiles at the border reach beyond what is mapped.
            line += f", and {percent(min(inside, 1.0))} lies inside at least one of them"
    lines.append(line + ".")
    if cut.missed_q and summary.calibrated:
        lines.append(
            f"No tile away from the reference has q {cut.missed_q:g} or less, so the matches are only the "
            "most similar of the sky: a list to look at, not a detection."
        )
    if summary.n_overlapping_matches:
        lines.append(f"{summary.n_overlapping_matches} of the matches overlap the reference itself.")
    return [*lines, *_significance(summary)]


def _mapped(summary: MapSummary) -> tuple[float, str]:
    """Share of the sky that shares are told of, and what it is called: of a part, with its area."""
    mapped = summary.sky_fraction_mapped
    if mapped is None or not 0 < mapped <= NEARLY_ALL:
        return 1.0, "the sky"
    return mapped, f"the {area_words(mapped * WHOLE_SKY_DEG2)} that were mapped"


def _significance(summary: MapSummary) -> list[str]:
    """Say how q was found, where matches depend on it."""
    cut, independent = summary.cut, summary.n_independent
    if cut is None or independent is None or (cut.column != "q" and not cut.missed_q):
        return []
    if not summary.calibrated:
        return [
            "Their p and q are not known: the tiles away from the reference are equivalent to "
            f"{independent:.0f} independent tiles, too few or too much alike to tell what is usual; "
            + (
                "the matches are only the most similar."
                if cut.missed_q
                else "use a score (--threshold) or a share of the sky (--top-fraction)."
            )
        ]
    return [
        "q is the false discovery rate of places that stand out, compared with tiles of the same "
        "brightness, |b| and coverage away from the reference, which are equivalent to "
        f"{independent:.0f} independent tiles."
    ]


def _robustness(summary: MapSummary) -> list[str]:
    """Tell what surrogates and noise found for the most unusual tiles."""
    lines = []
    if made := summary.surrogates:
        lines.append(
            f"Of the {made['tiles']} most unusual tiles, {made['unusual']} score higher than pictures with "
            f"their own spectrum and random phases do (p_surrogate 0.05 or less, {made['draws']} pictures a "
            "tile): in these the form counts, not only colour and power."
        )
    noise = summary.noise
    if noise and not noise["draws"]:
        lines.append("The noise of this survey is not known, so its scores have no interval.")
    elif noise:
        lines.append(
            f"The noise of the survey leaves the scores of the {noise['tiles']} most unusual tiles uncertain "
            f"by {number(noise['median_width'], '.3g')} (width of the 90 % interval, median); as much noise "
            f"again moves them by {number(noise['median_shift'], '+.3g')}."
        )
    return lines


def _regions(summary: MapSummary) -> list[str]:
    regions = summary.regions
    recovered = regions.get("recovered") or {}
    if not regions.get("counted") or recovered.get("score") is None or regions.get("at_sky_fraction") == 0:
        return []
    share = percent(regions.get("at_sky_fraction"))
    where = f" in the best {share} of {_sky(summary)}" if share else ""
    line = (
        f"{recovered['score']} of {regions['counted']} well-known star-forming regions "
        f"(away from the reference, and in what the survey can show) are recovered{where}"
    )
    rivals = {name: text for name, text in RANKINGS.items() if name != "score"}
    others = [
        f"{recovered[name]} by {text}" for name, text in rivals.items() if recovered.get(name) is not None
    ]
    if not others:
        return [line + "."]
    lines = [f"{line}; as much sky ranked without any network recovers {' and '.join(others)}."]
    best = max(recovered[name] for name in rivals if recovered.get(name) is not None)
    if recovered["score"] <= best:
        lines.append("So in this map the score finds no more of these regions than a simple ranking does.")
    return lines


def _recall(summary: MapSummary) -> list[str]:
    heads, rows = recall_rows(summary)
    if not rows:
        return []
    told = "; ".join(f"by {name} {' / '.join(cell or '?' for cell in cells)}" for name, cells in rows)
    return [f"Regions recovered at {' / '.join(heads)} of {_sky(summary)}: {told}."]


def _correlations(summary: MapSummary) -> list[str]:
    told = [
        f"{number(value, '+.2f')} with {text}"
        for key, text in CONFOUNDERS.items()
        # Within a small field the latitude hardly differs.
        if not (key == "abs_latitude" and (summary.sky_fraction_mapped or 1.0) < SMALL)
        if (value := summary.spearman.get(key)) is not None
    ]
    return [f"Rank correlation (Spearman) of the score: {', '.join(told)}."] if told else []


def _controls(summary: MapSummary) -> list[str]:
    controls = {
        name.replace("_", " "): score
        for name, score in sorted(summary.controls.items())
        if score is not None and math.isfinite(score)
    }
    if not controls:
        return []
    told = ", ".join(f"{name} {number(score, '.3f')}" for name, score in controls.items())
    lines = [f"Score of control images, which show no sky: {told}."]
    threshold = None if summary.cut is None else summary.cut.threshold
    passing = [name for name, score in controls.items() if threshold is not None and score >= threshold]
    if passing:
        lines.append(
            f"Beware: {' and '.join(passing)} would match too; the score alone is no proof of similarity."
        )
    return lines


def _sky(summary: MapSummary) -> str:
    """Name what shares are shares of: rankings know only the tiles of the map."""
    mapped = summary.sky_fraction_mapped
    return "the sky" if mapped is None or mapped > NEARLY_ALL else "the mapped sky"


def _place_of(ranking: str) -> int:
    names = list(RANKINGS)
    return names.index(ranking) if ranking in names else len(names)
