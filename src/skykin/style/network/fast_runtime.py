"""OpenVINO, kept from reporting to its maker.

Its import loads a package beside it, `openvino_telemetry`, which writes an identifier of the device into the
home folder and sends what is done to a server; without that package OpenVINO does neither.  Skykin makes no
connection that its user did not ask for, so no other file imports the library.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from skykin.core.errors import ResourceError

TELEMETRY = "openvino_telemetry"


def load_openvino() -> Any:
    """Import OpenVINO without its telemetry, for the whole process.

    Raises
    ------
    ResourceError
        If it is not installed.
    """
    modules: dict[str, Any] = sys.modules
    modules.setdefault(TELEMETRY, None)  # whoever imports it is told that it is not there
    try:
        return import_module("openvino")
    except ImportError as error:
        raise ResourceError(
            'the fast network needs OpenVINO, which is not installed; run `pip install "skykin[fast]"`, or '
            "leave out --fast",
            code="RS-EXTRA",
        ) from error


def has_openvino() -> bool:
    """Whether the fast network can run."""
    return find_spec("openvino") is not None
