"""Problems as the page is told of them: one sentence, its way out, and a code."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from skykin.core.clean import one_line
from skykin.core.errors import (
    TOO_LITTLE_MEMORY,
    DataQualityError,
    IndexRefusedError,
    ResourceError,
    SkykinError,
    UnknownNameError,
    UsageError,
    lacks_memory,
)
from skykin.core.plain import json_text

LOG = logging.getLogger("skykin.viewing")
LONGEST = 400
#: Codes of errors with a status of their own.
BY_CODE = {"RS-BUSY": 503, "RS-DISK": 507, "RS-READONLY": 507}
#: Status of each kind of error; the first that fits.
BY_KIND: tuple[tuple[type[SkykinError], int], ...] = (
    (UnknownNameError, 404), (UsageError, 400), (DataQualityError, 422), (IndexRefusedError, 409),
    (ResourceError, 503),
)  # fmt: skip
#: What is said of an address that is not there, and of one that does not take a method.
ADDRESSES = {
    404: "there is no such address; see /api/schema",
    405: "this address does not take that method; see /api/schema",
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a request was not answered.

    Parameters
    ----------
    what : str
        What is wrong, with the value that was found.
    way_out : str
        What to do; may be empty.
    code : str
        Stable identifier.
    """

    what: str
    way_out: str
    code: str


def problem(error: BaseException) -> Response:
    """Tell a problem: an error of our own in its words, any other as a mistake of the program."""
    sentence = str(error)
    if isinstance(error, SkykinError):
        code = error.code
        kinds = (number for kind, number in BY_KIND if isinstance(error, kind))
        status = getattr(error, "status", None) or BY_CODE.get(code) or next(kinds, 422)
    elif isinstance(error, HTTPException):
        status, code = error.status_code, "USAGE"
        sentence = ADDRESSES.get(status, "the request cannot be read; see /api/schema")
    elif lacks_memory(error):
        status, code, sentence = 503, "RS-MEM", TOO_LITTLE_MEMORY
    else:
        where = error if LOG.isEnabledFor(logging.DEBUG) else None
        LOG.error("a request ended with a mistake: %s: %s", type(error).__name__, error, exc_info=where)
        status, code = 500, "BUG"
        sentence = "this is a mistake in Skykin; please report it with what `skykin --debug view` says"
    what, _, way_out = one_line(sentence).partition("; ")
    found = Problem(what=what[:LONGEST], way_out=way_out[:LONGEST], code=code)
    return answer(asdict(found), status)


def answer(value: object, status: int = 200) -> Response:
    """Give plain values as JSON that is not kept by the browser."""
    return Response(json_text(value), status, {"cache-control": "no-store"}, media_type="application/json")
