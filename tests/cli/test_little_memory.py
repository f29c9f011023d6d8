"""Commands whose network gets no memory, whichever library says so and however it does."""

import numpy as np
import pytest
from astropy.io import fits
from google.protobuf.message import EncodeError
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors
from typer.testing import CliRunner

from skykin.cli.main import app
from skykin.style.network.runtime import onnxruntime

#: As ONNX Runtime and protobuf said them with 60 to 95 % of the memory that a command needs, and when.
ERRORS = {
    "as it begins": onnxruntime_errors.RuntimeException(
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Exception during initialization: std::bad_alloc"
    ),
    "as its graph is made": EncodeError("Failed to serialize proto"),
    "as it runs": onnxruntime_errors.Fail(
        "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running FusedConv node. Status "
        "Message: Failed to allocate memory for requested buffer of size 25165824"
    ),
}


class Session:
    """A session of ONNX Runtime that ends as it is told, at its beginning or at its first run."""

    def __init__(self, error, *, at_once):
        self.error = error
        if at_once:
            raise error

    def run(self, outputs, inputs):
        raise self.error


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    path = tmp_path_factory.mktemp("sky") / "sky.fits"
    header = {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 209.0, "CRVAL2": 0.0, "CRPIX1": 20.5}
    header |= {"CRPIX2": 20.5, "CDELT1": -0.25, "CDELT2": 0.25, "BMAJ": 0.5}
    values = np.random.default_rng(0).normal(5, 1, (40, 40)).astype(np.float32)
    fits.PrimaryHDU(values, fits.Header(header)).writeto(path)
    return path


@pytest.mark.parametrize("when", ERRORS)
def test_a_network_without_memory_is_one_sentence_and_nothing_is_left(tmp_path, monkeypatch, sky, when):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *_, **__: Session(ERRORS[when], at_once=when != "as it runs")
    )
    arguments = ["map", "--survey", str(sky), "-r", "209,0", "--pixels", "32", "--recipe", "mean-std"]
    answer = CliRunner().invoke(
        app, [*arguments, "--tile-size", "4", "--spacing", "2", "-o", "out", "-q"], env={"COLUMNS": "1000"}
    )
    assert answer.stderr.strip() == (
        "RS-MEM: this computer has too little free memory for the job; what was there before is there still, "
        "so use fewer --pixels or fewer --jobs, or end other programs"
    )
    assert answer.exit_code == 6
    assert list(tmp_path.iterdir()) == []
