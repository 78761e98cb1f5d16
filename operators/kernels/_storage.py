"""Maps learned by kernels in files."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import Any, Self

from structlin.operators._storage import read, write
from structlin.operators.kernels._posterior import Posterior


class Storage(Posterior):
    """Maps learned by kernels in files: settings and samples; loading solves again."""

    features: Any
    modes: int | None
    symmetry: Any
    max_direct: int
    landmarks: int
    _given: tuple[Any, Any]  # the pairs of the fit
    _counted: Any  # which samples directions of change have not seen
    _restored: dict[str, Any]  # what the next fit does not learn

    @abstractmethod
    def fit(self, inputs: Any, outputs: Any, *, grid: Any = None, output_grid: Any = None) -> Self:
        """Learn from pairs."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was learned to a file: settings, samples and hyper-parameters.

        Parameters
        ----------
        path : path
            Of the file, which is replaced if there is one. It is an ``.npz`` archive, whatever its
            name.

        Raises
        ------
        TypeError
            If the arrays are not NumPy's, or features or symmetry are functions of the user.
        ValueError
            If nothing was learned yet.
        """
        self._require_fitted()
        inputs, outputs = self._given
        learned = self._features.state()  # which differs with the signs of eigenvectors
        if self._turn is not None:
            learned |= {"turn": self._turn, "counted": self._counted}
        settings = {
            "kernel": self.choice.kernel,
            "features": self.features,
            "modes": self.modes,
            "metric": self.choice.metric,
            "length_scale": self.choice.length_scale,
            "nugget": self._system.nugget,
            "symmetry": self.symmetry,
            "max_direct": self.max_direct,
            "landmarks": self.landmarks,
        }
        data = {
            "inputs": inputs,
            "outputs": outputs,
            "grid": self.grid,
            "output_grid": self.output_grid,
        }
        state = {"settings": settings, "learned": learned, "data": data}
        write(path, type(self).__name__, state)

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

        def made(state: dict[str, Any]) -> Any:
            new = cls(**state["settings"])
            new._restored = state["learned"]
            new.fit(**state["data"])
            new._restored = {}  # another fit learns anew
            return new

        found: Self = read(path, cls.__name__, made)
        return found
