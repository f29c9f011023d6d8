"""Which further tests of its scores a map makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from skykin.core.checked import FLAG, Checked, Rule, whole

MOST_DRAWS = 1000
DRAWS = Rule(whole(2, MOST_DRAWS, 0), f"0 or a whole number from 2 to {MOST_DRAWS}")


@dataclass(frozen=True, kw_only=True)
class Robustness(Checked):
    """Further tests of the scores of a map; none by default.

    Parameters
    ----------
    csls : bool
        Whether p and q are measured on locally scaled scores (CSLS), from which the mean similarity of a tile
        to the whole sky is subtracted.
    surrogates : int
        Phase-randomised pictures that each of the most unusual tiles is compared with, besides its p-value;
        none by default, otherwise 2 or more.
    noise_draws : int
        Realisations of the survey's noise with which these tiles are measured again, for an interval of
        their scores; none by default, otherwise 2 or more.
    seed : int
        Random seed of surrogates and noise.

    Raises
    ------
    UsageError
        Naming the field, its value and what it may be.

    Examples
    --------
    >>> skykin.Robustness(surrogates=9, seed=1)
    Robustness(csls=False, surrogates=9, noise_draws=0, seed=1)
    """

    csls: bool = False
    surrogates: int = 0
    noise_draws: int = 0
    seed: int = 0

    RULES: ClassVar[Mapping[str, Rule]] = {
        "csls": FLAG,
        "surrogates": DRAWS,
        "noise_draws": DRAWS,
        "seed": Rule(whole(0), "a whole number from 0"),
    }
