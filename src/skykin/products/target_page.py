"""The targets of a map as a part of a page: pictures, what is known there, where to read more."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from PIL import Image

from skykin.core.shapes import RGB
from skykin.evaluation.visibility import LOWEST_DEG
from skykin.products.page import template
from skykin.products.result import numbers
from skykin.products.target_list import TargetList
from skykin.products.thumbnails import Thumbnails, thumbnails
from skykin.products.wording import number

#: Sides of a tile that a linked viewer shows.
VIEW_SHARE = 1.5
#: Targets that a page shows before the others are unfolded.
UNFOLDED = 12
#: Radius of the linked query of SIMBAD, sides of a tile, and its largest value, arcminutes.
QUERY_SHARE, WIDEST_QUERY_ARCMIN = 0.25, 60.0


@dataclass(frozen=True)
class TargetRow:
    """A target as a page shows it.

    Parameters
    ----------
    rank, name, constellation, galactic, icrs, known, inside : str
    uncatalogued : bool
    facts : sequence of (name, text)
        Score, view, p, q, brightness, size, and what an observer wants.
    pictures : sequence of (survey, address)
        As ``data:`` addresses.
    links : sequence of (name, address)
        Plain links: nothing is fetched for the page.
    """

    rank: str
    name: str
    constellation: str
    galactic: str
    icrs: str
    known: str
    inside: str
    uncatalogued: bool
    facts: Sequence[tuple[str, str]]
    pictures: Sequence[tuple[str, str]]
    links: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class TargetPage:
    """All that the template of the targets needs.

    Parameters
    ----------
    sentences : sequence of str
    rows, more : sequence of TargetRow
        The best targets, and those that a reader unfolds.
    total : int
        Targets, shown or not.
    surveys : sequence of str
        Of the pictures, from left to right.
    credits : sequence of str
        Of these pictures.
    """

    sentences: Sequence[str]
    rows: Sequence[TargetRow]
    more: Sequence[TargetRow]
    total: int
    surveys: Sequence[str]
    credits: Sequence[str]


def target_page(targets: TargetList, sentences: Sequence[str], *, most: int | None = None) -> TargetPage:
    """Gather what a page shows of the best targets: of all of them if `most` is left out."""
    count = len(targets) if most is None else min(most, len(targets))
    shown = thumbnails(targets.found, targets.footprints[:count])
    rows = [_row(targets, place, shown) for place in range(count)]
    return TargetPage(
        sentences,
        rows[:UNFOLDED],
        rows[UNFOLDED:],
        len(targets),
        [each.title for each in shown],
        [f"{each.title}: {each.credit}" for each in shown if each.credit],
    )


def target_section(targets: TargetList, sentences: Sequence[str], *, most: int) -> str:
    """Write the best targets as HTML; every text is escaped."""
    page = target_page(targets, sentences, most=most)
    return template("targets.html").render(target_page=page)


def _row(targets: TargetList, place: int, shown: Sequence[Thumbnails]) -> TargetRow:
    row = targets.table[place]
    where = SkyCoord(row["ra"], row["dec"], frame="icrs")
    size_deg = float(row["size"].to_value(u.deg))
    digits = 2 if size_deg > 1 else 4
    lon, lat = (
        number(float(row[name].to_value(u.deg)), f"{sign}.{digits}f")
        for name, sign in (("lon", ""), ("lat", "+"))
    )
    fine = 0 if size_deg > 1 else 1
    ra = where.ra.to_string(unit=u.hourangle, sep=("h", "m", "s"), pad=True, precision=fine)
    dec = where.dec.to_string(unit=u.deg, sep=("°", "′", "″"), pad=True, alwayssign=True, precision=0)
    return TargetRow(
        str(row["rank"]),
        str(row["name"]),
        str(row["constellation"]),
        f"l {lon}°, b {lat}°",
        f"{ra} {dec.replace('-', '−')}",
        str(row["known"]),
        str(row["inside"]),
        bool(targets.uncatalogued[place]),
        _facts(targets, place),
        [(each.title, _address(each.pictures[place])) for each in shown],
        links(where, size_deg),
    )


def _facts(targets: TargetList, place: int) -> list[tuple[str, str]]:
    """Numbers of one target, rounded, of those columns that there are."""
    table = targets.table

    def value(name: str) -> float:
        return float(numbers(table[name])[place])

    facts = [("score", number(value("score"), ".3f"))]
    if "view_angle_deg" in table.colnames:
        facts.append(
            ("view", f"{number(value('view_angle_deg'), '.0f')}° × {number(value('view_scale'), '.2g')}")
        )
    if "best_reference" in table.colnames:
        facts.append(("most like", str(table["best_reference"][place])))
    if "best_size" in table.colnames:
        facts.append(("best size", f"{number(value('best_size'), '.3g')}°"))
    facts += [("p", number(value("p"), ".2g")), ("q", number(value("q"), ".2g"))]
    unit = getattr(table["mean_intensity"], "unit", None)
    facts.append(("brightness", f"{number(value('mean_intensity'), '.3g')} {unit or ''}".strip()))
    facts.append(("tile", f"{number(value('size'), '.3g')}°, best of {table['group'][place]}"))
    if "transit_altitude" in table.colnames:
        facts.append(("transit", f"{number(value('transit_altitude'), '.0f')}°"))
        facts.append((f"above {LOWEST_DEG:g}°", f"{number(value('hours_high'), '.1f')} h"))
    return facts


def links(where: SkyCoord, size_deg: float) -> list[tuple[str, str]]:
    """Addresses of a position in SIMBAD, Aladin Lite and ESASky."""
    ra, dec = (f"{angle:.6f}" for angle in (where.ra.deg, where.dec.deg))
    radius = min(QUERY_SHARE * size_deg * 60, WIDEST_QUERY_ARCMIN)
    field = f"{VIEW_SHARE * size_deg:.4g}"
    asked: dict[str, Any] = {
        "SIMBAD": (
            "https://simbad.cds.unistra.fr/simbad/sim-coo",
            {"Coord": f"{ra} {dec}", "CooFrame": "ICRS", "Radius": f"{radius:.4g}", "Radius.unit": "arcmin"},
        ),
        "Aladin Lite": (
            "https://aladin.cds.unistra.fr/AladinLite/",
            {"target": f"{ra} {dec}", "fov": field, "cooFrame": "ICRS"},
        ),
        "ESASky": (
            "https://sky.esa.int/esasky/",
            {"target": f"{ra} {dec}", "fov": field, "cooframe": "J2000"},
        ),
    }
    return [(name, f"{address}?{urlencode(query)}") for name, (address, query) in asked.items()]


def _address(picture: RGB) -> str:
    stream = io.BytesIO()
    pixels = np.round(picture * 255).astype(np.uint8)
    Image.fromarray(pixels).save(stream, format="jpeg", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
