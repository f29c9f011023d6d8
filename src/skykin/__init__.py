"""Skykin finds the kin of a patch of sky: regions of a survey whose image has the same style."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Footprint": "skykin.core.footprint",
    "SkykinError": "skykin.core.errors",
    "KinMap": "skykin.products.result",
    "Elsewhere": "skykin.jobs.elsewhere",
    "cluster": "skykin.jobs.kinds",
    "explain": "skykin.jobs.explain",
    "map_kin": "skykin.jobs",
    "Agreement": "skykin.products.agreement",
    "agree": "skykin.jobs.agree",
    "Learnt": "skykin.products.learnt",
    "learn": "skykin.jobs.learn",
    "nearest_tiles": "skykin.jobs.nearest",
    "neighbours": "skykin.jobs.kinds",
    "outliers": "skykin.jobs.kinds",
    "search_index": "skykin.jobs.search",
    "Evaluation": "skykin.products.evaluation",
    "evaluate": "skykin.jobs.evaluate",
    "build_index": "skykin.jobs.index",
    "open_index": "skykin.indexing.sky_index",
    "SkyIndex": "skykin.indexing.sky_index",
    "recipe": "skykin.style.recipe",
    "recipes": "skykin.style.recipe",
    "SurveyOptions": "skykin.core.survey_options",
    "open_survey": "skykin.survey.open",
    "open_wham": "skykin.survey.table.wham",
    "PictureBook": "skykin.jobs.studio.picture_book",
    "analyse_layers": "skykin.generate.layers",
    "texture": "skykin.generate.texture",
    "transfer": "skykin.generate.transfer",
    "known_regions": "skykin.catalogue.regions",
    "reference_sets": "skykin.catalogue.references",
    "object_list": "skykin.catalogue.object_lists",
    "object_lists": "skykin.catalogue.object_lists",
    "read_catalogue": "skykin.catalogue.user_catalogue",
}

__all__ = [
    "Agreement",
    "Elsewhere",
    "Evaluation",
    "Footprint",
    "KinMap",
    "Learnt",
    "PictureBook",
    "SkyIndex",
    "SkykinError",
    "SurveyOptions",
    "__version__",
    "agree",
    "analyse_layers",
    "build_index",
    "cluster",
    "evaluate",
    "explain",
    "known_regions",
    "learn",
    "map_kin",
    "nearest_tiles",
    "neighbours",
    "object_list",
    "object_lists",
    "open_index",
    "open_survey",
    "open_wham",
    "outliers",
    "read_catalogue",
    "recipe",
    "recipes",
    "reference_sets",
    "search_index",
    "texture",
    "transfer",
]

if TYPE_CHECKING:
    from skykin.catalogue.object_lists import object_list, object_lists
    from skykin.catalogue.references import reference_sets
    from skykin.catalogue.regions import known_regions
    from skykin.catalogue.user_catalogue import read_catalogue
    from skykin.core.errors import SkykinError
    from skykin.core.footprint import Footprint
    from skykin.core.survey_options import SurveyOptions
    from skykin.generate.layers import analyse_layers
    from skykin.generate.texture import texture
    from skykin.generate.transfer import transfer
    from skykin.indexing.sky_index import SkyIndex, open_index
    from skykin.jobs import map_kin
    from skykin.jobs.agree import agree
    from skykin.jobs.elsewhere import Elsewhere
    from skykin.jobs.evaluate import evaluate
    from skykin.jobs.explain import explain
    from skykin.jobs.index import build_index
    from skykin.jobs.kinds import cluster, neighbours, outliers
    from skykin.jobs.learn import learn
    from skykin.jobs.nearest import nearest_tiles
    from skykin.jobs.search import search_index
    from skykin.jobs.studio.picture_book import PictureBook
    from skykin.products.agreement import Agreement
    from skykin.products.evaluation import Evaluation
    from skykin.products.learnt import Learnt
    from skykin.products.result import KinMap
    from skykin.style.recipe import recipe, recipes
    from skykin.survey.open import open_survey
    from skykin.survey.table.wham import open_wham


def __getattr__(name: str) -> Any:
    # Importing skykin loads no network, no plotting and no FITS library: each name arrives when it is used.
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'skykin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
