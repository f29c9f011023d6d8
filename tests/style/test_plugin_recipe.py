"""A recipe that another package adds, as the manual tells: one module and an entry point."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import skykin
from skykin.core.errors import UnknownNameError
from skykin.style.recipe import Recipe, recipe, recipes
from tests.skies import blob_survey

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "extend.md").read_text(encoding="utf-8")
(PACKAGE,) = (text for text in re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL) if "class MeanSquare" in text)

NAMES = ["core-contrast", "core-spread", "covariance", "mean-std", "poster", "radial-profile"]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package with one module and one entry point on the path."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(package: str, source: str) -> None:
        (tmp_path / f"{package}.py").write_text(source)
        metadata = tmp_path / f"{package}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[skykin.recipes]\nmine = {package}:RECIPE\n")
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, package, raising=False)
        recipes.cache_clear()

    yield install
    monkeypatch.undo()
    importlib.invalidate_caches()
    recipes.cache_clear()
    assert list(recipes()) == [
        "core-contrast",
        "core-spread",
        "covariance",
        "mean-std",
        "poster",
        "radial-profile",
    ]


def test_the_recipe_of_another_package_makes_a_map(install, tmp_path, monkeypatch):
    install("sky_power", PACKAGE)
    assert list(recipes()) == [
        "core-contrast",
        "core-spread",
        "covariance",
        "mean-std",
        "poster",
        "power",
        "radial-profile",
    ]
    mine = recipe("power")
    assert Recipe.from_dict(mine.to_dict()) == mine
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(1), monkeypatch.context() as patch:
        patch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
        kin = skykin.map(
            blob_survey(), "209,-19", recipe="power", tile_size=30, spacing=15, pixels=32,
            area="190,225,-30,0", min_coverage=0.1,
        )  # fmt: skip
    assert kin.provenance.recipe["statistic"] == "mean_square"
    nearest = np.argmin(np.hypot(kin.tiles["lon"].value - 209, kin.tiles["lat"].value + 19))
    assert kin.tiles["rank"][nearest] == 1


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "raise RuntimeError('no licence')",
            r"'sky_power' .* cannot be imported \('no licence'\); it is left",
        ),
        (PACKAGE.replace('"power"', '"poster"'), "'sky_power' .* has the name 'poster', which is taken"),
        (PACKAGE.replace("0.1", "7"), "'sky_power' .* cannot be imported .*has max_q 7; use a rate"),
        ("RECIPE = 'poster'", "'sky_power' .* is of type str, but it must be a Recipe"),
    ],
)
def test_a_package_whose_recipe_cannot_be_used_is_named_and_the_rest_goes_on(install, source, sentence):
    install("sky_power", source)
    with pytest.warns(UserWarning, match=sentence):
        assert list(recipes()) == [
            "core-contrast",
            "core-spread",
            "covariance",
            "mean-std",
            "poster",
            "radial-profile",
        ]
    with pytest.raises(UnknownNameError, match="no recipe is called 'power'"):
        recipe("power")
