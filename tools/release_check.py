"""Make sure that what is published works: build the wheel, install it alone, and make a first map from it.

    python tools/release_check.py

The virtual environment is new and bare; the map is a small area of the far-infrared sky (extra `milkyway`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAP = (
    "map --survey far-infrared --area 200,218,-27,-11 --reference 209,-19 --recipe mean-std --tile-size 4 "
    "--spacing 2 --pixels 32 --top-fraction 0.2 --output first --quiet"
)
#: Of the products of a map.
EXPECTED = (
    "report.html",
    "targets.vot",
    "score.fits",
    "tiles.ecsv",
    "matches.moc.fits",
    "credits.txt",
    "summary.json",
)
#: Whatever the wheel must carry for these: weights, lists, the page of the browser, and who is thanked.
LOOK = """
import importlib.metadata, pathlib, skykin
home = pathlib.Path(skykin.__file__).parent
assert "site-packages" in str(home), home
for name in ("viewing/aladin/aladin.js", "viewing/client/index.html", "py.typed"):
    assert (home / name).is_file(), name
assert len(skykin.Targets.read("first").table.colnames) > 10
names = {path.name for path in importlib.metadata.files("skykin")}
assert {"LICENSE", "NOTICE"} <= names, names
print("skykin", skykin.__version__, "works from its wheel")
"""


def main() -> None:
    """Build, install, map, look."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (wheel,) = folder.glob("*.whl")
        venv.create(folder / "bare", with_pip=True)
        python = str(folder / "bare" / "bin" / "python")
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([python, "-m", "pip", "install", *quiet, f"{wheel}[milkyway]"], check=True)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        clean["SKYKIN_CACHE"] = str(folder / "cache")
        subprocess.run([python, "-m", "skykin", *MAP.split()], cwd=folder, env=clean, check=True)
        missing = [file for file in EXPECTED if not (folder / "first" / file).is_file()]
        if missing:
            sys.exit(f"the first map lacks {', '.join(missing)}")
        subprocess.run([python, "-c", LOOK], cwd=folder, env=clean, check=True)


if __name__ == "__main__":
    main()
