"""A page of a map: one HTML file with its pictures, its style and its script."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from skykin.core.clean import one_line
from skykin.products.mapped import MappedTiles
from skykin.products.one_file.contents import contents
from skykin.products.one_file.rasters import PageSky
from skykin.products.page import template
from skykin.products.stamp import creator, settings
from skykin.products.summary import target_lines
from skykin.products.target_facts import target_facts
from skykin.products.target_list import target_list
from skykin.products.target_page import target_page

MEASURES = {"score": "similarity", "q": "false discovery rate (q)"}


def page_text(found: MappedTiles, background: str | None, background_words: str, credit: str) -> str:
    """Write the page of a map.

    Parameters
    ----------
    found : MappedTiles
    background : str or None
        The picture below the numbers, a ``data:`` address.
    background_words : str
        What it shows.
    credit : str
        Of the picture, where it is not that of the survey.
    """
    targets, sky = target_list(found), PageSky.of(found)
    shown = contents(found, targets, sky, background)
    listed = target_page(targets, target_lines(target_facts(targets)))
    style, script = _own("page.css"), _own("page.js")
    return template("one_file.html").render(
        policy=policy(style, script),
        maker=creator(found.provenance),
        title=f"Sky similar to {one_line(found.query.name)}",
        about=f"{found.survey.title}, {len(found.tiles)} tiles of {found.scored.tile_deg:.3g}°, recipe "
        f"{found.provenance.recipe.get('name', '')}; a match has {found.cut.words}.",
        style=Markup(style),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        contents=Markup(script_json(shown)),  # noqa: S704 - escaped by script_json
        measures=[MEASURES[layer["key"]] for layer in shown["layers"]],
        several=len(shown["references"]) > 1,
        background=background_words,
        coordinates="ICRS" if sky.frame == "icrs" else "Galactic coordinates",
        sentences=listed.sentences,
        rows=[*listed.rows, *listed.more],
        settings=settings(found.provenance),
        credits=dict.fromkeys([*found.provenance.credits, *listed.credits, *([credit] if credit else [])]),
    )


def policy(style: str, script: str) -> str:
    """Say what the page may do: its own script and style, by their hashes, and pictures that it holds."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def script_json(value: Any) -> str:
    """Write JSON that ends no script element and begins no comment, whatever texts it holds."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _own(name: str) -> str:
    return (files("skykin.products.one_file") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
