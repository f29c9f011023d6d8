"""Why a tile is similar to the reference, for the page."""

from __future__ import annotations

import io

import numpy as np
from astropy.coordinates import SkyCoord

from skykin.core.errors import UsageError
from skykin.core.shapes import RGB
from skykin.jobs.explain import explained
from skykin.jobs.explain import tile_number as nearest_tile
from skykin.products.explained import TileFacts
from skykin.products.explanation import Explanation
from skykin.products.result import numbers
from skykin.viewing.answers import LayerPart, RankPart, SizePart, TilePart, Why
from skykin.viewing.png import rgb_png
from skykin.viewing.questions import Question
from skykin.viewing.sky import Asked, Sky, corners, known_number

#: Red adds to a score, blue subtracts: told apart by people with any colour vision.
RED, BLUE = np.array([0.84, 0.19, 0.15]), np.array([0.13, 0.40, 0.67])
#: Side of the picture of where a score comes from, pixels, and how much its colours cover.
SIDE, OPAQUE = 320, 0.7


def explanation_of(sky: Sky, question: Question, ra: float, dec: float) -> Why:
    """Explain the score of the tile nearest to a place (ICRS, degrees)."""
    number = nearest_tile(sky.index, SkyCoord(ra, dec, unit="deg", frame="icrs"))
    asked, made = sky.asked(question), _made(sky, question, number)
    base = f"{sky.base}api/query/{question.scored.id}/why/"
    return Why(
        reference=made.reference_name,
        view=made.view.words,
        tile=_tile(asked, made.tile),
        counter=None if made.counter is None else _tile(asked, made.counter),
        unit=made.unit,
        sentences=tuple(made.sentences()),
        layers=tuple(
            LayerPart(
                layer=layer, cosine=made.cosines[layer], usual=made.usual[layer], share=made.shares[layer]
            )
            for layer in made.cosines
        ),
        sizes=tuple(
            SizePart(size_deg=size, score=known_number(score), usual=known_number(usual))
            for size, (score, usual) in made.sizes.items()
        ),
        ranks=tuple(
            RankPart(recipe=each.recipe, rank=each.rank, of=each.of, score=each.score, sampled=each.sampled)
            for each in made.ranks
        ),
        where=f"{base}where-{made.tile.name}.png",
        figure=f"{base}figure-{made.tile.name}.png",
    )


def where_png(sky: Sky, question: Question, tile: str) -> bytes:
    """Draw where in a tile its score comes from: red adds, blue subtracts."""
    made = _made(sky, question, sky.asked(question).row(tile))
    return rgb_png(_where(made), SIDE)


def figure_png(sky: Sky, question: Question, tile: str) -> bytes:
    """Draw the whole explanation."""
    stream = io.BytesIO()
    _made(sky, question, sky.asked(question).row(tile)).plot().savefig(stream, format="png", dpi=100)
    return stream.getvalue()


def _made(sky: Sky, question: Question, number: int) -> Explanation:
    _check_size(sky, question)
    asked = sky.asked(question)
    # Other recipes are not ranked: that takes many times as long.
    return sky.explained.of((asked.id, number), lambda: explained(asked.found, number, sample=0))


def _check_size(sky: Sky, question: Question) -> None:
    size, kept = sky.asked(question).found.scored.tile_deg, sky.index.tile_deg
    if size != kept:
        raise UsageError(
            f"only tiles that the index keeps, of {kept:g}°, can be explained, not those of {size:g}°; "
            "choose that size"
        )


def _where(made: Explanation) -> RGB:
    grey = made.tile_picture.rgb.mean(axis=-1, keepdims=True)
    added = np.nan_to_num(numbers(made.whole))[..., None]
    reach = float(np.quantile(np.abs(added), 0.99)) or 1.0
    strength = OPAQUE * np.clip(np.abs(added) / reach, 0, 1)
    colour = np.where(added > 0, RED, BLUE)
    return np.asarray(grey * (1 - strength) + colour * strength, np.float32)


def _tile(asked: Asked, facts: TileFacts) -> TilePart:
    place = SkyCoord(facts.lon_deg, facts.lat_deg, unit="deg", frame="galactic").icrs
    return TilePart(
        name=facts.name,
        ra=float(place.ra.deg),
        dec=float(place.dec.deg),
        score=facts.score,
        rank=facts.rank,
        match=facts.match,
        mean_intensity=facts.mean_intensity,
        corners=corners([asked.footprint(facts.name)])[0],
    )
