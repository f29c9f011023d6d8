"""Searching an index: from references to scored tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.catalogue.references import how_combined, listed
from skykin.core.criterion import MatchCriterion
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.robustness import Robustness
from skykin.indexing.answers import Kind
from skykin.indexing.query.likeness import likeness
from skykin.indexing.query.pyramid import pyramid as search_pyramid
from skykin.indexing.query.wanted import Wanted
from skykin.indexing.sky_index import SkyIndex, open_index
from skykin.jobs.answer import Answer
from skykin.jobs.asked import Asked, Reference, exactest, read_asked
from skykin.jobs.doubts import Doubts, hubs, looked_again
from skykin.jobs.elsewhere import Scale
from skykin.jobs.kept import Kept, sky_of
from skykin.jobs.reference_picture import measured
from skykin.jobs.tiles import line_of, ranks
from skykin.jobs.trust import calibrated_against
from skykin.products.folder import check_output_folder
from skykin.significance.local_scaling import csls as scaled_locally
from skykin.significance.matching import Matching
from skykin.significance.scored_tiles import Tiles
from skykin.style.recipe import Combine
from skykin.style.several import Likeness

#: Columns of an index's tiles that an answer carries.
CARRIED = ("name", "lon", "lat", "width", "height")
MEASURED = ("coverage", "brightness", "mean_intensity", "area")


def search_index(
    index: SkyIndex | str | Path,
    reference: Reference | Sequence[Reference],
    *,
    unlike: Reference | Sequence[Reference] = (),
    width_deg: float | None = None,
    pixel_deg: float | None = None,
    combine: Combine | None = None,
    weights: Mapping[str, float] | None = None,
    measure: bool = False,
    pyramid: bool = False,
    threshold: float | None = None,
    top_fraction: float | None = None,
    max_q: float | None = None,
    csls: bool = False,
    surrogates: int = 0,
    noise_draws: int = 0,
    seed: int = 0,
    survey: Survey | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Ask an index what looks like this.

    Parameters
    ----------
    index : SkyIndex or path
    reference : str, Path, int, SkyCoord, tuple, Footprint, MOC, Picture, Elsewhere, or a list of these
        What to look for.  Text is a name, a position, the name of a tile, a file (DS9 regions, MOC, or a
        picture), ``place@folder`` for a place in another survey's index of the same recipe, or ``set:NAME``
        for all places of one of `reference_sets`.
    unlike : the same
        Counter-examples: what a tile has in common with one is taken off its score.
    width_deg : float, optional
        Side of the square about a position; that of a tile if left out.
    pixel_deg : float, optional
        Side of a pixel of a picture file on the sky; needed for pictures.
    combine : {"max", "mean"}, optional
        Whether a tile should be like any of several references, or like all of them; if left out, as a named
        set says, and otherwise ``max``.
    weights : Mapping of str to float, optional
        How much each layer counts; 1 where it is not named.
    measure : bool
        Run the network over references in the survey, which is opened; otherwise they are added up from the
        cells of the index that are centred in them, which takes no time and is nearly the same.
    pyramid : bool
        Also compare tiles of all sizes that the index can add up: columns ``best_size`` and ``best_score``.
    threshold, top_fraction, max_q : float, optional
        Where the line between match and no match is drawn: one of a score, a share of the sky, or a false
        discovery rate; the recipe's own if left out.
    csls : bool
        Scale scores locally, as `map_kin` does: tiles that are like everything lose.
    surrogates, noise_draws : int
        Pictures with random phases, and skies with new noise, that the most unusual tiles are measured on
        again, as for `map_kin`; opens the survey.  For one place or tile.
    seed : int
        Of surrogates and noise.
    survey : Survey, optional
        An open one, for pictures; otherwise the one that the index names is opened when it is needed.
    output : path, optional
        Folder for the products of a map; nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    Answer
        Its ``tiles`` and ``score_map`` are there at once; its ``kin`` is the whole `KinMap`, made when it is
        asked for.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> import skykin
    >>> answer = skykin.search_index("wham.skykin", "orion")  # doctest: +SKIP
    >>> answer.best(5)["name", "score"]  # doctest: +SKIP
    """
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    criterion = MatchCriterion(threshold=threshold, top_fraction=top_fraction, max_q=max_q)
    robustness = Robustness(csls=csls, surrogates=surrogates, noise_draws=noise_draws, seed=seed)
    opened = index if isinstance(index, SkyIndex) else open_index(index)
    scale = Scale(width_deg, pixel_deg)
    by = how_combined(reference, combine)
    asked = tuple(read_asked(opened, each, scale) for each in listed(reference))
    others = tuple(read_asked(opened, each, scale) for each in listed(unlike))

    if measure:
        sky = sky_of(opened) if survey is None else opened.sky(survey)
        asked, others = (tuple(measured(each, sky) for each in group) for group in (asked, others))

    @cache
    def wanted_in(kind: Kind) -> Wanted:
        likes, unlikes = (tuple(each.style(kind) for each in group) for group in (asked, others))
        return Wanted(opened.recipe, likes, unlikes, by, dict(weights or {}))

    exact = exactest(opened, [*asked, *others])
    found = likeness(opened, wanted_in, exact)
    tiles = answered(opened, found, asked)
    if pyramid:
        sizes = search_pyramid(opened, wanted_in)
        tiles["best_size"] = sizes.best_size_deg * u.deg
        tiles["best_score"] = sizes.best_score
    apart = np.all([each.apart() for each in asked], axis=0)
    doubts = Doubts(robustness)
    if csls:
        tiles["hubness"], own = hubs(opened, wanted_in(opened.kinds[0]), asked, found)
        tiles["csls"] = scaled_locally(found.score, tiles["hubness"], own)
    calibration = calibrated_against(tiles, apart, lambda rows: matching_of(opened, rows))
    if doubts.looks_again:
        sky = sky_of(opened) if survey is None else opened.sky(survey)
        seen = looked_again(doubts, tiles, asked, wanted_in(opened.kinds[0]), sky, progress=progress)
        doubts = replace(doubts, found=seen)
    line = line_of(tiles, opened.recipe, criterion, calibration.beside)
    tiles["match"] = line.matches(tiles[line.column])
    wanted = wanted_in(exact)
    answer = Answer(opened, tiles, line, calibration, asked, others, wanted, survey, doubts)
    if output is not None:
        answer.write(output, overwrite=overwrite, progress=progress or SilentProgress())
    return answer


#: Which tiles of an index are compared with which: the same for every question.
_MATCHED = Kept[Matching]()


def matching_of(index: SkyIndex, tiles: Tiles) -> Matching:
    """Match the tiles of an index; kept while it is among the last four."""
    return _MATCHED.of(
        index, lambda: Matching.of(tiles, np.flatnonzero(tiles.usable)), lambda made: made.fits(tiles)
    )


def answered(index: SkyIndex, found: Likeness, asked: Sequence[Asked]) -> QTable:
    """Table of scored tiles, with the columns of a map."""
    table = QTable({"rank": ranks(found.score)})
    for name in CARRIED:
        table[name] = index.tiles[name]
    table["score"] = found.score
    for name in MEASURED:
        table[name] = index.tiles[name]
    for number, layer in enumerate(index.layers):
        table[f"cosine_{layer}"] = found.cosines[:, number]
    if len(asked) > 1:
        table["best_reference"] = np.array([each.name for each in asked])[found.nearest]
    table.meta["n_left_out"] = 0
    return table
