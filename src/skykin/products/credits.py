"""What a paper that shows a map should cite and acknowledge, as plain text."""

from __future__ import annotations

from pathlib import Path

from skykin.core.clean import lines
from skykin.products.mapped import MappedTiles
from skykin.products.stamp import creator


def write_credits(result: MappedTiles, path: Path) -> None:
    """Write the data, method, weights and programs behind a map, one to a paragraph."""
    facts = result.provenance
    versions = ", ".join(f"{name} {version}" for name, version in sorted(facts.versions.items()))
    paragraphs = [
        f"Credits of a map of {result.survey.title} by similarity to {result.query.name}, made by "
        f"{creator(facts)}. Please cite and acknowledge:",
        *facts.credits,
        f"Network: {facts.encoder}",
        f"Programs: {versions}",
        "Backgrounds of figures have credits of their own, which stand below each figure in report.html.",
    ]
    path.write_text("\n\n".join(map(lines, paragraphs)) + "\n", encoding="utf-8")
