"""Tables whose texts come from files, made harmless."""

from __future__ import annotations

import re
from typing import TypeVar

import numpy as np
from astropy.table import Table

from skykin.core.clean import one_line

AnyTable = TypeVar("AnyTable", bound=Table)
#: What a spreadsheet takes for a formula, also in letters of full width; a number is none.
FORMULA = re.compile(r"\s*([=@＝＠]|[+＋－-](?!\s*\d*\.?\d*(?:[eE][+-]?\d+)?\s*$))")


def cleaned(table: AnyTable, *, formulas: bool = False) -> AnyTable:
    """Return a table whose texts are visible characters only.

    Parameters
    ----------
    table : Table
    formulas : bool
        Also let no text begin as a formula of a spreadsheet, which would compute it: an apostrophe goes
        before it, which spreadsheets do not show.
    """
    found: AnyTable = table.copy()
    for name in found.colnames:
        column = found[name]
        if column.dtype.kind != "U":
            continue
        texts = [one_line(text) for text in np.ma.getdata(column)]
        if formulas:
            texts = [f"'{text}" if FORMULA.match(text) else text for text in texts]
        if texts != list(np.ma.getdata(column)):
            mask = np.ma.getmaskarray(column)
            found[name] = type(column)(
                np.ma.array(texts, mask=mask) if mask.any() else texts,
                name=name,
                description=column.description,
                meta=column.meta,
            )
    return found
