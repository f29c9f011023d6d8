"""Dot products of many half-precision rows with one vector, at the speed of memory where faiss is there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from skykin.core.errors import ResourceError
from skykin.core.shapes import Numbers
from skykin.style.network.halves import widened

#: Below every dot product of two finite vectors.
LOWEST = -3e38


#: Vectors up to which reading the rows once for each is quicker than one product.
FEW = 3


def products(rows: Numbers, queries: Numbers) -> Numbers:
    """Dot products (n, m) of rows with several vectors, float32.

    Parameters
    ----------
    rows : float16 or float32 array (n, width)
    queries : float array (m, width)
    """
    if len(queries) <= FEW:
        return np.stack([scan(rows, query) for query in queries], axis=-1)
    wanted = np.ascontiguousarray(queries.T, np.float32)
    found = np.empty((len(rows), len(queries)), np.float32)
    for part, wide in widened(rows):
        np.dot(wide, wanted, out=found[part])
    return found


def scan(rows: Numbers, query: Numbers) -> Numbers:
    """Dot products of rows with a vector.

    Parameters
    ----------
    rows : float16 or float32 array (n, width)
        May be mapped from disk; it is read once.
    query : float array (width,)

    Returns
    -------
    float32 array (n,)
    """
    query = np.ascontiguousarray(query, np.float32)
    if rows.dtype == np.float16 and rows.flags.c_contiguous and find_spec("faiss") is not None:
        found = _by_faiss(rows, query)
        if found is not None:
            return found
    scores = np.empty(len(rows), np.float32)
    for part, wide in widened(rows):
        np.dot(wide, query, out=scores[part])
    return scores


def _by_faiss(rows: Numbers, query: Numbers) -> Numbers | None:
    """Widen and add up in one go, without a copy of the rows; None if some product is no number."""
    faiss = loaded_faiss()
    width = len(query)
    lists = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(width), width, 1, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    lists.is_trained = True
    scanner = lists.get_InvertedListScanner(True, None, None)
    scanner.set_query(faiss.swig_ptr(query))
    scanner.set_list(0, 0.0)
    found = faiss.RangeSearchResult(1)
    parts = faiss.RangeSearchPartialResult(found)
    codes = faiss.swig_ptr(rows.view(np.uint8).reshape(-1))
    scanner.scan_codes_range(len(rows), codes, None, LOWEST, parts.new_result(0))
    parts.finalize()
    if faiss.rev_swig_ptr(found.lims, 2)[1] != len(rows):
        return None
    return np.array(faiss.rev_swig_ptr(found.distances, len(rows)))


def loaded_faiss() -> Any:
    """Load faiss.

    Raises
    ------
    ResourceError
        If it is not installed (``RS-EXTRA``).
    """
    try:
        import faiss  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ResourceError(
            "the approximate search needs faiss, which is not installed; "
            'run `pip install "skykin[approximate]"`',
            code="RS-EXTRA",
        ) from error
    return faiss
