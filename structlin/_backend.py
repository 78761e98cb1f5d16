"""Which array library owns these arrays, its SciPy twin, and its compiled kernels."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

import array_api_compat as compat
import numpy as np

type_names = {"numpy": "NumPy", "cupy": "CuPy"}


def namespace(*arrays: Any) -> ModuleType:
    """Return the one array library that owns every array given.

    Python and NumPy scalars and ``None`` own none. Sparse matrices belong to the library of
    their values, operators to the library of their factors.

    Raises
    ------
    TypeError
        If the arrays belong to different libraries, or something is no array at all.

    Examples
    --------
    >>> import numpy as np
    >>> namespace(np.ones(3), 2.0).__name__
    'array_api_compat.numpy'
    """
    found = {_library(x) for x in arrays} - {None}
    if len(found) == 1:
        xp: ModuleType = found.pop()  # type: ignore[assignment]
        return xp
    if not found:
        raise TypeError(
            "no array among the arguments: pass numpy.asarray(...) or cupy.asarray(...)"
        )
    names = " and ".join(sorted(_label(xp) for xp in found if xp is not None))
    raise TypeError(f"arrays of {names} are mixed: move them to one library first")


def _label(xp: ModuleType) -> str:
    name = xp.__name__.rpartition(".")[2]
    return type_names.get(name, name)


def _library(x: Any) -> ModuleType | None:
    if isinstance(x, np.ndarray):
        if type(x).__name__ == "MaskedArray":
            raise TypeError("masked arrays are not taken: fill the gaps first, with x.filled(...)")
        return _numpy()
    if x is None or isinstance(x, (int, float, complex, np.generic)):
        return None
    own = getattr(x, "xp", None)  # a LinearOperator knows
    if isinstance(own, ModuleType):
        return own
    root = type(x).__module__.partition(".")[0]
    if root == "scipy":  # sparse matrices and SciPy's own operators
        return _numpy()
    if root == "cupyx":
        return importlib.import_module("array_api_compat.cupy")
    try:
        found: ModuleType = compat.array_namespace(x)
    except TypeError:
        raise TypeError(
            f"{type(x).__name__} is not an array: pass numpy.asarray(...) or cupy.asarray(...)"
        ) from None
    return found


@functools.cache
def _numpy() -> ModuleType:
    xp: ModuleType = compat.array_namespace(np.empty(0))
    return xp


def device(*arrays: Any) -> Any:
    """Return the one device on which every array given lives (scalars live nowhere).

    Raises
    ------
    ValueError
        If the arrays live on different devices.
    """
    found: list[Any] = []
    for x in arrays:
        if x is None or isinstance(x, (int, float, complex, np.generic)):
            continue
        own = x.device if hasattr(x, "device") and hasattr(x, "xp") else _device(x)
        if own not in found:
            found.append(own)
    if len(found) > 1:
        raise ValueError(f"arrays on devices {found[0]} and {found[1]} are mixed: move them to one")
    return found[0] if found else None


def _device(x: Any) -> Any:
    if isinstance(x, np.ndarray) or type(x).__module__.partition(".")[0] == "scipy":
        return "cpu"
    return compat.device(getattr(x, "data", x) if _is_sparse(x) else x)


def _is_sparse(x: Any) -> bool:
    return type(x).__module__.startswith(("scipy.sparse", "cupyx.scipy.sparse"))


def is_numpy(xp: ModuleType) -> bool:
    """Tell whether the library is NumPy."""
    return bool(compat.is_numpy_namespace(xp))


def is_cupy(xp: ModuleType) -> bool:
    """Tell whether the library is CuPy."""
    return bool(compat.is_cupy_namespace(xp))


def scipy_of(xp: ModuleType, submodule: str = "") -> ModuleType:
    """Return ``scipy`` for NumPy and ``cupyx.scipy`` for CuPy, or a submodule of it.

    Raises
    ------
    TypeError
        For a library that has no SciPy twin.
    """
    tail = f".{submodule}" if submodule else ""
    if is_numpy(xp):
        return importlib.import_module(f"scipy{tail}")
    if is_cupy(xp):
        return importlib.import_module(f"cupyx.scipy{tail}")
    raise TypeError(f"{_label(xp)} has no SciPy twin: use NumPy or CuPy arrays")


@functools.cache
def kernel(xp: ModuleType, plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return the compiled twin of ``plain`` for this library, or ``plain`` itself.

    The twins of the functions in ``x.py`` stand beside it in ``x_numba.py`` and ``x_cupy.py``,
    under the same names; they load on first use.
    """
    suffix = "numba" if is_numpy(xp) else "cupy" if is_cupy(xp) else None
    if suffix is None:
        return plain
    name = f"{plain.__module__}_{suffix}"
    if importlib.util.find_spec(name) is None:
        return plain
    twin: Callable[..., Any] = getattr(importlib.import_module(name), plain.__name__, plain)
    return twin


def on_host(x: Any, kind: type[float] | type[int] = float) -> Any:
    """Return a short vector as a NumPy array, of floats or of integers: 64 bits each."""
    if is_cupy(namespace(x)):
        x = x.get()
    if isinstance(x, np.ndarray):
        return np.asarray(x, dtype=kind)
    return np.asarray([kind(x[k]) for k in range(x.shape[0])], dtype=kind)


def to_host(x: Any) -> Any:
    """Return an array of any shape as a NumPy array in double precision, real or complex."""
    xp = namespace(x)
    flat = xp.reshape(x, (-1,))
    if xp.isdtype(x.dtype, "complex floating"):
        values = on_host(xp.real(flat)) + 1j * on_host(xp.imag(flat))
    else:
        values = on_host(flat)
    return np.reshape(values, tuple(x.shape))


def type_name(dtype: Any) -> str:
    """Return the name of a data type of any library: ``float64``."""
    try:
        return str(np.dtype(dtype).name)
    except TypeError:
        return str(dtype).rpartition(".")[2]


def dtype_of(xp: ModuleType, dtype: Any) -> Any:
    """Return the data type of this library that has the name of ``dtype``.

    ``dtype`` may be a name, a NumPy data type or one of another array library.
    """
    name = type_name(dtype)
    return np.dtype(name) if is_numpy(xp) or is_cupy(xp) else getattr(xp, name)
