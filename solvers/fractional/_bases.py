"""Bases in which matrices of fractional diffusion are diagonal, nearly or truly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace
from structlin.bases import Grid, dst1
from structlin.matrices import Kronecker


class Sines:
    """Sine transforms along all axes."""

    name = "sine"

    def forward(self, x: Any) -> Any:
        """Return the coefficients of an array of the shape of the unknowns."""
        return dst1(x)

    backward = forward


class Eigenvectors:
    """The eigenvectors of the matrix of every axis, which have to be independent.

    Parameters
    ----------
    vectors, inverses : sequence of (n_j, n_j) ndarray
        On the host, one for every axis.
    grid : Grid
        Tells where to compute.
    """

    name = "eigen"

    def __init__(
        self, vectors: Sequence[NDArray[Any]], inverses: Sequence[NDArray[Any]], grid: Grid
    ) -> None:
        self._given = inverses, vectors
        self._grid = grid
        self._placed: dict[Any, tuple[Kronecker, Kronecker]] = {}

    def _operators(self, like: Any) -> tuple[Kronecker, Kronecker]:
        xp = namespace(like)
        kind = xp.finfo(like.dtype).dtype
        if kind not in self._placed:
            there, back = (
                Kronecker(*(xp.asarray(V, dtype=kind, device=self._grid.device) for V in matrices))
                for matrices in self._given
            )
            self._placed[kind] = there, back
        return self._placed[kind]

    def forward(self, x: Any) -> Any:
        """Return the coefficients of an array of the shape of the unknowns."""
        return self._applied(self._operators(x)[0], x)

    def backward(self, c: Any) -> Any:
        """Return the array that has these coefficients."""
        return self._applied(self._operators(c)[1], c)

    @staticmethod
    def _applied(A: Kronecker, x: Any) -> Any:
        xp = namespace(x)
        return xp.reshape(A @ xp.reshape(x, (-1,)), x.shape)


def eigenvectors_of(
    A: NDArray[Any], *, hermitian: bool
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    """Return eigenvalues, eigenvectors and their inverse; None if these are not real and sound."""
    if hermitian:
        values, vectors = np.linalg.eigh(A)
        return values, vectors, vectors.T
    values, vectors = np.linalg.eig(A)
    if np.iscomplexobj(values) or not np.min(values) > 0:
        return None
    inverse = np.linalg.inv(vectors)
    if np.linalg.norm(vectors, 2) * np.linalg.norm(inverse, 2) > _soundest:
        return None
    return values, vectors, inverse


# largest condition number of eigenvectors: about 2 was seen
_soundest = 100.0
