"""ONNX Runtime, kept from reporting to its maker.

Since version 1.32 its import makes an identifier of the device and a database in the home folder, and sends
what it measures to a server of its maker; only a variable that is set before the import keeps it from that.
Skykin makes no connection that its user did not ask for, so no other file imports the library.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

onnxruntime.disable_telemetry_events()
#: What goes wrong is an error of Python, too; on standard error it would be said twice.
FATAL = 4
onnxruntime.set_default_logger_severity(FATAL)

__all__ = ["FATAL", "onnxruntime"]
