"""Fields from their values at few points: DEIM, Q-DEIM and gappy POD."""

from __future__ import annotations

from typing import Any

from structlin._backend import device, is_numpy, namespace, scipy_of
from structlin._validation import inexact, require_array, require_count
from structlin.matrices._base import adjoint_of
from structlin.solvers.reduced._fields import batch_as_rows
from structlin.solvers.reduced._inner import row_units
from structlin.solvers.reduced.basis import POD, require_basis

_methods = ("qdeim", "deim")


def deim(basis: POD, *, points: int | None = None, method: str = "qdeim") -> GappyPOD:
    """Choose the points at which values determine the coefficients of a basis.

    Parameters
    ----------
    basis : POD
        Of the fields that are to be known from few values: the nonlinear term of an equation, for
        instance.
    points : int, optional
        How many points, by default as many as there are modes: then fields are interpolated, and
        fitted by least squares at more.
    method : {"qdeim", "deim"}
        Pivoted orthogonal factorisation of the modes, whatever basis of their span they are [2]_,
        or the greedy choice mode after mode [1]_.

    Returns
    -------
    GappyPOD
        The points, and the map from values there to fields.

    Raises
    ------
    ValueError
        If there are fewer points than modes, more points than entries, or no modes.
    TypeError
        If ``basis`` is no `POD`.

    Notes
    -----
    The error of interpolation is at most ``‖(Pᵀ U)⁻¹‖₂`` times that of projection in the Euclidean
    norm; `GappyPOD.amplification` is that number. Further points are, one after another, those
    that raise the smallest singular value of the rows chosen most, judged by the singular vector
    that belongs to it [3]_. It costs ``O(n r²)``, and as much for ``r`` further points.

    References
    ----------
    .. [1] S. Chaturantabut and D. C. Sorensen, "Nonlinear model reduction via discrete empirical
       interpolation", SIAM Journal on Scientific Computing 32 (2010), algorithm 1.
    .. [2] Z. Drmač and S. Gugercin, "A new selection operator for the discrete empirical
       interpolation method: improved a priori error bound and extensions", SIAM Journal on
       Scientific Computing 38 (2016).
    .. [3] B. Peherstorfer, Z. Drmač and S. Gugercin, "Stability of discrete empirical interpolation
       and gappy proper orthogonal decomposition with randomized and deterministic sampling
       points", SIAM Journal on Scientific Computing 42 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.solvers.reduced import pod
    >>> x = np.linspace(0, 1, 200)
    >>> few = deim(pod(np.exp(-np.linspace(1, 5, 30)[:, None] * x), tol=1e-6))
    >>> f = np.exp(-2.22 * x)
    >>> few.indices.shape, bool(np.abs(few.reconstruct(f[few.indices]) - f).max() < 1e-5)
    ((6,), True)
    """
    require_basis(basis)
    if method not in _methods:
        raise ValueError(f"method is {method!r}: it is one of {', '.join(_methods)}")
    U = basis.rows
    r, n = U.shape
    points = r if points is None else require_count("points", points)
    if not r or not r <= points <= n:
        raise ValueError(
            f"there are {points} points for {r} modes of {n} entries: pass {max(r, 1)} to {n}"
        )
    chosen = _pivoted(U) if method == "qdeim" else _greedy(U)
    chosen = _more(U, chosen, points)
    xp = namespace(U)
    return GappyPOD(basis, xp.asarray(chosen, dtype=xp.int64, device=device(U)))


def _pivoted(U: Any) -> list[int]:
    """Return the columns that a pivoted orthogonal factorisation takes first."""
    xp, r = namespace(U), U.shape[0]
    if is_numpy(xp):
        pivots = scipy_of(xp, "linalg").qr(U, mode="r", pivoting=True, check_finite=False)[1]
        return [int(k) for k in pivots[:r]]
    chosen = []
    for _ in range(r):  # Gram–Schmidt on the columns
        chosen.append(int(xp.argmax(xp.sum(xp.abs(U) ** 2, axis=0))))
        direction = U[:, chosen[-1]]
        direction = direction / xp.linalg.vector_norm(direction)
        for _ in range(2):
            along = xp.matmul(xp.conj(direction) if _complex(U, xp) else direction, U)
            U = U - direction[:, None] * along
    return chosen


def _greedy(U: Any) -> list[int]:
    """Return, mode after mode, the entry that interpolation at those before misses most."""
    xp = namespace(U)
    chosen: list[int] = []
    for k in range(U.shape[0]):
        missed = U[k, :]
        if chosen:
            at = xp.asarray(chosen, device=device(U))
            square = xp.take(U[:k, :], at, axis=1)
            weights = xp.linalg.solve(square.T, xp.take(missed, at)[:, None])
            missed = missed - xp.matmul(weights[:, 0], U[:k, :])
        chosen.append(int(xp.argmax(xp.abs(missed))))
    return chosen


def _more(U: Any, chosen: list[int], points: int) -> list[int]:
    """Return points and further ones, each large in the direction that the others see least."""
    xp = namespace(U)
    while len(chosen) < points:
        at = xp.asarray(chosen, device=device(U))
        Vh = xp.linalg.svd(xp.take(U, at, axis=1).T, full_matrices=False)[2]
        seen = xp.abs(xp.matmul(Vh[-1:, :], U)[0, :])
        for index in chosen:
            seen[index] = -1.0
        chosen = [*chosen, int(xp.argmax(seen))]
    return chosen


def _complex(x: Any, xp: Any) -> bool:
    return bool(xp.isdtype(x.dtype, "complex floating"))


class GappyPOD:
    """Fields of a basis by the least squares of their values at few points [1]_.

    Parameters
    ----------
    basis : POD
        What the fields are combinations of.
    indices : (m,) array of int
        The points, as places in fields in C order; at least as many as modes, and different.

    Attributes
    ----------
    basis, indices
        As given.
    amplification : float
        ``‖(Pᵀ U)⁺‖₂``: by how much errors at the points may grow in the coefficients.

    Raises
    ------
    ValueError
        If there are fewer points than modes, two are equal or out of range, or the values at the
        points do not determine the coefficients.

    References
    ----------
    .. [1] R. Everson and L. Sirovich, "Karhunen–Loève procedure for gappy data", Journal of the
       Optical Society of America A 12 (1995).
    """

    def __init__(self, basis: POD, indices: Any) -> None:
        require_basis(basis)
        require_array("indices", indices)
        xp = namespace(indices, basis.modes)
        device(indices, basis.modes)
        n = basis.rows.shape[1]
        if indices.ndim != 1 or not xp.isdtype(indices.dtype, "integral"):
            raise TypeError(f"indices is {indices.dtype}, {indices.shape}: pass a vector of int")
        if indices.shape[0] < max(basis.rank, 1):
            raise ValueError(f"{indices.shape[0]} points are too few for {basis.rank} modes")
        if bool(xp.any((indices < 0) | (indices >= n))):
            raise ValueError(f"indices are not all between 0 and {n - 1}")
        ordered = xp.sort(indices)
        if bool(xp.any(ordered[1:] == ordered[:-1])):
            raise ValueError("indices has a point twice: pass different ones")
        indices = xp.astype(indices, xp.int64, copy=False)
        self.basis, self.indices = basis, indices
        rows = xp.take(basis.rows, indices, axis=1).T  # (m, r)
        Q, s, Wh = xp.linalg.svd(rows, full_matrices=False)
        if basis.rank and not float(s[-1]) > 1e2 * float(xp.finfo(s.dtype).eps) * float(s[0]):
            raise ValueError(
                f"values at these {indices.shape[0]} points do not determine the coefficients of "
                f"{basis.rank} modes: choose points by deim(basis)"
            )
        self.amplification = 1 / float(s[-1]) if basis.rank else 0.0
        self._at_points = rows
        inverse = xp.astype(1 / s, rows.dtype)
        # coefficients c solve rows c = values; here values are rows, and multiply from the left
        self._fit = xp.matmul(adjoint_of(Wh, xp) * inverse, adjoint_of(Q, xp)).T

    def coefficients(self, values: Any) -> Any:
        """Return coefficients ``(…, rank)`` of the fields with values ``(…, m)`` at the points."""
        values = self._checked(values)
        xp = namespace(values)
        return xp.matmul(values, self._fit)

    def reconstruct(self, values: Any) -> Any:
        """Return the fields ``(…, *shape)`` with values ``(…, m)`` at the points."""
        return self.basis.from_modes(self.coefficients(values))

    def misfit(self, values: Any) -> Any:
        """Return how far values ``(…, m)`` are from those of any field of the basis.

        It is the distance relative to the norm of the values, zero for as many points as modes;
        for values of zeros, 0 or infinity.
        """
        given, values = values, self._checked(values)
        xp = namespace(values)
        unit = row_units(values)
        values = values / unit
        fitted = xp.matmul(xp.matmul(values, self._fit), self._at_points.T)
        wrong = xp.linalg.vector_norm(values - fitted, axis=-1)
        size = xp.linalg.vector_norm(inexact(given, xp) / unit, axis=-1)
        ratio = wrong / xp.where(size > 0, size, xp.ones_like(size))
        return xp.where((size == 0) & (wrong > 0), xp.full_like(ratio, xp.inf), ratio)

    def projector(self, test: POD) -> tuple[Any, Any]:
        """Return ``T``, (r, m), and ``t``, (r,), with ``T values + t ≈ Vᴴ f`` for test modes ``V``.

        ``f`` is the field that is known at the points, ``Vᴴ f`` the plain sum over its entries.
        """
        xp = namespace(test.rows, self._fit)
        V = xp.conj(test.rows) if _complex(test.rows, xp) else test.rows
        tested = xp.matmul(V, self.basis.rows.T)  # (r, rank)
        T = xp.matmul(tested, self._fit.T)
        constant = xp.zeros(V.shape[0], dtype=T.dtype, device=device(T))
        if self.basis.offset is not None:
            constant = xp.matmul(V, self.basis.offset) - xp.matmul(T, self._offset)
        return T, constant

    @property
    def _offset(self) -> Any:
        offset = self.basis.offset
        return None if offset is None else namespace(offset).take(offset, self.indices)

    def _checked(self, values: Any) -> Any:
        m = int(self.indices.shape[0])
        rows, batch = batch_as_rows(values, (m,), "values", self.indices)
        values = namespace(rows).reshape(rows, (*batch, m))
        return values if self._offset is None else values - self._offset

    def __repr__(self) -> str:
        m, r = self.indices.shape[0], self.basis.rank
        return f"<GappyPOD of {r} modes at {m} points, amplification {self.amplification:.3g}>"
