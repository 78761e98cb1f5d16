"""Proper orthogonal decomposition of snapshots that come one after another."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import power_of_two
from structlin._validation import require_count, require_tolerance
from structlin.solvers.reduced._fields import snapshots_as_rows
from structlin.solvers.reduced._inner import InnerProduct, extended
from structlin.solvers.reduced.basis import POD


class StreamingPOD:
    """Modes of snapshots in the memory of a few, updated block by block.

    Parameters
    ----------
    rank : int
        How many modes are kept at most.
    tol : float
        After every block, modes are dropped as long as what they take with them is smaller than
        ``tol`` times the norm of all snapshots so far.
    mass : optional
        The inner product, as for `pod`.

    Attributes
    ----------
    rank, tol, mass
        As given.
    samples : int
        How many snapshots have been seen.

    Raises
    ------
    ValueError
        If the rank is not positive, or the tolerance not between 0 and 1.

    Notes
    -----
    With modes ``V`` and singular values ``σ`` so far, a block ``B`` has coefficients ``C`` in ``V``
    and a rest, which is ``R N`` with new orthonormal rows ``N``. The singular values of
    ``[[diag(σ), 0], [C, R]]`` are the new ones, and its right singular vectors turn ``V`` and
    ``N`` to the new modes: ``O((r + k)² n)`` operations for a block of ``k`` and the memory of
    ``r + k`` fields [1]_. Each truncation loses a matrix of known norm ``δ``, and the error of the
    final projection is at most ``Σ δ``.

    References
    ----------
    .. [1] M. Brand, "Fast low-rank modifications of the thin singular value decomposition", Linear
       Algebra and its Applications 415 (2006).

    Examples
    --------
    >>> import numpy as np
    >>> x, stream = np.linspace(0, 1, 50), StreamingPOD(10, tol=1e-6)
    >>> for start in range(0, 100, 20):
    ...     stream.update(np.sin(np.outer(1 + np.arange(start, start + 20) / 50, x)))
    >>> stream.basis().rank, bool(stream.error_bound < 1e-5)
    (4, True)
    """

    def __init__(self, rank: int, *, tol: float = 0.0, mass: Any = None) -> None:
        self.rank, self.tol = require_count("rank", rank), require_tolerance("tol", tol)
        self.mass, self.samples = mass, 0
        self._inner: InnerProduct | None = None
        self._unit = 1.0
        self._squares = 0.0  # of everything seen, in units
        self._lost = 0.0

    def update(self, snapshots: Any) -> None:
        """Take more snapshots, a ``(samples, *shape)`` array.

        Raises
        ------
        ValueError
            If their shape is not that of the first ones, or a sample has a NaN or Inf.
        TypeError
            If they are complex or double precision, and the first ones real or single.
        """
        U, shape = snapshots_as_rows(snapshots)
        xp = namespace(U)
        if self._inner is None:
            self._inner = InnerProduct(self.mass, shape, U)
            self._modes = U[:0, :]
            self._values = xp.zeros(0, dtype=xp.finfo(U.dtype).dtype, device=device(U))
        else:
            namespace(U, self._modes)
            device(U, self._modes)
            if shape != self._inner.shape:
                raise ValueError(f"fields have shape {shape}, but had {self._inner.shape} before")
            if xp.result_type(U.dtype, self._modes.dtype) != self._modes.dtype:
                raise TypeError(
                    f"snapshots are {U.dtype}, but were {self._modes.dtype} before: convert them "
                    "to one data type first"
                )
            U = xp.astype(U, self._modes.dtype, copy=False)
        self._measured_in(power_of_two(U))
        self._take(U / self._unit)
        self.samples += U.shape[0]

    def _measured_in(self, unit: float) -> None:
        """Go over to a unit in which the next snapshots are numbers that can be squared."""
        if not self._squares:  # zeros so far
            self._unit = unit
        elif unit > self._unit:
            factor = self._unit / unit
            self._values = self._values * factor
            self._squares *= factor**2
            self._lost *= factor
            self._unit = unit

    def _take(self, U: Any) -> None:
        inner, xp = self._inner, namespace(U)
        if inner is None:
            raise ValueError("there are no snapshots yet")
        size = inner.norm(U)
        if not math.isfinite(size * size):
            raise ValueError("the norms of these snapshots overflow: scale all of them down")
        self._squares += size**2
        eps = float(xp.finfo(U.dtype).eps)
        # what is a rounding error of everything seen needs no modes
        floor = eps * max(10 * math.sqrt(U.shape[0]) * size, math.sqrt(self._squares))
        old = self._modes.shape[0]
        V = extended(self._modes, U, inner, floor=floor)
        if not V.shape[0]:
            return
        kind = U.dtype
        known = xp.zeros((old, V.shape[0]), dtype=kind, device=device(U))
        if old:
            one = xp.eye(old, V.shape[0], dtype=kind, device=device(U))
            known = one * xp.astype(self._values, kind)[:, None]
        _, values, Qh = xp.linalg.svd(
            xp.concat((known, inner.between(U, V)), axis=0), full_matrices=False
        )
        host = [float(values[k]) for k in range(values.shape[0])]
        kept, lost = min(len(host), V.shape[0]), 0.0
        most = self.tol * math.sqrt(self._squares)
        while kept and (kept > self.rank or math.hypot(lost, host[kept - 1]) <= most):
            kept -= 1
            lost = math.hypot(lost, host[kept])
        self._lost += lost
        self._values = values[:kept]
        self._modes = xp.matmul(Qh[:kept, :], V)

    @property
    def error_bound(self) -> float:
        """A bound of ``‖S − P S‖ / ‖S‖`` over all snapshots seen, up to rounding errors."""
        return self._lost / math.sqrt(self._squares) if self._squares else 0.0

    def basis(self) -> POD:
        """Return the modes of the snapshots so far; their ``error`` is `error_bound`.

        Raises
        ------
        ValueError
            If there are no snapshots yet.
        """
        if self._inner is None:
            raise ValueError("there are no snapshots yet: call update(snapshots) first")
        xp = namespace(self._modes)
        V = self._modes
        return POD(
            modes=xp.reshape(V, (V.shape[0], *self._inner.shape)),
            singular_values=self._values * self._unit,
            mean=None,
            mass=self.mass,
            samples=self.samples,
            norm=math.sqrt(self._squares) * self._unit,
            error=min(self.error_bound, 1.0),
            method="streaming",
        )

    def __repr__(self) -> str:
        kept = 0 if self._inner is None else self._modes.shape[0]
        bound = f"error bound {self.error_bound:.2g}"
        return f"<StreamingPOD of {self.samples} fields, {kept} modes, {bound}>"
