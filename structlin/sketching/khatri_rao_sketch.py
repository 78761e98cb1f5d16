"""Khatri–Rao sketches: every row is a Kronecker product of small random vectors."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from structlin.matrices._base import conjugate
from structlin.matrices.khatri_rao import gather, spread
from structlin.sketching._base import by_columns
from structlin.sketching._product import ProductSketch
from structlin.sketching.gaussian import normal_columns, sign_columns

_bases = "rademacher", "gaussian", "spherical"

# numbers that products form on the way at a time
_at_once = 2**23


class KhatriRaoSketch(ProductSketch):
    """A sketch of tensors, and of Kronecker products: row ``i`` is ``v₁[i, :] ⊗ v₂[i, :] ⊗ …``.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch.
    dims : sequence of int
        The sizes ``n₁, n₂, …`` of the axes: what is sketched has ``m = Π nᵢ`` rows, C-ordered.
    base : {"rademacher", "gaussian", "spherical"}
        The small vectors: independent signs, normal numbers, or directions of length ``√nᵢ``.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of all entries.
    dtype : data type, optional
        Of the entries, by default that of ``like``, or float64. Signs are real in any case.
    like : array or operator, optional
        Gives library, device and data type.

    Attributes
    ----------
    dims : tuple of int
        The sizes of the axes.
    base : str
        The kind of the small vectors.

    Raises
    ------
    ValueError
        If there are no axes, or the base is none of these.

    Notes
    -----
    `apply` to a `Kronecker` or `KhatriRao` operator, or a `SumOfKroneckers`, works with its
    factors, ``S (A₁ ⊗ A₂) = (V₁ A₁) • (V₂ A₂)``, and never forms a vector of ``m`` numbers; the
    factors need not have the sizes of the axes, as long as neighbours multiply up to the same.
    With an (m, n) array the product costs ``2 d m n``.

    With ``k`` axes the variance of ``‖S x‖²`` is up to ``(3^k − 1)/d ‖x‖⁴``: take more rows than of
    other sketches. Signs and directions vary less than normal numbers. `extend` adds rows.

    References
    ----------
    Y. Sun, Y. Guo, J. A. Tropp and M. Udell, "Tensor random projection for low memory dimension
    reduction", arXiv:2105.00105.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> S = KhatriRaoSketch(50, (1000, 2000, 3000), rng=0)
    >>> A = Kronecker(np.ones((1000, 2)), np.ones((2000, 1)), np.ones((3000, 3)))
    >>> S.apply(A).shape
    (50, 6)
    """

    base: str

    _stream = 6

    def __init__(
        self,
        rows: int,
        dims: Sequence[int],
        *,
        base: str = "rademacher",
        rng: Any = None,
        dtype: Any = None,
        like: Any = None,
    ) -> None:
        if base not in _bases:
            raise ValueError(f"base is {base!r}: choose one of {', '.join(_bases)}")
        super().__init__(rows, dims, rng=rng, dtype=dtype, like=like)
        self.base = base

    @functools.cached_property
    def _factors(self) -> tuple[Any, ...]:
        columns = sign_columns if self.base == "rademacher" else normal_columns
        parts = [columns(self, self._stream_of(axis), 0, n) for axis, n in enumerate(self.dims)]
        return tuple(map(self._direction, parts) if self.base == "spherical" else parts)

    def _direction(self, V: Any) -> Any:
        xp = self.xp
        lengths = xp.linalg.vector_norm(V, axis=1, keepdims=True)
        return V * (math.sqrt(V.shape[1]) / xp.where(lengths == 0, 1.0, lengths))

    def _sum(self, X: Any) -> Any:
        if not self._is_whole or not X.shape[1]:
            return super()._sum(X)
        return self._contract(gather, self._factors, X)

    def _rmatmat(self, X: Any) -> Any:
        if not self._is_whole or not X.shape[1]:
            return super()._rmatmat(X)
        factors = [conjugate(F, self.xp) for F in self._factors]
        return self._contract(spread, factors, X) * self.scale

    def _contract(self, function: Callable[..., Any], factors: Sequence[Any], X: Any) -> Any:
        transposed = [self.xp.matrix_transpose(F) for F in factors]
        # on the way there are d numbers for every index of the last axes
        d, m = self.shape
        step = max(1, _at_once // (d * max(math.isqrt(m), self.dims[-1])))
        return by_columns(lambda block: function(transposed, block), X, step, self.xp)

    def _formula(self) -> str:
        return f"{self.base} {super()._formula()}"
