"""Derivatives, integrals, inner products and norms."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from structlin._backend import is_numpy, type_name
from structlin.bases._basis import along
from structlin.matrices._base import adjoint_of
from structlin.tensors import _core
from structlin.tensors._function.algebra import added
from structlin.tensors._function.common import on_one_box
from structlin.tensors._function.representation import Representation


class Calculus(Representation):
    """Derivatives, integrals, inner products and norms."""

    def diff(self, axis: int = 0, order: int = 1) -> Self:
        """Return a partial derivative.

        Parameters
        ----------
        axis : int
            The variable.
        order : int
            How many times.

        Returns
        -------
        ChebTucker
            On the same box.

        Notes
        -----
        ``∂f/∂x = Σ core[p, q, …] u′_p(x) v_q(y) …``: only the columns of one factor change.
        Derivatives of a polynomial of degree ``n`` may be ``n²`` times as large as it is, and
        errors likewise.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> f = ChebTucker(np.ones((1, 1)), [np.array([[0.0], [0.0], [1.0]]), np.ones((1, 1))])
        >>> float(f.diff(0)(0.5, 0.0).round(12))  # T₂ = 2x² − 1
        2.0
        """
        axis = self._axis(axis)
        try:
            count = operator.index(order)
        except TypeError:
            raise TypeError(f"order is {order!r}: pass an integer") from None
        if count < 0:
            raise ValueError(f"order is {order}: pass 0 or more, and use cumsum for integrals")
        factors = list(self.factors)
        for _ in range(count):
            factors[axis] = self.bases[axis].derivative(factors[axis])
        return self._new(self.core, factors, method="derivative")._compressed() if count else self

    def gradient(self) -> list[Self]:
        """Return the list of the first derivatives, one for every variable."""
        return [self.diff(axis) for axis in range(self.ndim)]

    def laplacian(self) -> Self:
        """Return the sum of the second derivatives ``∂²f/∂x² + ∂²f/∂y² + …``.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> x_times_y = ChebTucker(np.ones((1, 1)), [np.array([[0.0], [1.0]])] * 2)
        >>> float((x_times_y**2).laplacian()(0.5, 0.25).round(12))  # 2y² + 2x²
        0.625
        """
        total: Self = added([self.diff(axis, 2) for axis in range(self.ndim)])
        return total

    def cumsum(self, axis: int | Sequence[int] = 0) -> Self:
        """Return the antiderivative that is zero at the lower end of the interval.

        Parameters
        ----------
        axis : int or tuple of int
            The variable or variables.

        Returns
        -------
        ChebTucker
            ``∫ f(t, y, …) dt`` from ``low`` to ``x``. A periodic axis becomes one of Chebyshev
            polynomials.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> one = ChebTucker(np.ones((1, 1)), [np.ones((1, 1))] * 2, [(0, 1), (0, 1)])
        >>> float(one.cumsum((0, 1))(0.5, 0.25).round(12))
        0.125
        """
        factors, bases = list(self.factors), list(self.bases)
        for k in self._axes(axis):
            bases[k], factors[k] = bases[k].antiderivative(factors[k])
        whole = self._new(self.core, factors, bases, method="antiderivative")
        return whole._compressed(loss=0)  # a derivative would make the loss larger

    def integrate(self, axis: int | Sequence[int] | None = None) -> Any:
        """Return the integral over the box, or over some of the variables.

        Parameters
        ----------
        axis : int or tuple of int, optional
            The variables over which is integrated; all of them by default.

        Returns
        -------
        scalar or ChebTucker
            The function of the other variables, in their order, if there are any.

        Notes
        -----
        ``∫ f = Σ core[p, q, …] ∫u_p ∫v_q …``, where the integrals of Chebyshev polynomials and of
        sines and cosines are known: nothing is sampled.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> x_times_y = ChebTucker(np.ones((1, 1)), [np.array([[0.5], [0.5]])] * 2, [(0, 1)] * 2)
        >>> float(x_times_y.integrate().round(12)), x_times_y.integrate(axis=1).domain
        (0.25, [(0.0, 1.0)])
        """
        vectors = {}
        for k in self._axes(axis):
            U = self.factors[k]
            integrals = self.bases[k].integrals(U.shape[0], U)
            vectors[k] = self.xp.sum(U * along(integrals, U), axis=0)
        return self._contracted(vectors, "integral")

    def inner(self, other: Self) -> Any:
        """Return the inner product ``∫ conj(f) g`` over the box.

        Parameters
        ----------
        other : ChebTucker
            The function ``g``, on the same box.

        Returns
        -------
        scalar

        Raises
        ------
        ValueError
            If the functions live on different boxes.
        OverflowError
            If the result is too large for the data type.

        Notes
        -----
        The integrals of all products of columns are matrices ``Uᴴ W V`` of their values at the
        points, and with the weights, of a quadrature that is exact for them. With ranks ``r`` and
        ``n`` coefficients, ``O(d n r² + d r^{d+1})`` operations.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> x = ChebTucker(np.ones(1), [np.array([[0.0], [1.0]])])
        >>> float(x.inner(x + 1).round(12))
        0.666666666667
        """
        f, g = on_one_box([self, other])
        grams = []
        for basis, U, V in zip(f.bases, f.factors, g.factors, strict=True):
            n = basis.product_length(U.shape[0], V.shape[0])
            left, right = basis.values(U, n), basis.values(V, n)
            right = right * along(basis.weights(n, V), V)
            xp = self.xp
            dtype = xp.result_type(left.dtype, right.dtype)
            left, right = (xp.astype(M, dtype, copy=False) for M in (left, right))
            grams.append(xp.matmul(adjoint_of(left, xp), right))
        with np.errstate(over="ignore", invalid="ignore"):
            value = _core.inner(f.core, _core.mode_products(g.core, grams))
        if not bool(self.xp.isfinite(value)):
            raise OverflowError(f"the inner product is too large for {type_name(value.dtype)}")
        return value[()] if is_numpy(self.xp) else value

    def norm(self) -> float:
        """Return the norm ``(∫ |f|²)^½``, on the host.

        Notes
        -----
        The columns are orthonormalised in the inner product of functions, by QR factorisations of
        ``W^½ V``, their values with the square roots of weights: the norm is that of the core, and
        nothing is subtracted.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> one = ChebTucker(np.ones((1, 1)), [np.ones((1, 1))] * 2)
        >>> round(one.norm(), 12)
        2.0
        """
        triangles = []
        for basis, U in zip(self.bases, self.factors, strict=True):
            n = basis.product_length(U.shape[0], U.shape[0])
            roots = self.xp.sqrt(basis.weights(n, U))
            _, R = self.xp.linalg.qr(basis.values(U, n) * along(roots, U))
            triangles.append(R)
        return _core.norm(_core.mode_products(self.core, triangles))
