"""Aladin Lite comes from its npm package, whole, and is part of the wheel."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("fetch_aladin", ROOT / "tools" / "fetch_aladin.py")
assert SPEC is not None
assert SPEC.loader is not None
aladin = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(aladin)


def an_npm(folder: Path, script: str) -> str:
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_without_npm_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        aladin.CannotFetchError, match="there is no npm here; install Node.js .* run: make aladin"
    ):
        aladin.fetch(tmp_path / "aladin", npm="no-such-npm")
    assert not (tmp_path / "aladin").exists()


def test_a_package_that_is_not_the_published_one_is_not_installed(tmp_path: Path) -> None:
    npm = an_npm(tmp_path, f'printf other > "$5/{aladin.NAME}-{aladin.VERSION}.tgz"')
    other = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(aladin.CannotFetchError, match=f"has the SHA-256 {other}, but {aladin.SHA256}"):
        aladin.fetch(tmp_path / "aladin", npm=npm)
    assert {path.name for path in tmp_path.iterdir()} == {"npm"}


def test_what_npm_says_when_it_fails_is_passed_on(tmp_path: Path) -> None:
    npm = an_npm(tmp_path, "echo 'no network' >&2; exit 1")
    with pytest.raises(aladin.CannotFetchError, match=r"could not fetch aladin-lite .* \(no network\)"):
        aladin.fetch(tmp_path / "aladin", npm=npm)


def test_nothing_is_fetched_twice(tmp_path: Path) -> None:
    for name in aladin.FILES:
        (tmp_path / name).touch()
    (tmp_path / aladin.STAMP).write_text(aladin.SHA256)
    aladin.fetch(tmp_path, npm="no-such-npm")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm, which fetches Aladin Lite, is not installed")
def test_the_wheel_holds_the_view_with_aladin_and_the_source_archive_does_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    within = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    assert {f"skykin/viewing/aladin/{name}" for name in aladin.FILES} <= within
    assert {"skykin/viewing/client/index.html", "skykin/viewing/client/sky.js"} <= within
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        assert not [name for name in archive.getnames() if "/viewing/aladin/" in name]
