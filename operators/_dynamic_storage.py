"""Fitted dynamic modes in files."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from typing import Any, Self

import numpy as np

from structlin._backend import is_numpy, namespace
from structlin.operators._dynamic_features import FeatureMap
from structlin.operators._dynamic_fit import Learned

_format, _version = "structlin.operators.DynamicModes", 1
_arrays = (
    "eigenvalues",
    "residuals",
    "singular_values",
    "_directions",
    "_outputs",
    "_vectors",
    "_now",
    "_later",
)
_numbers = ("length_scale", "holdout", "pairs", "checked", "_most", "_tol", "_total", "_real")
_damages = ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error


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
        if not is_numpy(namespace(self._directions)):
            raise TypeError("files hold NumPy arrays: fit to arrays on the host")
        about = {name: getattr(self, name) for name in _numbers}
        about |= {"format": _format, "version": _version, "shape": self._shape}
        about |= {"unit": self._map.unit}
        about |= {"features": None if callable(self.features) else self.features}
        arrays = {name: getattr(self, name) for name in _arrays}
        if self._map.centres is not None:
            arrays["centres"] = self._map.centres
        text = json.dumps(about, default=np.generic.item)  # options may be NumPy's numbers
        with open(path, "wb") as file:
            np.savez(file, about=np.asarray(text), **arrays)

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
        with open(path, "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as archive:
                    about = json.loads(str(archive["about"]))
                    if about["format"] != _format or about["version"] > _version:
                        raise ValueError(f"{about['format']}, version {about['version']}")
                    arrays = {name: archive[name] for name in archive.files if name != "about"}
            except _damages as error:
                raise ValueError(
                    f"{os.fspath(path)} was not written by DynamicModes.save of this version, or "
                    f"is damaged: {error}"
                ) from error
        stored = about["features"]
        if (stored is None) is not callable(features):
            raise ValueError(
                "the model was fitted with a dictionary: pass features=… the same function"
                if stored is None
                else f"the model has the features {stored!r}: pass no other"
            )
        model = cls.__new__(cls)
        model.features = stored or features
        for name in _numbers:
            setattr(model, name, about[name])
        for name in _arrays:
            setattr(model, name, arrays[name])
        model._shape = tuple(about["shape"])
        model._map = FeatureMap.restored(model.features, about["unit"], arrays.get("centres"))
        return model
