"""The whole job: the only folder that knows every stage."""

from skykin.jobs.map import METHOD_CREDITS, map_kin
from skykin.jobs.opening import describe_survey, survey_of

__all__ = ["METHOD_CREDITS", "describe_survey", "map_kin", "survey_of"]
