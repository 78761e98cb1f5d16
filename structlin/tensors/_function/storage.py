"""Functions in files."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import asdict
from typing import Any, Self

import numpy as np

from structlin._backend import is_numpy
from structlin.bases import Basis, Chebyshev, Fourier
from structlin.tensors._function.representation import Representation
from structlin.tensors._report import Construction
from structlin.tensors.tensor_train import TensorTrain

_format, _version = "structlin.tensors.ChebTucker", 1
_kinds: dict[str, type[Basis]] = {"Chebyshev": Chebyshev, "Fourier": Fourier}


class Storage(Representation):
    """Functions in files."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the function to a file, with its box and its report.

        Parameters
        ----------
        path : path
            Of the file, which is replaced if there is one. It is an ``.npz`` archive, whatever its
            name.

        Raises
        ------
        TypeError
            If the arrays are not NumPy's, or a basis is none that this package has.

        Examples
        --------
        >>> import numpy as np, tempfile
        >>> from structlin.tensors import ChebTucker
        >>> f = ChebTucker(np.ones((1, 1)), [np.ones((2, 1)), np.ones((3, 1))])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     f.save(f"{folder}/f.npz")
        ...     ChebTucker.load(f"{folder}/f.npz")
        <ChebTucker on [-1, 1] x [-1, 1], float64, ranks 1x1, degrees 1x2>
        """
        if not is_numpy(self.xp):
            raise TypeError("files hold NumPy arrays: move core and factors to the host first")
        kinds = [type(basis).__name__ for basis in self.bases]
        for basis, kind in zip(self.bases, kinds, strict=True):
            if _kinds.get(kind) is not type(basis):
                raise TypeError(f"{basis!r} cannot be stored: only {' and '.join(_kinds)} can")
        about = {
            "format": _format,
            "version": _version,
            "bases": [(kind, *b.interval) for kind, b in zip(kinds, self.bases, strict=True)],
            "report": asdict(self.report),
            "train": isinstance(self.core, TensorTrain),
        }
        cores = self.core.cores if isinstance(self.core, TensorTrain) else (self.core,)
        arrays = {f"core{k}": core for k, core in enumerate(cores)}
        arrays |= {f"factor{k}": U for k, U in enumerate(self.factors)}
        text = json.dumps(about, default=np.generic.item)  # tolerances may be NumPy's numbers
        with open(path, "wb") as file:
            np.savez(file, about=np.asarray(text), **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the function that `save` has written to a file, in NumPy arrays.

        Raises
        ------
        ValueError
            If the file was not written by `save`, is damaged, or is of a later version.
        OSError
            If there is no such file, or it may not be read.
        """
        with open(path, "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as archive:
                    about = json.loads(str(archive["about"]))
                    if about["format"] != _format:
                        raise ValueError(f"its format is {about['format']}")
                    if about["version"] > _version:
                        raise _Later(about["version"])
                    d = len(about["bases"])
                    bases = [_kinds[kind](low, high) for kind, low, high in about["bases"]]
                    cores = [archive[f"core{k}"] for k in range(d if about["train"] else 1)]
                    factors = [archive[f"factor{k}"] for k in range(d)]
                core = TensorTrain(cores) if about["train"] else cores[0]
                return cls(core, factors, bases, report=Construction(**about["report"]))
            except _Later as later:
                raise ValueError(
                    f"{os.fspath(path)} has version {later} of the format, and version {_version} "
                    "is the last that is known: update structlin"
                ) from None
            except (
                AttributeError,
                EOFError,
                KeyError,
                NotImplementedError,
                OSError,
                TypeError,
                ValueError,
                zipfile.BadZipFile,
                zlib.error,
            ) as error:
                raise ValueError(
                    f"{os.fspath(path)} holds no function, or is damaged: pass a file that "
                    f"ChebTucker.save has written ({error})"
                ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        # array libraries are modules, which cannot be pickled; the core knows how to
        parts = (type(self), self.core, self.factors, self.bases, self.report)
        return _restored, parts


class _Later(Exception):
    """The format of a file is of a later version."""


def _restored(
    kind: type[Representation],
    core: Any,
    factors: tuple[Any, ...],
    bases: tuple[Basis, ...],
    report: Construction,
) -> Representation:
    return kind(core, factors, bases, report=report)
