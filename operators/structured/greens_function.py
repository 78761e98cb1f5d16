"""Green's functions, learned from a solver or from pairs of forcings and solutions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np

from structlin._backend import namespace
from structlin._norm import norm
from structlin._validation import (
    inexact,
    require_count,
    require_finite_samples,
    require_positive,
    require_tolerance,
)
from structlin.bases import Grid
from structlin.matrices import LowRank
from structlin.operators.structured._cluster_tree import Cluster, cluster_tree
from structlin.operators.structured._integral_operator import IntegralOperator
from structlin.operators.structured._pairs import pairs_of
from structlin.operators.structured._probing import (
    Product,
    Ranks,
    forcings,
    from_pairs,
    low_rank,
    peeled,
)
from structlin.operators.structured.hierarchical_low_rank import HierarchicalLowRank

# forcings that are held out to measure the error
_tests = 10
# what a symmetric Green's function may lack in symmetry, as a part of it
_asymmetric = 1e-2
# the error from which on a warning tells that little was learned; chosen, not tuned
_poor = 0.1

Structure = Literal["hierarchical", "low rank"]


class GreensFunction(IntegralOperator):
    """The kernel of a linear map ``u(x) = ∫ G(x, y) f(y) dy``, from forcings and solutions.

    Parameters
    ----------
    rank : int
        The largest rank: of the whole kernel, or of every block off the diagonal.
    structure : {"hierarchical", "low rank"}
        Blocks of low rank for pairs of boxes that do not meet, at every scale, with dense blocks on
        the diagonal: for kernels that are not smooth where ``x = y``. Or one of low rank.
    symmetric : bool
        Whether ``G(x, y) = G(y, x)``, as of self-adjoint equations. Half as many solutions do then,
        and no adjoint equation.
    oversampling : int
        Random forcings beyond the rank.
    tol : float
        Singular values of a block below this part of its largest one are left out.
    leaf : int
        Points of a dense block on the diagonal, at most.
    length_scale : float
        That of the random forcings, relative to the sides of the box in which they live.
    rng : None, int or numpy.random.Generator, optional
        Gives the random forcings.

    Attributes
    ----------
    operator : LinearOperator
        Takes values of ``f`` to those of ``u``, as vectors in C order: the kernel times the weights
        of the quadrature.
    grid : Grid
        The grid of both functions.
    error_estimate : float
        ``‖u − G f‖ / ‖u‖`` for forcings that were held out, all of them together.
    solves : int
        How many equations were solved to learn it, those for checks and the error included.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    With the roots of the weights, ``W^½ A W^{-½}`` is the matrix whose singular values are those
    of the map of square-integrable functions, and whose symmetry is that of the kernel.

    **One of low rank** is found by a randomised singular value decomposition with forcings from a
    Gaussian process [1]_: ``2 (rank + oversampling)`` solutions. **A hierarchical one** [2]_ is
    peeled [3]_: forcings that live on every second box of a size tell the ranges of all blocks of
    that size at once, larger blocks being known. That takes ``2 (rank + oversampling)`` solutions
    for each of the ``log₂(n / leaf)`` sizes (twice as many with an adjoint), and ``leaf`` for the
    diagonal: ``O(rank · log n)`` for ``n`` points of a line.

    References
    ----------
    .. [1] N. Boullé and A. Townsend, "Learning elliptic partial differential equations with
       randomized linear algebra", Found. Comput. Math. 23 (2023).
    .. [2] N. Boullé, D. Halikias and A. Townsend, "Elliptic PDE learning is provably
       data-efficient", PNAS 120 (2023).
    .. [3] L. Lin, J. Lu and L. Ying, "Fast construction of hierarchical matrix representation from
       matrix-vector multiplication", J. Comput. Phys. 230 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 257)
    >>> G = np.minimum(x[:, None], x) * (1 - np.maximum(x[:, None], x))
    >>> learned = GreensFunction(rank=2, rng=0).learn(lambda f: f @ G / 256, Grid(x))
    >>> learned.solves < 128, learned.error_estimate < 1e-9
    (True, True)
    """

    def __init__(
        self,
        *,
        rank: int = 16,
        structure: Structure = "hierarchical",
        symmetric: bool = True,
        oversampling: int = 6,
        tol: float = 1e-12,
        leaf: int = 32,
        length_scale: float = 0.1,
        rng: Any = None,
    ) -> None:
        if structure not in ("hierarchical", "low rank"):
            raise ValueError(f"structure is {structure!r}: pass 'hierarchical' or 'low rank'")
        for name, value, least in (
            ("rank", rank, 1),
            ("oversampling", oversampling, 0),
            ("leaf", leaf, 1),
        ):
            require_count(name, value, least=least)
        require_tolerance("tol", tol)
        require_positive("length_scale", length_scale)
        self.structure = structure
        self.symmetric = symmetric
        self.length_scale = length_scale
        self.leaf = leaf
        self._ranks = Ranks(rank, oversampling, tol)
        self._rng = np.random.default_rng(rng)
        self._balanced = None

    # learning

    def learn(
        self,
        solver: Callable[[Any], Any],
        grid: Grid | Any,
        *,
        adjoint: Callable[[Any], Any] | None = None,
        weights: Any = None,
    ) -> Self:
        """Learn the kernel from a solver that is asked for solutions.

        Parameters
        ----------
        solver : callable, or object with ``solve``
            Returns solutions (k, …) of forcings of that shape; linear, with zero data
            on the boundary.
        grid : Grid
            The grid on which functions are known.
        adjoint : callable, or object with ``solve``
            The solver of the adjoint equation; needed unless the kernel is symmetric.
        weights : array of the grid's shape, optional
            The weights of the quadrature ``∫ f ≈ Σ weights f`` in which the solver is symmetric, or
            the adjoint is one. By default those of the grid: of the trapezoidal rule for nodes,
            which has half a step at the ends of the box.

        Returns
        -------
        GreensFunction
            Itself.

        Raises
        ------
        ValueError
            If an adjoint is missing, the kernel is not symmetric but should be, the solver does not
            take zero to zero, or a solution has another shape than its forcing, a NaN or Inf.

        Warns
        -----
        UserWarning
            If the error of forcings that were held out is above 10 %.
        """
        if not self.symmetric and adjoint is None:
            raise ValueError(
                "a kernel that is not symmetric needs adjoint=, the solver of the adjoint equation"
            )
        self._set_grid(Grid.of(grid), weights)
        solve = self._product_of(solver)
        solve_adjoint = None if self.symmetric else self._product_of(adjoint)
        tests = self._smooth(_tests)
        xp = self.grid.xp
        answers = solve(xp.concat([tests, xp.zeros_like(tests[:, :1])], axis=1))
        answers, rest = answers[:, :-1], answers[:, -1:]
        self._require_linear(rest, answers)
        if self.symmetric:
            self._require_symmetric(tests, answers)
        if self.structure == "low rank":
            probes = self._smooth(self._ranks.probes)
            made: LowRank | HierarchicalLowRank = low_rank(
                solve, solve_adjoint or self._by_symmetry(solve), probes, self._ranks
            )
        else:
            made = self._hierarchical(solve, solve_adjoint)
        self._finish(made, tests, answers)
        return self

    def fit(
        self,
        inputs: Any,
        outputs: Any,
        *,
        grid: Grid | Any = None,
        output_grid: None = None,
        weights: Any = None,
    ) -> Self:
        """Learn a kernel of low rank from pairs of forcings and solutions.

        Parameters
        ----------
        inputs, outputs : (n, …) array
            Forcings and their solutions. The last fifth of them measures the error.
        grid : Grid
            The grid on which functions are known.
        output_grid : None
            Forcings and solutions share the grid.
        weights : array of the grid's shape, optional
            As for `learn`.

        Returns
        -------
        GreensFunction
            Itself.

        Raises
        ------
        ValueError
            If the structure is hierarchical, whose blocks pairs that were not asked for do not
            separate; if there is no grid, it does not fit, or a sample has a NaN or Inf.

        Warns
        -----
        UserWarning
            If the error of forcings that were held out is above 10 %.

        Notes
        -----
        A symmetric kernel is taken as ``Y (Fᵀ Y)⁺ Yᵀ`` of forcings ``F`` and solutions ``Y``, and
        another one as ``Y F⁺``, which is right only for what the forcings span.
        """
        if self.structure != "low rank":
            raise ValueError(
                "pairs tell a kernel of low rank: pass structure='low rank', or learn from a solver"
            )
        if grid is None or output_grid is not None:
            raise ValueError("pass grid=, that of both forcings and solutions, and no output_grid")
        pairs = pairs_of(inputs, outputs)
        grid = Grid.of(grid)
        namespace(inputs, *grid.axes)
        for name, shape in (("inputs", pairs.input_shape), ("outputs", pairs.output_shape)):
            if shape != grid.shape:
                raise ValueError(f"{name} have shape {shape} but the grid has {grid.shape}")
        held = max(pairs.count // 5, 1)
        if pairs.count <= held:
            raise ValueError(f"there are {pairs.count} pairs: one is held out, pass two or more")
        self._set_grid(grid, weights)
        self._single = pairs.xp.finfo(pairs.dtype).bits == 32
        rows, answers = (self._root[:, None] * pairs.xp.matrix_transpose(x) for x in pairs.rows())
        known = pairs.count - held
        made = from_pairs(
            rows[:, :known], answers[:, :known], self._ranks, symmetric=self.symmetric
        )
        made_of = LowRank(made.U * pairs.gain, made.V)
        self.solves = 0
        self._finish(made_of, rows[:, known:], answers[:, known:] * pairs.gain)
        return self

    def _hierarchical(self, solve: Product, adjoint: Product | None) -> HierarchicalLowRank:
        """Return the kernel peeled in the order of the tree."""
        tree = cluster_tree(self.grid, self.leaf)
        xp = self.grid.xp
        order, places = (
            xp.asarray(p, device=self.grid.device) for p in (tree.order, np.argsort(tree.order))
        )

        def ordered(product: Product | None) -> Any:
            if product is None:
                return None
            return lambda X: xp.take(product(xp.take(X, places, axis=0)), order, axis=0)

        def probe(cluster: Cluster, count: int) -> Any:
            points = tree.order[cluster.start : cluster.stop]
            index = np.unravel_index(points, self.grid.shape)
            inside = tuple(i - a for i, (a, _) in zip(index, cluster.box, strict=True))
            samples = forcings(self.grid, cluster.box, count, self.length_scale, self._rng)
            columns = xp.asarray(samples[(slice(None), *inside)].T.copy(), device=self.grid.device)
            place = xp.asarray(points, device=self.grid.device)
            return columns * xp.take(self._root, place)[:, None]

        return peeled(ordered(solve), ordered(adjoint), tree, probe, self._ranks)

    def _set_grid(self, grid: Grid, weights: Any) -> None:
        xp = grid.xp
        if weights is None:
            weights = grid.weights()
        weights = xp.astype(grid.evaluate(weights, "weights"), xp.float64)
        if not bool(xp.all(weights > 0)) or not bool(xp.all(xp.isfinite(weights))):
            raise ValueError("weights of a quadrature must be positive and finite")
        self.grid, self._balanced = grid, None
        self._single = grid.dtype == xp.float32
        self._root = xp.reshape(xp.sqrt(weights), (-1,))
        self.solves = 0

    def _smooth(self, count: int) -> Any:
        """Return (size, count) random smooth forcings, times the roots of the weights."""
        xp, grid = self.grid.xp, self.grid
        box = tuple((0, n) for n in grid.shape)
        samples = forcings(grid, box, count, self.length_scale, self._rng)
        columns = samples.reshape(count, grid.size).T.copy()
        return xp.asarray(columns, device=grid.device) * self._root[:, None]

    def _product_of(self, solver: Any) -> Product:
        """Return the solver as ``W^½ A W^{-½}``, a product with (n, k) blocks."""
        grid, root = self.grid, self._root[:, None]
        xp = grid.xp
        call = solver.solve if hasattr(solver, "solve") else solver

        def product(X: Any) -> Any:
            count = X.shape[1]
            F = xp.reshape(xp.matrix_transpose(X / root), (count, *grid.shape))
            kind = xp.complex128 if xp.isdtype(F.dtype, "complex floating") else xp.float64
            if grid.dtype == xp.float32:
                kind = xp.complex64 if kind == xp.complex128 else xp.float32
            U = call(xp.astype(F, kind))
            shape = getattr(U, "shape", None)
            if shape is None or tuple(shape) != tuple(F.shape):
                came = f"a {type(U).__name__}" if shape is None else f"shape {tuple(shape)}"
                raise ValueError(
                    f"the solver returned {came} for forcings of shape {tuple(F.shape)}: both are "
                    f"arrays (k, {', '.join(map(str, grid.shape))})"
                )
            namespace(U, F)
            require_finite_samples("the solutions", U)
            self.solves += count
            U = inexact(U, xp)
            is_complex = xp.isdtype(U.dtype, "complex floating")
            U = xp.astype(U, xp.complex128 if is_complex else xp.float64)
            return xp.matrix_transpose(xp.reshape(U, (count, grid.size))) * root

        return product

    def _by_symmetry(self, solve: Product) -> Product:
        """Return the product with the adjoint of a symmetric matrix."""
        xp = self.grid.xp

        def conj(x: Any) -> Any:
            return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x

        return lambda X: conj(solve(conj(X)))

    def _require_linear(self, rest: Any, answers: Any) -> None:
        """Raise unless the answer to zero is none, beside those to the tests."""
        xp = namespace(answers)
        eps = float(xp.finfo(xp.float32 if self._single else xp.float64).eps)
        size, typical = norm(rest), norm(answers) / _tests**0.5
        if size > eps**0.5 * typical:
            raise ValueError(
                f"the solver is affine: its solution of a forcing of zero is {size:.2g}, beside "
                f"{typical:.2g} of the others. Subtract solver(0): learn from "
                "lambda f: solver(f) - solver(0 * f), and add solver(0) to what is predicted"
            )

    def _require_symmetric(self, tests: Any, answers: Any) -> None:
        xp = namespace(answers)
        products = xp.matmul(xp.matrix_transpose(xp.astype(tests, answers.dtype)), answers)
        size = norm(products)
        gap = norm(products - xp.matrix_transpose(products))
        if gap > _asymmetric * size:
            raise ValueError(
                f"⟨f, G g⟩ and ⟨G f, g⟩ differ by {gap / size:.2g} of their size: the kernel is "
                "not symmetric, pass symmetric=False and adjoint=, or the weights= of the inner "
                "product in which it is"
            )

    def _finish(self, made: LowRank | HierarchicalLowRank, tests: Any, answers: Any) -> None:
        found = made @ tests
        size = norm(answers)
        self.error_estimate = norm(found - answers) / size if size else 0.0
        self._balanced = made
        self._restore()
        if self.error_estimate > _poor:
            cure = "a larger rank=" if self.solves else "more pairs, or a larger rank="
            if self.solves and self.structure == "low rank":
                cure += " or structure='hierarchical'"
            warnings.warn(
                f"the error of forcings that were held out is {self.error_estimate:.2g}: pass "
                f"{cure}, and see that solutions are linear in forcings",
                stacklevel=3,
            )
