"""The machine: what computes here, and what would make it faster."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import scipy.linalg  # noqa: F401 - loads SciPy's own BLAS, so that it is seen
from threadpoolctl import threadpool_info

#: Kernels of OpenBLAS that do not use the wide registers of newer processors.
NARROW = ("Haswell", "Zen", "Sandybridge", "Nehalem", "Prescott")
VARIABLE = "OPENBLAS_CORETYPE"


@dataclass(frozen=True)
class Blas:
    """One library for matrix products.

    Parameters
    ----------
    package : str
        Who brought it: ``numpy`` or ``scipy``.
    name, version : str
    kernels : str
        The processor family that it takes this one for.
    threads : int
    """

    package: str
    name: str
    version: str
    kernels: str
    threads: int


@dataclass(frozen=True)
class Machine:
    """What computes.

    Parameters
    ----------
    cores : int
        Available to this process.
    instructions : tuple of str
        Instruction sets that NumPy found.
    blas : tuple of Blas
    """

    cores: int
    instructions: tuple[str, ...]
    blas: tuple[Blas, ...]

    def advice(self) -> tuple[str, ...]:
        """Sentences that say what to change; none if nothing is to be gained."""
        wide = any(name.startswith("AVX512") for name in self.instructions)
        narrow = [each for each in self.blas if each.name == "openblas" and each.kernels in NARROW]
        if not (wide and narrow):
            return ()
        return (
            f"OpenBLAS takes this processor for {narrow[0].kernels} and leaves its 512-bit registers unused: "
            f"set {VARIABLE}=SKYLAKEX in the environment before Skykin starts, and matrix products run up to "
            "twice as fast",
        )


def this_machine() -> Machine:
    """Look at this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = np.show_config(mode="dicts")["SIMD Extensions"]
    blas = tuple(
        Blas(
            "scipy" if "scipy.libs" in each["filepath"] else "numpy",
            each["internal_api"],
            str(each["version"]),
            str(each.get("architecture", "unknown")),
            int(each["num_threads"]),
        )
        for each in threadpool_info()
        if each["user_api"] == "blas"
    )
    return Machine(cores, (*found.get("baseline", ()), *found.get("found", ())), blas)
