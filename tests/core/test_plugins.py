"""Objects that other packages add through entry points."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

import pytest

from skykin.core.plugins import plugins, with_plugins

GROUP = "skykin.trials"


@dataclass(frozen=True)
class Trial:
    name: str


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a tiny package: a module, and a folder of metadata that names its entry points."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(package: str, source: str, *entries: str) -> None:
        module = package.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source)
        metadata = tmp_path / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("\n".join((f"[{GROUP}]", *entries)))
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


ONE = "from tests.core.test_plugins import Trial\none, mine = Trial('one'), Trial('built-in')\nfive = 5\n"


def test_without_other_packages_there_are_no_plugins():
    assert plugins(GROUP) == []
    assert with_plugins([Trial("built-in")], Trial, GROUP) == {"built-in": Trial("built-in")}


def test_an_object_of_another_package_is_found_by_its_entry_point(install):
    install("trial-one", ONE, "first = trial_one:one")
    assert plugins(GROUP) == [("first", Trial("one"), "trial-one")]
    both = with_plugins([Trial("two"), Trial("built-in")], Trial, GROUP)
    assert list(both) == ["built-in", "one", "two"]
    assert both["one"] == Trial("one")


def test_a_plugin_that_cannot_be_imported_is_named_and_stops_no_other(install):
    install("trial-broken", "raise RuntimeError('no licence')", "broken = trial_broken:one")
    install("trial-one", ONE, "first = trial_one:one")
    with pytest.warns(
        UserWarning,
        match=r"^the plug-in 'broken' of the package 'trial-broken' \(entry point group skykin\.trials\) "
        r"cannot be imported \('no licence'\); it is left out: update or remove the package$",
    ):
        assert [plugin.name for plugin in plugins(GROUP)] == ["first"]


def test_a_missing_attribute_is_named_too(install):
    install("trial-one", ONE, "first = trial_one:missing")
    with pytest.warns(UserWarning, match=r"'trial-one' .* cannot be imported \(.*no attribute 'missing'"):
        assert plugins(GROUP) == []


def test_a_name_that_is_taken_stays_with_its_owner(install):
    install("trial-one", ONE, "first = trial_one:mine")
    with pytest.warns(UserWarning, match="'trial-one' .* has the name 'built-in', which is taken"):
        assert with_plugins([Trial("built-in")], Trial, GROUP) == {"built-in": Trial("built-in")}


def test_of_two_plugins_with_one_name_the_first_package_by_name_keeps_it(install):
    install("trial-b", ONE, "first = trial_b:one")
    install("trial-a", ONE, "first = trial_a:one")
    with pytest.warns(UserWarning, match="'trial-b' .* has the name 'one', which is taken"):
        assert list(with_plugins([], Trial, GROUP)) == ["one"]


def test_something_else_than_the_kind_is_refused(install):
    install("trial-one", ONE, "first = trial_one:five")
    with pytest.warns(
        UserWarning, match="'trial-one' .* is of type int, but it must be a Trial; it is left out"
    ):
        assert with_plugins([], Trial, GROUP) == {}
