"""Block coordinate descent with exact solutions of the blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from structlin._backend import is_numpy, kernel, namespace
from structlin._kernels import blocks as kernels
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices import GridOperator
from structlin.solvers._solution import Solution, warns_unconverged
from structlin.solvers._vectors import (
    require_limits,
    require_tolerances,
    require_vectors,
    rescaled,
    unit_of,
    unwrapped,
)
from structlin.solvers.relaxation._blocks import prepared_blocks, row_sums
from structlin.solvers.relaxation._stationary import relaxed
from structlin.solvers.relaxation._systems import require_omega, require_positive

_rules = {  # numbered as in the kernel, which takes the first two in a given order
    "cyclic": 0,
    "random": 0,
    "greedy": 1,
    "gauss-southwell-lipschitz": 2,
    "gauss-southwell-q": 3,
}


@warns_unconverged
def block_coordinate_descent(
    A: Any,
    b: Any,
    *,
    blocks: Any = "tree",
    rule: str = "cyclic",
    omega: float = 1.0,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
    rng: Any = None,
) -> Solution:
    """Solve ``A x = b`` by minimising over one block of unknowns after the other.

    Parameters
    ----------
    A : (n, n) GridOperator or SciPy sparse matrix
        The matrix, Hermitian positive definite.
    b : (n,) array, or one in the shape of the grid
        Right-hand side.
    blocks : "tree", int or sequence of index arrays, default "tree"
        The blocks: forests of the graph of ``A``, of which grids need two (red and black trees);
        consecutive rows, so many a block; or the rows of every block.
    rule : str, default "cyclic"
        Which block comes next: ``"cyclic"`` (in turn), ``"random"`` (each with the same
        probability), ``"greedy"`` (Gauss–Southwell: the largest ``‖r_k‖``),
        ``"gauss-southwell-lipschitz"`` (the largest ``‖r_k‖²/L_k`` with a bound ``L_k`` on the
        eigenvalues of the block) or ``"gauss-southwell-q"`` (the largest decrease,
        ``r_kᴴ A_kk⁻¹ r_k``).
    omega : float, default 1
        Relaxation parameter, ``0 < omega < 2``; 1 minimises exactly.
    x0 : array, optional
        Start, in the shape of ``b`` or ``(n,)``; zero by default.
    rtol, atol : float
        The iteration stops after the first sweep with ``‖b − A x‖₂ < max(rtol · ‖b‖₂, atol)``,
        or before the first one if the start is there.
    maxiter : int, default 10_000
        Most sweeps: as many updates as there are blocks.
    time_limit : float, optional
        Seconds after which no further sweeps begin.
    callback : callable, optional
        Called with the iterate after every sweep, in the shape of ``b``.
    rng : numpy.random.Generator, int or None
        Source of random blocks.

    Returns
    -------
    Solution
        With ``choices`` ``omega``, ``rule`` and ``blocks`` (how many); an iteration is a sweep;
        see `sor` for the status.

    Raises
    ------
    ValueError
        If an option is unknown, shapes disagree, entries are NaN or Inf, the matrix is not
        Hermitian, a block is not positive definite, or the tolerance is beyond the precision.
    TypeError
        If ``A`` is neither a grid operator nor a sparse matrix, or lives on a GPU.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    An update ``x_k ← x_k + ω A_kk⁻¹ r_k`` lowers ``½ xᴴ A x − Re bᴴ x`` by
    ``½ ω (2 − ω) r_kᴴ A_kk⁻¹ r_k``. The residual is carried along, so that an update costs the
    entries of its columns, and the solution of the block: twice the square of its size with an
    inverse, four operations a row with a tree, by messages from its leaves to its roots and back.
    Greedy rules renew the scores of the blocks whose residual has changed, and keep them in a tree
    of winners.

    References
    ----------
    J. Nutini, I. Laradji and M. Schmidt, "Let's make block coordinate descent converge faster:
    faster greedy rules, message-passing, active-set complexity, and superlinear convergence",
    J. Mach. Learn. Res. 23 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> A = GridOperator.laplacian((10, 10))
    >>> block_coordinate_descent(A, np.ones(100), omega=1.4).iterations
    57
    """
    omega = require_omega(omega)
    if rule not in _rules:
        raise ValueError(f"rule is {rule!r}: use one of {', '.join(map(repr, _rules))}")
    prepared = _Descent(A, b, x0, blocks, rule, rng)
    require_tolerances(rtol, atol, prepared.b)
    require_limits(maxiter, time_limit, callback)
    choices = {"omega": omega, "rule": rule, "blocks": prepared.blocks.number}
    return relaxed(prepared, omega, rtol, atol, maxiter, time_limit, callback, choices)


def _rows_of(A: Any) -> Any:
    """Return the user's matrix in CSR form, its columns sorted, on the host."""
    known = isinstance(A, GridOperator)
    A = unwrapped(A)
    if not known and not hasattr(A, "tocsr"):
        raise TypeError(
            f"A is a {type(A).__name__}: block coordinate descent needs a GridOperator or a SciPy "
            "sparse matrix (scipy.sparse.csr_array makes one of a dense array)"
        )
    if not is_numpy(namespace(A)):
        raise TypeError("blocks are relaxed on the CPU only: pass NumPy arrays")
    A = A.tosparse() if known else A.tocsr().copy()
    A.check_format(full_check=True)  # compiled loops follow its indices unchecked
    require_finite("A", A)
    A.sum_duplicates()
    A.eliminate_zeros()
    return A


class _Descent:
    """A Hermitian sparse matrix and its blocks; vectors are flat."""

    def __init__(self, A: Any, b: Any, x0: Any, blocks: Any, rule: str, rng: Any) -> None:
        matrix = _rows_of(A)
        b, x0 = require_vectors(A, b, x0)
        self.unit = unit_of(b, x0)
        self.shape = b.shape
        self._matrix = matrix.astype(b.dtype)
        self.diagonal = self._matrix.diagonal()
        require_positive(self.diagonal)
        _require_hermitian(self._matrix)
        self.b, self.x = b.reshape(-1) / self.unit, np.zeros(b.size, b.dtype)
        if x0 is not None:
            self.x = x0.reshape(-1) / self.unit
        self.blocks = prepared_blocks(self._matrix, blocks)
        count = self.blocks.number
        self._rule = _rules[rule]
        self._random = np.random.default_rng(rng) if rule == "random" else None
        leaves = 1 << max(count - 1, 0).bit_length()
        self._sweep = kernel(namespace(b), kernels.sweep)
        self._work = (
            self.blocks.owner,
            row_sums(self._matrix, self.blocks),
            np.empty(leaves),
            np.empty(2 * leaves, np.int64),
            np.empty(count, np.int64),
        )

    def product(self, x: Any) -> Any:
        """Return ``A x``."""
        return self._matrix @ x

    def relax(
        self, x: Any, omega: float, target: float, ceiling: float, norms: Any
    ) -> tuple[Any, int]:
        """Sweep until a residual norm leaves the interval."""
        x, A = np.array(x), self._matrix
        r = self.b - self.product(x)
        d = np.empty_like(x)
        order = np.arange(self.blocks.number)
        for k in range(1, norms.size):
            if self._random is not None:
                order = self._random.integers(order.size, size=order.size)
            self._sweep(
                x,
                r,
                d,
                omega,
                order,
                self._rule,
                A.indptr,
                A.indices,
                A.data,
                *self._work,
                *self.blocks,
            )
            norms[k] = norm(r)
            if not target <= norms[k] <= ceiling:
                return x, k
        return x, norms.size - 1

    def restored(self, x: Any) -> Any:
        """Return an iterate in the shape and unit of the right-hand side."""
        return rescaled(x.reshape(self.shape), self.unit)


def _require_hermitian(A: Any) -> None:
    gap = abs(A - A.conj().T)
    if gap.nnz and gap.max() > 100 * np.finfo(A.dtype).eps * abs(A).max():
        raise ValueError(
            "A is not Hermitian: descent minimises ½ xᴴ A x − Re bᴴ x, which needs it to be"
        )
