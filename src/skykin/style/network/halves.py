"""Half precision widened to single, quickly."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from onnx import TensorProto, helper

from skykin.core.shapes import Numbers
from skykin.style.network.runtime import onnxruntime
from skykin.style.network.vgg19 import FORMAT_VERSION, OPERATOR_SET

#: Numbers that are widened at a time: they stay near the processor until they are used.
NUMBERS_AT_ONCE = 1_280_000


def widened(rows: Numbers) -> Iterator[tuple[slice, Numbers]]:
    """Widen rows in single precision, piece by piece.

    NumPy widens one number after the other; ONNX Runtime, which is there for the network, uses the
    processor's own instruction.

    Parameters
    ----------
    rows : float16 or float32 array (n, width)
        May be mapped from disk.

    Yields
    ------
    slice, float32 array (part, width)
        Which rows, and the same numbers; rows that are float32 come as they are.
    """
    if rows.dtype != np.float16:
        yield slice(0, len(rows)), np.asarray(rows, np.float32)
        return
    cast, step = _cast(), max(1, NUMBERS_AT_ONCE // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, min(start + step, len(rows)))
        yield part, cast.run(None, {"half": np.ascontiguousarray(rows[part])})[0]


@cache
def _cast() -> onnxruntime.InferenceSession:
    shape = ["n", "width"]
    graph = helper.make_graph(
        [helper.make_node("Cast", ["half"], ["single"], to=TensorProto.FLOAT)],
        "widen",
        [helper.make_tensor_value_info("half", TensorProto.FLOAT16, shape)],
        [helper.make_tensor_value_info("single", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPERATOR_SET)], ir_version=FORMAT_VERSION
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
