"""Surveys that can be asked for by name, one module a family."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from skykin.survey.format import ReadyMade


@cache
def ready_made() -> dict[str, ReadyMade]:
    """Every ready-made survey by its name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    surveys = sorted((one for module in modules for one in module.READY), key=lambda one: one.name)
    return {one.name: one for one in surveys}
