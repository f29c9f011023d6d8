"""Lists of objects that the page lays over the sky."""

from __future__ import annotations

from functools import cache

import numpy as np
from astropy.coordinates import SkyCoord

from skykin.catalogue.object_lists import degrees_of, object_list, object_lists
from skykin.viewing.answers import Catalogue, CatalogueFacts, CatalogueRow


@cache
def catalogue_facts() -> tuple[CatalogueFacts, ...]:
    """Tell which lists there are."""
    return tuple(
        CatalogueFacts(id=each.name, title=each.summary, count=len(object_list(each.name)))
        for each in object_lists()
    )


@cache
def catalogue(name: str) -> Catalogue:
    """Give the objects of a list.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    table = object_list(name)
    lon, lat, size = (degrees_of(table, column) for column in ("lon_deg", "lat_deg", "diameter_deg"))
    icrs = SkyCoord(lon, lat, unit="deg", frame="galactic").icrs
    rows = zip(
        table["name"], table["kind"], icrs.ra.deg.tolist(), icrs.dec.deg.tolist(), size.tolist(), strict=True
    )
    return Catalogue(
        rows=tuple(
            CatalogueRow(
                name=str(named), kind=str(kind), ra=ra, dec=dec, size_deg=wide if np.isfinite(wide) else None
            )
            for named, kind, ra, dec, wide in rows
        )
    )
