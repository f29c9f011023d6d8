"""The stamp that every product carries: where it comes from, and whom to thank."""

from __future__ import annotations

import hashlib
import textwrap
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from skykin.catalogue.query import Query
from skykin.core.clean import one_line
from skykin.core.criterion import ScoreCut
from skykin.core.footprint import Footprint
from skykin.core.plain import json_text, plain
from skykin.core.provenance import Provenance

if TYPE_CHECKING:
    from astropy.io.fits import Header

#: Letters of the field that have a spelling in ASCII, which is all that FITS allows.
SPELLED = str.maketrans({
    "α": "alpha", "β": "beta", "λ": "lambda", "σ": "sigma", "µ": "u", "μ": "u", "°": " deg",
    "−": "-", "–": "-", "—": "-", "×": "x", "±": "+/-", "…": "...", "“": '"', "”": '"', "’": "'", "‘": "'",
    "≤": "<=", "≥": ">=", "·": " ",
})  # fmt: skip
#: Longer texts, such as the pixels of a picture, are whole in the summary only.
LONGEST_TEXT = 1000
CARD_TEXT = 68  # characters of text that one FITS card holds


class Stamped(Protocol):
    """A result that knows where it comes from."""

    @property
    def provenance(self) -> Provenance:
        """All that decided it."""


class StampedMap(Stamped, Protocol):
    """A map that knows what was looked for in which tiles."""

    @property
    def query(self) -> Query:
        """What was looked for."""

    @property
    def reference(self) -> Footprint | None:
        """Where the first reference lies, if it does on this sky."""

    @property
    def cut(self) -> ScoreCut | None:
        """What separates matches from other tiles; None where no matches are chosen."""

    @property
    def n_tiles(self) -> int:
        """How many tiles were scored."""


def creator(provenance: Provenance) -> str:
    """Name and version of the program."""
    return f"Skykin {provenance.versions.get('skykin', '')}".strip()


def settings(provenance: Provenance) -> list[tuple[str, str]]:
    """All settings as pairs of a dotted name and a text, such as ``("survey.name", "wham")``."""
    facts = provenance.to_dict()
    del facts["credits"]
    return [(one_line(name), one_line(text)) for name, text in _flat("", plain(facts))]


def stamp_lines(result: Stamped) -> list[str]:
    """Return the stamp as lines of text: program, settings, acknowledgements."""
    found = [f"Made by {creator(result.provenance)}"]
    found += [f"{name} = {text}" for name, text in settings(result.provenance)]
    found += [f"Acknowledgement: {credit}" for credit in result.provenance.credits]
    return [one_line(line) for line in found]


def stamp_text(result: Stamped) -> str:
    """Return the settings as one line of JSON, for formats that hold a single text."""
    facts = result.provenance.to_dict()
    del facts["credits"]
    return json_text(_shorter(plain(facts)), sort_keys=True)


def picture_texts(result: Stamped, title: str) -> dict[str, str]:
    """Return the stamp as text chunks of a PNG file."""
    return {
        "Title": one_line(title),
        "Software": creator(result.provenance),
        "Source": stamp_text(result),
        "Copyright": "\n".join(map(one_line, result.provenance.credits)),
    }


def stamp_header(header: Header, result: StampedMap) -> None:
    """Write the stamp into a FITS header: short cards for programs, HISTORY and COMMENT for people."""
    provenance = result.provenance
    cards: list[tuple[str, str | float, str]] = [
        ("CREATOR", creator(provenance), "program that wrote this file"),
        ("SURVEY", str(provenance.survey.get("name", "")), "survey that was searched"),
        ("SURVHASH", str(provenance.survey.get("sha256", "")), "SHA-256 of its file"),
        ("RECIPE", str(provenance.recipe.get("name", "")), "how style is measured"),
        ("ENCODER", provenance.encoder, "network and hash of its weights"),
        ("REFNAME", result.query.name, "reference of the search"),
        *_place_cards(result.reference),
        *([("MATCH", result.cut.words, "tiles with this match")] if result.cut else []),
        ("NTILES", result.n_tiles, "tiles that were scored"),
    ]
    for key, value, comment in cards:
        kept = ascii_text(value)[:CARD_TEXT] if isinstance(value, str) else value
        # A card has room for a long text (a hash fills it) or for a comment.
        header[key] = (kept, comment if len(str(kept)) + len(comment) < CARD_TEXT - 4 else "")
    stamp_notes(header, provenance)


def _place_cards(where: Footprint | None) -> list[tuple[str, str | float, str]]:
    if where is None:
        return []
    return [
        ("REFLON", where.lon_deg, "[deg] its Galactic longitude"),
        ("REFLAT", where.lat_deg, "[deg] its Galactic latitude"),
        ("REFWIDTH", where.width_deg, "[deg] its width"),
        ("REFHEIGH", where.height_deg, "[deg] its height"),
    ]


def stamp_notes(header: Header, provenance: Provenance) -> None:
    """Write all settings as HISTORY and the acknowledgements as COMMENT."""
    for name, text in settings(provenance):
        for line in textwrap.wrap(ascii_text(f"{name} = {text}"), CARD_TEXT, subsequent_indent="  "):
            header.add_history(line)
    for credit in provenance.credits:
        for line in textwrap.wrap(ascii_text(f"Acknowledgement: {credit}"), CARD_TEXT):
            header.add_comment(line)


def ascii_text(text: str) -> str:
    """Spell a text in printable ASCII, the only letters of a FITS header."""
    spelled = unicodedata.normalize("NFKD", str(text).translate(SPELLED))
    kept = (c for c in spelled if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else " " if c.isspace() else "?" for c in kept)


def _flat(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        dot = f"{name}." if name else ""
        return [pair for key, item in value.items() for pair in _flat(dot + key, item)]
    if isinstance(value, list):
        return [(name, ", ".join(_text(item) for item in value))]
    return [(name, _text(value))]


def _shorter(value: object) -> object:
    """Plain values; the longest texts, such as the pixels of a picture, are named by their hash."""
    if isinstance(value, Mapping):
        return {name: _shorter(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shorter(item) for item in value]
    return _text(value) if isinstance(value, str) else value


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json_text(value)
    if len(text) <= LONGEST_TEXT:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[:40]}… ({len(text)} characters, SHA-256 {digest[:16]}; whole in summary.json)"
