"""A result of a search within a notebook: the page of its index, asked the same question."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from urllib.parse import urlencode

from skykin.catalogue.query import Example
from skykin.core.errors import UsageError
from skykin.jobs.sky_index import SkyIndex
from skykin.jobs.stored import StoredSurvey
from skykin.products.sky_map import SkyMap
from skykin.viewing.serving import View
from skykin.viewing.view import view

#: Pages of this computer may hold the page in a frame.
NOTEBOOKS = "http://localhost:* http://127.0.0.1:*"


def show(found: SkyMap, *, frame_ancestors: str = NOTEBOOKS) -> View:
    """Serve the page of the index that was searched, at the question that was asked.

    Parameters
    ----------
    found : SkyMap
        Of `skykin.search`.
    frame_ancestors : str
        Which pages may hold the page in a frame.

    Raises
    ------
    UsageError
        If the map was made without an index.
    """
    source = found.source
    if not isinstance(source, StoredSurvey):
        raise UsageError(
            "this map was made without an index, which the page needs; make one with skykin.index, and "
            "search it"
        )
    made = view(SkyIndex.open(source.index.path), no_browser=True, frame_ancestors=frame_ancestors)
    made.fragment = fragment(found)
    return made


def fragment(found: SkyMap) -> str:
    """Give the question of a search as the page writes it into its address."""
    query = found.query
    pairs = [
        *_points("like", query.references),
        *_points("unlike", query.unlike),
        ("combine", query.combine),
        ("size", f"{found.scored.tile_deg:g}"),
    ]
    if isfinite(found.cut.value):
        pairs.append(("criterion", f"{found.cut.column} {found.cut.value:g}"))
    return urlencode(pairs)


def _points(name: str, examples: Sequence[Example]) -> list[tuple[str, str]]:
    places = [each.footprint.center.icrs for each in examples if each.footprint is not None]
    return [(name, f"point {place.ra.deg:.5f} {place.dec.deg:.5f}") for place in places]
