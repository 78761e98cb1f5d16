"""Variable coefficients: conjugate gradients, preconditioned by the fast solver or by multigrid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin.solvers._solution import Solution, quiet
from structlin.solvers._vectors import rounding_of
from structlin.solvers.elliptic._differences import Differences
from structlin.solvers.krylov import cg
from structlin.solvers.multigrid import Multigrid

# past this estimate of the condition number, some 60 iterations, multigrid takes less time: chosen
# by trial on grids of 33² to 513² points, on jumps from 4:1 to 10⁴:1 and smooth coefficients
_most_condition = 30.0


class VariableSolver:
    """``−∇·(a ∇u) + shift u = r`` with a coefficient that varies, for many right-hand sides.

    Parameters
    ----------
    differences : Differences
        With the coefficient.
    method : {"auto", "pcg", "multigrid"}
    rtol : float or None
        Of the residual; None is 1e-10, or 1e-5 in single precision, or what rounding errors allow.
    maxiter : int

    Attributes
    ----------
    method : {"pcg", "multigrid"}
        What was chosen.
    scaled : bool
        Whether the preconditioner is ``√D (−Δ + c) √D`` rather than ``−Δ + c``, with the diagonal
        ``D`` of the operator relative to that of ``−Δ``.
    contrast : float
        The largest value of the coefficient over the smallest one.
    roughness : float
        The number ``max w`` of Notes.

    Notes
    -----
    The eigenvalues of the operator relative to ``−Δ`` lie between the least and the largest value
    of ``a``: without scaling, the condition number is at most the contrast.

    Scaled by ``1/√D`` on both sides, the operator is ``−Δ + p`` with the potential
    ``p ≈ Δ√a/√a + shift/a`` [1]_, up to what vanishes with the mesh width. If
    ``w = (−Δ + c)⁻¹ |p − c|`` for a constant ``c``, the form of ``p − c`` is at most ``max w``
    times that of ``−Δ + c`` (Schur's test). This is small where ``log a`` is smooth, and grows as
    the mesh is refined where it jumps. It costs one fast solve. The condition number is estimated
    by ``(1 + max w)²``, which leaves room for small eigenvalues, and the smaller one of the two
    estimates decides.

    References
    ----------
    .. [1] P. Concus and G. H. Golub, "Use of fast direct methods for the efficient numerical
       solution of nonseparable elliptic equations", SIAM J. Numer. Anal. 10 (1973).
    """

    def __init__(
        self, differences: Differences, method: str, rtol: float | None, maxiter: int
    ) -> None:
        self.differences, self.modes = differences, differences.modes
        self.xp, self.rtol, self.maxiter = self.modes.xp, rtol, maxiter
        self.singular = differences.shift == 0 and self.modes.has_constants
        xp, a = self.xp, differences.coef
        least, most = float(xp.min(a)), float(xp.max(a))
        self.contrast = most / least
        self._symbols: dict[Any, Any] = {}
        self._hierarchies: dict[Any, Multigrid] = {}
        lowest = self.modes.lowest
        bottom = 0.0 if self.modes.has_constants else most * lowest
        if differences.shift < 0 and -differences.shift >= bottom:
            raise ValueError(
                f"shift is {differences.shift:g} but −∇·(a ∇u) has an eigenvalue of at most "
                f"{bottom:.6g}: the operator is not positive definite, which iterations "
                "for variable coefficients need; a constant coefficient takes any shift"
            )
        root, potential = self._liouville()
        c = max(float(xp.mean(potential)), 0.0)
        transforms = self.modes.transforms
        w = transforms.back(transforms.forth(xp.abs(potential - c)) / self._shifted(c))
        self.roughness = float(xp.max(w))
        condition = (1 + self.roughness) ** 2
        self.scaled = condition < self.contrast
        if self.scaled:
            self._symbol, self._scale = 1 / self._shifted(c), 1 / root
        else:
            middle = max(differences.shift / math.sqrt(least * most), 0.0)
            self._symbol, self._scale = 1 / self._shifted(middle), None
        self._symbol = transforms.multiplier(self._symbol)
        if method == "auto":
            moderate = min(condition, self.contrast) <= _most_condition
            method = "pcg" if moderate else "multigrid"
        self.method = method

    def _shifted(self, c: float) -> Any:
        """Return the eigenvalues of ``−Δ + c``; the least positive one for those that are not."""
        xp, values = self.xp, self.modes.eigenvalues + c
        positive = values > self.modes.rounding
        least = xp.min(xp.where(positive, values, xp.asarray(math.inf, device=self.modes.device)))
        return xp.where(positive, values, xp.where(xp.isfinite(least), least, 1.0))

    def _liouville(self) -> tuple[Any, Any]:
        """Return ``√D``, and the potential that the scaled operator has beside ``−Δ``."""
        xp, differences, kind = self.xp, self.differences, self.xp.float64
        K = differences.operator(kind)
        plain = Differences(self.modes, 1.0, 0.0).operator(kind)
        root = xp.sqrt((K.coefficients - K.shift) / plain.coefficients)
        ones = xp.ones((math.prod(K.grid),), dtype=kind, device=self.modes.device)
        of_root = xp.reshape(K @ (ones / xp.reshape(root, (-1,))), K.grid)
        rest = of_root / root - xp.reshape(plain @ ones, K.grid)
        return root, rest / differences.volumes(kind)

    def solution(self, r: Any) -> Solution:
        """Return the unknowns of right-hand sides ``(..., *shape)``, which are solved in turn.

        Iterations and residuals are those of the sample that took most of them.
        """
        xp, shape = self.xp, self.modes.shape
        if xp.isdtype(r.dtype, "complex floating"):
            parts = [self.solution(part) for part in (xp.real(r), xp.imag(r))]
            x = xp.astype(parts[0].x, r.dtype) + 1j * parts[1].x
            return _worst(parts, x)
        real = r.dtype
        if not self.differences.even:
            r = r * self.differences.volumes(real)
        b = xp.reshape(r, (-1, math.prod(shape)))
        solutions = [self._one(b[k, :]) for k in range(b.shape[0])]
        if not solutions:
            return Solution(xp.zeros_like(r), "converged", 0, np.zeros(1), self._told())
        x = xp.reshape(xp.stack([each.x for each in solutions]), r.shape)
        if self.singular:
            x = x - self.differences.means(x)
        return _worst(solutions, x)

    def _one(self, b: Any) -> Solution:
        A = self.differences.operator(b.dtype)
        rtol = self.rtol
        if rtol is None:
            rtol = 1e-5 if b.dtype == self.xp.float32 else 1e-10
        definite = self.differences.shift >= 0 and self.modes.definite
        if self.method == "multigrid":
            if b.dtype not in self._hierarchies:
                self._hierarchies[b.dtype] = Multigrid(A)
            M = self._hierarchies[b.dtype]
            solution = quiet(M.cg)(b, rtol=rtol, maxiter=self.maxiter)
        else:
            solution = quiet(cg)(
                A, b, rtol=rtol, maxiter=self.maxiter, preconditioner=self._precondition
            )
        status = solution.status
        if status == "breakdown" and not definite:
            raise ValueError(
                "−∇·(a ∇u) + shift u is not positive definite, which iterations for variable "
                "coefficients need: negative shifts and numbers of Robin have to be smaller"
            )
        if status == "stagnated" and self.rtol is None:
            # the default gives way to what rounding allows
            x, diagonal = solution.x, self.xp.reshape(A.coefficients, (-1,))
            if float(solution.residual_norms[-1]) <= rounding_of(diagonal, b, x):
                status = "converged"
        return Solution(
            solution.x,
            status,
            solution.iterations,
            solution.residual_norms,
            self._told(),
        )

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = {"method": self.method}
        if self.method == "pcg":
            told["scaled"] = self.scaled
        return told

    def _precondition(self, r: Any) -> Any:
        xp, transforms = self.xp, self.modes.transforms
        symbol, scale, over_volumes = self._in(r.dtype)
        z = xp.reshape(r, self.modes.shape)
        z = transforms.multiplied(z if over_volumes is None else z * over_volumes, symbol)
        return xp.reshape(z if scale is None else z * scale, (-1,))

    def _in(self, dtype: Any) -> tuple[Any, Any, Any]:
        """Return what residuals meet in their data type: symbol, scale, scale over volumes."""
        if dtype not in self._symbols:
            xp, scale, volumes = self.xp, self._scale, self.differences.volumes(self.xp.float64)
            if self.differences.even:
                over = scale
            else:
                over = 1 / volumes if scale is None else scale / volumes
            self._symbols[dtype] = tuple(
                None if x is None else xp.astype(x, dtype) for x in (self._symbol, scale, over)
            )
        found: tuple[Any, Any, Any] = self._symbols[dtype]
        return found


def _worst(solutions: Any, x: Any) -> Solution:
    worst = max(solutions, key=lambda each: (not each.converged, each.iterations))
    return Solution(x, worst.status, worst.iterations, worst.residual_norms, worst.choices)
