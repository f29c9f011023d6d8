"""The examples in the docstrings of the public names, on the small map and index of the made-up sky."""

from __future__ import annotations

import doctest
import inspect
from textwrap import indent

import pytest
from threadpoolctl import threadpool_limits

import skykin

NAMES = [name for name in skykin.__all__ if not name.startswith("__")]
HOW = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
#: They measure a map or an index anew, or grid all pointings of WHAM.
SLOW = {"index", "map", "map_again", "map_as", "open_wham", "watch"}
NEED_TORCH = {"texture", "Textures", "transfer", "Transfer"}
MARKS = {"open_wham": [pytest.mark.wham], "hats": [pytest.mark.extra]}


def _marks(name):
    marks = [pytest.mark.slow] if name in SLOW else []
    return marks + MARKS.get(name, []) + ([pytest.mark.generate] if name in NEED_TORCH else [])


@pytest.mark.parametrize("name", [pytest.param(each, marks=_marks(each)) for each in NAMES])
def test_the_example_of_each_public_name_gives_what_it_says(name, made, request, tmp_path, monkeypatch):
    if name in NEED_TORCH:
        pytest.importorskip("torch")
    if name == "hats":
        pytest.importorskip("pyarrow")
    if name == "open_wham":
        request.getfixturevalue("wham_path")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 12)
    text = inspect.getdoc(getattr(skykin, name))
    assert "\nExamples\n--------\n" in text
    assert "+SKIP" not in text
    names = {"skykin": skykin, "survey": made.survey, "made": made.index, "found": made.map}
    example = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    told: list[str] = []
    with threadpool_limits(1):
        failed, tried = doctest.DocTestRunner(optionflags=HOW).run(example, out=told.append)
    assert tried
    assert not failed, "\n" + indent("".join(told), "    ")
