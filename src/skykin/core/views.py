"""Views of a reference: turned by an angle, scaled, mirrored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from numbers import Real
from typing import Any, ClassVar, Literal, Self

import numpy as np

from skykin.core.checked import Checked, Rule, from_to, listed, one_of, truth, whole
from skykin.core.errors import UsageError
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture

#: How the similarities to the views of a reference become one.
Over = Literal["max", "mean"]
#: What a view may be scaled by, and how many scales there may be.
SMALLEST, LARGEST, MOST_SCALES = 0.25, 4.0, 8
OWN = "the recipe's own"


@dataclass(frozen=True)
class View:
    """One way to look at a reference.

    Parameters
    ----------
    angle_deg : float
        By how much the reference is turned, from Galactic north through growing longitude (counter-clockwise
        on the sky), degrees.
    scale : float
        How much larger it is shown: at 1.5, an object of the reference looks like one 1.5 times as large.
    mirrored : bool
        Whether longitude is mirrored before it is turned.
    """

    angle_deg: float = 0.0
    scale: float = 1.0
    mirrored: bool = False

    @property
    def plain(self) -> bool:
        """Whether it shows the reference as it is."""
        return self == AS_IT_IS

    @property
    def words(self) -> str:
        """What is done to the reference, in words."""
        told = [f"turned by {self.angle_deg:g}°"] if self.angle_deg else []
        if self.scale != 1:
            told.append(f"{self.scale:.2g} times as large")
        if self.mirrored:
            told.append("mirrored")
        return ", ".join(told) or "as it is"

    @property
    def drawn_deg(self) -> float:
        """By how much the picture is turned before it is mirrored, degrees."""
        return -self.angle_deg if self.mirrored else self.angle_deg

    def seen(self, footprint: Footprint) -> Footprint:
        """Give the part of the sky that fills the picture, its upward side turned against the view.

        Raises
        ------
        UsageError
            If that is no footprint: a plate carrée cannot be rotated.
        """
        if self.plain:
            return footprint
        if self.angle_deg and footprint.projection == "CAR":
            raise UsageError(
                "a tile of a plate carrée cannot be turned; use --turns 1, or another grid (--grid healpix)"
            )
        return replace(
            footprint,
            width_deg=footprint.width_deg / self.scale,
            height_deg=footprint.height_deg / self.scale,
            turn_deg=footprint.turn_deg - self.drawn_deg,
        )

    def shown(self, picture: Picture) -> Picture:
        """Mirror the picture of what is `seen`, where the view is mirrored."""
        if not self.mirrored:
            return picture
        rgb, coverage = picture.rgb[:, ::-1], picture.coverage[:, ::-1]
        return replace(picture, rgb=np.ascontiguousarray(rgb), coverage=np.ascontiguousarray(coverage))


#: The reference as it is.
AS_IT_IS = View()


def _scale(value: Any) -> float:
    """Read a scale: a number, or text such as ``2/3``."""
    try:
        number = float(Fraction(value)) if isinstance(value, str) else value
    except ZeroDivisionError as error:
        raise ValueError from error
    return float(from_to(SMALLEST, LARGEST)(number))


def _scales(value: Any) -> tuple[float, ...]:
    """Read scales: one, several, or text with commas; each counts once."""
    if isinstance(value, str):
        value = value.split(",")
    several = (value,) if isinstance(value, Real) else value
    found = tuple(dict.fromkeys(listed(_scale)(several)))
    if len(found) > MOST_SCALES:
        raise ValueError
    return found


@dataclass(frozen=True, kw_only=True)
class Views(Checked):
    """Which views of a reference tiles are compared with; the recipe's own where nothing is given.

    Parameters
    ----------
    turns : {1, 4, 8, 16}, optional
        Angles, evenly spread over a full turn from 0° on.
    mirror : bool, optional
        Whether the mirror image of each view is a view, too.
    scales : float or list of float, optional
        How much larger the reference is shown, 0.25 to 4; text such as ``"2/3,1,3/2"`` is read, too.
    views : {"max", "mean"}, optional
        Whether the similarity to a reference is the largest over its views, or their mean.

    Raises
    ------
    UsageError
        Naming the field, its value and what it may be.
    """

    turns: int | None = None
    mirror: bool | None = None
    scales: tuple[float, ...] | None = None
    views: Over | None = None

    RULES: ClassVar[Mapping[str, Rule]] = {
        "turns": Rule(whole(1, 1, 4, 8, 16), "1, 4, 8 or 16", OWN),
        "mirror": Rule(truth, "True or False", OWN),
        "scales": Rule(
            _scales, f"one to {MOST_SCALES} numbers from {SMALLEST:g} to {LARGEST:g}, such as 2/3,1,3/2", OWN
        ),
        "views": Rule(one_of("max", "mean"), "max or mean", OWN),
    }

    def over(self, own: Views) -> Self:
        """Return the same with what is not given here as it is in `own`."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(self, **{name: getattr(own, name) for name, value in given.items() if value is None})

    @property
    def given(self) -> bool:
        """Whether anything is given."""
        return any(value is not None for value in self.to_dict().values())

    @property
    def by(self) -> Over:
        """How the similarities to the views become one."""
        return self.views or "max"

    @property
    def each(self) -> tuple[View, ...]:
        """All views; the reference as it is comes first, if it is among them."""
        turns, mirrors = self.turns or 1, (False, True) if self.mirror else (False,)
        found = [
            View(360.0 * turn / turns, scale, mirrored)
            for scale in self.scales or (1.0,)
            for mirrored in mirrors
            for turn in range(turns)
        ]
        return tuple(sorted(found, key=lambda view: not view.plain))

    @property
    def several(self) -> bool:
        """Whether there is more than one view, or another than the reference as it is."""
        return self.each != (AS_IT_IS,)

    @property
    def words(self) -> str:
        """What the views are, in words, such as ``8 turns × 3 scales (0.67, 1, 1.5)``."""
        turns, scales = self.turns or 1, self.scales or (1.0,)
        told = [f"{turns} turn{'s' if turns > 1 else ''}"]
        if scales != (1.0,):
            numbers = ", ".join(f"{scale:.2g}" for scale in scales)
            told.append(f"{len(scales)} scale{'s' if len(scales) > 1 else ''} ({numbers})")
        if self.mirror:
            told.append("2 (mirrored)")
        return " × ".join(told)


#: The reference as it is, and nothing else.
ONE_VIEW = Views(turns=1, mirror=False, scales=(1.0,), views="max")
#: For recipes that compare what lies where: turned, and somewhat smaller and larger.
MANY_VIEWS = Views(turns=8, mirror=False, scales=(2 / 3, 1.0, 3 / 2), views="max")
