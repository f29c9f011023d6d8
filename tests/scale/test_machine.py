"""Tests of what is said about the machine."""

from __future__ import annotations

import re

from typer.testing import CliRunner

from skykin.cli.main import app
from skykin.scale.machine import Blas, Machine, this_machine


def test_this_machine_has_cores_and_a_blas_for_numpy_and_scipy():
    machine = this_machine()
    assert machine.cores >= 1
    assert len(machine.instructions) >= 1
    assert {each.package for each in machine.blas} == {"numpy", "scipy"}
    for each in machine.blas:
        assert each.threads >= 1
        assert each.name in {"openblas", "mkl", "blis", "flexiblas"}
        assert re.match(r"\d+\.\d+", each.version)


def test_wide_registers_that_openblas_does_not_use_are_worth_a_sentence():
    narrow = Machine(2, ("X86_V3", "AVX512_ICL"), (Blas("numpy", "openblas", "0.3.31", "Haswell", 2),))
    (sentence,) = narrow.advice()
    assert "takes this processor for Haswell" in sentence
    assert "set OPENBLAS_CORETYPE=SKYLAKEX in the environment before Skykin starts" in sentence
    wide = Machine(2, ("AVX512_ICL",), (Blas("numpy", "openblas", "0.3.31", "SkylakeX", 2),))
    old = Machine(2, ("X86_V3",), (Blas("numpy", "openblas", "0.3.31", "Haswell", 2),))
    assert wide.advice() == old.advice() == ()


def test_the_doctor_names_what_computes():
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert "ONNX Runtime on" in result.stdout
    assert re.search(rf"^cores\s+{this_machine().cores}$", result.stdout, re.MULTILINE)
    for each in this_machine().blas:
        assert f"{each.name} {each.version}" in result.stdout
