"""References looked at in their views, and which view each tile is most similar to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from astropy import units as u

from skykin.catalogue.query import Example, Query
from skykin.core.errors import SkyError, shown
from skykin.core.picture import Picture
from skykin.core.shapes import Numbers
from skykin.core.views import View, Views
from skykin.scale.local import ordered_map
from skykin.style.engine.meter import ContextMeter, StyleMeter
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature, has_style, refuse_without_style, without_style
from skykin.style.similarity import QueryStyle, V
from skykin.survey.render import Stretch

#: A view is left out if it is covered so much less than the reference as it is: a share of its picture.
LOSS = 0.05

Meter = StyleMeter | ContextMeter
#: Gives the picture of an example in a view, with what lies around it, and the meter of its size.
Look = Callable[[Example, View], tuple[Picture, Meter]]


def looked_at(
    query: Query, recipe: Recipe, look: Look, stretch: Stretch, workers: int
) -> QueryStyle[Signature]:
    """Measure references and counter-examples in all views of a query.

    Parameters
    ----------
    query : Query
    recipe : Recipe
    look : callable
    stretch : Stretch
        Of the pictures that `look` gives.
    workers : int
        Threads that compute.
    """
    examples = (*query.references, *query.unlike)
    measured = [measured_views(each, query.views, look, stretch, workers) for each in examples]
    return style_of(query, recipe, measured)


def style_of(query: Query, recipe: Recipe, measured: Sequence[Mapping[View, V]]) -> QueryStyle[V]:
    """Put the styles of references, then of counter-examples, in their views together."""
    styles = [tuple(found.values()) for found in measured]
    number = len(query.references)
    likes, unlikes = (tuple(chain.from_iterable(group)) for group in (styles[:number], styles[number:]))
    views = tuple(tuple(found) for found in measured)
    return QueryStyle(recipe, likes, unlikes, query.combine, query.weights, views, query.views.by)


def measured_views(
    example: Example, views: Views, look: Look, stretch: Stretch, workers: int
) -> dict[View, Signature]:
    """Measure an example in its views, but for those that look past the edge of the survey or show nothing.

    Raises
    ------
    DataQualityError
        If the example has no style (``DQ-CONST``).
    SkyError
        If no view is left.
    """
    full = _covered(*look(example, View())) if views.several and _on_the_sky(example) else 0.0

    def measured(view: View) -> Signature | None:
        picture, meter = look(example, view)
        if not view.plain and _covered(picture, meter) < full - LOSS:
            return None
        if stretch.is_flat_in(picture, meter.halo):
            if view.plain:
                raise without_style(example.name)
            return None
        return meter(picture)

    found: dict[View, Signature] = {}
    for view, signature in zip(views.each, ordered_map(measured, views.each, workers), strict=True):
        if view.plain and signature is not None:
            refuse_without_style(signature, example.name)
        if signature is not None and has_style(signature):
            found[view] = signature
    if not found:
        raise SkyError(
            f"every view of the reference {shown(example.name)} looks past the edge of the survey or shows "
            "nothing; add 1 to --scales, or choose another reference"
        )
    return found


def _on_the_sky(example: Example) -> bool:
    """Whether a view may look past the edge of the survey: a mask or a picture has its own border."""
    return example.footprint is not None and example.region is None


def _covered(picture: Picture, meter: Meter) -> float:
    """Share of the picture, without what lies around it, that is covered."""
    halo = meter.halo
    rows, columns = picture.coverage.shape
    return float(picture.coverage[halo : rows - halo, halo : columns - halo].mean(dtype=np.float64))


def view_columns(style: QueryStyle[Any], view: Numbers) -> dict[str, Any]:
    """Columns that tell which view each tile is most similar to; none where there is one view only.

    Parameters
    ----------
    style : QueryStyle
    view : int array (tiles,)
        As of `Similarity`.
    """
    views: Sequence[View] = style.like_views
    if all(each.plain for each in views):
        return {}
    columns: dict[str, Any] = {
        "view_angle_deg": np.array([each.angle_deg for each in views])[view] * u.deg,
        "view_scale": np.array([each.scale for each in views])[view],
    }
    if any(each.mirrored for each in views):
        columns["view_mirrored"] = np.array([each.mirrored for each in views])[view]
    return columns
