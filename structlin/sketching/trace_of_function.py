"""The trace of a function of a Hermitian matrix, by stochastic Lanczos quadrature."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from structlin._backend import namespace
from structlin.matrices import LinearOperator, eigh
from structlin.matrices.fallback import has_eigh
from structlin.matrices.systems import square
from structlin.sketching._estimate import Estimate, estimate, mean_and_error
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._random_lanczos import RandomLanczos
from structlin.sketching._result import warn_unconverged

# probes without and with a tolerance; steps at first and at most; rows up to which the
# eigenvalues themselves cost about as little
_probes, _most_probes = 30, 3840
_first_steps, _most_steps = 24, 400
_small = 256


def trace_of_function(
    A: Any,
    f: Callable[[Any], Any],
    *,
    method: str = "auto",
    probes: int | None = None,
    steps: int | None = None,
    tol: float | None = None,
    rng: Any = None,
) -> Estimate:
    """Estimate ``tr f(A) = Σ f(λ)`` of a Hermitian matrix.

    Parameters
    ----------
    A : (n, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix. Hermitian: that is checked, of operators without known entries by products.
    f : callable
        Takes an array of real numbers within the spectrum, of double precision and of the array
        library of ``A``, and returns as many real numbers.
    method : {"auto", "exact", "slq"}
        ``"auto"`` takes the eigenvalues where the structure knows them or there are 256 at most,
        and stochastic Lanczos quadrature otherwise.
    probes : int, optional
        Starting vectors, 30 by default; with ``tol``, the most that are used, 3840 by default.
    steps : int, optional
        Lanczos steps of each, two at least. By default as many as make the bias small beside the
        standard error, between 24 and 400.
    tol : float, optional
        Double the probes until ``error_estimate <= tol |value|``.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the probes.

    Returns
    -------
    Estimate
        ``value``, ``standard_error``, ``bias``, and their sum ``error_estimate``.

    Raises
    ------
    ValueError
        If ``A`` is not square, not Hermitian or not finite, ``f`` does not return as many finite
        real numbers as it is given, or options make no sense.
    TypeError
        If ``f`` is no function.

    Warns
    -----
    ConvergenceWarning
        If ``tol`` was not reached.

    Notes
    -----
    With vectors ``z`` of random signs, ``E zᴴ f(A) z = tr f(A)``, and ``k`` steps of Lanczos'
    iteration give the Gauss quadrature ``zᴴ f(A) z ≈ n Σ τ_j² f(θ_j)``: ``θ`` are the eigenvalues
    of the tridiagonal matrix, ``τ`` the first entries of its eigenvectors. The cost is
    ``probes × steps`` products, in blocks of all probes, and ``4 n`` numbers for each probe. The
    standard error is that over the probes. The bias of the quadrature is extrapolated from those
    of fewer steps, as if it shrank geometrically.

    References
    ----------
    S. Ubaru, J. Chen and Y. Saad, "Fast estimation of tr(f(A)) via stochastic Lanczos
    quadrature", SIAM Journal on Matrix Analysis and Applications 38 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin import Toeplitz
    >>> A = Toeplitz(0.5 ** np.arange(1000.0))
    >>> result = trace_of_function(A, lambda x: 1 / x, rng=0)
    >>> bool(abs(float(result) - 4 / 3 * (2 + 998 * 1.25)) < 3 * result.error_estimate)
    True
    """
    A = square(as_matrix(A), "trace_of_function")
    if not callable(f):
        raise TypeError(f"f is a {type(f).__name__}: a function is needed, such as numpy.log")
    if method not in ("auto", "exact", "slq"):
        raise ValueError(f"method is {method!r}: choose one of 'auto', 'exact', 'slq'")
    require_options(probes, steps, tol)
    n = A.shape[0]
    if method == "exact" or n == 0 or (method == "auto" and (n <= _small or has_eigh(A))):
        values = _of(f, A.xp.astype(eigh(A).eigenvalues, A.xp.float64))
        total, _ = mean_and_error(values) if n else (0.0, 0.0)
        return estimate(total * n, method="exact: eigenvalues", passes=1)
    return quadrature(A, f, probes=probes, steps=steps, tol=tol, rng=rng)


def require_options(probes: int | None, steps: int | None, tol: float | None) -> None:
    """Raise unless the options of the quadrature make sense."""
    if probes is not None and operator.index(probes) < 2:
        raise ValueError(f"probes is {probes}: a standard error takes two")
    if steps is not None and operator.index(steps) < 2:
        raise ValueError(f"steps is {steps}: an estimate of the bias takes two")
    if tol is not None and not tol > 0:
        raise ValueError(f"tol is {tol}: it has to be positive")


def quadrature(
    A: LinearOperator,
    f: Callable[[Any], Any],
    *,
    probes: int | None = None,
    steps: int | None = None,
    tol: float | None = None,
    rng: Any = None,
) -> Estimate:
    """Return ``tr f(A)`` by stochastic Lanczos quadrature, as `trace_of_function` does."""
    xp, seed = A.xp, seed_of(rng)
    most = (_probes if tol is None else _most_probes) if probes is None else probes
    taken = _first_steps if steps is None else steps
    samples = xp.zeros(0, dtype=xp.float64, device=A.device)
    rounds = passes = matvecs = 0
    bias = 0.0
    count = most if tol is None else min(most, _probes)
    while True:
        iteration = RandomLanczos(A, count, seed if rounds == 0 else seed_of([seed, rounds]))
        iteration.advance(taken)
        while True:
            new, off = _samples(iteration, f)
            value, error = mean_and_error(xp.concat((samples, new)))
            enough = 0.1 * (error if tol is None else tol * abs(value))
            enough = max(enough, 10 * float(xp.finfo(A.dtype).eps) * abs(value))
            taken = iteration.steps
            if steps is not None or off <= enough or taken >= _most_steps:
                break
            # beyond n steps as well: rounding makes them worth while
            iteration.advance(min(taken // 2, _most_steps - taken))
        samples, bias, rounds = xp.concat((samples, new)), max(bias, off), rounds + 1
        passes, matvecs = passes + taken, matvecs + taken * count
        reached = tol is None or error + bias <= tol * abs(value)
        count = min(2 * samples.shape[0], most) - samples.shape[0]
        if reached or count < 1 or (tol is not None and bias > tol * abs(value)):
            break
    result = estimate(
        value,
        error,
        bias,
        method=f"stochastic Lanczos quadrature, {samples.shape[0]} probes, {taken} steps",
        converged=reached,
        passes=passes,
        iterations=taken,
        seed=seed,
        matvecs=matvecs,
    )
    warn_unconverged(result, "allow more probes and steps, or ask for less", stacklevel=4)
    return result


def _of(f: Callable[[Any], Any], nodes: Any) -> Any:
    """Return ``f(nodes)``, which must be as many finite real numbers."""
    xp, values = namespace(nodes), f(nodes)
    shape, dtype = getattr(values, "shape", None), getattr(values, "dtype", None)
    if shape != nodes.shape or not xp.isdtype(dtype, ("bool", "integral", "real floating")):
        raise ValueError(
            f"f takes an array of shape {nodes.shape} to {type(values).__name__} of shape {shape} "
            f"and data type {dtype}: as many real numbers are needed"
        )
    values = xp.astype(values, xp.float64)
    if not bool(xp.all(xp.isfinite(values))):
        raise ValueError("f is NaN or Inf at some point of the spectrum")
    return values


def _samples(iteration: RandomLanczos, f: Callable[[Any], Any]) -> tuple[Any, float]:
    """Return ``zᴴ f(A) z`` of every probe, and what the quadrature may be off in the mean."""
    xp, (n, _), k = iteration.A.xp, iteration.A.shape, iteration.steps

    def forms(steps: int) -> Any:
        nodes, weights = iteration.quadrature(steps)
        return n * xp.sum(weights * _of(f, nodes), axis=1)

    samples = forms(k)
    fewer = max(k // 4, 1)
    if k <= 2 * fewer:  # nothing to extrapolate from
        return samples, abs(float(xp.mean(samples - forms(k - 1))))
    once, twice = forms(k - fewer), forms(k - 2 * fewer)
    last, before = (abs(float(xp.mean(x))) for x in (samples - once, once - twice))
    ratio = min(last / before, 0.95) if before > 0 else 0.0
    return samples, last * ratio / (1 - ratio)
