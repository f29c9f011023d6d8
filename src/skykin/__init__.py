"""Skykin finds the kin of a patch of sky: regions of a survey whose image has the same style."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Footprint": "skykin.core.footprint",
    "SkykinError": "skykin.core.errors",
    "KinMap": "skykin.products.result",
    "Elsewhere": "skykin.pipeline.elsewhere",
    "cluster": "skykin.pipeline.kinds",
    "explain": "skykin.pipeline.explain",
    "map_kin": "skykin.pipeline",
    "Agreement": "skykin.products.agreement",
    "agree_maps": "skykin.pipeline.agree",
    "Learnt": "skykin.products.learnt",
    "learn_kin": "skykin.pipeline.learn",
    "nearest_tiles": "skykin.pipeline.nearest",
    "neighbours": "skykin.pipeline.kinds",
    "outliers": "skykin.pipeline.kinds",
    "search_index": "skykin.pipeline.search",
    "Evaluation": "skykin.products.evaluation",
    "evaluate_map": "skykin.pipeline.evaluate",
    "build_index": "skykin.pipeline.indexing",
    "open_index": "skykin.index.sky_index",
    "SkyIndex": "skykin.index.sky_index",
    "recipe": "skykin.style.recipe",
    "recipes": "skykin.style.recipe",
    "SurveyOptions": "skykin.core.survey_options",
    "open_survey": "skykin.survey.open",
    "open_wham": "skykin.survey.wham",
    "PictureBook": "skykin.studio.picture_book",
    "analyse_layers": "skykin.generate.layers",
    "texture": "skykin.generate.texture",
    "transfer": "skykin.generate.transfer",
    "known_regions": "skykin.evaluate.catalogues",
    "reference_sets": "skykin.evaluate.reference_sets",
    "object_list": "skykin.evaluate.object_lists",
    "object_lists": "skykin.evaluate.object_lists",
    "read_catalogue": "skykin.evaluate.user_catalogue",
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
    "agree_maps",
    "analyse_layers",
    "build_index",
    "cluster",
    "evaluate_map",
    "explain",
    "known_regions",
    "learn_kin",
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
    from skykin.core.errors import SkykinError
    from skykin.core.footprint import Footprint
    from skykin.core.survey_options import SurveyOptions
    from skykin.evaluate.catalogues import known_regions
    from skykin.evaluate.object_lists import object_list, object_lists
    from skykin.evaluate.reference_sets import reference_sets
    from skykin.evaluate.user_catalogue import read_catalogue
    from skykin.generate.layers import analyse_layers
    from skykin.generate.texture import texture
    from skykin.generate.transfer import transfer
    from skykin.index.sky_index import SkyIndex, open_index
    from skykin.pipeline import map_kin
    from skykin.pipeline.agree import agree_maps
    from skykin.pipeline.elsewhere import Elsewhere
    from skykin.pipeline.evaluate import evaluate_map
    from skykin.pipeline.explain import explain
    from skykin.pipeline.indexing import build_index
    from skykin.pipeline.kinds import cluster, neighbours, outliers
    from skykin.pipeline.learn import learn_kin
    from skykin.pipeline.nearest import nearest_tiles
    from skykin.pipeline.search import search_index
    from skykin.products.agreement import Agreement
    from skykin.products.evaluation import Evaluation
    from skykin.products.learnt import Learnt
    from skykin.products.result import KinMap
    from skykin.studio.picture_book import PictureBook
    from skykin.style.recipe import recipe, recipes
    from skykin.survey.open import open_survey
    from skykin.survey.wham import open_wham


def __getattr__(name: str) -> Any:
    # Importing skykin loads no network, no plotting and no FITS library: each name arrives when it is used.
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'skykin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
