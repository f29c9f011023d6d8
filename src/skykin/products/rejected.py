"""The list of files that were given and could not be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from skykin.products.mapped import MappedTiles

#: One JSON object a line: ``file``, ``code`` and ``sentence``.
REJECTED = "rejected.jsonl"


def rejected_files(survey: Mapping[str, object]) -> list[dict[str, str]]:
    """Return the files that a survey, described as in provenance, had to leave out; none if it used all."""
    found = survey.get("rejected", [])
    return list(found) if isinstance(found, (list, tuple)) else []


def write_rejected(result: MappedTiles, path: Path) -> None:
    """Write the files that were left out, if there are any."""
    files = rejected_files(result.provenance.survey)
    if files:
        path.write_text("".join(f"{json.dumps(each)}\n" for each in files), encoding="utf-8")
