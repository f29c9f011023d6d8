"""IVOA identifiers of HiPS, such as ``CDS/P/DSS2/red``."""

from __future__ import annotations

import re

PREFIX = "ivo://"
#: ``AUTHORITY/P/...``: P are images, C are cubes.
IDENTIFIER = re.compile(r"(ivo://)?[\w.+-]+/[PC](/[\w.+@-]+)+", re.ASCII)


def is_identifier(text: str) -> bool:
    """Whether a text is one, with ``ivo://`` before it or without."""
    return IDENTIFIER.fullmatch(text) is not None
