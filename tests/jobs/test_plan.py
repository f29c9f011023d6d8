"""Tests of what an index is said to take, against an index that is made."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import UsageError
from skykin.indexing.manifest import read_manifest
from skykin.style.network.architecture import STYLE_LAYERS, flops_per_pixel

SMALL = {"tile_size": 0.32, "spacing": 0.16, "pixels": 32}
CORES = {"tile_size": 0.64, "spacing": 0.32, "pixels": 64, "recipe": "core-contrast"}


@pytest.fixture(scope="module")
def image():
    """A picture with a hole."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["GLON-TAN", "GLAT-TAN"], [30.0, 10.0]
    wcs.wcs.crpix, wcs.wcs.cdelt, wcs.array_shape = [64.5, 64.5], [-0.01, 0.01], (128, 128)
    values = np.random.default_rng(1).random((128, 128)).astype(np.float32)
    values[:32, :48] = np.nan
    return values, wcs


@pytest.fixture(autouse=True)
def short_probe(monkeypatch):
    monkeypatch.setattr("skykin.jobs.plan.PROBE_SECONDS", 0.0)
    monkeypatch.setattr("skykin.jobs.plan.PROBE_PIXELS", 64)


def number(text):
    """First number of a text."""
    return float(text.replace(",", " ").split()[0])


def test_the_network_to_block5_conv1_takes_722_thousand_operations_per_pixel():
    assert flops_per_pixel(STYLE_LAYERS) == pytest.approx(722_300, rel=1e-3)
    assert flops_per_pixel(("block1_conv1",)) == 2 * 9 * 3 * 64


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "exact"),
    [({**SMALL, "recipe": "mean-std"}, False), ({**SMALL, "recipe": "mean-std"}, True), (CORES, False)],
)
def test_tiles_and_bytes_are_those_of_the_index(image, options, exact, tmp_path):
    told = skykin.plan(image, exact=exact, **options).facts
    made = skykin.index(image, tmp_path / "made", exact=exact, jobs=1, **options)
    assert number(told["tiles"]) == pytest.approx(len(made), rel=0.02)
    manifest = read_manifest(tmp_path / "made")
    unit = {"kB": 1e3, "MB": 1e6}[told["written"].split()[1].rstrip(":")]
    assert number(told["written"]) * unit == pytest.approx(manifest.size, rel=0.02)
    facets = [step for step in manifest.steps if step.name.startswith("facet-")]
    assert told["facets"] == str(len(facets))


@pytest.mark.slow
def test_each_way_out_of_a_refused_index_can_be_taken(image, tmp_path):
    asked = {"tile_size": 0.32, "pixels": 32, "recipe": "mean-std"}
    way_out = "engine needs 16; use --spacing 0.16 or more, more --pixels, or, for a map, --engine tiles$"
    with pytest.raises(UsageError, match=way_out):
        skykin.index(image, tmp_path / "sky.skykin", **asked)
    assert not (tmp_path / "sky.skykin").exists()
    assert skykin.plan(image, **asked, spacing=0.16).facts["tiles"].endswith("9.6′ apart, 32 pixels a side")
    assert (
        skykin.plan(image, **asked | {"pixels": 64}).facts["tiles"].endswith("4.8′ apart, 64 pixels a side")
    )
    assert skykin.dry_run(image, "30,10", **asked, engine="tiles").facts["engine"] == "tiles: one by one"


def test_a_plan_tells_of_this_computer_of_workers_and_of_a_card(image):
    found = skykin.plan(image, **CORES, workers=3, jobs=2)
    told = found.facts
    assert repr(found).startswith("<Info on What an index would take: survey, recipe, tiles, facets")
    assert told["3 workers"].split(";")[1].startswith(" 1 tasks keep the scheduler busy for 0.0017 s")
    # One facet: one worker has all of it.
    assert number(told["3 workers"]) == pytest.approx(number(told["core-hours"]), rel=0.02)
    operations = number(told["pixels"]) * 1e6 * flops_per_pixel(skykin.recipe("core-contrast").layers)
    assert number(told["operations"]) == pytest.approx(operations, rel=0.01)
    assert found.notes == ("the hours of a graphics card come from its known speed; nothing ran on one here",)
    with pytest.raises(UsageError, match="workers is '0', but it must be a whole number from 1 to 1000000"):
        skykin.plan(image, workers=0)


def test_the_command_prints_it(tmp_path, image):
    values, wcs = image
    fits.writeto(tmp_path / "plate.fits", values, wcs.to_header())
    arguments = ["plan", str(tmp_path / "plate.fits"), "--tile-size", "0.64", "--pixels", "64", "--quiet"]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 0, found.output
    assert "core-hours" in found.stdout
