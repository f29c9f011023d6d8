"""The blocks of VGG19 one by one, without padding: each answers where it sees true context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from skykin.core.errors import UsageError, shown
from skykin.core.shapes import Numbers
from skykin.style.network import LAYERS
from skykin.style.vgg19 import (
    FORMAT_VERSION,
    OPERATOR_SET,
    preprocessing,
    preprocessing_constants,
    trunk,
)
from skykin.style.weights import SHA256, Convolution, load_weights


@dataclass(frozen=True, eq=False)
class Block:
    """One block of the network.

    Parameters
    ----------
    stride : int
        Pixels of the picture between two positions of this block.
    layers : tuple of str
        Convolutions that are run, in order.
    taps : tuple of str
        Those among them that are measured.
    margin : int
        Positions of context that the block needs on each side of the picture's own, at its entrance.
    last : bool
        Whether no pooling follows.
    session : onnxruntime.InferenceSession
    """

    stride: int
    layers: tuple[str, ...]
    taps: tuple[str, ...]
    margin: int
    last: bool
    session: onnxruntime.InferenceSession

    @property
    def depth(self) -> int:
        """Positions that the convolutions take away on each side."""
        return len(self.layers)

    def surplus(self, tap: str) -> int:
        """Positions on each side that `tap` answers beyond the last convolution."""
        return self.depth - 1 - self.layers.index(tap)

    def __call__(self, entrance: Numbers) -> tuple[dict[str, Numbers], Numbers | None]:
        """Answer to a piece: taps by name, each ``(channels, y, x)``, and what goes on to the next block."""
        names = [*self.taps] if self.last else [*self.taps, "onward"]
        answers = self.session.run(names, {"entrance": entrance})
        taps = {tap: answer[0] for tap, answer in zip(self.taps, answers, strict=False)}
        return taps, None if self.last else answers[-1]


@dataclass(frozen=True, eq=False)
class BlockNetwork:
    """VGG19 down to the deepest layer that is measured, as a chain of blocks without padding.

    Parameters
    ----------
    blocks : tuple of Block
    layers : tuple of str
        Layers that are measured.
    halo : int
        Pixels of true context that a picture needs on each side: 70 for ``block5_conv1``.
    """

    blocks: tuple[Block, ...]
    layers: tuple[str, ...]
    halo: int

    @property
    def name(self) -> str:
        """The network, with the hash of its weights."""
        return f"VGG19 (Keras no-top weights, sha256 {SHA256[:8]}…), true context"


def block_network(layers: Sequence[str]) -> BlockNetwork:
    """Load the network.

    Raises
    ------
    UsageError
        If a layer is unknown.
    """
    unknown = [layer for layer in layers if layer not in LAYERS]
    if unknown or not layers:
        named = ", ".join(shown(layer) for layer in unknown) or "none"
        raise UsageError(f"VGG19 has no layer {named}; choose among {', '.join(LAYERS)}")
    chains = _chains(layers)
    margins = _margins([len(chain) for chain in chains])
    weights = load_weights()
    blocks = tuple(
        Block(
            2**level,
            chain,
            tuple(layer for layer in chain if layer in layers),
            margins[level],
            level == len(chains) - 1,
            _session(chain, [layer for layer in chain if layer in layers], level, len(chains), weights),
        )
        for level, chain in enumerate(chains)
    )
    return BlockNetwork(blocks, tuple(layers), margins[0])


def _chains(layers: Sequence[str]) -> list[tuple[str, ...]]:
    """Convolutions of each block down to the deepest of `layers`."""
    used = LAYERS[: max(LAYERS.index(layer) for layer in layers) + 1]
    names = sorted({layer.split("_")[0] for layer in used})
    return [tuple(layer for layer in used if layer.startswith(f"{name}_")) for name in names]


def _margins(depths: Sequence[int]) -> list[int]:
    """Context at the entrance of each block, in its own positions."""
    margins: list[int] = []
    margin = 0
    for depth in reversed(depths):
        margin = 2 * margin + depth if margins else depth
        margins.append(margin)
    return margins[::-1]


def _session(
    chain: Sequence[str], taps: Sequence[str], level: int, levels: int, weights: Mapping[str, Convolution]
) -> onnxruntime.InferenceSession:
    constants = preprocessing_constants() if level == 0 else {}
    for layer in chain:
        constants[f"{layer}_kernel"] = weights[layer].kernel
        constants[f"{layer}_bias"] = weights[layer].bias
    start = "picture" if level == 0 else "entrance"
    nodes = preprocessing("entrance") if level == 0 else []
    nodes += trunk(chain, None, start)
    nodes += [helper.make_node("Identity", [f"{tap}_answer"], [tap]) for tap in taps]
    outputs = [*taps]
    if level < levels - 1:
        nodes.append(
            helper.make_node(
                "MaxPool", [f"{chain[-1]}_answer"], ["onward"], kernel_shape=[2, 2], strides=[2, 2]
            )
        )
        outputs.append("onward")
    below = weights[chain[0]].kernel.shape[1]
    shape: list[str | int] = ["rows", "columns", 3] if level == 0 else [1, below, "rows", "columns"]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        f"VGG19 block {level + 1}",
        [helper.make_tensor_value_info("entrance", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPERATOR_SET)], ir_version=FORMAT_VERSION
    )
    return _run_on(model)


def _run_on(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # Facets run side by side; each on one thread.
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers())


def providers() -> list[str]:
    """Where the network runs: a CUDA device if ONNX Runtime has one, else the processor."""
    available = onnxruntime.get_available_providers()
    return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
