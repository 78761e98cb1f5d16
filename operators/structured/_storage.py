"""Learned maps in files: numbers, texts, arrays, and what is made of them; nothing that runs."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from structlin._backend import is_numpy, namespace
from structlin.bases import Grid
from structlin.matrices import (
    BlockToeplitz,
    Dense,
    Kronecker,
    LowRank,
    Monarch,
    SumOfKroneckers,
    Toeplitz,
)
from structlin.operators.structured.fourier_multiplier import FourierMultiplier
from structlin.operators.structured.hierarchical_low_rank import HierarchicalLowRank
from structlin.tensors import Tucker

_format, _version = "structlin.operators", 1

# what can be stored: how it is taken apart, and made again
_Parts = Callable[[Any], tuple[Any, ...]]
_known: dict[str, tuple[type, _Parts, Callable[..., Any]]] = {
    kind.__name__: (kind, parts, make)
    for kind, parts, make in (
        (Toeplitz, lambda A: (A.column, A.row), Toeplitz),
        (BlockToeplitz, lambda A: (A.coefficients, A.levels), BlockToeplitz),
        (Dense, lambda A: (A.array,), Dense),
        (Kronecker, lambda A: A.factors, Kronecker),
        (SumOfKroneckers, lambda A: A.terms, SumOfKroneckers),
        (Monarch, lambda A: (A.reverse, *A.factors), lambda r, *F: Monarch(*F, reverse=r)),
        (LowRank, lambda A: (A.U, A.V), LowRank),
        (HierarchicalLowRank, lambda A: (A.leaves, A.blocks, A.order), HierarchicalLowRank),
        (Tucker, lambda T: (T.core, T.factors), Tucker),
        (
            FourierMultiplier,
            lambda A: (A.multiplier, A.grid_shape, A._real),
            lambda M, shape, real: FourierMultiplier(M, shape, real=real),
        ),
        (
            Grid,
            lambda g: (g.axes, g.kinds, g.box, g.edges),
            lambda axes, *rest: Grid(*axes)._as(*rest),
        ),
    )
}


def storable(kind: type) -> type:
    """Let instances of a dataclass be stored, by its fields."""
    fields = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    _known[kind.__name__] = (kind, lambda x: tuple(getattr(x, name) for name in fields), kind)
    return kind


class Stored:
    """Learned maps that can be written to a file and read again."""

    _transient: ClassVar[tuple[str, ...]] = ()  # attributes that `_restore` makes again

    def _restore(self) -> None:
        """Make again what has not been stored."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the map to a file, which is replaced if there is one: an ``.npz`` archive.

        Raises
        ------
        TypeError
            If the arrays are not NumPy's, or it holds something that cannot be stored, such as a
            function of the user's.
        """
        arrays: dict[str, Any] = {}
        state = {k: v for k, v in vars(self).items() if k not in self._transient}
        about = {
            "format": _format,
            "version": _version,
            "kind": type(self).__name__,
            "state": _taken_apart(state, arrays),
        }
        with open(path, "wb") as file:
            np.savez(file, about=np.asarray(json.dumps(about)), **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the map that `save` has written to a file, in NumPy arrays.

        Raises
        ------
        ValueError
            If the file was not written by `save` of this class, is damaged, or of a later version.
        OSError
            If there is no such file, or it may not be read.
        """
        with open(path, "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as archive:
                    about = json.loads(str(archive["about"]))
                    if (about["format"], about["kind"]) != (_format, cls.__name__):
                        raise ValueError(f"it holds {about['format']}, {about['kind']}")
                    if about["version"] > _version:
                        raise ValueError("its version is a later one: update structlin")
                    state = _put_together(about["state"], archive)
                made = cls.__new__(cls)
                vars(made).update(state)
                made._restore()
                return made
            except (
                AttributeError,
                EOFError,
                KeyError,
                NotImplementedError,
                TypeError,
                ValueError,
                zipfile.BadZipFile,
                zlib.error,
            ) as error:
                raise ValueError(
                    f"{os.fspath(path)} holds no {cls.__name__}, or is damaged: pass a file that "
                    f"its save has written ({error})"
                ) from error


def _taken_apart(value: Any, arrays: dict[str, Any]) -> Any:
    """Return a value as JSON knows it; arrays go into the dictionary."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {"dict": {k: _taken_apart(v, arrays) for k, v in value.items()}}
    if isinstance(value, tuple | list):
        name = "tuple" if isinstance(value, tuple) else "list"
        return {name: [_taken_apart(v, arrays) for v in value]}
    if isinstance(value, np.dtype):
        return {"dtype": value.name}
    for name, (kind, parts, _) in _known.items():
        if type(value) is kind:
            return {"made": name, "of": [_taken_apart(v, arrays) for v in parts(value)]}
    if isinstance(value, np.ndarray | np.generic):
        key = f"a{len(arrays)}"
        arrays[key] = np.asarray(value)
        return {"array": key}
    if callable(value):
        raise TypeError(f"{value!r} cannot be stored: files hold numbers, not functions")
    if not is_numpy(namespace(value)):
        raise TypeError("files hold NumPy arrays: move the data to the host before the fit")
    raise TypeError(f"{value!r} cannot be stored")


def _put_together(value: Any, archive: Any) -> Any:
    """Return what `_taken_apart` has made JSON of."""
    if not isinstance(value, dict):
        return value
    ((kind, content), *rest) = value.items()
    if kind == "dict":
        return {k: _put_together(v, archive) for k, v in content.items()}
    if kind in ("tuple", "list"):
        items = [_put_together(v, archive) for v in content]
        return tuple(items) if kind == "tuple" else items
    if kind == "dtype":
        return np.dtype(content)
    if kind == "array":
        return archive[content]
    make = _known[content][2]
    return make(*(_put_together(v, archive) for v in rest[0][1]))
