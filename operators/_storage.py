"""Learned maps in files: numbers, texts, arrays, and what is made of them; nothing that runs."""

from __future__ import annotations

import json
import os
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
from structlin.tensors import Tucker

_format, _version = "structlin.operators", 1

# what can be stored: how it is taken apart, and made again
_Parts = Callable[[Any], tuple[Any, ...]]
_known: dict[str, tuple[type, _Parts, Callable[..., Any]]] = {}


def stored_by(kind: type, parts: _Parts, make: Callable[..., Any] | None = None) -> None:
    """Let instances of a class be stored, by parts of which it is made again."""
    _known[kind.__name__] = (kind, parts, make or kind)


def storable(kind: type) -> type:
    """Let instances of a dataclass be stored, by its fields."""
    names = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    stored_by(kind, lambda x: tuple(getattr(x, name) for name in names))
    return kind


stored_by(Toeplitz, lambda A: (A.column, A.row))
stored_by(BlockToeplitz, lambda A: (A.coefficients, A.levels))
stored_by(Dense, lambda A: (A.array,))
stored_by(Kronecker, lambda A: A.factors)
stored_by(SumOfKroneckers, lambda A: A.terms)
stored_by(Monarch, lambda A: (A.reverse, *A.factors), lambda r, *F: Monarch(*F, reverse=r))
stored_by(LowRank, lambda A: (A.U, A.V))
stored_by(Tucker, lambda T: (T.core, T.factors))
stored_by(
    Grid,
    lambda g: (g.axes, g.kinds, g.box, g.edges),
    lambda axes, *rest: Grid(*axes)._as(*rest),
)


def write(path: str | os.PathLike[str], kind: str, state: dict[str, Any]) -> None:
    """Write values to a file, which is replaced if there is one: an ``.npz`` archive.

    Raises
    ------
    TypeError
        If a value cannot be stored; the file is left as it was.
    """
    arrays: dict[str, Any] = {}
    about = {
        "format": _format,
        "version": _version,
        "kind": kind,
        "state": _taken_apart(state, arrays),
    }
    text = np.asarray(json.dumps(about))
    with open(os.fspath(path), "wb") as file:
        np.savez(file, about=text, **arrays)


def read(path: str | os.PathLike[str], kind: str, make: Callable[[dict[str, Any]], Any]) -> Any:
    """Return what ``make`` makes of the values that `write` has written to a file.

    Raises
    ------
    ValueError
        If the file has another kind of values, is damaged, or of a later version.
    OSError
        If there is no such file, or it may not be read.
    """
    with open(os.fspath(path), "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                about = json.loads(str(archive["about"]))
                if (about["format"], about["kind"]) != (_format, kind):
                    raise ValueError(f"it holds {about['format']}, {about['kind']}")
                if about["version"] > _version:
                    raise ValueError("its version is a later one: update structlin")
                return make(_put_together(about["state"], archive))
        except Exception as error:  # damage shows in any part that is read
            raise ValueError(
                f"{os.fspath(path)} holds no {kind}, or is damaged: pass a file that "
                f"its save has written ({error})"
            ) from error


class Stored:
    """Learned maps that can be written to a file and read again: their attributes."""

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
        state = {k: v for k, v in vars(self).items() if k not in self._transient}
        write(path, type(self).__name__, state)

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

        def made(state: dict[str, Any]) -> Any:
            new = cls.__new__(cls)
            vars(new).update(state)
            new._restore()
            return new

        found: Self = read(path, cls.__name__, made)
        return found


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
