"""The report: one HTML page that needs no other file."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import QTable
from PIL import Image

from skykin.core.footprint import Footprint
from skykin.products.field import field_of, frame_shown
from skykin.products.figures.canvas import Drawn
from skykin.products.mapped import MappedTiles
from skykin.products.page import template
from skykin.products.result import numbers
from skykin.products.stamp import creator, settings
from skykin.products.summary import recall_rows, summary_lines, target_lines
from skykin.products.target_list import target_list
from skykin.products.target_page import target_page
from skykin.products.tile_table import ranked_tiles
from skykin.products.wording import band_words, number, percent, position

SHOWN_MATCHES = 25
#: Columns of pixels that a figure keeps in the page; the PNG and PDF beside it keep all.
PAGE_WIDTH = 1600
#: Columns of the table of regions: how much of the sky each ranking must take until the region is in it.
SKY_SHARES = {
    "score_sky_share": "sky by score",
    "brightness_sky_share": "sky by brightness",
    "latitude_sky_share": "sky by −|b|",
}


def write_report(
    result: MappedTiles, figures: Sequence[Drawn], described: Sequence[tuple[str, str]], path: Path
) -> None:
    """Write the report as one HTML page with styles and pictures in it; it loads nothing from the internet.

    Parameters
    ----------
    result : MappedTiles
    figures : sequence of Drawn
        In the order of the page.
    described : sequence of (file name, what it is)
        The other products, listed with links.
    path : Path
    """
    page = template("report.html").render(
        result=result,
        maker=creator(result.provenance),
        query=_query(result),
        # The page has a table of what the sentences on recall say.
        sentences=summary_lines(result.summary, recall=False, targets=False),
        target_page=target_page(target_list(result), target_lines(result.summary.targets)),
        recall=recall_rows(result.summary),
        figures=[(figure, inlined(figure.png)) for figure in figures],
        matches=_matches(result),
        regions=_regions(result),
        described=described,
        settings=settings(result.provenance),
        credits=[*result.provenance.credits, *dict.fromkeys(f.credit for f in figures if f.credit)],
    )
    path.write_text(page, encoding="utf-8")


def inlined(png: Path) -> str:
    """Encode a picture as a ``data:`` address, reduced for a page, in the smaller of two formats."""
    with Image.open(png) as picture:
        shown = picture.convert("RGB")
    if shown.width > PAGE_WIDTH:
        shown = shown.resize(
            (PAGE_WIDTH, round(shown.height * PAGE_WIDTH / shown.width)), Image.Resampling.LANCZOS
        )
    encoded = []
    # To optimise a PNG takes five times as long for 2 to 10 % fewer bytes.
    for kind, options in (("png", {}), ("jpeg", {"quality": 88, "subsampling": 0})):
        stream = io.BytesIO()
        shown.save(stream, format=kind, **options)
        encoded.append((stream.tell(), kind, stream.getvalue()))
    _, kind, content = min(encoded)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _query(result: MappedTiles) -> list[tuple[str, str]]:
    several = len(result.query.references) > 1
    told = ", ".join(
        each.name if each.footprint is None else f"{each.name} ({_square(each.footprint)})"
        for each in result.query.references
    )
    unlike = [("Unlike", ", ".join(each.name for each in result.query.unlike))] if result.query.unlike else []
    return [
        ("References" if several else "Reference", told),
        *unlike,
        ("Survey", result.survey.title),
        ("Colours", "; ".join(text for _, text in band_words(result.survey.bands))),
        ("Recipe", str(result.provenance.recipe.get("name", ""))),
        ("Layers", ", ".join(result.layers)),
        ("Match", result.cut.words),
    ]  # fmt: skip


def _square(where: Footprint) -> str:
    return f"{where.width_deg:.3g}° × {where.height_deg:.3g}° about {position(where, 2)}"


def _matches(result: MappedTiles) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table of best matches."""
    table = ranked_tiles(result)
    table = table[np.asarray(table["match"], dtype=bool)][:SHOWN_MATCHES]
    unit = getattr(table["mean_intensity"], "unit", None)
    intensity = f"mean intensity ({unit})" if str(unit or "") else "mean intensity"
    equatorial = ["RA, Dec"] if frame_shown(result.provenance.survey) == "icrs" else []
    heads = [
        "rank",
        "tile",
        *equatorial,
        "l",
        "b",
        "score",
        "standardised",
        "p",
        "q",
        *(layer.replace("_", " ") for layer in result.layers),
        intensity,
        "coverage",
    ]
    digits = 2 if result.footprints[0].width_deg > 1 else 4
    columns = [
        [f"{rank:.0f}" for rank in numbers(table["rank"])],
        [str(name) for name in table["name"]],
        *([position(each, frame="icrs") for each in result.matching[:SHOWN_MATCHES]] for _ in equatorial),
        _column(table, "lon", f".{digits}f", "°"),
        _column(table, "lat", f"+.{digits}f", "°"),
        _column(table, "score", ".4f"),
        _column(table, "standardised", "+.2f"),
        _column(table, "p", ".2g"),
        _column(table, "q", ".2g"),
        *(_column(table, f"cosine_{layer}", ".4f") for layer in result.layers),
        _column(table, "mean_intensity", ".3g"),
        _column(table, "coverage", ".3f"),
    ]
    return heads, [list(row) for row in zip(*columns, strict=True)]


def _regions(result: MappedTiles) -> tuple[list[str], list[tuple[bool, list[str]]]]:
    """Heads and rows of the table of regions; each row with whether it is recovered, the best first.

    Of a small field only the regions in it.
    """
    table = result.regions[
        np.argsort(-np.nan_to_num(numbers(result.regions["score"]), nan=-np.inf), kind="stable")
    ]
    if field_of(result) is not None:
        table = table[np.isfinite(numbers(table["score"]))]
    known = [name for name in SKY_SHARES if name in table.colnames]
    heads = [
        "region",
        "l",
        "b",
        "size",
        "score",
        "recovered",
        *(SKY_SHARES[name] for name in known),
        "not counted",
    ]
    recovered = np.asarray(table["recovered"], dtype=bool)
    columns = [
        [str(name) for name in table["name"]],
        _column(table, "lon_deg", ".1f", "°"),
        _column(table, "lat_deg", "+.1f", "°"),
        _column(table, "diameter_deg", ".1f", "°"),
        _column(table, "score", ".4f"),
        ["yes" if found else "no" for found in recovered],
        *([percent(share) for share in numbers(table[name])] for name in known),
        [str(why) for why in table["why_not_counted"]],
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return heads, list(zip(recovered.tolist(), rows, strict=True))


def _column(table: QTable, name: str, form: str, unit: str = "") -> list[str]:
    return [number(value, form) + unit * math.isfinite(value) for value in numbers(table[name])]
