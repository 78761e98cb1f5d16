"""Learned maps in files."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from abc import abstractmethod
from typing import Any, Self

import numpy as np

from structlin._backend import is_numpy, namespace
from structlin.bases import Grid

_format, _version = "structlin.operators.KernelOperator", 1


class Storage:
    """Learned maps in files: settings, samples and hyper-parameters; loading solves again."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Return the arguments of the constructor, with the hyper-parameters that were chosen."""

    @abstractmethod
    def _arrays(self) -> dict[str, Any]:
        """Return what was learned of features, which differs with the signs of eigenvectors."""

    @abstractmethod
    def _restore(self, arrays: dict[str, Any]) -> None:
        """Take what `_arrays` has returned, to be used by the next fit."""

    @abstractmethod
    def _pairs(self) -> tuple[Any, Any, Grid | None, Grid | None]:
        """Return the samples and the grids."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was learned to a file.

        Parameters
        ----------
        path : path
            Of the file, which is replaced if there is one. It is an ``.npz`` archive of the samples
            and the hyper-parameters, whatever its name.

        Raises
        ------
        TypeError
            If the arrays are not NumPy's, or features or symmetry are functions of the user.
        ValueError
            If nothing was learned yet.
        """
        settings = self._settings()
        inputs, outputs, *grids = self._pairs()
        if not is_numpy(namespace(inputs)):
            raise TypeError("files hold NumPy arrays: fit on the host what is to be saved")
        arrays = {"inputs": inputs, "outputs": outputs}
        arrays |= {f"learned_{name}": value for name, value in self._arrays().items()}
        described: list[Any] = []
        for k, grid in enumerate(grids):
            if grid is None:
                described.append(None)
                continue
            described.append({"kinds": grid.kinds, "box": grid.box})
            for axis in range(grid.ndim):
                arrays[f"axis{k}_{axis}"] = grid.axes[axis]
                if grid.edges[axis] is not None:
                    arrays[f"edges{k}_{axis}"] = grid.edges[axis]
        about = {
            "format": _format,
            "version": _version,
            "settings": settings,
            "grids": described,
        }
        with open(path, "wb") as file:
            np.savez(file, about=np.asarray(json.dumps(about)), **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the map that `save` has written, in NumPy arrays.

        The kernel equations are solved again, with the hyper-parameters of the file.

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
                    if about["format"] != _format or about["version"] > _version:
                        raise ValueError(f"it is {about['format']}, version {about['version']}")
                    inputs, outputs = archive["inputs"], archive["outputs"]
                    grid, output_grid = (
                        _grid(archive, k, known) for k, known in enumerate(about["grids"])
                    )
                    made = cls(**about["settings"])
                    mark = "learned_"
                    learned = {k[len(mark) :]: archive[k] for k in archive if k.startswith(mark)}
                    made._restore(learned)
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
                    f"{os.fspath(path)} holds no learned map, is damaged, or is of a later "
                    f"version: pass a file that save has written ({error})"
                ) from error
        made.fit(inputs, outputs, grid=grid, output_grid=output_grid)
        made._restore({})  # another fit learns anew
        return made

    @abstractmethod
    def fit(self, inputs: Any, outputs: Any, *, grid: Any, output_grid: Any) -> Self:
        """Learn from pairs."""


def _grid(archive: Any, k: int, known: Any) -> Grid | None:
    if known is None:
        return None
    d = len(known["kinds"])
    axes = [archive[f"axis{k}_{axis}"] for axis in range(d)]
    edges = [archive.get(f"edges{k}_{axis}") for axis in range(d)]
    return Grid(*axes)._as(known["kinds"], known["box"], edges)
