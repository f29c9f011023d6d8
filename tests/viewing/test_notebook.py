"""A result shows itself in a notebook, and the page of its index at the question that was asked."""

import re
from html import unescape
from urllib.parse import parse_qs

import httpx
import pytest
from astropy.coordinates import SkyCoord

import skykin
from skykin.core.errors import UsageError
from skykin.viewing import notebook
from skykin.viewing.notebook import NOTEBOOKS, fragment


@pytest.fixture(scope="module")
def found(served):
    return skykin.search(served.index, "209,-19", unlike="215,-10", threshold=-0.1, survey=served.survey)


def test_the_question_of_a_search_is_written_as_the_page_writes_it(found):
    told = {name: values[0] for name, values in parse_qs(fragment(found)).items()}
    for name, place in (("like", (209, -19)), ("unlike", (215, -10))):
        kind, ra, dec = told[name].split(" ")
        assert kind == "point"
        there = SkyCoord(float(ra), float(dec), unit="deg", frame="icrs")
        assert there.separation(SkyCoord(*place, unit="deg", frame="galactic")).deg < 1e-4
    assert (told["combine"], told["size"], told["criterion"]) == ("max", "10", "score -0.1")


def test_the_page_of_a_result_stands_in_a_frame_that_notebooks_of_this_computer_may_hold(found):
    with found.view() as page:
        html = page._repr_html_()
        address = unescape(re.search(r'<iframe src="([^"]+)"', html)[1])
        assert address == f"{page.url}#{fragment(found)}"
        headers = httpx.get(page.url).headers
    assert f"frame-ancestors {NOTEBOOKS}" in headers["content-security-policy"]


def test_a_map_without_an_index_says_what_the_page_needs(served, found):
    class Streamed:
        """The source of a map that was made without an index."""

    made = type("Made", (), {"source": Streamed()})()
    with pytest.raises(
        UsageError, match="without an index, which the page needs; make one with skykin.index"
    ):
        notebook.show(made)
