"""Signatures of the manual without what Python prints of a default that is an object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: A default that is made for each call, one without a text of its own, and one that is written as a call.
OBJECT = re.compile(r"=(?:<[^<>]*>|[A-Z]\w*\([^()]*\))")


def shortened(signature: str) -> str:
    """Write an ellipsis for each default that is an object."""
    while (shorter := OBJECT.sub("=…", signature)) != signature:
        signature = shorter
    return signature


def shorten(*event: Any) -> tuple[str, str | None] | None:
    """Do so for what autodoc has found."""
    signature, returned = event[-2:]
    return (shortened(signature), returned) if signature else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("autodoc-process-signature", shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
