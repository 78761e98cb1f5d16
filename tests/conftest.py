"""Shared fixtures: the array libraries, and deterministic Hypothesis runs."""

from __future__ import annotations

import os

# before NumPy is loaded: workers whose BLAS takes every core wait for each other
os.environ["OPENBLAS_NUM_THREADS"] = os.environ.get("OPENBLAS_NUM_THREADS", "1")

# isort: split
from types import ModuleType
from typing import Any, NamedTuple

import array_api_compat
import array_api_strict
import hypothesis
import numpy as np
import pytest

hypothesis.settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,  # the first call of a kernel compiles it
    max_examples=25,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.register_profile(
    "thorough", parent=hypothesis.settings.get_profile("ci"), derandomize=False, max_examples=300
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class ArrayLibrary(NamedTuple):
    """An array library on one of its devices, with the way to it and back."""

    name: str
    xp: ModuleType
    device: Any

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """Move a NumPy array (or nested list) to this library."""
        x = np.asarray(x, dtype=dtype)
        if self.name == "cupy":
            return self.xp.asarray(x)
        return self.xp.asarray(x.copy(), device=self.device)

    def to_numpy(self, x: Any) -> np.ndarray:
        """Bring an array of this library back to the host."""
        if self.name == "cupy":
            return x.get()
        if self.name == "strict":
            x = array_api_compat.to_device(x, array_api_strict.Device("CPU_DEVICE"))
        return np.asarray(x)

    def dtype(self, name: str) -> Any:
        """Return this library's data type of that name."""
        return getattr(self.xp, name)


def libraries() -> dict[str, ArrayLibrary]:
    """Return the array libraries of this machine, by name."""
    found = {
        "numpy": ArrayLibrary("numpy", array_api_compat.array_namespace(np.empty(0)), "cpu"),
        # a device that refuses access from the host, as a GPU does
        "strict": ArrayLibrary("strict", array_api_strict, array_api_strict.Device("device1")),
    }
    try:
        import cupy
    except ImportError:
        return found
    if cupy.cuda.is_available():
        xp = array_api_compat.array_namespace(cupy.empty(0))
        found["cupy"] = ArrayLibrary("cupy", xp, cupy.cuda.Device(0))
    return found


LIBRARIES = libraries()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--xp",
        choices=["all", "numpy", "strict", "cupy"],
        default="all",
        help="array library on which the shared tests run (default: all that this machine has)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "library" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--xp")
        names = list(LIBRARIES) if chosen == "all" else [chosen]
        if missing := [name for name in names if name not in LIBRARIES]:
            raise pytest.UsageError(f"--xp={missing[0]}: there is no such device on this machine")
        metafunc.parametrize("library", [LIBRARIES[name] for name in names], ids=names)


@pytest.fixture
def xp(library: ArrayLibrary) -> ModuleType:
    """Return the array library's namespace."""
    return library.xp


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240511)
