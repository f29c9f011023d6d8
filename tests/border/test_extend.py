"""The page on adding a format, a recipe or a statistic: each of its packages is installed and used."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import skykin
from skykin.style.recipe import recipes
from skykin.survey.formats import survey_formats
from tests.skies import blob_survey
from tests.tiny_package import write_package

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "extend.md").read_text(encoding="utf-8")
#: Module, then its entry point, in the order of the page.
MODULES = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
ENTRIES = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install the package that an entry point of the page names."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))

    def forget():
        recipes.cache_clear()
        survey_formats.cache_clear()

    def install(number: int) -> str:
        ((group, named),) = ENTRIES[number]["project"]["entry-points"].items()
        ((name, target),) = named.items()
        module = target.partition(":")[0]
        monkeypatch.delitem(sys.modules, module, raising=False)
        write_package(tmp_path, module.replace("_", "-"), MODULES[number], group, f"{name} = {target}")
        forget()
        return name

    yield install
    monkeypatch.undo()
    forget()


def test_the_page_has_a_package_for_each_kind():
    groups = [next(iter(each["project"]["entry-points"])) for each in ENTRIES]
    assert groups == ["skykin.formats", "skykin.recipes", "skykin.recipes"]
    assert len(MODULES) == 3


def test_the_first_package_of_the_page_is_whole():
    first = ENTRIES[0]
    assert set(first["project"]) == {"name", "version", "entry-points"}
    assert first["build-system"]["build-backend"] == "setuptools.build_meta"
    (target,) = first["project"]["entry-points"]["skykin.formats"].values()
    assert first["tool"]["setuptools"]["py-modules"] == [target.partition(":")[0]]


def test_the_format_of_the_page_opens_its_file(install, tmp_path):
    assert install(0) == "one-value"
    (tmp_path / "seven.txt").write_text("sky: 7")
    values, coverage = skykin.open_survey(tmp_path / "seven.txt").sample(209, -19)
    assert values.tolist() == [7, 7, 7]
    assert coverage == pytest.approx(1)
    assert "one-value" in list(skykin.surveys()["name"])


@pytest.mark.parametrize(("number", "statistic"), [(1, "mean_std"), (2, "mean_square")])
def test_the_recipes_of_the_page_make_a_map(install, monkeypatch, number, statistic):
    name = install(number)
    monkeypatch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
    with threadpool_limits(1):
        found = skykin.map(
            blob_survey(), "209,-19", recipe=name, tile_size=30, spacing=15, pixels=32,
            area="190,225,-30,0", min_coverage=0.1,
        )  # fmt: skip
    assert found.provenance.recipe["name"] == name
    assert found.provenance.recipe["statistic"] == statistic
    nearest = np.argmin(np.hypot(found.tiles["lon"].value - 209, found.tiles["lat"].value + 19))
    assert found.tiles["rank"][nearest] == 1
