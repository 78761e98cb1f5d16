"""Reduced models: Newton's method for the coefficients, with the equations at few points."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._norm import norm
from structlin._validation import inexact, require_array, require_count
from structlin.sketching._operand import as_matrix
from structlin.solvers._solution import Solution, Status, require_callable, warns_unconverged
from structlin.solvers.reduced._state import Lookup, ReducedState
from structlin.solvers.reduced.basis import POD, require_basis
from structlin.solvers.reduced.cubature import Cubature
from structlin.solvers.reduced.gappy import GappyPOD

# how often a step of Newton's method is halved, and the decrease that a step has to bring
_halvings, _decrease = 10, 1e-4


class ReducedModel:
    """Galerkin's method in a basis, for nonlinear equations that are given by callables.

    The equations are ``Σ θ_q(µ) A_q u + R(u; µ) = 0`` for fields ``u`` of ``n`` entries; the model
    finds the coefficients of ``u = V c`` (plus the mean) with ``Vᴴ (Σ θ_q A_q u + R) = 0``.

    Parameters
    ----------
    basis : POD
        ``V``.
    residual : callable
        ``residual(u, mu, idx)`` returns the (m,) entries of ``R`` at the places ``idx``, an array
        of integers, in C order. It reads ``u`` by ``u[places]`` only, with integer arrays of any
        shape: a full model may pass an (n,) array, this one passes a `ReducedState`.
    linear : optional
        ``A``: an (n, n) array, sparse matrix or operator, or a sequence of pairs
        ``(theta, matrix)``, where ``theta(mu)`` is the factor of that matrix; by default there is
        no linear part.
    sampling : GappyPOD or Cubature, optional
        At which points ``R`` is evaluated, and what is made of it: interpolation or least squares
        in a basis of ``R`` (`deim`), or an `empirical_cubature` of its products with modes. By
        default at all of them.
    jacobian : callable, optional
        ``jacobian(u, mu, idx)`` returns the derivatives of ``residual(u, mu, idx)``: an (m,) array
        by ``u[idx]`` where entries depend on nothing else, or the pair ``(columns, values)`` of
        (m, k) arrays, the places on which entries depend and the derivatives. By default
        derivatives by the coefficients are differences.

    Attributes
    ----------
    basis, sampling
        As given.
    indices : (m,) array of int
        Where the residual is evaluated.

    Raises
    ------
    ValueError
        If shapes do not fit, or the basis is empty.
    TypeError
        If ``basis`` is no `POD`, ``sampling`` chooses no points, or a callable is none.

    Notes
    -----
    A step costs an evaluation of ``R`` at ``m`` points, ``O(m r²)`` operations with ``jacobian``
    and ``r`` more evaluations without it, and ``O(r³)``: nothing depends on ``n``. Steps are
    halved as long as they do not lower ``‖Vᴴ(…)‖``.

    ``mu`` may be anything. An implicit time step is such an equation, too: ``mu`` then holds the
    `state` before it, which the residual reads at ``idx`` like ``u``.

    The modes test the equations as they are: entries of ``R`` are those of the discrete equations,
    with volumes of cells in them where cells differ.

    References
    ----------
    S. Chaturantabut and D. C. Sorensen, "Nonlinear model reduction via discrete empirical
    interpolation", SIAM Journal on Scientific Computing 32 (2010).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.solvers.reduced import deim, pod
    >>> x = np.linspace(0, 1, 400)
    >>> basis = pod(1 / (1 + np.linspace(0, 3, 30)[:, None] * x), tol=1e-8)
    >>> model = ReducedModel(  # u + (µ x u − 1) = 0, and u is the basis of both terms
    ...     basis, lambda u, mu, idx: mu * x[idx] * u[idx] - 1, linear=np.eye(400),
    ...     sampling=deim(basis))
    >>> u = model.field(model.solve(1.234).x)
    >>> bool(np.abs(u - 1 / (1 + 1.234 * x)).max() < 1e-6)
    True
    """

    def __init__(
        self,
        basis: POD,
        residual: Callable[..., Any],
        *,
        linear: Any = None,
        sampling: GappyPOD | Cubature | None = None,
        jacobian: Callable[..., Any] | None = None,
    ) -> None:
        require_basis(basis)
        require_callable("residual", residual)
        if jacobian is not None:
            require_callable("jacobian", jacobian)
        if sampling is not None and not isinstance(sampling, GappyPOD | Cubature):
            raise TypeError(
                f"sampling is a {type(sampling).__name__}: pass deim(pod(terms)), "
                "GappyPOD(pod(terms), indices), or a cubature"
            )
        if not basis.rank:
            raise ValueError("the basis has no modes: snapshots were zero, or the tolerance large")
        self.basis, self.sampling = basis, sampling
        self._residual, self._jacobian = residual, jacobian
        xp, V = namespace(basis.modes), basis.rows
        if sampling is None:
            self.indices = xp.arange(V.shape[1], dtype=xp.int64, device=device(V))
            self._T = xp.conj(V) if xp.isdtype(V.dtype, "complex floating") else V
            self._t = None
        else:
            self.indices = sampling.indices
            if int(xp.max(self.indices)) >= V.shape[1]:
                raise ValueError(
                    f"sampling has the place {int(xp.max(self.indices))}, but fields have "
                    f"{V.shape[1]} entries"
                )
            self._T, self._t = sampling.projector(basis)
        self._lookup = Lookup(basis)
        self._thetas, self._linear = _projected(linear, basis, self.indices)

    # what callables see

    def state(self, coefficients: Any) -> ReducedState:
        """Return the field of coefficients, as the callables get it."""
        return ReducedState(self._lookup, self._checked("coefficients", coefficients))

    def field(self, coefficients: Any) -> Any:
        """Return the fields ``(…, *shape)`` of coefficients ``(…, r)``."""
        return self.basis.from_modes(coefficients)

    def values(self, coefficients: Any, mu: Any) -> Any:
        """Return ``R`` at the points, an (m,) array."""
        return self._called(self.state(coefficients), mu)

    def _called(self, state: ReducedState, mu: Any) -> Any:
        found = self._residual(state, mu, self.indices)
        if tuple(getattr(found, "shape", ())) != tuple(self.indices.shape):
            raise ValueError(
                f"residual returned shape {tuple(getattr(found, 'shape', ()))} for "
                f"{self.indices.shape[0]} places: return a value for each"
            )
        return found

    # the reduced equations

    def _equations(self, c: Any, mu: Any, linear: Any) -> Any:
        xp = namespace(c)
        r = xp.matmul(self._T, self._called(ReducedState(self._lookup, c), mu))
        if self._t is not None:
            r = r + self._t
        if linear is not None:
            r = r + xp.matmul(linear[0], c) + linear[1]
        return r

    def _linear_at(self, mu: Any) -> Any:
        if not self._linear:
            return None
        matrix, constant = 0.0, 0.0
        for theta, (A, a, _, _) in zip(self._thetas, self._linear, strict=True):
            factor = 1.0 if theta is None else theta(mu)
            matrix, constant = matrix + factor * A, constant + factor * a
        return matrix, constant

    def misfit(self, coefficients: Any, mu: Any) -> float:
        """Return how far ``R`` at the points is from what a solution would have there.

        With a linear part ``A`` it is ``‖A u + R‖`` over the points, relative to the larger one of
        both terms: the equations themselves. Without one it is the misfit of ``R`` to the basis of
        a `GappyPOD`, which needs more points than modes. An `ErrorIndicator` makes errors of it.

        Raises
        ------
        ValueError
            If there is neither a linear part nor a `GappyPOD`.
        """
        values = self.values(coefficients, mu)
        coefficients = self._checked("coefficients", coefficients)
        xp = namespace(values)
        if self._linear:
            other: Any = 0.0
            for theta, (_, _, A, a) in zip(self._thetas, self._linear, strict=True):
                factor = 1.0 if theta is None else theta(mu)
                other = other + factor * (xp.matmul(A, coefficients) + a)
            size = max(norm(values), norm(other))
            return norm(values + other) / size if size else 0.0
        if isinstance(self.sampling, GappyPOD):
            return float(self.sampling.misfit(values))
        raise ValueError("there is no misfit: pass a linear part, or a GappyPOD as sampling")

    def _derivative(self, c: Any, r: Any, mu: Any, linear: Any) -> Any:
        xp = namespace(c)
        if self._jacobian is None:
            return self._differences(c, r, mu, linear)
        found = self._jacobian(ReducedState(self._lookup, c), mu, self.indices)
        if isinstance(found, tuple):
            columns, values = found
            self._require_jacobian(found, 2)
            rows = xp.sum(values[..., None] * self._lookup.rows_at(columns), axis=1)
        else:
            self._require_jacobian((found,), 1)
            rows = found[:, None] * self._lookup.rows_at(self.indices)
        J = xp.matmul(self._T, rows)
        return J if linear is None else J + linear[0]

    def _require_jacobian(self, parts: tuple[Any, ...], ndim: int) -> None:
        m = self.indices.shape[0]
        shapes = [tuple(getattr(part, "shape", ())) for part in parts]
        if len(set(shapes)) > 1 or len(shapes[0]) != ndim or shapes[0][0] != m:
            raise ValueError(
                f"jacobian returned {' and '.join(map(str, shapes))} for {m} places: return an "
                f"array ({m},) of derivatives by u[idx], or a tuple (columns, values) of two "
                f"arrays ({m}, k)"
            )

    def _differences(self, c: Any, r: Any, mu: Any, linear: Any) -> Any:
        xp = namespace(c)
        step = math.sqrt(float(xp.finfo(c.dtype).eps)) * max(
            float(xp.max(xp.abs(c))), self._typical
        )
        one = xp.eye(c.shape[0], dtype=c.dtype, device=device(c))
        columns = []
        for k in range(c.shape[0]):
            moved = c + step * one[k, :]
            columns.append((self._equations(moved, mu, linear) - r) / step)
        return xp.stack(columns, axis=1)

    @property
    def _typical(self) -> float:
        """The size of coefficients of the snapshots."""
        values = self.basis.singular_values
        first = float(values[0]) if values.shape[0] else 1.0
        return first / math.sqrt(max(self.basis.samples, 1))

    @warns_unconverged
    def solve(
        self, mu: Any, *, start: Any = None, rtol: float | None = None, maxiter: int = 30
    ) -> Solution:
        """Return the coefficients of the solution for a parameter.

        Parameters
        ----------
        mu : object
            What the callables get.
        start : (r,) array, optional
            Coefficients to start from, by default zeros.
        rtol : float, optional
            Newton's method ends with a step of this size, relative to the coefficients; by default
            1e-8, and 1e-5 in single precision.
        maxiter : int
            Steps.

        Returns
        -------
        Solution
            ``x`` has the coefficients, see `field`; ``residual_norms`` are those of the reduced
            equations.

        Raises
        ------
        ValueError
            If shapes do not fit, or ``R`` is NaN or Inf at the start.

        Warns
        -----
        ConvergenceWarning
            If the steps do not become that small.
        """
        maxiter = require_count("maxiter", maxiter)
        c = self._start(start)
        xp = namespace(c)
        eps = float(xp.finfo(c.dtype).eps)
        rtol = (1e-8 if eps < 1e-10 else 1e-5) if rtol is None else rtol
        if not isinstance(rtol, numbers.Real) or not eps <= float(rtol) < 1:
            raise ValueError(
                f"rtol is {rtol!r}: steps in {c.dtype} are resolved to {eps:.1g}, pass a number "
                "from there to below 1"
            )
        linear = self._linear_at(mu)
        r = self._equations(c, mu, linear)
        norms: list[float] = [norm(r)]
        status: Status = "max_iterations"
        if not math.isfinite(norms[0]):
            raise ValueError(
                "the residual is NaN or Inf at the start: pass a start for which it is finite"
            )
        for _ in range(maxiter):
            if norms[-1] == 0:
                status = "converged"
                break
            try:
                step = -xp.linalg.solve(self._derivative(c, r, mu, linear), r[:, None])[:, 0]
            except np.linalg.LinAlgError:
                status = "breakdown"
                break
            length = norm(step)
            if not math.isfinite(length):
                status = "breakdown"
                break
            if length <= rtol * norm(c + step):
                c, status = c + step, "converged"
                norms.append(norm(self._equations(c, mu, linear)))
                break
            damped = self._damped(c, step, norms[-1], mu, linear)
            if damped is None:
                status = "stagnated"
                break
            c, r = damped
            norms.append(norm(r))
        return Solution(c, status, len(norms) - 1, np.asarray(norms))

    def _damped(
        self, c: Any, step: Any, before: float, mu: Any, linear: Any
    ) -> tuple[Any, Any] | None:
        """Return the first of halved steps that lowers the residual, and the residual there."""
        part = 1.0
        for _ in range(_halvings):
            moved = c + part * step
            with np.errstate(over="ignore", invalid="ignore"):
                r = self._equations(moved, mu, linear)
                after = norm(r)
            if after <= (1 - _decrease * part) * before:
                return moved, r
            part = part / 2
        return None

    def _start(self, start: Any) -> Any:
        xp, V = namespace(self.basis.modes), self.basis.rows
        if start is None:
            return xp.zeros(self.basis.rank, dtype=V.dtype, device=device(V))
        return self._checked("start", start)

    def _checked(self, name: str, c: Any) -> Any:
        """Return a copy of coefficients in the data type of the modes, or one that has it."""
        xp, V = namespace(self.basis.modes), self.basis.rows
        require_array(name, c)
        namespace(c, V)
        device(c, V)
        if tuple(c.shape) != (self.basis.rank,):
            raise ValueError(
                f"{name} has shape {tuple(c.shape)} but there are {self.basis.rank} modes"
            )
        c = inexact(c, xp)
        return xp.astype(c, xp.result_type(c.dtype, V.dtype), copy=True)

    def __repr__(self) -> str:
        n, m = self.basis.rows.shape[1], self.indices.shape[0]
        return f"<ReducedModel of {n} unknowns: {self.basis.rank} modes, {m} points>"


def _projected(
    linear: Any, basis: POD, indices: Any
) -> tuple[list[Any], list[tuple[Any, Any, Any, Any]]]:
    """Return the factors of the linear parts, and what of them is needed.

    For each ``A`` these are ``Vᴴ A V`` and ``Vᴴ A mean``, and the rows of ``A V`` and ``A mean`` at
    the points.
    """
    if linear is None:
        return [], []
    pairs = linear if isinstance(linear, list | tuple) else [(None, linear)]
    xp, V = namespace(basis.modes), basis.rows
    n, test = V.shape[1], V
    if xp.isdtype(V.dtype, "complex floating"):
        test = xp.conj(V)
    thetas, parts = [], []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise TypeError(
                f"linear has a {type(pair).__name__} in its list: pass one matrix, or a list of "
                "pairs [(theta, matrix), …] with functions theta(mu)"
            )
        theta, matrix = pair
        if theta is not None:
            require_callable("theta", theta)
        A = as_matrix(matrix, "linear")
        if tuple(A.shape) != (n, n):
            size = "x".join(map(str, A.shape))
            raise ValueError(f"a linear part is {size} but fields have {n} entries")
        image = A @ V.T
        shift = xp.zeros(n, dtype=V.dtype, device=device(V))
        if basis.offset is not None:
            shift = A @ basis.offset
        at = xp.take(image, indices, axis=0), xp.take(shift, indices)
        thetas.append(theta)
        parts.append((xp.matmul(test, image), xp.matmul(test, shift), *at))
    return thetas, parts
