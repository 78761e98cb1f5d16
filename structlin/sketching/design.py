"""Where to evaluate a function so that least squares approximates it from few values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from structlin._backend import device, namespace
from structlin.matrices import Dense, lstsq
from structlin.matrices._base import adjoint_of
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching._whitening import dense_of, range_basis, squares
from structlin.sketching.dpp import volume_sample
from structlin.sketching.sample_rows import RowSample, sample_rows


@dataclass(frozen=True, eq=False, kw_only=True)
class Design(Report):
    """Rows at which values are wanted, and the weighted least squares that fit them.

    ``error_estimate`` is ``‖G − I‖₂``, where ``G = Qᴴ Sᴴ S Q`` for an orthonormal basis ``Q`` of
    the range: up to 1/2, the fit is about as good as the best approximation. ``converged`` tells
    whether the values determine the fit.

    Attributes
    ----------
    sample : RowSample
        The rows and their weights.
    basis : Dense
        The weighted rows ``S A``.
    """

    sample: RowSample
    basis: Dense

    @property
    def indices(self) -> Any:
        """The rows at which values are wanted, in increasing order; some may come again."""
        return self.sample.indices

    def fit(self, values: Any) -> Any:
        """Return the coefficients that fit values at the rows.

        Parameters
        ----------
        values : (k,) or (k, c) array
            Values at `indices`, in their order.

        Returns
        -------
        (n,) or (n, c) array
            ``x`` of least ``Σ wᵢ² |(A x)ᵢ − yᵢ|²``; the smallest one, if it is not unique.

        Raises
        ------
        ValueError
            If there are not ``k`` values, or one is not finite.
        """
        one = getattr(values, "ndim", 2) == 1
        Y = dense_of(as_matrix(values[:, None] if one else values, "values"))
        namespace(self.basis, Y)
        device(self.basis, Y)
        k = self.sample.shape[0]
        if Y.shape[0] != k:
            raise ValueError(f"values have shape {tuple(values.shape)}: {k} rows were drawn")
        x = lstsq(self.basis, self.sample.weights[:, None] * Y)
        return x[:, 0] if one else x

    def __repr__(self) -> str:
        k, m = self.sample.shape
        return f"<Design: {k} of {m} rows by {self.method}, ‖G − I‖ = {self.error_estimate:.2g}>"


def lstsq_design(A: Any, k: int, *, method: str = "rescaled", rng: Any = None) -> Design:
    """Choose rows of a basis at which to evaluate a function, for weighted least squares.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or operator
        A basis of ``n`` functions (columns) at ``m`` points (rows), from which points are chosen.
    k : int
        How many values there will be.
    method : {"rescaled", "repeated", "volume", "iid"}
        How rows are drawn: as in `volume_sample`, or "iid", by leverage scores.
    rng : None, int or numpy.random.Generator, optional
        Gives the key.

    Returns
    -------
    Design
        ``design.indices``, at which to evaluate, and ``design.fit(values)``.

    Raises
    ------
    ValueError
        As for `volume_sample`.

    Warns
    -----
    ConvergenceWarning
        If the rows do not determine the coefficients.

    Notes
    -----
    Rows drawn by leverage scores (the Christoffel function, for polynomials), weighted by their
    inverse, need ``k = O(n log n)`` for an error near that of the best approximation, whatever the
    basis and the points. "rescaled" needs no more and has no bias; "repeated" spreads points best
    and often does with ``2 n``. ``O(m n²)``.

    References
    ----------
    A. Cohen and G. Migliorati, "Optimal weighted least-squares methods", SMAI J. Comput. Math. 3
    (2017).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 1001)
    >>> V = np.polynomial.legendre.legvander(x, 15)
    >>> design = lstsq_design(V, 32, method="repeated", rng=0)
    >>> c = design.fit(np.exp(x[design.indices]))
    >>> bool(np.abs(V @ c - np.exp(x)).max() < 1e-12)
    True
    """
    A = as_matrix(A)
    xp, seed, rows = A.xp, seed_of(rng), dense_of(A)
    Q = range_basis(rows, xp)
    if method == "iid":
        sample = sample_rows(squares(Q, xp), k, rng=seed)
    else:
        sample = volume_sample(Dense(Q), k, method=method, rng=seed)
    SQ = sample @ Q
    # the weights of all rows of a volume sample are 1: what counts is how G differs from a multiple
    unit = A.shape[0] / max(1, sample.shape[0]) if method == "volume" else 1.0
    values = xp.linalg.eigvalsh(unit * (adjoint_of(SQ, xp) @ SQ))
    r = Q.shape[1]
    eps = float(xp.finfo(A.dtype).eps)
    design = Design(
        sample=sample,
        basis=Dense(sample @ rows),
        method=method,
        converged=r == 0 or float(values[0]) > r * eps * float(values[-1]),
        error_estimate=float(xp.max(xp.abs(values - 1))) if r else 0.0,
        passes=1,
        seed=seed,
    )
    warn_unconverged(design, f"draw more than {k} rows")
    return design
