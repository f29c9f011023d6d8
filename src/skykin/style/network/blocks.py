"""The blocks of VGG19 one by one, without padding: each answers where it sees true context."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import ClassVar

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from skykin.core.shapes import Numbers
from skykin.style.network.architecture import block_chains, margins
from skykin.style.network.fast_runtime import load_openvino
from skykin.style.network.runtime import FATAL, onnxruntime
from skykin.style.network.vgg19 import (
    FORMAT_VERSION,
    OPERATOR_SET,
    preprocessing,
    preprocessing_constants,
    trunk,
)
from skykin.style.network.weights import Convolution, load_weights, random_weights, weights_name


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
    run : callable
        From the entrance to the taps and what goes on, in that order.
    """

    stride: int
    layers: tuple[str, ...]
    taps: tuple[str, ...]
    margin: int
    last: bool
    run: Callable[[Numbers], Sequence[Numbers]]

    @property
    def depth(self) -> int:
        """Positions that the convolutions take away on each side."""
        return len(self.layers)

    def surplus(self, tap: str) -> int:
        """Positions on each side that `tap` answers beyond the last convolution."""
        return self.depth - 1 - self.layers.index(tap)

    def __call__(self, entrance: Numbers) -> tuple[dict[str, Numbers], Numbers | None]:
        """Answer to a piece: taps by name, each ``(channels, y, x)``, and what goes on to the next block.

        In memory the channels of a position lie side by side.
        """
        answers = self.run(entrance)
        taps = {tap: answer[0].transpose(2, 0, 1) for tap, answer in zip(self.taps, answers, strict=False)}
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
    fast : bool
        Whether it runs in bfloat16.
    random_seed : int or None
        Where its weights are random: their seed.
    """

    #: What it answers lies in the processor's memory.
    on_device: ClassVar[bool] = False

    blocks: tuple[Block, ...]
    layers: tuple[str, ...]
    halo: int
    fast: bool = False
    random_seed: int | None = None

    @property
    def name(self) -> str:
        """The network, with the hash of its weights."""
        number = f"bfloat16 (OpenVINO {version('openvino')}), " if self.fast else ""
        return f"VGG19 ({weights_name(self.random_seed)}), {number}true context"

    @property
    def strides(self) -> dict[str, int]:
        """Pixels between the positions of each layer that is measured."""
        return {tap: block.stride for block in self.blocks for tap in block.taps}


def block_network(
    layers: Sequence[str], *, fast: bool = False, random_seed: int | None = None
) -> BlockNetwork:
    """Load the network.

    Parameters
    ----------
    layers : sequence of str
        Layers that are measured.
    fast : bool
        Run in bfloat16 with OpenVINO: cosines differ by up to 2e-3.
    random_seed : int, optional
        Random weights of this seed instead of the trained ones; see `random_weights`.

    Raises
    ------
    UsageError
        If a layer is unknown.
    ResourceError
        If `fast` is requested and OpenVINO is not installed.
    """
    chains = block_chains(layers)
    context = margins([len(chain) for chain in chains])
    weights = load_weights() if random_seed is None else random_weights(random_seed)
    start = _openvino if fast else _onnxruntime
    blocks = tuple(
        Block(
            2**level,
            chain,
            tuple(layer for layer in chain if layer in layers),
            context[level],
            level == len(chains) - 1,
            start(_model(chain, [layer for layer in chain if layer in layers], level, len(chains), weights)),
        )
        for level, chain in enumerate(chains)
    )
    return BlockNetwork(blocks, tuple(layers), context[0], fast, random_seed)


def _model(
    chain: Sequence[str], taps: Sequence[str], level: int, levels: int, weights: Mapping[str, Convolution]
) -> onnx.ModelProto:
    constants = preprocessing_constants() if level == 0 else {}
    for layer in chain:
        constants[f"{layer}_kernel"] = weights[layer].kernel
        constants[f"{layer}_bias"] = weights[layer].bias
    below = "picture" if level == 0 else "entrance"
    nodes = preprocessing("entrance") if level == 0 else []
    nodes += trunk(chain, None, below)
    # All channels of a position side by side: so they are summed, and ONNX Runtime lays them out for free.
    nodes += [helper.make_node("Transpose", [f"{tap}_answer"], [tap], perm=[0, 2, 3, 1]) for tap in taps]
    outputs = [*taps]
    if level < levels - 1:
        nodes.append(
            helper.make_node(
                "MaxPool", [f"{chain[-1]}_answer"], ["onward"], kernel_shape=[2, 2], strides=[2, 2]
            )
        )
        outputs.append("onward")
    channels = weights[chain[0]].kernel.shape[1]
    shape: list[str | int] = ["rows", "columns", 3] if level == 0 else [1, channels, "rows", "columns"]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        f"VGG19 block {level + 1}",
        [helper.make_tensor_value_info("entrance", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPERATOR_SET)], ir_version=FORMAT_VERSION
    )


def _onnxruntime(model: onnx.ModelProto) -> Callable[[Numbers], Sequence[Numbers]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # Facets run side by side; each on one thread.
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = FATAL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    return lambda entrance: list(session.run(None, {"entrance": entrance}))


def _openvino(model: onnx.ModelProto) -> Callable[[Numbers], Sequence[Numbers]]:
    openvino = load_openvino()
    settings = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(io.BytesIO(model.SerializeToString())), "CPU", settings)
    own = threading.local()  # A request serves one thread at a time.

    def run(entrance: Numbers) -> Sequence[Numbers]:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        answers = own.request.infer({"entrance": entrance})
        return [np.array(answers[output]) for output in compiled.outputs]

    return run
