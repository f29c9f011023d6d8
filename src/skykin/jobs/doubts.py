"""What may be asked of an index's scores besides: hubs, surrogates, new noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from astropy.table import QTable

from skykin.core.errors import SkyError, UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.sampling import evenly
from skykin.core.settings import MapSettings
from skykin.core.shapes import Numbers
from skykin.core.sphere import apart, directions_of, reach_deg
from skykin.indexing.query.wanted import Wanted, has_style
from skykin.indexing.sky_index import SkyIndex
from skykin.jobs.anchors import ANCHORS
from skykin.jobs.asked import Asked
from skykin.jobs.judge import Judge
from skykin.jobs.kept import in_context, meter_of
from skykin.jobs.reference_picture import measured
from skykin.jobs.second_look import SecondLook
from skykin.significance.local_scaling import hubness
from skykin.style.several import Likeness
from skykin.style.sought import Sought
from skykin.survey.render import RenderedSurvey


@dataclass(frozen=True)
class Doubts:
    """What is asked besides, and what came of it.

    Parameters
    ----------
    csls : bool
        Scale scores locally, so that tiles which are like everything lose.
    surrogates, noise_draws : int
        Draws for each of the most unusual tiles; 0 for none.
    seed : int
    found : Mapping of str to Mapping
        For the summary: what ``surrogates`` and ``noise`` found.
    """

    csls: bool = False
    surrogates: int = 0
    noise_draws: int = 0
    seed: int = 0
    found: Mapping[str, dict[str, object] | None] = field(default_factory=dict)

    @property
    def looks_again(self) -> bool:
        """Whether pictures of tiles are measured anew."""
        return bool(self.surrogates or self.noise_draws)

    def as_dict(self) -> dict[str, object]:
        """Give what was asked, for provenance."""
        names = ("csls", "surrogates", "noise_draws", "seed")
        return {name: getattr(self, name) for name in names}


def hubs(index: SkyIndex, wanted: Wanted, asked: Sequence[Asked], found: Likeness) -> tuple[Numbers, Numbers]:
    """Tell how much each tile, and the reference that it is compared with, is like anything at all.

    Parameters
    ----------
    index : SkyIndex
    wanted : Wanted
    asked : sequence of Asked
        The references of `wanted`.
    found : Likeness
        Which reference each tile is most like.

    Returns
    -------
    float64 arrays (tiles,)

    Raises
    ------
    SkyError
        If every tile that tells it shares sky with a reference.
    """
    kind = wanted.likes[0].kind
    numbers = np.array([i for i in evenly(len(index), ANCHORS) if has_style(index.tile(int(i), kind))], int)
    anchors = [index.tile(int(i), kind) for i in numbers]
    places = directions_of(index.tiles)
    scores = (
        wanted.joined(np.moveaxis(index.cosines(anchors), 1, -1)) if anchors else np.empty((len(index), 0))
    )
    tiles = hubness(np.where(apart(places, places[numbers], reach_deg(index.tile_deg)), scores, np.nan))
    own = []
    for style, each in zip(wanted.likes, asked, strict=True):
        pairs = [
            [style.vectors[layer] @ anchor.vectors[layer] for layer in index.layers] for anchor in anchors
        ]
        away = each.apart()[numbers]
        own.append(float(hubness(wanted.joined(np.array(pairs)[away]))) if away.any() else np.nan)
        if np.isnan(own[-1]):
            raise SkyError(
                f"each of {len(anchors)} tiles that scores could be scaled by shares sky with the reference "
                f"{each.name}; choose a smaller one, or leave out csls"
            )
    reference = np.array(own)[found.nearest] if wanted.combine == "max" else np.full(len(index), np.mean(own))
    return tiles, reference


def looked_again(
    doubts: Doubts,
    tiles: QTable,
    asked: Sequence[Asked],
    wanted: Wanted,
    sky: RenderedSurvey,
    *,
    progress: Progress | None = None,
) -> dict[str, dict[str, object] | None]:
    """Measure the most unusual tiles again: columns ``p_surrogate``, ``score_low`` and ``score_high``.

    Raises
    ------
    UsageError
        If what they are compared with is not one place of the survey.
    """  # fmt: skip
    one, *more = asked
    if more or wanted.unlikes or wanted.weights or one.footprint is None or "region" in one.facts:
        raise UsageError(
            "surrogates and noise are drawn for one reference that is a place or a tile of the survey, "
            "without counter-examples and weights; ask for that, or leave them out"
        )
    index, where = one.index, one.footprint
    meter = meter_of(index)
    signature = measured(one, sky).signature
    if signature is None:  # a tile
        signature = meter(in_context(index, sky, where))
    settings = MapSettings(
        pixels=index.pixels,
        tile_size=index.tile_deg,
        surrogates=doubts.surrogates,
        noise_draws=doubts.noise_draws,
        seed=doubts.seed,
    )
    sought = Sought((signature,), index.recipe.combine)
    judge = Judge(meter, lambda place: in_context(index, sky, place), sky.survey, sought, index.min_coverage)
    again = SecondLook(judge, index.footprints, (where,), settings, sky.stretch)
    told = progress or SilentProgress()
    return {"surrogates": again.with_surrogates(tiles, told), "noise": again.with_noise(tiles, told)}
