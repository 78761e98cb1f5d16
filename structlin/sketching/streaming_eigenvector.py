"""The top eigenvector of AᴴA from one pass over the rows of A, in the memory of a few rows."""

from __future__ import annotations

import math
import operator
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._norm import norm
from structlin._validation import common_type
from structlin.matrices._base import adjoint_of, conjugate
from structlin.sketching._operand import rows_as_blocks
from structlin.sketching._sources import in_type

# directions of the light rows that are followed, and steps until the rows have e-folded
_directions, _steps = 8, 64


class StreamingEigenvector:
    """The top right singular vector of a matrix whose rows come once, in random order.

    Rows of large norm are kept exactly; the others take part in Oja's iteration, whose steps are
    set by what has been seen.

    Parameters
    ----------
    columns : int
        ``n``, the length of a row.
    heavy : int
        ``h``: a row is kept while ``‖a‖² ≥ ‖A‖_F² / h``, which holds for ``h`` rows at most.
    dtype : data type, optional
        Of the vector; by default that of ``like``, or float64.
    like : array or operator, optional
        Gives array library, device and data type of the rows to come.

    Attributes
    ----------
    columns, heavy : int
        As given.
    rows : int
        How many rows have been seen.

    Raises
    ------
    ValueError
        If ``columns`` or ``heavy`` is less than 1.

    Notes
    -----
    The directions of the light rows are the columns of ``W``, (n, 8) or (n, n). With the light rows
    ``L`` among the latest ``b`` of ``t`` rows, a step is

        ``G = Lᴴ L W``,  ``W ← orth(W + G D)``,  ``d_j = 1 / √(Σ ‖g_j‖²)``

    where ``b = max(1, t / 64)`` and the sum is over all steps. The rates need neither the gap nor
    the norm of the matrix. Iterates are averaged with weights that grow like ``t``. For the mean
    ``U`` and its Rayleigh quotients ``Λ`` over the latest half of the stream, the answer is the top
    eigenvector of ``U (Λ − τ) Uᴴ + Hᴴ H``, where ``H`` are the heavy rows and ``τ`` the mean
    eigenvalue of the light rows outside ``U``.

    As long as all rows are kept, the answer is exact. After that the light rows have to come in
    random order (shuffle them); heavy rows may come at any time. There is no proof for this
    combination. Kacham and Woodruff prove, for a relative of it, that in random order ``h`` of the
    order of ``n polylog(n)`` and a ratio ``R = σ₁²/σ₂²`` above a constant allow a correlation of
    ``1 − O(1/√R)``, and that heavy rows have to be kept. In trials the error was that of an exact
    decomposition of half the stream, or less. Where ``R`` is near 1, the vector is any one of the
    top eigenspace.

    It costs ``O(m n)`` operations for ``m`` rows, and ``O(h n)`` numbers of memory.

    References
    ----------
    E. Oja, "Simplified neuron model as a principal component analyzer", Journal of Mathematical
    Biology 15 (1982).

    A. Henriksen and R. Ward, "AdaOja: adaptive learning rates for streaming PCA" (2019), for the
    rate.

    P. Kacham and D. P. Woodruff, "Approximating the top eigenvector in random order streams",
    NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.random.default_rng(0).standard_normal((20_000, 30)) * 0.7 ** np.arange(30)
    >>> stream = StreamingEigenvector(30)
    >>> for block in np.split(A, 10):
    ...     stream.update(block)
    >>> v = np.linalg.svd(A, full_matrices=False)[2][0]
    >>> bool(abs(v @ stream.vector) > 0.999)
    True
    """

    def __init__(
        self, columns: int, *, heavy: int = 64, dtype: Any = None, like: Any = None
    ) -> None:
        self.columns, self.heavy = operator.index(columns), operator.index(heavy)
        if self.columns < 1 or self.heavy < 1:
            raise ValueError(f"columns is {columns} and heavy is {heavy}: both are at least 1")
        like = np.empty(0) if like is None else like
        xp = namespace(like)
        dtype = common_type(xp, like.dtype if dtype is None else dtype)
        self.rows = 0
        # everything is in units of a power of two, which no entry so far exceeds by a factor of 2
        self._unit = 0.0
        self._heavy_rows = xp.zeros((0, self.columns), dtype=dtype, device=device(like))
        self._energy = 0.0  # ‖A‖_F²
        self._light: _Oja | None = None
        self._step_end = 1

    def __repr__(self) -> str:
        kept = f"{self._heavy_rows.shape[0]} of them kept"
        return f"<StreamingEigenvector {self.columns} of {self.rows} rows, {kept}>"

    @property
    def _xp(self) -> ModuleType:
        return namespace(self._heavy_rows)

    def update(self, rows: Any) -> None:
        """Take more rows.

        Parameters
        ----------
        rows : (n,) or (r, n) array, sparse matrix, LinearOperator or RowBlocks
            One row, or a block of them. How the stream is cut does not matter.

        Raises
        ------
        ValueError
            If their length is not ``columns``, or an entry is not finite or too large.
        TypeError
            If they are complex, but the vector is real.
        """
        for _, block in rows_as_blocks(rows, self.columns, self._heavy_rows).pieces():
            block = self._in_units(in_type(block, self._heavy_rows.dtype))
            taken = 0
            while taken < block.shape[0]:
                stop = min(taken + self._step_end - self.rows, block.shape[0])
                self._take(block[taken:stop, :])
                taken = stop

    def _in_units(self, block: Any) -> Any:
        """Return the block in the units of the state, which become larger where it needs them."""
        xp = self._xp
        largest = float(xp.max(xp.abs(block)))
        if largest > self._unit:
            unit = math.ldexp(1.0, math.frexp(largest)[1] - 1)
            ratio = self._unit / unit
            self._heavy_rows = self._heavy_rows * ratio
            self._energy *= ratio**2
            if self._light is not None:
                self._light.rescale(ratio)
            self._unit = unit
        return block / self._unit if self._unit else block

    def _take(self, rows: Any) -> None:
        """Take rows that belong to one step."""
        xp = self._xp
        squares = _squares(rows)
        so_far = self._energy + xp.cumulative_sum(squares)
        heavy = self._is_heavy(squares, so_far)
        self._energy = float(so_far[-1])
        kept = xp.concat([self._heavy_rows, rows[heavy]])
        still = self._is_heavy(_squares(kept), self._energy)
        light = xp.concat([rows[~heavy], kept[~still]])
        self._heavy_rows = kept[still]
        self.rows += rows.shape[0]
        energy = float(xp.sum(_squares(light)))
        if self._light is None and energy:
            self._light = _Oja(xp.concat([kept, light]), self.rows)
        if self._light is not None:
            self._light.add(light, energy)
        if self.rows == self._step_end:
            if self._light is not None:
                self._light.step(self.rows)
            self._step_end += max(1, self.rows // _steps)

    def _is_heavy(self, squares: Any, energy: Any) -> Any:
        return (squares > 0) & (squares * self.heavy >= energy)

    # what has been found

    @property
    def vector(self) -> Any:
        """The unit vector (n,), its largest entry positive.

        Raises
        ------
        ValueError
            If no row has been seen.
        """
        return self._found[0]

    @property
    def value(self) -> float:
        """An estimate of the largest eigenvalue of ``AᴴA``, the square of the norm of ``A``.

        It is Inf or zero where that is beyond the numbers of double precision.
        """
        return self._found[1] * self._unit * self._unit

    @property
    def error_estimate(self) -> float:
        """``‖AᴴA v − λ v‖ / λ`` for the vector and the value told.

        What is kept is exact here, and the light rows are represented by the latest half of the
        stream: the estimate has the sampling error of that, and sees no more of ``AᴴA`` than the
        directions followed and the mean of the rest.
        """
        return self._found[2]

    @property
    def _found(self) -> tuple[Any, float, float]:
        """The vector, the value in the units of the state, and the relative residual."""
        xp, heavy = self._xp, self._heavy_rows
        if self.rows == 0:
            raise ValueError("no row has been seen: call update(rows) first")
        roots = heavy if self._light is None else xp.concat([self._light.roots(), heavy])
        if roots.shape[0] == 0:
            roots = xp.zeros((1, self.columns), dtype=heavy.dtype, device=device(heavy))
        v = adjoint_of(xp.linalg.svd(roots, full_matrices=False)[2][:1, :], xp)
        first = v[int(xp.argmax(xp.abs(v[:, 0]))), 0]
        v = v * (conjugate(first, xp) / xp.abs(first))
        image = xp.matmul(adjoint_of(heavy, xp), xp.matmul(heavy, v))
        if self._light is not None:
            image = image + self._light.gram_times(v)
        value = float(xp.abs(xp.sum(conjugate(v, xp) * image)))
        residual = norm(image - value * v)
        return v[:, 0], value, residual / value if value else residual


class _Oja:
    """Leading directions of rows in random order, by Oja's iteration on a block of vectors.

    Parameters
    ----------
    rows : (r, n) array
        The first rows, which give the start.
    seen : int
        How many rows the stream has had.
    """

    def __init__(self, rows: Any, seen: int) -> None:
        xp = namespace(rows)
        n = rows.shape[1]
        count = min(n, _directions)
        V = adjoint_of(xp.linalg.svd(rows, full_matrices=False)[2], xp)
        units = xp.eye(n, count, dtype=rows.dtype, device=device(rows))
        self.W = xp.linalg.qr(xp.concat([V[:, :count], units], axis=1))[0][:, :count]
        self.image = xp.zeros_like(self.W)  # Lᴴ L W of this step
        self.mean = self.W  # weighted, and not normalised
        self.squares = xp.zeros(count, dtype=xp.float64, device=device(rows))
        self.energy = 0.0  # ‖L‖_F² of all rows
        self.seen = seen
        self.window = self.past = _Window(self.W, seen)

    def rescale(self, ratio: float) -> None:
        """Change the units of the rows."""
        self.image = self.image * ratio**2
        self.squares = self.squares * ratio**4
        self.energy *= ratio**2
        self.window.rescale(ratio)
        if self.past is not self.window:
            self.past.rescale(ratio)

    def add(self, rows: Any, energy: float) -> None:
        """Take rows of this step."""
        self.image = self.image + _gram_times(rows, self.W)
        self.energy += energy
        self.window.add(rows, energy)

    def step(self, seen: int) -> None:
        """End a step after so many rows of the stream."""
        xp = namespace(self.W)
        self.squares = self.squares + _squares(xp.matrix_transpose(self.image))
        positive = self.squares > 0
        rates = xp.where(positive, xp.where(positive, self.squares, 1.0) ** -0.5, 0.0)
        self.W = _orth(self.W + self.image * xp.astype(rates, xp.finfo(self.W.dtype).dtype))
        self.mean = self.mean + float(seen) * (seen - self.seen) * self.W
        self.image = xp.zeros_like(self.image)
        self.seen = seen
        if seen >= 2 * self.window.begin and self.window.energy:
            self.past, self.window = self.window, _Window(_orth(self.mean), seen)

    def roots(self) -> Any:
        """Return rows whose Gram matrix is that of the light ones, less a multiple of one."""
        xp = namespace(self.W)
        values, rest = self._spectrum()
        sizes = xp.sqrt(xp.clip(values - rest, min=0.0))
        return sizes[:, None] * adjoint_of(_orth(self.mean), xp)

    def gram_times(self, v: Any) -> Any:
        """Return an estimate of the Gram matrix of the light rows times a vector (n, 1)."""
        xp, window = namespace(v), self._measured()
        _, rest = self._spectrum()
        inside = xp.matmul(adjoint_of(window.W, xp), v)
        outside = v - xp.matmul(window.W, inside)
        return xp.matmul(window.image, inside) * self._share() + rest * outside

    def _measured(self) -> _Window:
        return self.window if 2 * self.window.energy > self.past.energy else self.past

    def _share(self) -> float:
        """Return how much larger the sum of squares is over all light rows than over the window."""
        measured = self._measured().energy  # it may have vanished by a change of units
        return self.energy / measured if measured else 0.0

    def _spectrum(self) -> tuple[Any, float]:
        """Return the eigenvalues of the light rows' Gram matrix, and the mean of the others."""
        xp, window = namespace(self.W), self._measured()
        products = xp.sum(conjugate(window.W, xp) * window.image, axis=0)
        values = xp.real(products) if xp.isdtype(products.dtype, "complex floating") else products
        values = values * self._share()
        others = max(1, self.W.shape[0] - self.W.shape[1])
        return values, max(0.0, self.energy - float(xp.sum(values))) / others


class _Window:
    """The Gram matrix of the light rows since some row, times a block of vectors that is fixed."""

    def __init__(self, W: Any, begin: int) -> None:
        self.W, self.begin = W, begin
        self.image, self.energy = namespace(W).zeros_like(W), 0.0

    def add(self, rows: Any, energy: float) -> None:
        self.image = self.image + _gram_times(rows, self.W)
        self.energy += energy

    def rescale(self, ratio: float) -> None:
        self.image = self.image * ratio**2
        self.energy *= ratio**2


def _gram_times(rows: Any, W: Any) -> Any:
    xp = namespace(rows)
    return xp.matmul(adjoint_of(rows, xp), xp.matmul(rows, W))


def _orth(W: Any) -> Any:
    """Return the orthonormal factor whose triangular one has a positive diagonal."""
    xp = namespace(W)
    Q, R = xp.linalg.qr(W)
    diagonal = xp.linalg.diagonal(R)
    sizes = xp.abs(diagonal)
    return Q * xp.where(sizes > 0, diagonal / xp.where(sizes > 0, sizes, 1.0), 1.0)


def _squares(rows: Any) -> Any:
    """Return the squared norms of rows, in double precision."""
    xp = namespace(rows)
    return xp.sum(xp.astype(xp.abs(rows), xp.float64) ** 2, axis=1)
