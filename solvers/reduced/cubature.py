"""Empirical cubature: few points and positive weights that integrate given functions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, namespace, to_host
from structlin._errors import ConvergenceWarning
from structlin._validation import (
    inexact,
    require_array,
    require_count,
    require_tolerance,
)
from structlin.solvers.reduced._fields import positive_weights, snapshots_as_rows
from structlin.solvers.reduced.basis import POD
from structlin.solvers.reduced.pod import pod


@dataclass(frozen=True, eq=False)
class Cubature:
    """A positive rule of few points, made by `empirical_cubature`.

    Attributes
    ----------
    indices : (m,) array of int
        The points, as places in fields in C order, ascending.
    weights : (m,) array
        Positive.
    error : float
        ``‖J w − b‖ / ‖b‖`` for the functions of the basis, the constant one among them.
    functions : int
        How many functions of the basis the rule was made for.
    converged : bool
        Whether the error is within the tolerance.
    """

    indices: Any
    weights: Any
    error: float
    functions: int
    converged: bool

    def integrate(self, values: Any) -> Any:
        """Return the integrals of functions, of values ``(…, m)`` at the points."""
        require_array("values", values)
        xp = namespace(values, self.weights)
        m = int(self.weights.shape[0])
        if values.ndim < 1 or values.shape[-1] != m:
            raise ValueError(f"values has shape {tuple(values.shape)}: the last axis must have {m}")
        return xp.sum(inexact(values, xp) * self.weights, axis=-1)

    def projector(self, test: POD) -> tuple[Any, Any]:
        """Return ``T``, (r, m), and ``t = 0`` with ``T values ≈ Vᴴ W f`` for test modes ``V``.

        ``f`` is the field that is known at the points, ``W`` has the weights of the full rule.
        """
        xp = namespace(test.rows, self.weights)
        rows = xp.take(test.rows, self.indices, axis=1)
        rows = xp.conj(rows) if xp.isdtype(rows.dtype, "complex floating") else rows
        T = rows * self.weights
        return T, xp.zeros(rows.shape[0], dtype=T.dtype, device=device(T))

    def __repr__(self) -> str:
        m = self.indices.shape[0]
        return f"<Cubature of {m} points for {self.functions} functions, error {self.error:.2g}>"


def empirical_cubature(
    integrands: Any,
    weights: Any = None,
    *,
    tol: float = 1e-6,
    points: int | None = None,
) -> Cubature:
    """Return points and positive weights that integrate what spans some integrands.

    Parameters
    ----------
    integrands : (samples, *shape) array
        Values of functions at all points of a full rule.
    weights : (*shape) array, optional
        The positive weights of the full rule; by default ones, so that integrals are sums.
    tol : float
        The relative error of the integrals: of a basis of the integrands by the few points, and
        of the integrands by the basis.
    points : int, optional
        How many points are allowed; by default as many as it takes.

    Returns
    -------
    Cubature
        The rule, which integrates constants, too.

    Raises
    ------
    ValueError
        If a weight is not positive: the message names it; if shapes do not fit, or a sample has a
        NaN or Inf.

    Warns
    -----
    ConvergenceWarning
        If the tolerance is not reached with the points allowed.

    Notes
    -----
    The rows of ``J`` are a basis of the integrands from `pod`, in the inner product of the
    weights, and the part of the constant that they do not have; ``b = J w`` are
    their integrals. Point after point, the largest entry of ``Jᵀ r`` for the residual ``r`` gives
    the next one, and the weights are the non-negative least squares [1]_: the active-set method of
    Lawson and Hanson [2]_, ended when ``‖r‖ ≤ tol ‖b‖``. There are never more points than
    functions. It costs ``O(m p n)`` for ``m`` points and ``p`` functions, on the host.

    Positive weights keep the symmetry and the positivity of reduced matrices.

    References
    ----------
    .. [1] J. A. Hernández, M. A. Caicedo and A. Ferrer, "Dimensional hyper-reduction of nonlinear
       finite element models via empirical cubature", Computer Methods in Applied Mechanics and
       Engineering 313 (2017).
    .. [2] C. L. Lawson and R. J. Hanson, "Solving least squares problems", Prentice-Hall, 1974,
       chapter 23.

    Examples
    --------
    >>> import numpy as np
    >>> x = (np.arange(1000) + 0.5) / 1000
    >>> rule = empirical_cubature(x ** np.arange(6)[:, None], np.full(1000, 1e-3), tol=1e-8)
    >>> rule.indices.shape, round(float(rule.integrate(x[rule.indices] ** 3)), 6)
    ((6,), 0.25)
    """
    return _cubature(integrands, weights, tol, points)


def _cubature(integrands: Any, weights: Any, tol: float, points: int | None) -> Cubature:
    tol = require_tolerance("tol", tol)
    S, shape = snapshots_as_rows(integrands, "integrands")
    xp = namespace(S)
    if xp.isdtype(S.dtype, "complex floating"):
        S = xp.concat((xp.real(S), xp.imag(S)), axis=0)
    w = _weights(weights, shape, S)
    largest = None if points is None else require_count("points", points)
    # the integrals of functions that the basis misses by tol are off by tol of their size
    basis = pod(S, tol=0.1 * tol, mass=w)
    roots = np.sqrt(to_host(w))
    full = roots / np.linalg.norm(roots)
    J = to_host(basis.rows) * roots  # orthonormal rows
    rest = full - (full @ J.T) @ J
    rest -= (rest @ J.T) @ J
    if np.linalg.norm(rest) > 1e-8:  # the constant is not a combination of the integrands
        J = np.concatenate((J, rest[None, :] / np.linalg.norm(rest)))
    # unknown are the ratios of the new weights to the roots of the old ones
    b = J @ full
    chosen, values, error = _nonnegative(J, b, tol, largest)
    converged = error <= tol
    if not converged:
        warnings.warn(
            f"{len(chosen)} points leave an error of {error:.2g}, more than {tol:.2g}: allow more "
            "points, or loosen tol",
            ConvergenceWarning,
            stacklevel=3,  # who called the public function
        )
    order = np.argsort(chosen)
    indices = np.asarray(chosen, dtype=np.int64)[order]
    found = values[order] * roots[indices] * np.linalg.norm(roots)
    like = {"device": device(S)}
    return Cubature(
        indices=xp.asarray(indices, **like),
        weights=xp.asarray(found, dtype=xp.finfo(S.dtype).dtype, **like),
        error=error,
        functions=J.shape[0],
        converged=converged,
    )


def galerkin_cubature(
    test: POD,
    fields: Any,
    weights: Any = None,
    *,
    tol: float = 1e-4,
    points: int | None = None,
) -> Cubature:
    """Return a rule for the products of test modes with fields, which Galerkin's method sums.

    Parameters
    ----------
    test : POD
        The modes ``v_k`` that test the equations.
    fields : (samples, *shape) array
        Samples of what is tested: the nonlinear term, at solutions.
    weights, tol, points
        As for `empirical_cubature`, of the integrands ``v_k f``.

    Returns
    -------
    Cubature

    Raises
    ------
    ValueError
        If there are no modes, and as for `empirical_cubature`.

    Warns
    -----
    ConvergenceWarning
        As for `empirical_cubature`.

    Notes
    -----
    All products are held in memory, ``samples · rank`` fields.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.solvers.reduced import pod
    >>> x = np.linspace(0, 1, 300)
    >>> S = np.sin(np.linspace(1, 3, 20)[:, None] * x)
    >>> basis = pod(S, 3)
    >>> rule = galerkin_cubature(basis, S**3)
    >>> T, _ = rule.projector(basis)
    >>> exact = basis.rows @ S[7] ** 3
    >>> bool(np.linalg.norm(T @ S[7, rule.indices] ** 3 - exact) < 1e-3 * np.linalg.norm(exact))
    True
    """
    F, shape = snapshots_as_rows(fields, "fields")
    if shape != test.shape:
        raise ValueError(f"fields have shape {shape} but the modes {test.shape}")
    if not test.rank:
        raise ValueError("the basis has no modes: there is nothing to integrate")
    xp = namespace(F, test.rows)
    V = test.rows
    V = xp.conj(V) if xp.isdtype(V.dtype, "complex floating") else V
    products = V[:, None, :] * F[None, :, :]
    products = xp.reshape(products, (-1, *shape))
    return _cubature(products, weights, tol, points)


def _weights(weights: Any, shape: tuple[int, ...], S: Any) -> Any:
    """Return the weights of the rule that is to be thinned out, checked."""
    xp, n = namespace(S), S.shape[1]
    if weights is None:
        return xp.ones(n, dtype=xp.finfo(S.dtype).dtype, device=device(S))
    require_array("weights", weights)
    if tuple(weights.shape) not in (shape, (n,)):
        raise ValueError(f"weights has shape {tuple(weights.shape)} but integrands have {shape}")
    return positive_weights("weights", weights, S)


def _nonnegative(J: Any, b: Any, tol: float, largest: int | None) -> tuple[list[int], Any, float]:
    """Return points, their weights, and ``‖J x − b‖ / ‖b‖``, of non-negative least squares.

    Columns are added one by one, until the error is within the tolerance, there are as many as
    allowed, or the least squares are found.
    """
    size = np.linalg.norm(b)
    lengths = np.linalg.norm(J, axis=0)
    # columns that are rounding errors are none
    lengths = np.where(lengths > 1e-14 * np.max(lengths), lengths, np.inf)
    chosen: list[int] = []
    x = np.zeros(0)
    residual, banned = b, np.zeros(J.shape[1], dtype=bool)
    most = min(J.shape) if largest is None else min(largest, *J.shape)
    for _ in range(10 * J.shape[0]):
        error = float(np.linalg.norm(residual) / size)
        if error <= tol or len(chosen) == most:
            break
        gain = (residual @ J) / lengths
        gain[chosen], gain[banned] = -np.inf, -np.inf
        new = int(np.argmax(gain))
        if not gain[new] > 1e-14 * size:
            break
        trial, x_trial = [*chosen, new], np.append(x, 0.0)
        trial, x_trial = _feasible(J, b, trial, x_trial)
        rest = b - J[:, trial] @ x_trial
        if new not in trial or not np.linalg.norm(rest) < np.linalg.norm(residual):
            banned[new] = True  # it does not lessen the error in this precision
            continue
        chosen, x, residual = trial, x_trial, rest
        banned[:] = False
    return chosen, x, float(np.linalg.norm(residual) / size)


def _feasible(J: Any, b: Any, chosen: list[int], x: Any) -> tuple[list[int], Any]:
    """Return the least squares of some columns, without those that would be negative."""
    while chosen:
        best = np.linalg.lstsq(J[:, chosen], b, rcond=None)[0]
        if np.all(best > 0):
            return chosen, best
        negative = best <= 0
        # as far towards the least squares as weights stay positive
        ratio = x[negative] / np.maximum(x[negative] - best[negative], np.finfo(np.float64).tiny)
        step = np.min(ratio)
        x = x + step * (best - x)
        kept = (x > 1e-15 * np.max(np.abs(x), initial=0.0)) & ~(negative & (x <= 0))
        if np.all(kept):
            kept[int(np.argmin(np.where(negative, x, np.inf)))] = False
        chosen, x = [k for k, keep in zip(chosen, kept, strict=True) if keep], x[kept]
    return chosen, x
