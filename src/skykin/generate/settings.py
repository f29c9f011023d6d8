"""What a person chooses before a picture is made."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from skykin.core.errors import UsageError, shown
from skykin.style.recipe import Recipe
from skykin.style.recipe import recipe as find_recipe

Optimiser = Literal["adam", "l-bfgs"]
Start = Literal["content", "noise"]
MOST_STEPS = 100_000
#: Beyond, losses leave single precision.
MOST_WEIGHT = 1e12


@dataclass(frozen=True, kw_only=True)
class PaintSettings:
    """What every way to make a picture needs.

    Parameters
    ----------
    recipe : str or Recipe
        Whose statistic, layers, padding and use of coverage say what style is; see `recipes`.
    steps : int
        Steps of the optimiser.
    optimiser : {"l-bfgs", "adam"}
        ``l-bfgs``: as in Gatys et al., with nothing to tune; ``adam``: as in the TensorFlow tutorial, whose
        learning rate is made for photographs and leaves grain on smooth sky.
    learning_rate : float
        Largest change of a colour in a step of Adam; L-BFGS has no use for it.
    seed : int
        Of the noise, where a picture starts from noise.

    Raises
    ------
    UsageError
        Naming the setting, its value, its range and its default.
    UnknownNameError
        If no recipe has this name.
    """

    recipe: str | Recipe = "poster"
    steps: int = 300
    optimiser: Optimiser = "l-bfgs"
    learning_rate: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.recipe, Recipe):
            object.__setattr__(self, "recipe", find_recipe(self.recipe))
        self._check_whole("steps", 1, MOST_STEPS)
        self._check_whole("seed", 0, 2**63 - 1)
        self._check(
            "learning_rate",
            _between(self.learning_rate, 1e-9, 1),
            "a number above 0 and at most 1, such as 0.02",
        )
        self._check("optimiser", self.optimiser in get_args(Optimiser), "adam or l-bfgs")

    def changed(self, **changes: object) -> Self:
        """Return these settings with the fields that are given, and not None."""
        given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
        return replace(self, **given)

    @property
    def chosen_recipe(self) -> Recipe:
        """The recipe itself, looked up once."""
        assert isinstance(self.recipe, Recipe)  # noqa: S101 - `__post_init__` saw to it
        return self.recipe

    def to_dict(self) -> dict[str, object]:
        """All settings as plain values, ready for JSON."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**facts, "recipe": self.chosen_recipe.to_dict()}

    def _check_whole(self, name: str, lowest: int, highest: int) -> None:
        value = getattr(self, name)
        good = isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest
        self._check(name, good, f"a whole number from {lowest} to {highest}")

    def _check(self, name: str, good: bool, allowed: str) -> None:
        if good:
            return
        default = next(field.default for field in fields(self) if field.name == name)
        found = getattr(self, name)
        raise UsageError(f"{name} is {shown(found)}, but it must be {allowed}; the default is {default}")


@dataclass(frozen=True, kw_only=True)
class TransferSettings(PaintSettings):
    """How the content of one picture takes the style of another; weights are the TensorFlow tutorial's.

    Parameters
    ----------
    recipe, steps, optimiser, learning_rate, seed
        See `PaintSettings`.
    start : {"content", "noise"}
        The first picture.
    style_weight, content_weight, variation_weight : float
        Weights of the three losses; see `skykin.generate.losses.Losses`.

    Raises
    ------
    UsageError, UnknownNameError
        As `PaintSettings`.
    """

    start: Start = "content"
    style_weight: float = 1e-2
    content_weight: float = 1e4
    variation_weight: float = 30.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("start", self.start in get_args(Start), "content or noise")
        for name in ("style_weight", "content_weight", "variation_weight"):
            good = _between(getattr(self, name), 0, MOST_WEIGHT)
            self._check(name, good, f"a number from 0 to {MOST_WEIGHT:g}")
        if self.style_weight == 0:
            raise UsageError("style_weight is 0, so no style would be transferred; the default is 0.01")


@dataclass(frozen=True, kw_only=True)
class TextureSettings(PaintSettings):
    """How a texture is made from noise.

    Parameters
    ----------
    recipe, optimiser, learning_rate, seed
        See `PaintSettings`.
    steps : int
        Fewer than for a transfer: with many, statistics of as many numbers as the reference has pixels bring
        the reference itself back.
    """

    steps: int = 100


def _between(value: object, lowest: float, highest: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest
