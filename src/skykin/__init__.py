"""Skykin finds the kin of a patch of sky: regions of a survey whose image has the same style."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Where each public name is defined.  Importing skykin loads no network, no plotting and no FITS library:
#: each name arrives when it is used.
_WHERE = {
    name: module
    for module, names in {
        "skykin.catalogue.object_lists": "object_list object_lists",
        "skykin.catalogue.query": "Example Query",
        "skykin.catalogue.references": "reference_sets",
        "skykin.catalogue.regions": "known_regions",
        "skykin.catalogue.target_choice": "TargetChoice",
        "skykin.catalogue.user_catalogue": "read_catalogue",
        "skykin.core.criterion": "MatchCriterion ScoreCut",
        "skykin.core.errors": "SkykinError",
        "skykin.core.footprint": "Footprint",
        "skykin.core.picture": "Picture",
        "skykin.core.provenance": "Provenance",
        "skykin.core.robustness": "Robustness",
        "skykin.core.settings": "MapSettings",
        "skykin.core.survey_options": "SurveyOptions",
        "skykin.jobs.agree": "agree",
        "skykin.jobs.evaluate": "evaluate",
        "skykin.jobs.explain": "explain",
        "skykin.jobs.hats": "hats",
        "skykin.jobs.heat_map": "heat_map",
        "skykin.jobs.hips": "hips",
        "skykin.jobs.index": "index",
        "skykin.jobs.kinds": "cluster neighbours outliers",
        "skykin.jobs.learn": "learn",
        "skykin.jobs.listing": "catalogues doctor info regions surveys",
        "skykin.jobs.map": "map map_again map_as",
        "skykin.jobs.page": "page",
        "skykin.jobs.dry_run": "dry_run",
        "skykin.jobs.plan": "plan",
        "skykin.jobs.query": "Elsewhere read_query",
        "skykin.jobs.search": "nearest_tiles search",
        "skykin.jobs.sky_index": "SkyIndex open_index",
        "skykin.jobs.standing": "queries",
        "skykin.jobs.studio.layers": "layers",
        "skykin.jobs.studio.picture_book": "PictureBook",
        "skykin.jobs.studio.texture": "texture",
        "skykin.jobs.studio.transfer": "transfer",
        "skykin.jobs.watch": "watch",
        "skykin.products.agreement": "Agreement",
        "skykin.products.evaluation": "Evaluation",
        "skykin.products.explanation": "Explanation",
        "skykin.products.heat_map": "HeatMap",
        "skykin.products.info": "Info",
        "skykin.products.layers": "OpenedLayers",
        "skykin.products.learnt": "Learnt",
        "skykin.products.painting": "Textures Transfer",
        "skykin.products.score_map": "ScoreMap",
        "skykin.products.sky_kinds": "Outliers SkyKinds",
        "skykin.products.mapped": "SurveyFacts",
        "skykin.products.sky_map": "SkyMap",
        "skykin.products.summary": "MapSummary",
        "skykin.products.targets": "Targets",
        "skykin.significance.tile_scores": "TileScores",
        "skykin.style.recipe": "Recipe recipe recipes",
        "skykin.survey.open": "open_survey",
        "skykin.survey.table.wham": "open_wham",
        "skykin.viewing.view": "view",
    }.items()
    for name in names.split()
}

__all__ = ["__version__", *sorted(_WHERE)]  # noqa: PLE0604 - names of the table

#: Named twice, which tells mypy that they are public.
if TYPE_CHECKING:
    from skykin.catalogue.object_lists import object_list as object_list
    from skykin.catalogue.object_lists import object_lists as object_lists
    from skykin.catalogue.query import Example as Example
    from skykin.catalogue.query import Query as Query
    from skykin.catalogue.references import reference_sets as reference_sets
    from skykin.catalogue.regions import known_regions as known_regions
    from skykin.catalogue.target_choice import TargetChoice as TargetChoice
    from skykin.catalogue.user_catalogue import read_catalogue as read_catalogue
    from skykin.core.criterion import MatchCriterion as MatchCriterion
    from skykin.core.criterion import ScoreCut as ScoreCut
    from skykin.core.errors import SkykinError as SkykinError
    from skykin.core.footprint import Footprint as Footprint
    from skykin.core.picture import Picture as Picture
    from skykin.core.provenance import Provenance as Provenance
    from skykin.core.robustness import Robustness as Robustness
    from skykin.core.settings import MapSettings as MapSettings
    from skykin.core.survey_options import SurveyOptions as SurveyOptions
    from skykin.jobs.agree import agree as agree
    from skykin.jobs.dry_run import dry_run as dry_run
    from skykin.jobs.evaluate import evaluate as evaluate
    from skykin.jobs.explain import explain as explain
    from skykin.jobs.hats import hats as hats
    from skykin.jobs.heat_map import heat_map as heat_map
    from skykin.jobs.hips import hips as hips
    from skykin.jobs.index import index as index
    from skykin.jobs.kinds import cluster as cluster
    from skykin.jobs.kinds import neighbours as neighbours
    from skykin.jobs.kinds import outliers as outliers
    from skykin.jobs.learn import learn as learn
    from skykin.jobs.listing import (
        catalogues as catalogues,
    )
    from skykin.jobs.listing import (
        doctor as doctor,
    )
    from skykin.jobs.listing import (
        info as info,
    )
    from skykin.jobs.listing import (
        regions as regions,
    )
    from skykin.jobs.listing import (
        surveys as surveys,
    )
    from skykin.jobs.map import map as map  # noqa: A004
    from skykin.jobs.map import map_again as map_again
    from skykin.jobs.map import map_as as map_as
    from skykin.jobs.page import page as page
    from skykin.jobs.plan import plan as plan
    from skykin.jobs.query import Elsewhere as Elsewhere
    from skykin.jobs.query import read_query as read_query
    from skykin.jobs.search import nearest_tiles as nearest_tiles
    from skykin.jobs.search import search as search
    from skykin.jobs.sky_index import SkyIndex as SkyIndex
    from skykin.jobs.sky_index import open_index as open_index
    from skykin.jobs.standing import queries as queries
    from skykin.jobs.studio.layers import layers as layers
    from skykin.jobs.studio.picture_book import PictureBook as PictureBook
    from skykin.jobs.studio.texture import texture as texture
    from skykin.jobs.studio.transfer import transfer as transfer
    from skykin.jobs.watch import watch as watch
    from skykin.products.agreement import Agreement as Agreement
    from skykin.products.evaluation import Evaluation as Evaluation
    from skykin.products.explanation import Explanation as Explanation
    from skykin.products.heat_map import HeatMap as HeatMap
    from skykin.products.info import Info as Info
    from skykin.products.layers import OpenedLayers as OpenedLayers
    from skykin.products.learnt import Learnt as Learnt
    from skykin.products.mapped import SurveyFacts as SurveyFacts
    from skykin.products.painting import Textures as Textures
    from skykin.products.painting import Transfer as Transfer
    from skykin.products.score_map import ScoreMap as ScoreMap
    from skykin.products.sky_kinds import Outliers as Outliers
    from skykin.products.sky_kinds import SkyKinds as SkyKinds
    from skykin.products.sky_map import SkyMap as SkyMap
    from skykin.products.summary import MapSummary as MapSummary
    from skykin.products.targets import Targets as Targets
    from skykin.significance.tile_scores import TileScores as TileScores
    from skykin.style.recipe import Recipe as Recipe
    from skykin.style.recipe import recipe as recipe
    from skykin.style.recipe import recipes as recipes
    from skykin.survey.open import open_survey as open_survey
    from skykin.survey.table.wham import open_wham as open_wham
    from skykin.viewing.view import view as view


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'skykin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
