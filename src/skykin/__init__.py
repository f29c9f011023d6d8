"""Skykin finds the kin of a patch of sky: regions of a survey whose image has the same style."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Footprint": "skykin.core.footprint",
    "SkykinError": "skykin.core.errors",
    "KinMap": "skykin.products.result",
    "map_kin": "skykin.pipeline",
    "recipe": "skykin.style.recipe",
    "recipes": "skykin.style.recipe",
    "open_wham": "skykin.survey.wham",
    "known_regions": "skykin.evaluate.catalogues",
}

__all__ = [
    "Footprint",
    "KinMap",
    "SkykinError",
    "__version__",
    "known_regions",
    "map_kin",
    "open_wham",
    "recipe",
    "recipes",
]

if TYPE_CHECKING:
    from skykin.core.errors import SkykinError
    from skykin.core.footprint import Footprint
    from skykin.evaluate.catalogues import known_regions
    from skykin.pipeline import map_kin
    from skykin.products.result import KinMap
    from skykin.style.recipe import recipe, recipes
    from skykin.survey.wham import open_wham


def __getattr__(name: str) -> Any:
    # Importing skykin loads no network, no plotting and no FITS library: each name arrives when it is used.
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'skykin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
