"""Gather the fragments of `changes/` into CHANGELOG.md.

    python tools/changelog.py            # write it
    python tools/changelog.py --check    # say whether it is as the fragments are, and change nothing
    python tools/changelog.py --release  # write it, and remove the fragments: a version is published

The newest version is that of `skykin.__version__`; what stands under older ones stays as it is.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHANGES, CHANGELOG = ROOT / "changes", ROOT / "CHANGELOG.md"
HEAD = "# Changes\n\nWhat a user can notice, newest version first.\n"


def version() -> str:
    """Read it without importing the package."""
    text = (ROOT / "src" / "skykin" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)[1]  # type: ignore[index]


def fragments() -> list[Path]:
    """List the files that tell one change each."""
    return sorted(path for path in CHANGES.glob("*.md") if path.name != "README.md")


def changelog(told: list[str], name: str, before: str) -> str:
    """Put these changes as the section of a version above those of older ones.

    Parameters
    ----------
    told : list of str
        Text of each change.
    name : str
        The version.
    before : str
        The file as it was; a section of the same version is replaced.
    """
    older = [
        each for each in re.split(r"(?m)^(?=## )", before)[1:] if each.partition("\n")[0] != f"## {name}"
    ]
    points = "".join(f"- {' '.join(text.split())}\n" for text in told)
    return "\n".join([HEAD, f"## {name}\n\n{points}", *(each.rstrip() + "\n" for each in older)])


def main() -> None:
    """Write, or check."""
    before = CHANGELOG.read_text(encoding="utf-8") if CHANGELOG.exists() else ""
    told = [path.read_text(encoding="utf-8") for path in fragments()]
    after = changelog(told, version(), before) if told else before
    if "--check" in sys.argv:
        sys.exit(None if after == before else "CHANGELOG.md is not what changes/ tells; run `make changelog`")
    CHANGELOG.write_text(after, encoding="utf-8")
    if "--release" in sys.argv:
        for path in fragments():
            path.unlink()


if __name__ == "__main__":
    main()
