"""VGG19 as an encoder: the network of Simonyan & Zisserman (2015) on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import RGB, Chroma, Numbers
from skykin.style.network.architecture import LAYERS, MEAN_BGR, STYLE_LAYERS, Padding, checked_picture
from skykin.style.network.runtime import FATAL, onnxruntime
from skykin.style.network.weights import Convolution, load_weights, network_name, random_weights

#: Both understood by every ONNX Runtime that we allow.
OPERATOR_SET, FORMAT_VERSION = 17, 8


class VGG19Encoder:
    r"""What the convolutions of VGG19 answer to a picture, after their rectification.

    The picture is scaled to 0–255, its colours put in the order blue, green, red, and the mean colour of
    ImageNet subtracted.  Between the blocks stands max pooling of 2 × 2 that drops an odd last row or column.

    Parameters
    ----------
    layers : sequence of str
        Names such as ``block3_conv1``, up to ``block5_conv2``.
    padding : {"zero", "edge"}
        What a convolution sees beyond the border: zeros, as in the TensorFlow tutorial, or the border's
        own values repeated, so that the frame of the picture is not measured as a structure.
    threads : int
        Threads that share the work of one picture.
    random_seed : int, optional
        Random weights of this seed instead of the trained ones; see `random_weights`.

    Raises
    ------
    UsageError
        If a layer or the padding is unknown, or `threads` is less than 1.
    CorruptFileError
        If the packaged weights are damaged.

    Notes
    -----
    An encoder may be called from several Python threads at once; the same picture, padding and number of
    threads give the same bytes.
    """

    def __init__(
        self,
        layers: Sequence[str] = STYLE_LAYERS,
        padding: Padding = "zero",
        threads: int = 1,
        random_seed: int | None = None,
    ) -> None:
        _check(layers, padding, threads)
        self.layers = tuple(layers)
        self.padding = padding
        self.random_seed = random_seed
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = FATAL
        weights = load_weights() if random_seed is None else random_weights(random_seed)
        model = _model(self.layers, padding, weights)
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    @property
    def name(self) -> str:
        """The network, with the hash of its weights and its padding."""
        return network_name(self.padding, self.random_seed)

    def __call__(self, rgb: RGB) -> Mapping[str, Chroma]:
        """Encode one picture.

        Parameters
        ----------
        rgb : array (rows, columns, 3)
            Colours from 0 to 1; at least 16 rows and columns.

        Returns
        -------
        dict
            Layer to its float32 array (channels, y, x), in the order of `layers`.

        Raises
        ------
        UsageError
            If the array is not such a picture.
        """
        picture = checked_picture(rgb)
        answers = self._session.run(list(self.layers), {"rgb": picture})
        return dict(zip(self.layers, answers, strict=True))


def _check(layers: Sequence[str], padding: str, threads: int) -> None:
    unknown = [layer for layer in layers if layer not in LAYERS]
    if unknown or not layers:
        named = ", ".join(shown(layer) for layer in unknown) or "none"
        raise UsageError(f"VGG19 has no layer {named}; choose among {', '.join(LAYERS)}")
    if len(set(layers)) < len(layers):
        raise UsageError(f"a layer is named twice in {shown(', '.join(layers))}; name each once")
    if padding not in get_args(Padding):
        raise UsageError(f"padding {shown(padding)} is unknown; choose zero or edge")
    if threads < 1:
        raise UsageError(f"an encoder cannot run on {threads} threads; use 1 or more")


def _model(layers: Sequence[str], padding: Padding, weights: Mapping[str, Convolution]) -> onnx.ModelProto:
    """Write the graph down to the deepest of `layers`, for pictures of any size."""
    depth = max(LAYERS.index(layer) for layer in layers) + 1
    constants = preprocessing_constants()
    constants["one_pixel"] = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
    for layer in LAYERS[:depth]:
        constants[f"{layer}_kernel"] = weights[layer].kernel
        constants[f"{layer}_bias"] = weights[layer].bias
    nodes = [*preprocessing("rgb"), *trunk(LAYERS[:depth], padding)]
    nodes += [helper.make_node("Squeeze", [f"{layer}_answer", "first"], [layer]) for layer in layers]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "VGG19",
        [helper.make_tensor_value_info("rgb", TensorProto.FLOAT, ["rows", "columns", 3])],
        [helper.make_tensor_value_info(layer, TensorProto.FLOAT, None) for layer in layers],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    operators = [helper.make_opsetid("", OPERATOR_SET)]
    return helper.make_model(graph, opset_imports=operators, ir_version=FORMAT_VERSION)


def preprocessing_constants() -> dict[str, Numbers]:
    """Numbers that `preprocessing` uses, by name."""
    return {
        "scale": np.array(255.0, dtype=np.float32),
        "reversed": np.array([2, 1, 0], dtype=np.int64),
        "mean": np.array(MEAN_BGR, dtype=np.float32),
        "first": np.array([0], dtype=np.int64),
    }


def preprocessing(rgb: str) -> list[onnx.NodeProto]:
    """From colours of 0–1 to what Keras calls ``preprocess_input``, channels first."""
    return [
        helper.make_node("Mul", [rgb, "scale"], ["rgb_255"]),
        helper.make_node("Gather", ["rgb_255", "reversed"], ["bgr"], axis=2),
        helper.make_node("Sub", ["bgr", "mean"], ["centred"]),
        helper.make_node("Transpose", ["centred"], ["planes"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["planes", "first"], ["picture"]),
    ]


def trunk(layers: Sequence[str], padding: Padding | None, below: str = "picture") -> Iterator[onnx.NodeProto]:
    """Convolutions with their rectification, and a pooling before each block but the first.

    Without `padding` a convolution answers only where it sees all its nine neighbours.
    """
    border = [1, 1, 1, 1] if padding == "zero" else [0, 0, 0, 0]
    for number, layer in enumerate(layers):
        if layer.endswith("_conv1") and number:
            pooled = f"{layer}_pooled"
            yield helper.make_node("MaxPool", [below], [pooled], kernel_shape=[2, 2], strides=[2, 2])
            below = pooled
        if padding == "edge":
            yield helper.make_node("Pad", [below, "one_pixel"], [f"{layer}_padded"], mode="edge")
            below = f"{layer}_padded"
        parts = [below, f"{layer}_kernel", f"{layer}_bias"]
        yield helper.make_node("Conv", parts, [f"{layer}_sum"], kernel_shape=[3, 3], pads=border)
        yield helper.make_node("Relu", [f"{layer}_sum"], [f"{layer}_answer"])
        below = f"{layer}_answer"
