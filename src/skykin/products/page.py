"""Pages in HTML: every text that comes into one is cleaned and escaped here."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from skykin.core.clean import lines


def template(name: str) -> Template:
    """Give a template of ours; names and credits come from files, so all that is filled in is cleaned."""
    folder = files("skykin.products") / "templates"
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_cleaned,
        loader=FunctionLoader(lambda part: (folder / part).read_text(encoding="utf-8")),
    )
    return environment.get_template(name)


def html_text(text: object) -> str:
    """Write a text in a page: without control characters and marks of direction, and escaped."""
    return escape(lines(text))


def _cleaned(value: object) -> object:
    return lines(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
