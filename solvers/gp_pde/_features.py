"""Features of one axis: scaled sines, cosines and powers whose random sum is the prior."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, namespace, on_host
from structlin._validation import inexact


@dataclass(frozen=True, eq=False)
class Features:
    """A Gaussian prior ``u(x) = Σ_k z_k φ_k(x)``, ``z ~ N(0, I)``, of one coordinate.

    The features are ``s cos ω(x − c)`` and ``s sin ω(x − c)`` for every angular frequency (a sine
    only where ``ω ≠ 0``), and ``s ((x − c)/h)^p`` for every power: the standard deviations ``s``
    are part of them. They are ordered cosines, sines, powers.

    Parameters
    ----------
    centre, half_side : float
        ``c`` and ``h``: the middle of the axis and half its length.
    frequencies : (p,) array_like
        ``ω``: angular frequencies, radians per unit of length.
    sds : (p,) array_like
        Standard deviations of the sines and cosines.
    lines : (p,) array_like of int
        The component to which every frequency belongs.
    powers : (q,) array_like of int
        Exponents.
    power_sds : (q,) array_like
        Their standard deviations.
    power_lines : (q,) array_like of int
        Their components.
    rotation : (m, r) array, optional
        Orthonormal columns that combine the features into fewer: see `compressed`.

    Notes
    -----
    A derivative of a sine or cosine is a phase shift and a power of its frequency, hence exact at
    any order; no covariance matrix appears.

    Examples
    --------
    >>> import numpy as np
    >>> wave = Features(0.0, 1.0, frequencies=[3.0], sds=[2.0])
    >>> wave.values(np.asarray([0.0]), order=2)
    array([[-18.,  -0.]])
    """

    centre: float
    half_side: float
    frequencies: Any = ()
    sds: Any = ()
    lines: Any = None
    powers: Any = ()
    power_sds: Any = ()
    power_lines: Any = None
    rotation: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("frequencies", "sds", "power_sds"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        object.__setattr__(self, "powers", np.asarray(self.powers, dtype=np.int64))
        for name, like in (("lines", self.frequencies), ("power_lines", self.powers)):
            given = getattr(self, name)
            made = np.zeros(len(like), np.int64) if given is None else np.asarray(given, np.int64)
            object.__setattr__(self, name, made)

    @property
    def waves(self) -> NDArray[np.bool_]:
        """Which frequencies have a sine as well."""
        return np.asarray(self.frequencies != 0)

    @property
    def count(self) -> int:
        """How many features there are."""
        if self.rotation is not None:
            return int(self.rotation.shape[1])
        return len(self.components)

    @property
    def components(self) -> NDArray[np.int64]:
        """The component to which every feature belongs, before any rotation."""
        return np.concatenate([self.lines, self.lines[self.waves], self.power_lines])

    def values(self, x: Any, order: int = 0) -> Any:
        """Return the derivative of every feature at every point.

        Parameters
        ----------
        x : (n,) array
            Points.
        order : int
            The order of the derivative.

        Returns
        -------
        (n, m) array
            ``∂^order φ_k(x_i)`` at ``[i, k]``, in the library and precision of ``x``.
        """
        x = inexact(x)
        xp = namespace(x)

        def moved(values: NDArray[Any]) -> Any:
            return xp.asarray(values.tolist(), dtype=x.dtype, device=device(x))

        shifted = x - self.centre
        phases = shifted[:, None] * moved(self.frequencies)[None, :]
        scales = moved(self.sds * self.frequencies**order)[None, :]
        cosines, sines = xp.cos(phases) * scales, xp.sin(phases) * scales
        turns = ((cosines, sines), (-sines, cosines), (-cosines, -sines), (sines, -cosines))
        cosines, sines = turns[order % 4]
        columns = [cosines]
        if bool(np.all(self.waves)):
            columns.append(sines)
        else:
            chosen = np.flatnonzero(self.waves).tolist()
            index = xp.asarray(chosen, dtype=xp.int64, device=device(x))
            columns.append(xp.take(sines, index, axis=1))
        t = shifted / self.half_side
        for power, sd in zip(self.powers.tolist(), self.power_sds.tolist(), strict=True):
            # ∂^order t^p = p!/(p − order)! t^(p − order) / h^order
            factor = sd * math.perm(power, order) / self.half_side**order
            column = factor * t ** max(power - order, 0)
            columns.append(column[:, None])
        made = xp.concat(columns, axis=1)
        return made if self.rotation is None else made @ self.rotation

    def reweighted(self, log_weights: Any) -> Features:
        """Return the features with the variance of component ``q`` times ``exp(log_weights[q])``.

        Raises
        ------
        ValueError
            If the features have been rotated by `compressed`, which mixes the components.
        """
        if self.rotation is not None:
            raise ValueError("compressed features have no components: reweight them before")
        gains = np.exp(0.5 * np.asarray(log_weights, dtype=np.float64))
        return dataclasses.replace(
            self,
            sds=self.sds * gains[self.lines],
            power_sds=self.power_sds * gains[self.power_lines],
        )

    def joined(self, other: Features) -> Features:
        """Return the sum of two independent priors of one axis; the components are numbered on."""
        if self.rotation is not None or other.rotation is not None:
            raise ValueError("compressed features cannot be joined: join them before")
        if (self.centre, self.half_side) != (other.centre, other.half_side):
            raise ValueError("features of different axes cannot be joined")
        start = int(np.max(self.components, initial=-1)) + 1
        return Features(
            self.centre,
            self.half_side,
            np.concatenate([self.frequencies, other.frequencies]),
            np.concatenate([self.sds, other.sds]),
            np.concatenate([self.lines, other.lines + start]),
            np.concatenate([self.powers, other.powers]),
            np.concatenate([self.power_sds, other.power_sds]),
            np.concatenate([self.power_lines, other.power_lines + start]),
        )

    def relabelled(self, change: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> Features:
        """Return the features with other numbers for their components."""
        return dataclasses.replace(
            self, lines=change(self.lines), power_lines=change(self.power_lines)
        )

    def compressed(self, x: Any, orders: Sequence[int] = (0,), tol: float = 1e-13) -> Features:
        """Return fewer features with the same prior at the points, up to a tolerance.

        Parameters
        ----------
        x : (n,) array
            Points.
        orders : sequence of int
            The derivatives that have to be kept, each relative to its own largest one.
        tol : float
            Singular values below ``tol`` times the largest are left out. Where there are more
            features than values, those of points between are kept as well.

        Returns
        -------
        Features
            The features times the ``r`` leading right singular vectors of their stacked values.
        """
        xp = namespace(x)
        orders = list(dict.fromkeys(orders))
        if x.shape[0] * len(orders) < self.count:
            # what so few points do not see still counts between them
            steps = xp.arange(self.count, dtype=x.dtype, device=device(x))
            unit = 2 * steps / max(self.count - 1, 1) - 1
            x = xp.concat([x, self.centre + self.half_side * unit])
        blocks = []
        for order in orders:
            block = self.values(x, order)
            top = xp.max(xp.abs(block))
            blocks.append(block / xp.where(top > 0, top, xp.ones_like(top)))
        _, singular, vh = xp.linalg.svd(xp.concat(blocks, axis=0), full_matrices=False)
        found = on_host(singular)
        rank = max(int(np.sum(found > tol * found[0])), 1)
        turn = xp.asarray(vh[:rank, :].T, copy=True)
        if self.rotation is not None:
            turn = self.rotation @ turn
        return dataclasses.replace(self, rotation=turn)

    def __repr__(self) -> str:
        inner = "" if self.rotation is None else f" of {len(self.components)}"
        return f"<Features {self.count}{inner}, {len(set(self.components.tolist()))} components>"
