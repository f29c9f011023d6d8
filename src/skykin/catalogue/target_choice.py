"""Which targets are listed, and from where they would be observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from skykin.catalogue.sites import Site, site_of
from skykin.core.checked import Checked, Rule, above, degrees, whole, words
from skykin.core.errors import UsageError

MOST_TARGETS = 10_000
FIRST_YEAR, LAST_YEAR = 1900, 2100


def _site(value: Any) -> str:
    return site_of(words(value)).name


def _night(value: Any) -> str:
    found = value if isinstance(value, date) else date.fromisoformat(words(value).strip())
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError
    return found.strftime("%Y-%m-%d")


@dataclass(frozen=True, kw_only=True)
class TargetChoice(Checked):
    """Which of the matches become targets, and what is told to an observer.

    Parameters
    ----------
    targets : int
        How many are listed at most.
    min_separation : float or Quantity, optional
        Smallest distance between two targets, degrees; if left out, √2 tiles, so that no two overlap.
    site : str, optional
        An observatory by name, or ``latitude,longitude,height``.
    night : str or date, optional
        The night that begins on the evening of this date there.

    Raises
    ------
    UsageError
        Naming the field, its value and what it may be.

    Examples
    --------
    >>> skykin.TargetChoice(targets=10, site="Paranal", night="2026-01-15").to_dict()
    {'targets': 10, 'min_separation': None, 'site': 'Paranal', 'night': '2026-01-15'}
    """

    targets: int = 50
    min_separation: float | None = None
    site: str | None = None
    night: str | date | None = None

    RULES: ClassVar[Mapping[str, Rule]] = {
        "targets": Rule(whole(1, MOST_TARGETS), f"a whole number from 1 to {MOST_TARGETS}"),
        "min_separation": Rule(above(0, 180, degrees), "above 0° and at most 180°", "√2 tiles"),
        "site": Rule(_site, "an observatory or latitude,longitude,height", "none"),
        "night": Rule(_night, f"a date from {FIRST_YEAR} to {LAST_YEAR}, such as 2026-01-15", "none"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.site is None) != (self.night is None):
            given, lacking = ("site", "night") if self.night is None else ("night", "site")
            example = "2026-01-15" if lacking == "night" else "Paranal"
            raise UsageError(
                f"{given} is {getattr(self, given)!r}, but it tells nothing without --{lacking}; give both, "
                f"such as --{lacking} {example}"
            )

    @property
    def observatory(self) -> Site | None:
        """Where the observer stands."""
        return None if self.site is None else site_of(self.site)

    @property
    def evening(self) -> date | None:
        """Date on which the night begins."""
        return None if self.night is None else date.fromisoformat(str(self.night))


#: Fifty targets, none of which overlap.
DEFAULT_CHOICE = TargetChoice()
