"""The kinds of survey, one module each: a new kind is one new file here."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from skykin.survey.format import Kind


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind of survey, by name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(sorted((module.KIND for module in modules), key=lambda kind: kind.name))
