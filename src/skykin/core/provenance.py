"""Where a product comes from: written into every file that Skykin makes."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

from skykin.core.checked import Checked, Rule, text
from skykin.core.plain import plain

LIBRARIES = ("skykin", "numpy", "scipy", "astropy", "astropy-healpix", "onnxruntime")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


@dataclass(frozen=True)
class Source:
    """A file that data came from.

    Parameters
    ----------
    name : str
        File name without its folder: provenance does not tell where a user keeps things.
    sha256 : str
        Hash of the bytes, hexadecimal.
    """

    name: str
    sha256: str


def _facts(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError
    return plain(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return tuple(text(each) for each in value)


FACTS = Rule(_facts, "names with values")


@dataclass(frozen=True, repr=False)
class Provenance(Checked):
    """All that decides a result, as plain values.

    Parameters
    ----------
    survey, recipe, grid, rendering : dict
        What each stage did; kept as plain values, in which NaN and infinities are None.
    query : dict
        The query.
    encoder : str
        Network and hash of its weights.
    credits : tuple of str
        Citations and acknowledgements that the products must carry.
    calibration : dict
        How p, q and intervals were measured; empty where there are none.
    settings : dict
        All settings of the job: with the query, enough to do it again; empty where there are none.
    versions : dict
        Versions of Skykin, Python and the libraries that compute.

    Examples
    --------
    >>> found.provenance.recipe["name"], found.provenance.grid["tile_size_deg"]
    ('mean-std', 10.0)
    """

    survey: dict[str, object]
    rendering: dict[str, object]
    grid: dict[str, object]
    query: dict[str, object]
    recipe: dict[str, object]
    encoder: str
    credits: tuple[str, ...]
    calibration: dict[str, object] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=library_versions)

    def __repr__(self) -> str:
        made = f"Skykin {self.versions.get('skykin', '')}".strip()
        return f"<Provenance by {made}: survey {self.survey.get('name')}, recipe {self.recipe.get('name')}>"

    KIND: ClassVar[str] = "part of provenance"
    RULES: ClassVar[Mapping[str, Rule]] = {
        **dict.fromkeys(("survey", "rendering", "grid", "query", "recipe"), FACTS),
        "encoder": Rule(text, "text"),
        "credits": Rule(_texts, "a list of texts"),
        "calibration": FACTS,
        "settings": FACTS,
        "versions": FACTS,
    }
