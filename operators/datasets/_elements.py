"""Bilinear finite elements on the unit square, for Helmholtz' equation with a speed that varies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace, scipy_of
from structlin.solvers.krylov import gmres


class Elements:
    """The system ``∫ ∇u·∇v − s u v = ∫ f v`` with Neumann sides.

    Parameters
    ----------
    nodes : int
        Along each axis.

    Notes
    -----
    With ``K`` and ``M`` the stiffness and mass matrices of one axis, the first part is
    ``K ⊗ M + M ⊗ K``. The second one is ``Eᵀ diag(s h²/4) E``, where ``E`` interpolates to the
    four Gauss points of every element; for constant ``s`` it is ``s M ⊗ M``, and the eigenvectors
    ``K V = M V Λ``, ``Vᵀ M V = I`` diagonalise all.
    """

    def __init__(self, nodes: int) -> None:
        h = 1 / (nodes - 1)
        inside = np.ones(nodes)
        inside[[0, -1]] = 0.5
        beside = np.eye(nodes, k=1) + np.eye(nodes, k=-1)
        K, M = (2 * np.diag(inside) - beside) / h, (4 * np.diag(inside) + beside) * h / 6
        near = (1 - 3**-0.5) / 2
        left, right = np.eye(nodes)[:-1], np.eye(nodes)[1:]
        points = np.concatenate([left + t * (right - left) for t in (near, 1 - near)])

        xp = namespace(inside)
        sparse, linalg = scipy_of(xp, "sparse"), scipy_of(xp, "linalg")
        self.eigenvalues, self.V = linalg.eigh(K, M)
        K, M, one_axis = (sparse.csr_array(matrix) for matrix in (K, M, points))
        self._stiffness = sparse.csr_array(sparse.kron(K, M) + sparse.kron(M, K))
        self._points = sparse.csr_array(sparse.kron(one_axis, one_axis))
        self._weighted = sparse.csr_array(self._points.T * (h**2 / 4))
        self._sparse = sparse

    def solve(self, s: NDArray[np.float64], load: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the solution, (nodes, nodes), for ``s`` at the nodes and ``∫ f φ_i``.

        GMRES, preconditioned by the mean of ``s``, in ``O(nodes³)`` an iteration.
        """
        at_points = self._points @ s.ravel()
        square = (at_points.size, at_points.size)
        mass = self._weighted @ self._sparse.dia_array((at_points, [0]), shape=square)
        V = self.V
        inverse = 1 / (self.eigenvalues[:, None] + self.eigenvalues - np.mean(at_points))

        def precondition(r: Any) -> Any:
            return (V @ (inverse * (V.T @ np.reshape(r, load.shape) @ V)) @ V.T).ravel()

        A = self._stiffness - mass @ self._points
        found = gmres(A, load.ravel(), rtol=1e-10, restart=60, preconditioner=precondition)
        return np.reshape(found.x, load.shape)
