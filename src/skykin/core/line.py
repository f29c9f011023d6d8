"""The line between match and no match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from skykin.core.shapes import Numbers


@dataclass(frozen=True)
class Line:
    """Where the line between match and no match is drawn.

    Parameters
    ----------
    column : {"score", "q"}
        ``score``: a tile matches from a score on.  ``q``: up to a false discovery rate.
    value : float
    missed_q : float or None
        The false discovery rate that no tile away from the reference reached, where the line was to be drawn.
    """

    column: Literal["score", "q"]
    value: float
    missed_q: float | None = None

    def matches(self, values: Numbers) -> np.ndarray:
        """Tell which values of the column are matches, bool (tiles,); NaN is none."""
        values = np.asarray(values, dtype=np.float64)
        return np.asarray(values >= self.value if self.column == "score" else values <= self.value)

    @property
    def threshold(self) -> float | None:
        """The score from which a tile matches, where that is the rule."""
        return self.value if self.column == "score" else None

    @property
    def words(self) -> str:
        """The rule in words, such as "score 0.9 or more"."""
        return f"{self.column} {self.value:.4g} or {'more' if self.column == 'score' else 'less'}"

    def as_dict(self) -> dict[str, object]:
        """Plain values for provenance."""
        return {"column": self.column, "value": self.value, "missed_q": self.missed_q}
