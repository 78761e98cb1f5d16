"""Norms of a matrix that is known by its products, with bounds."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._norm import column_norms, norm as euclidean
from structlin.matrices import Dense, LinearOperator, norm as exact_norm, svdvals
from structlin.matrices._base import adjoint_of
from structlin.matrices.fallback import has_svd, structured
from structlin.sketching._estimate import Estimate, estimate, mean_and_error, not_finite
from structlin.sketching._krylov import adjoint_product, known_norm
from structlin.sketching._leave_one_out import signed, spherical
from structlin.sketching._operand import as_matrix, needing_adjoint
from structlin.sketching._orth import orthonormalize, orthonormalize_against
from structlin.sketching._random import seed_of
from structlin.sketching._result import warn_unconverged
from structlin.sketching.row_blocks import RowBlocks, Summand
from structlin.sketching.trace_of_function import quadrature

# rows or columns up to which all singular values are worked out
_small = 256
# columns and most blocks of the Krylov space, and the chance of a norm above the interval
_width, _most, _chance = 8, 40, 1e-6


def norm(
    A: Any,
    ord: str | float = "fro",
    *,
    method: str = "auto",
    probes: int = 30,
    tol: float = 0.05,
    rng: Any = None,
) -> Estimate:
    """Estimate a norm of a matrix by products with random vectors.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix. The 2-norm and the nuclear norm also take products with its adjoint.
    ord : {"fro", 2, "nuc", 1, inf}
        Which one, as for `structlin.norm`. For 1 and ∞ there are exact methods only.
    method : {"auto", "exact", "random"}
        ``"exact"`` is `structlin.norm`. ``"auto"`` takes it where the entries or the structure tell
        the norm, and for singular values where there are 256 at most.
    probes : int
        Random vectors for the Frobenius and the nuclear norm.
    tol : float
        The Krylov space of the 2-norm grows until the interval has this relative length.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the random vectors.

    Returns
    -------
    Estimate
        ``value`` and ``interval``. For the 2-norm, the value is a lower bound and the interval
        begins with it; ``error_estimate`` is its length.

    Raises
    ------
    ValueError
        If entries are not finite, or options make no sense.
    NotImplementedError
        If the adjoint is needed, and the operator has none.

    Warns
    -----
    ConvergenceWarning
        If the interval of the 2-norm is longer than ``tol`` says.

    Notes
    -----
    ``‖A‖_F² = E ‖A ω‖²`` for random signs ``ω``. The nuclear norm is ``tr (Aᴴ A)^(1/2)``, by
    `trace_of_function`; singular values below ``√eps σ₁`` drown in the rounding errors of
    ``Aᴴ A``, which the error does not tell. The 2-norm is the largest singular value on a block
    Krylov space with normal random vectors. After ``q`` blocks, a single vector misses ``(1 − ε)
    σ₁²`` with a probability of at most ``1.648 √n exp(−(2 q − 1) √ε)`` [1]_, the eight vectors of a
    block with its eighth power, and the upper bound is the one which that probability puts below
    10⁻⁶. The value itself is much nearer to the norm as a rule.

    References
    ----------
    .. [1] J. Kuczyński and H. Woźniakowski, "Estimating the largest eigenvalue by the power and
       Lanczos algorithms with a random start", SIAM Journal on Matrix Analysis and Applications
       13 (1992).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin import Toeplitz
    >>> result = norm(Toeplitz(0.5 ** np.arange(1000.0)), 2, rng=0)
    >>> low, high = result.interval
    >>> bool(2.99 < low < 3 < high < 3.15)
    True
    """
    A = as_matrix(A)
    if ord not in ("fro", 2, "nuc", 1, math.inf):
        raise ValueError(f"ord is {ord!r}: choose one of 'fro', 2, 'nuc', 1, inf")
    if method not in ("auto", "exact", "random"):
        raise ValueError(f"method is {method!r}: choose one of 'auto', 'exact', 'random'")
    if method == "random" and ord in (1, math.inf):
        raise ValueError(f"ord is {ord!r}, for which there is no random method: use 'auto'")
    if operator.index(probes) < 2:
        raise ValueError(f"probes is {probes}: a standard error takes two")
    if not tol > 0:
        raise ValueError(f"tol is {tol}: it has to be positive")
    if ord == "fro" and isinstance(A, RowBlocks) and method != "random":
        return estimate(_of_rows(A), method="exact: one pass over the entries", passes=1)
    if method == "exact" or (method == "auto" and _known(A, ord)) or 0 in A.shape:
        return _exact(A, ord)
    seed = seed_of(rng)
    if ord == 2:
        result = _spectral(A, tol, seed)
        warn_unconverged(result, "raise tol, which is the length of the interval")
        return result
    return (_frobenius if ord == "fro" else _nuclear)(A, probes, seed)


def _known(A: LinearOperator, ord: str | float) -> bool:
    """Tell whether the norm is had without much work."""
    if ord in (1, math.inf):
        return True
    if ord == "fro":
        return known_norm(A) is not None or structured(exact_norm, A)
    return min(A.shape) <= _small or (
        not isinstance(A, Dense) and (structured(svdvals, A) or has_svd(A))
    )


def _exact(A: LinearOperator, ord: str | float) -> Estimate:
    with np.errstate(over="ignore"):
        value = float(exact_norm(A, ord))
    if not math.isfinite(value):
        raise ValueError(f"{A!r} has a NaN or Inf, or its norm is beyond numbers")
    return estimate(value, method="exact: structlin.norm", passes=int(0 not in A.shape))


def _of_rows(A: RowBlocks) -> float:
    """Return the Frobenius norm of a matrix that is read by rows."""
    summand = Summand(lambda: 0.0, lambda t, rows, _: math.hypot(t, euclidean(rows)), 1, math.hypot)
    return float(A.one_pass([summand])[0][0])


def _frobenius(A: LinearOperator, probes: int, seed: int) -> Estimate:
    sizes = column_norms(A @ signed(A, probes, seed))
    unit = float(A.xp.max(sizes)) or 1.0
    square, error = mean_and_error((sizes / unit) ** 2)
    value = math.sqrt(square)
    return estimate(
        unit * value,
        unit * error / (2 * value or 1.0),
        method=f"products with {probes} vectors of random signs",
        passes=1,
        seed=seed,
        matvecs=probes,
    )


def _nuclear(A: LinearOperator, probes: int, seed: int) -> Estimate:
    xp = A.xp
    tall = A if A.shape[0] >= A.shape[1] else A.H
    trial = signed(tall, 1, seed)
    with needing_adjoint(A, "this norm"):
        # squares of the singular values have to stay within the range of numbers
        unit = euclidean(tall @ trial) / euclidean(trial) or 1.0
        if not math.isfinite(unit):
            raise not_finite()
        scaled = tall * (1 / unit)
        found = quadrature(
            scaled.H @ scaled, lambda x: xp.sqrt(xp.clip(x, 0.0, None)), probes=probes, rng=seed
        )
    return estimate(
        unit * found.value,
        unit * found.standard_error,
        unit * found.bias,
        method=f"square root of the Gram matrix: {found.method}",
        passes=2 * found.passes + 1,
        iterations=found.iterations,
        seed=seed,
        matvecs=2 * found.matvecs + 1,
    )


def _spectral(A: LinearOperator, tol: float, seed: int) -> Estimate:
    xp, tall, small = A.xp, A.shape[0] > A.shape[1], min(A.shape)
    # from the longer side to the shorter, where the basis is, and back
    product = _adjoint if tall else LinearOperator.matvec
    back = LinearOperator.matvec if tall else _adjoint
    X = spherical(A.T if tall else A, _width, seed)
    basis = images = None
    unit = value = reach = 0.0
    for blocks in range(1, _most + 1):
        Y = product(A, X / _sizes(X))
        if basis is None:
            basis, added = orthonormalize(Y[:, : min(_width, small)])
        else:
            room = min(_width, small - basis.shape[1])
            new, _, added = orthonormalize_against(basis, Y[:, :room])
            basis = xp.concat((basis, new), axis=1)
        X = back(A, basis[:, -added.shape[0] :])
        unit = unit or euclidean(X) or 1.0
        images = X / unit if images is None else xp.concat((images, X / unit), axis=1)
        # a space that does not grow any more holds what the start has of every singular vector
        complete = basis.shape[1] == small or euclidean(added) <= _negligible(A) * euclidean(Y)
        if blocks % 4 and not complete:
            continue
        largest = float(xp.max(xp.linalg.eigvalsh(adjoint_of(images, xp) @ images)))
        value = math.sqrt(max(largest, 0.0)) * unit
        reach = 1.0 if complete else _reach(blocks, small)
        if value * reach <= value * (1 + tol):
            break
    upper = value * reach
    return estimate(
        value,
        method=f"block Krylov space of {blocks} blocks of {_width}",
        converged=upper <= value * (1 + tol),
        error_estimate=upper - value,
        interval=(value, upper),
        passes=2 * blocks,
        iterations=blocks,
        seed=seed,
        matvecs=2 * _width * blocks,
    )


def _adjoint(A: LinearOperator, X: Any) -> Any:
    return adjoint_product(A, X, "this norm")


def _sizes(X: Any) -> Any:
    """Return norms of columns, and 1 for 0: squares of what is multiplied with must be numbers."""
    sizes = column_norms(X)
    return sizes + namespace(X).astype(sizes == 0, sizes.dtype)


def _negligible(A: LinearOperator) -> float:
    return 100 * math.sqrt(max(A.shape)) * float(A.xp.finfo(A.dtype).eps)


def _reach(blocks: int, n: int) -> float:
    """Return the factor by which the norm may exceed that on a Krylov space."""
    for_each = _chance ** (1 / _width)
    root = math.log(1.648 * math.sqrt(n) / for_each) / (2 * blocks - 1)
    return 1 / math.sqrt(1 - root**2) if root < 1 else math.inf
