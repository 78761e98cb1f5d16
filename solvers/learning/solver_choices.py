"""Solvers to choose from: all that a matrix admits, in one form."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from structlin._backend import is_numpy, namespace
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices import GridOperator
from structlin.solvers._solution import Solution, Solver, quiet, warns_unconverged
from structlin.solvers._vectors import require_vectors, unwrapped
from structlin.solvers.fast_sine import fast_sine
from structlin.solvers.krylov.cg import cg
from structlin.solvers.learners._knobs import Scale
from structlin.solvers.learners._learner import Learner
from structlin.solvers.learners.choice import Choice
from structlin.solvers.learners.quadratic_surrogate import QuadraticSurrogate
from structlin.solvers.learners.thompson import ThompsonSampling
from structlin.solvers.learning._defaults import default_learner
from structlin.solvers.multigrid.multigrid_cg import multigrid_cg
from structlin.solvers.relaxation.sor import sor
from structlin.solvers.relaxation.ssor_cg import ssor_cg

# The parameters worth learning beside omega of the relaxations, their ranges and scales: chosen so
# wide that matrices that suit the solver have their best inside.
_others: dict[str, tuple[str, float, float, Scale]] = {
    "ilu_cg": ("drop_tol", 1e-4, 1e-1, "log"),
    "multigrid_cg": ("omega", 0.7, 1.5, "linear"),
}
_relaxed = ("sor", "ssor_cg")
_known = (*_relaxed, *_others, "cg", "amg_cg", "fast_sine")


def solver_choices(A: Any) -> dict[str, Solver]:
    """Return the solvers for Hermitian positive definite matrices that a matrix admits.

    Parameters
    ----------
    A : (n, n) GridOperator, sparse matrix, operator or array
        The matrix, or one of the family.

    Returns
    -------
    dict of str to callable
        `cg`, always; `sor` and `ssor_cg` for grids, and for sparse matrices on NumPy; `ilu_cg`
        for both on NumPy; `amg_cg` likewise, where PyAMG is installed; `multigrid_cg` for real
        grids; `fast_sine` for constant coefficients and Dirichlet sides. All are called as
        ``solver(A, b, x0=…, rtol=…, atol=…)``, those that iterate with ``maxiter=`` and
        ``time_limit=``, those that relax with ``omega=``.

    Raises
    ------
    TypeError
        If this is no matrix.

    Notes
    -----
    Their iterations are not comparable: learn by seconds which one to choose, as `solver_learner`
    does in a `RelaxationLayer`.

    Examples
    --------
    >>> from structlin.matrices import GridOperator
    >>> choices = solver_choices(GridOperator.laplacian((8, 8)))
    >>> "sor" in choices, "fast_sine" in choices
    (True, True)
    """
    xp = namespace(A)
    chosen: dict[str, Solver] = {"cg": cg}
    grid = isinstance(A, GridOperator)
    sparse = hasattr(unwrapped(A), "tocsr")
    if grid or (sparse and is_numpy(xp)):
        chosen |= {"sor": sor, "ssor_cg": ssor_cg}
    if (grid or sparse) and is_numpy(xp):
        chosen["ilu_cg"] = ilu_cg
        if importlib.util.find_spec("pyamg") is not None:
            chosen["amg_cg"] = amg_cg
    if isinstance(A, GridOperator) and not A.is_complex:
        chosen["multigrid_cg"] = multigrid_cg
    if isinstance(A, GridOperator) and _constant(A):
        chosen["fast_sine"] = fast_sine
    return chosen


def solver_learner(solvers: Iterable[str], *, contexts: Any = None, rng: Any = None) -> Choice:
    """Return a learner that chooses among solvers, and the parameter of each one.

    Parameters
    ----------
    solvers : iterable of str
        Names of `solver_choices`.
    contexts : (low, high), sequence of such pairs, or None
        The range of what is known of a system beforehand.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Returns
    -------
    Choice
        Thompson sampling among the solvers. ``omega`` of `sor` and `ssor_cg` is chosen as in a
        `RelaxationLayer` of these alone; ``omega`` of `multigrid_cg` and ``drop_tol`` of `ilu_cg`
        by a `QuadraticSurrogate` each.

    Raises
    ------
    ValueError
        If there is no solver, or one of another name.

    Examples
    --------
    >>> from structlin.matrices import GridOperator
    >>> from structlin.solvers import RelaxationLayer
    >>> solvers = solver_choices(GridOperator.laplacian((8, 8)))
    >>> layer = RelaxationLayer(solvers, learner=solver_learner(solvers), loss="seconds")
    """
    names = list(solvers)
    if not names or not set(names) <= set(_known):
        raise ValueError(f"solvers is {names}: pass names among {', '.join(_known)}")
    options: dict[str, Learner | None] = dict.fromkeys(names)
    for name in names:
        if name in _relaxed:
            options[name] = default_learner((name,), "omega", contexts, None)
        elif name in _others:
            knob, low, high, scale = _others[name]
            options[name] = QuadraticSurrogate(
                {knob: (low, high)}, scale={knob: scale}, contexts=contexts
            )
    return Choice(options, selector=ThompsonSampling(len(names), contexts), rng=rng)


@warns_unconverged
def ilu_cg(
    A: Any,
    b: Any,
    *,
    drop_tol: float = 1e-3,
    fill_factor: float = 10.0,
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
) -> Solution:
    """Solve ``A x = b`` by conjugate gradients preconditioned by an incomplete factorisation.

    Parameters
    ----------
    A : (n, n) GridOperator or SciPy sparse matrix
        The matrix, Hermitian positive definite.
    b : (n,) array, or one in the shape of the grid
        Right-hand side, of NumPy.
    drop_tol : float
        Entries of the factors that are smaller, relative to their column, are dropped: less is
        more accurate, and takes longer.
    fill_factor : float
        Entries of the factors, at most, by those of the matrix.
    x0, rtol, atol, maxiter, time_limit, callback
        As of `cg`; the time limit begins after the factorisation.

    Returns
    -------
    Solution
        With ``choices`` ``drop_tol`` and ``fill_factor``; status ``"breakdown"`` after 0
        iterations: there is no factorisation.

    Raises
    ------
    TypeError
        If ``A`` is neither a grid operator nor a sparse matrix, or not of NumPy.
    ValueError
        As `cg` does, or if a parameter of the factorisation is out of range.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    SuperLU gives ``A ≈ L U`` [1]_, which dropping leaves slightly unsymmetric; the preconditioner
    is the symmetric part ``½ ((L U)⁻¹ + (L U)⁻ᴴ)``.

    References
    ----------
    .. [1] X. S. Li and M. Shao, "A supernodal approach to incomplete LU factorization with partial
       pivoting", ACM Transactions on Mathematical Software 37(4), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> ilu_cg(GridOperator.laplacian((30, 30)), np.ones(900)).iterations < 20
    True
    """
    if not 0 <= drop_tol < 1:
        raise ValueError(f"drop_tol is {drop_tol!r}: it is a number in [0, 1)")
    if not fill_factor >= 1:
        raise ValueError(f"fill_factor is {fill_factor!r}: it is a number >= 1")
    matrix, b, x0 = _checked(A, b, x0)
    choices = {"drop_tol": drop_tol, "fill_factor": fill_factor}
    import scipy.sparse.linalg

    try:
        factors = scipy.sparse.linalg.spilu(
            matrix.tocsc().astype(b.dtype),
            drop_tol=drop_tol,
            fill_factor=fill_factor,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:  # a pivot is zero
        return _breakdown(matrix, b, x0, choices)

    def precondition(r: Any) -> Any:
        return 0.5 * (factors.solve(r) + factors.solve(r, "H"))

    solution = quiet(cg)(
        A,
        b,
        x0=x0,
        rtol=rtol,
        atol=atol,
        maxiter=maxiter,
        preconditioner=precondition,
        time_limit=time_limit,
        callback=callback,
    )
    return dataclasses.replace(solution, choices=choices)


@warns_unconverged
def amg_cg(
    A: Any,
    b: Any,
    *,
    method: str = "smoothed-aggregation",
    x0: Any = None,
    rtol: float = 1e-8,
    atol: float = 0.0,
    maxiter: int = 10_000,
    time_limit: float | None = None,
    callback: Callable[[Any], object] | None = None,
) -> Solution:
    """Solve ``A x = b`` by conjugate gradients preconditioned by PyAMG's algebraic multigrid.

    Parameters
    ----------
    A : (n, n) GridOperator or SciPy sparse matrix
        The matrix, Hermitian positive definite.
    b : (n,) array, or one in the shape of the grid
        Right-hand side, of NumPy.
    method : {"smoothed-aggregation", "ruge-stuben"}
        Which hierarchy PyAMG sets up, with its defaults. Ruge–Stüben is for real matrices.
    x0, rtol, atol, maxiter, time_limit, callback
        As of `cg`; the time limit begins after the setup.

    Returns
    -------
    Solution
        With ``choices`` ``method``.

    Raises
    ------
    TypeError
        If ``A`` is neither a grid operator nor a sparse matrix, or not of NumPy.
    ValueError
        As `cg` does, or if the method is unknown.
    ImportError
        If PyAMG is not installed.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Notes
    -----
    PyAMG estimates spectral radii from NumPy's global random state: seed that to repeat a
    run of smoothed aggregation.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> A = GridOperator.laplacian((50, 50))
    >>> amg_cg(A, np.ones(2500)).iterations < 20
    True
    """
    if method not in ("smoothed-aggregation", "ruge-stuben"):
        raise ValueError(f"method is {method!r}: pass 'smoothed-aggregation' or 'ruge-stuben'")
    matrix, b, x0 = _checked(A, b, x0)
    pyamg = importlib.import_module("pyamg")

    if method == "ruge-stuben":
        hierarchy = pyamg.ruge_stuben_solver(matrix)
    else:
        hierarchy = pyamg.smoothed_aggregation_solver(matrix, symmetry="hermitian")
    solution = quiet(cg)(
        A,
        b,
        x0=x0,
        rtol=rtol,
        atol=atol,
        maxiter=maxiter,
        preconditioner=hierarchy.aspreconditioner(),
        time_limit=time_limit,
        callback=callback,
    )
    return dataclasses.replace(solution, choices={"method": method})


def _checked(A: Any, b: Any, x0: Any) -> tuple[Any, Any, Any]:
    """Return the matrix in CSR form, and the vectors."""
    matrix = A.sparse.matrix if isinstance(A, GridOperator) else unwrapped(A)
    if not hasattr(matrix, "tocsr") or not is_numpy(namespace(matrix)):
        raise TypeError(f"A is a {type(A).__name__}: pass a SciPy sparse matrix, or a GridOperator")
    b, x0 = require_vectors(A if isinstance(A, GridOperator) else matrix, b, x0)
    require_finite("A.data", matrix.data)
    return matrix.tocsr(), b, x0


def _breakdown(matrix: Any, b: Any, x0: Any, choices: dict[str, Any]) -> Solution:
    x = np.zeros_like(b) if x0 is None else x0
    residual = norm(np.reshape(b, -1) - matrix @ np.reshape(x, -1))
    return Solution(x, "breakdown", 0, np.array([residual]), choices)


def _constant(A: GridOperator) -> bool:
    """Tell whether `fast_sine` solves this."""
    dirichlet = all(side == "dirichlet" for pair in A.sides for side in pair)
    return dirichlet and A.shift.size == 1 and all(weight.size == 1 for weight in A.weights)
