"""Fitted dynamic modes in files."""

from __future__ import annotations

import os
from typing import Any, Self

from structlin.operators._dynamic_features import FeatureMap
from structlin.operators._dynamic_fit import Learned
from structlin.operators._storage import read, write


class Storage(Learned):
    """Fitted dynamic modes in files."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file.

        Parameters
        ----------
        path : path
            Of the file, which is replaced if there is one. It is an ``.npz`` archive, whatever its
            name. A dictionary of features is not stored.

        Raises
        ------
        ValueError
            If the model has not been fitted.
        TypeError
            If its arrays are not NumPy's.
        """
        _ = self.rank  # fitted?
        state = {k: v for k, v in vars(self).items() if k not in ("features", "_map")}
        features = None if callable(self.features) else self.features
        state |= {"features": features, "unit": self._map.unit, "centres": self._map.centres}
        write(path, type(self).__name__, state)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, features: Any = None) -> Self:
        """Return the model that `save` has written to a file.

        Parameters
        ----------
        path : path
            Of the file.
        features : callable, optional
            The dictionary with which the model was fitted, if it was one.

        Raises
        ------
        ValueError
            If the file was not written by `save`, is damaged, or is of a later version; or the
            dictionary is missing, or was none.
        OSError
            If there is no such file, or it may not be read.
        """

        def made(state: dict[str, Any]) -> tuple[Any, Any]:
            new, stored = cls.__new__(cls), state.pop("features")
            new.features = stored or features
            new._map = FeatureMap.restored(new.features, state.pop("unit"), state.pop("centres"))
            vars(new).update(state)
            return new, stored

        model: Self
        model, stored = read(path, cls.__name__, made)
        if (stored is None) is not callable(features):
            raise ValueError(
                "the model was fitted with a dictionary: pass features=… the same function"
                if stored is None
                else f"the model has the features {stored!r}: pass no other"
            )
        return model
