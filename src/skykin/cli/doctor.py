"""The command `skykin doctor`: what computes on this machine, and what to change."""

from __future__ import annotations

from skykin.cli.options import printer


def doctor_command() -> None:
    """Say which processor, libraries and devices compute here, and what would make them faster."""
    from skykin.scale.machine import this_machine
    from skykin.style.network.blocks import has_openvino, providers

    machine = this_machine()
    out = printer()
    out.print(f"cores           {machine.cores}")
    out.print(f"instructions    {', '.join(machine.instructions)}")
    for each in machine.blas:
        about = f"{each.name} {each.version}, kernels for {each.kernels}, {each.threads} threads"
        out.print(f"{each.package:15s} {about}")
    out.print(f"network         ONNX Runtime on {' then '.join(providers())}")
    fast = "OpenVINO in bfloat16" if has_openvino() else "not installed; pip install 'skykin[fast]'"
    out.print(f"--fast          {fast}")
    advice = machine.advice()
    for sentence in advice:
        out.print(f"\n{sentence}.")
    if not advice:
        out.print("\nNothing to change.")
