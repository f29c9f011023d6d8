"""Which tiles are matches: the criterion that was given, and the cut that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from skykin.core.checked import Checked, Rule, between, from_to, number, one_of, real
from skykin.core.errors import UsageError, option_of
from skykin.core.shapes import Numbers

OWN = "the recipe's own"


@dataclass(frozen=True, kw_only=True)
class MatchCriterion(Checked):
    """The criterion that a tile must meet to be a match; the recipe's own where nothing is given.

    Parameters
    ----------
    threshold : float, optional
        Score from which a tile matches, −1 to 1.
    top_fraction : float, optional
        Fraction of the sky that matches: the tiles with the highest scores.
    max_q : float, optional
        False discovery rate up to which a tile matches, among tiles of its brightness, latitude and coverage.

    Raises
    ------
    UsageError
        If a number is out of range, or more than one is given.

    Examples
    --------
    >>> skykin.MatchCriterion(max_q=0.1)
    MatchCriterion(threshold=None, top_fraction=None, max_q=0.1)
    """

    threshold: float | None = None
    top_fraction: float | None = None
    max_q: float | None = None

    RULES: ClassVar[Mapping[str, Rule]] = {
        "threshold": Rule(from_to(-1, 1), "a cosine from −1 to 1", OWN),
        "top_fraction": Rule(between(0, 1), "a fraction of the sky between 0 and 1", OWN),
        "max_q": Rule(between(0, 1), "a false discovery rate between 0 and 1", OWN),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [
            f"{option_of(name)} {value:g}" for name, value in self.to_dict().items() if value is not None
        ]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} contradict each other; give one of them")

    @property
    def given(self) -> bool:
        """Whether one was given."""
        return any(value is not None for value in self.to_dict().values())


@dataclass(frozen=True)
class ScoreCut(Checked):
    """The cut that separates matches from other tiles.

    Parameters
    ----------
    column : {"score", "q"}
        ``score``: a tile matches from a score on.  ``q``: up to a false discovery rate.
    value : float
        NaN, which nothing reaches, where fewer tiles have a score than were to match.
    missed_q : float, optional
        The false discovery rate that no tile away from the reference reached, where the cut was to be made.

    Examples
    --------
    >>> found.cut.column, found.cut.words
    ('score', 'score ... or more')
    """

    column: Literal["score", "q"]
    value: float
    missed_q: float | None = None

    KIND: ClassVar[str] = "part of a cut"
    RULES: ClassVar[Mapping[str, Rule]] = {
        "column": Rule(one_of("score", "q"), "score or q"),
        "value": Rule(number, "a number"),
        "missed_q": Rule(real, "a false discovery rate", "none"),
    }

    def matches(self, values: Numbers) -> np.ndarray:
        """Tell which values of the column are matches, bool (tiles,); NaN is none."""
        values = np.asarray(values, dtype=np.float64)
        return np.asarray(values >= self.value if self.column == "score" else values <= self.value)

    @property
    def threshold(self) -> float | None:
        """The score from which a tile matches, where that is the criterion."""
        return self.value if self.column == "score" else None

    @property
    def words(self) -> str:
        """The cut in words, such as "score 0.9 or more"."""
        return f"{self.column} {self.value:.4g} or {'more' if self.column == 'score' else 'less'}"
