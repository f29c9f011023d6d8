"""Surveys with a name, one module a family."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path

from skykin.core.errors import SkykinError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.survey_options import SurveyOptions


@dataclass(frozen=True)
class NamedSurvey:
    """A survey that is opened by its name.

    Parameters
    ----------
    name : str
        Such as ``planck-dust``.
    description : str
        One line for people.
    extra : str
        Extra of this package that installs the data.
    find : callable
        Path of the data on this computer, or None.
    open : callable
        Opens it: options, whether to download, and progress to a `Survey`.
    beam_deg : float
        Beam, where it is known before the survey is opened and that takes long; 0 otherwise.
    identifier : str
        IVOA identifier of a HiPS that is read from the web; empty for data on this computer.
    """

    name: str
    description: str
    extra: str
    find: Callable[[], Path | None]
    open: Callable[[SurveyOptions, bool, Progress], Survey]
    beam_deg: float = 0.0
    identifier: str = ""


#: Surveys that stay open once a product has looked at them.
KEPT_OPEN = 8


@lru_cache(maxsize=KEPT_OPEN)
def at_hand(name: str) -> Survey | None:
    """Open a survey with a name as it is, which then stays open; None where it is not on this computer."""
    named = named_surveys()[name]
    try:
        return None if named.find() is None else named.open(SurveyOptions(), False, SilentProgress())
    except SkykinError:
        return None


@cache
def named_surveys() -> dict[str, NamedSurvey]:
    """Every survey with a name, by its name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    surveys = sorted((one for module in modules for one in module.SURVEYS), key=lambda one: one.name)
    return {one.name: one for one in surveys}
