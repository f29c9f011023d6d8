"""JSON schema of every body and answer, made from the values that check and hold them."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from skykin.core.checked import Checked
from skykin.viewing.answers import Answer, Catalogue, Judgement, Named, Sent, State, Why
from skykin.viewing.problems import Problem
from skykin.viewing.questions import Question, Sending, Verdict

SCALARS: dict[Any, str] = {
    str: "string",
    float: "number",
    int: "integer",
    bool: "boolean",
    type(None): "null",
}
#: Method and path of each address, what its body is, and what it answers: a value, or a type of media.
ADDRESSES: tuple[tuple[str, type | None, type | str], ...] = (
    ("GET api/state", None, State),
    ("GET api/resolve?index=&text=", None, Named),
    ("POST api/query", Question, Answer),
    ("GET api/query/{query}/why?ra=&dec=", None, Why),
    ("GET api/query/{query}/why/{picture}", None, "image/png"),
    ("PUT api/query/{query}/targets/{name}", Verdict, Judgement),
    ("GET api/query/{query}/tiles/{picture}", None, "image/png"),
    ("GET api/query/{query}/views/{picture}", None, "image/png"),
    ("GET api/query/{query}/moc", None, "application/json: MOC 2.0"),
    ("GET api/query/{query}/download/{file}", None, "a file"),
    ("GET api/catalogue/{name}", None, Catalogue),
    ("POST api/samp", Sending, Sent),
    ("GET hips/{background}/{file}", None, "HiPS 1.0"),
    ("GET heat/{query}/{file}", None, "HiPS 1.0"),
    ("GET heat-q/{query}/{file}", None, "HiPS 1.0"),
)


@cache
def schema() -> dict[str, Any]:
    """Describe every address, body and answer.

    Returns
    -------
    dict
        ``addresses``: by method and path (below that of the page), the ``body`` and the ``answer``;
        ``problem``: the answer where the status is 400 or more; ``$defs``: JSON schemas (2020-12).
    """
    known: dict[str, Any] = {}
    addresses = {}
    for address, body, answered in ADDRESSES:
        told: dict[str, Any] = {} if body is None else {"body": _schema(body, known)}
        told["answer"] = {"media": answered} if isinstance(answered, str) else _schema(answered, known)
        addresses[address] = told
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "addresses": addresses,
        "problem": _schema(Problem, known),
        "$defs": known,
    }


def _schema(kind: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Describe a type; a value of several fields by a reference to its own schema."""
    if isinstance(kind, type) and is_dataclass(kind):
        if kind.__name__ not in known:
            known[kind.__name__] = {}  # It may hold itself.
            known[kind.__name__] = _of_value(kind, known)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if kind in SCALARS:
        return {"type": SCALARS[kind]}
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(each, known) for each in parts]}
    if origin is tuple and parts[-1] is Ellipsis:
        return {"type": "array", "items": _schema(parts[0], known)}
    if origin is tuple:
        items = [_schema(each, known) for each in parts]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    raise TypeError(f"no schema is known for {kind}")


def _of_value(kind: type[Any], known: dict[str, Any]) -> dict[str, Any]:
    hints, parts = get_type_hints(kind), {}
    for each in fields(kind):
        parts[each.name] = _schema(hints[each.name], known)
        if issubclass(kind, Checked):
            parts[each.name] = {**parts[each.name], "description": kind.RULES[each.name].allowed}
    needed = [
        each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING
    ]
    if issubclass(kind, Checked) and "kind" in parts and "kind" not in needed:
        needed.insert(0, "kind")  # By it, a shape is told from another.
    return {
        "description": (kind.__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": parts,
        "required": needed,
        "additionalProperties": False,
    }
