"""Compare the numbers that pages quote with the results in `docs/results`, or write these into the pages.

    python tools/quoted.py            # tells where a page and its results differ
    python tools/quoted.py --renew    # writes the numbers of the results into the pages

After a paragraph, list or table stands a comment, unseen by a reader, with an address for each number in it:

    <!-- numbers: far-infrared.map.n_tiles _ wham.lists.{sharpless,complexes}.all.auc.score.value -->

`{a,b}` stands for one after the other, as in a shell; `_` for a number that was not measured, `_*3` for
three; the address of a list for all its numbers.  Numbers in code, in addresses of links and in angles do not
count, nor do those in the heading and the first column of a table.  What stands before % is a share, as is a
number whose address ends in `*100`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
PAGES = (ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts))

MARKER = re.compile(r" *<!-- numbers:(.*?)-->", re.DOTALL)
#: Where numbers do not count: code, links, comments, dates, versions, names of places, entries of lists.
ELSEWHERE = re.compile(
    r"`[^`]*`|\]\([^)]*\)|<!--.*?-->|\d{4}-\d\d-\d\d|Python [\d.]+|[A-Z]\d[\d.+−-]*|^ *\d+\. ",
    re.DOTALL | re.MULTILINE,
)
NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[+−]?)(?P<digits>\d{1,3}(?: \d{3})+|\d+(?:\.\d+)?|\.\d+)(?P<power>e-?\d+)?"
    r"(?!\w|°|′|\.\d)(?P<percent>\s%)?"
)


@cache
def read(name: str) -> Any:
    """Read a file of results, once."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def result(address: str) -> Any:
    """Look up `file.key.key`."""
    name, *keys = address.split(".")
    try:
        found = read(name)
        for key in keys:
            found = found[int(key)] if isinstance(found, list) else found[key]
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise LookupError(f"docs/results has no {address!r}") from error
    return found


@dataclass(frozen=True)
class Shown:
    """A number as a text shows it, and where."""

    text: str
    start: int
    decimals: int
    scale: float

    @classmethod
    def of(cls, found: re.Match[str]) -> Shown:
        """Read it from a match of `NUMBER`."""
        text = found[0].removesuffix(found["percent"] or "")
        digits = found["digits"].partition(".")[2]
        return cls(text, found.start(), len(digits), 100.0 if found["percent"] else 1.0)

    @property
    def value(self) -> float:
        """What it says."""
        return float(self.text.replace(" ", "").replace("−", "-"))

    def differs(self, value: float) -> bool:
        """Tell whether a value would be written otherwise: by more than half a unit of the last digit."""
        unit = 10.0 ** (int(self.text.partition("e")[2] or 0) - self.decimals)
        return abs(self.value - value * self.scale) > 0.500001 * unit

    def like(self, value: float) -> str:
        """Write another value the same way: decimals, sign, spaces and a zero before the point."""
        if "e" in self.text:
            return re.sub(r"e\+?(-?)0*(\d)", r"e\1\2", f"{value:.{self.decimals}e}")
        sign = "+" if self.text[0] in "+−" else ""
        written = f"{value:{sign}.{self.decimals}f}"
        if not self.decimals and (" " in self.text or abs(value) >= 10_000):
            written = f"{value:{sign},.0f}".replace(",", " ")
        written = written.replace("-", "−")
        return re.sub(r"^([+−]?)0\.", r"\1.", written) if re.match(r"[+−]?\.", self.text) else written


def numbers(text: str) -> list[Shown]:
    """Find the numbers that count in a paragraph, list or table."""
    hidden = list(ELSEWHERE.sub(lambda found: "\0" * len(found[0]), text))
    if text.startswith("|"):
        start = 0
        for row, line in enumerate(text.splitlines(keepends=True)):
            blank = len(line) if row < 2 else line.find("|", 1)
            hidden[start : start + blank] = "\0" * blank
            start += len(line)
    return [Shown.of(found) for found in NUMBER.finditer("".join(hidden))]


def expanded(text: str) -> list[str]:
    """Write out the braces of addresses.

    >>> expanded("a.{b,c.{d,e}} _*2")
    ['a.b', 'a.c.d', 'a.c.e', '_', '_']
    """
    found = []
    for word in text.split():
        name, star, times = word.partition("_*")
        found += ["_"] * int(times) if star and not name else _alternatives(word)
    return found


def _alternatives(word: str) -> list[str]:
    start = word.find("{")
    if start < 0:
        return [word]
    depth, cuts = 0, [start]
    for at in range(start, len(word)):
        depth += (word[at] == "{") - (word[at] == "}")
        if depth == 1 and word[at] == ",":
            cuts.append(at)
        if depth == 0:
            break
    else:
        raise ValueError(f"a brace is not closed in {word!r}")
    choices = [word[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], at], strict=True)]
    return [made for each in choices for made in _alternatives(word[:start] + each + word[at + 1 :])]


def wanted(addresses: str) -> list[float | None]:
    """Give what stands at addresses; None for what was not measured."""
    found: list[float | None] = []
    for address in expanded(addresses):
        if "_" in address.split("."):
            found.append(None)
            continue
        name, _, factor = address.partition("*")
        value = result(name)
        found += [each * float(factor or 1) for each in (value if isinstance(value, list) else [value])]
    return found


@dataclass(frozen=True)
class Block:
    """A paragraph, list or table of a page: where it begins, its text, and its marker if it has one."""

    start: int
    text: str
    addresses: str | None

    def pairs(self) -> list[tuple[Shown, float | None]]:
        """Put the shown numbers beside the measured ones."""
        shown, measured = numbers(self.text), wanted(self.addresses or "")
        if len(shown) != len(measured):
            told = " ".join(each.text for each in shown)
            raise ValueError(f"{len(measured)} addresses for {len(shown)} numbers: {told}")
        return list(zip(shown, measured, strict=True))


def blocks(page: str) -> Iterator[Block]:
    """Split a page at blank lines; blocks of code have no numbers that count."""
    page = re.sub(
        r"^(`{3,}|:{3,}).*?^\1\s*?$", lambda found: re.sub(r"[^\n]", "~", found[0]), page, flags=re.M | re.S
    )
    parts = [(found.start(), found[0]) for found in re.finditer(r"(?:^.*\S.*\n?)+", page, re.MULTILINE)]
    for (start, text), (_, after) in zip(parts, [*parts[1:], (0, "")], strict=True):
        marker = MARKER.match(after)
        if not MARKER.match(text):
            yield Block(start, text, marker[1] if marker else None)


def unmarked(page: str) -> list[str]:
    """Give the beginnings of paragraphs without a marker that have numbers of two decimals or more."""
    return [
        block.text[:60]
        for block in blocks(page)
        if block.addresses is None and any(shown.decimals >= 2 for shown in numbers(block.text))
    ]


def differences(page: str) -> list[str]:
    """Tell which numbers of a page are not those of its results."""
    told = []
    for block in blocks(page):
        if block.addresses is None:
            continue
        try:
            for shown, value in block.pairs():
                if value is not None and shown.differs(value):
                    told.append(f"{shown.text} is {shown.like(value * shown.scale)} in: {block.text[:60]!r}")
        except (LookupError, ValueError) as error:
            told.append(f"{error} in: {block.text[:60]!r}")
    return told


def renewed(page: str) -> str:
    """Write the numbers of the results into a page; paragraphs without a result stay for `differences`."""
    for block in reversed([each for each in blocks(page) if each.addresses is not None]):
        try:
            pairs = block.pairs()
        except (LookupError, ValueError):
            continue
        for shown, value in reversed(pairs):
            if value is not None and shown.differs(value):
                at = block.start + shown.start
                page = page[:at] + shown.like(value * shown.scale) + page[at + len(shown.text) :]
    return page


def main() -> None:
    """Read the command line."""
    failed = False
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if sys.argv[1:] == ["--renew"]:
            path.write_text(renewed(text), encoding="utf-8")
            continue
        for difference in differences(text):
            failed = True
            print(f"{path.relative_to(ROOT)}: {difference}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
