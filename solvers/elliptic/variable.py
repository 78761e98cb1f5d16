"""Variable coefficients: conjugate gradients, preconditioned by the fast solver or by multigrid."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from structlin.solvers._solution import Solution, quiet
from structlin.solvers._vectors import rounding_of
from structlin.solvers.elliptic._differences import Differences
from structlin.solvers.krylov import cg
from structlin.solvers.multigrid import Multigrid

# past this estimate of the condition number, 30 to 60 iterations, multigrid takes less time: chosen
# by trial on blocks and lognormal coefficients; it takes that of 30 iterations on grids of 1024²
# points, 80 on 128², 90 on 72³
_most_condition = 20.0
_margin = 4.0  # of the estimate below, which is one from below: by trial on random coefficients
_most_roughness = 0.9  # nearer to 1, the bound on the condition number is of no use: a choice
_patience = 60  # iterations after which multigrid takes over, where the estimate was too low


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
    condition : float
        The estimate of the condition number that decided.

    Notes
    -----
    The eigenvalues of the operator relative to ``−Δ`` lie between the least and the largest value
    of ``a``: without scaling, the condition number is at most the contrast.

    Scaled by ``1/√D`` on both sides, the operator is ``−Δ + p`` with the potential
    ``p ≈ Δ√a/√a + shift/a`` [1]_, up to what vanishes with the mesh width. A smooth function ``φ``
    has the energy ``∫ a |∇φ|² + shift φ²``, and with ``v = √D φ`` the preconditioner makes of it
    ``∫ |∇v|² + c v²``. The quotient ``q`` of the two is near 1 where ``log a`` is smooth. A rough
    coefficient makes ``v`` rough, and the smallest eigenvalue is at most ``q``, while others are
    about 1. The condition number is estimated by ``4/q``, with the smoothest mode that is no
    constant; this costs half a fast solve.

    Where that does not decide: if ``w = (−Δ + c)⁻¹ |p − c|``, the form of ``p − c`` is at most
    ``max w`` times that of ``−Δ + c`` (Schur's test), and below 1 the condition number is at most
    ``(1 + max w)/(1 − max w)``. Above 1 this bounds nothing.

    The smaller one of contrast and estimate decides; where it was too low, multigrid takes over
    after 60 iterations.

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
        plain = Differences(self.modes, 1.0, 0.0).operator(xp.float64)
        root, potential = self._liouville(plain)
        c = max(float(xp.mean(potential)), 0.0)
        transforms = self.modes.transforms
        # a contrast below the margin is below the estimate
        quotient = self._quotient(plain, root, c) if self.contrast > _margin else 1.0
        condition = _margin / quotient if quotient > 0 else math.inf
        # max w is at least 1 − q, and it decides nothing where q alone does
        if condition >= min(self.contrast, _most_condition) and quotient > max(
            1 - _most_roughness, 1 / self.contrast
        ):
            w = transforms.back(transforms.forth(xp.abs(potential - c)) / self._shifted(c))
            roughness = float(xp.max(w))
            if roughness < _most_roughness:
                condition = min(condition, (1 + roughness) / (1 - roughness))
        self.scaled = condition < self.contrast
        self.condition = min(condition, self.contrast)
        if self.scaled:
            self._symbol, self._scale = 1 / self._shifted(c), 1 / root
        else:
            middle = max(differences.shift / math.sqrt(least * most), 0.0)
            self._symbol, self._scale = 1 / self._shifted(middle), None
        self._symbol = transforms.multiplier(self._symbol)
        self._may_change = method == "auto"
        if method == "auto":
            method = "pcg" if self.condition <= _most_condition else "multigrid"
        self.method = method

    def _shifted(self, c: float) -> Any:
        """Return the eigenvalues of ``−Δ + c``; the least positive one for those that are not."""
        xp, values = self.xp, self.modes.eigenvalues + c
        positive = values > self.modes.rounding
        least = xp.min(xp.where(positive, values, xp.asarray(math.inf, device=self.modes.device)))
        return xp.where(positive, values, xp.where(xp.isfinite(least), least, 1.0))

    def _liouville(self, plain: Any) -> tuple[Any, Any]:
        """Return ``√D``, and the potential that the scaled operator has beside ``−Δ``."""
        xp, differences, kind = self.xp, self.differences, self.xp.float64
        K = differences.operator(kind)
        root = xp.sqrt((K.coefficients - K.shift) / plain.coefficients)
        ones = xp.ones((math.prod(K.grid),), dtype=kind, device=self.modes.device)
        of_root = xp.reshape(K @ (ones / xp.reshape(root, (-1,))), K.grid)
        rest = of_root / root - xp.reshape(plain @ ones, K.grid)
        return root, rest / differences.volumes(kind)

    def _quotient(self, plain: Any, root: Any, c: float) -> float:
        """Return the energy of the smoothest mode relative to what the preconditioner makes it."""
        xp, modes, kind = self.xp, self.modes, self.xp.float64
        # along every axis the least eigenvalue is the first one
        d = len(modes.shape)
        places = [tuple(int(k == axis) for k in range(d)) for axis in range(-1, d)]
        inside = [p for p in places if all(i < n for i, n in zip(p, modes.shape, strict=True))]
        values = {p: float(modes.eigenvalues[p]) for p in inside}
        positive = [p for p in inside if values[p] > modes.rounding] or inside
        mode = xp.zeros(modes.shape, dtype=kind, device=modes.device)
        mode[min(positive, key=values.__getitem__)] = 1.0
        phi = modes.transforms.back(mode)
        v = phi * root
        energy, whole = (
            xp.sum(u * xp.reshape(A @ xp.reshape(u, (-1,)), modes.shape))
            for A, u in ((self.differences.operator(kind), phi), (plain, v))
        )
        most = float(whole + c * xp.sum(v**2 * self.differences.volumes(kind)))
        return float(energy) / most if most > 0 else 0.0

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
        solutions: list[Solution] = []
        for k in range(b.shape[0]):
            changed = any("pcg_iterations" in each.choices for each in solutions)
            solutions.append(self._one(b[k, :], "multigrid" if changed else self.method))
        if not solutions:
            told = {"method": self.method}
            return Solution(xp.zeros_like(r), "converged", 0, np.zeros(1), told)
        x = xp.reshape(xp.stack([each.x for each in solutions]), r.shape)
        if self.singular:
            x = x - self.differences.means(x)
        return _worst(solutions, x)

    def _one(self, b: Any, method: str) -> Solution:
        A = self.differences.operator(b.dtype)
        rtol = self.rtol
        if rtol is None:
            rtol = 1e-5 if b.dtype == self.xp.float32 else 1e-10
        definite = self.differences.shift >= 0 and self.modes.definite
        if method == "multigrid":
            solution = self._by_multigrid(b, None, rtol, self.maxiter)
            told: dict[str, Any] = {"method": method}
        else:
            most = min(_patience, self.maxiter) if self._may_change else self.maxiter
            solution = quiet(cg)(A, b, rtol=rtol, maxiter=most, preconditioner=self._precondition)
            told = {"method": method, "scaled": self.scaled}
            if solution.status == "max_iterations" and most < self.maxiter:
                before = solution
                solution = self._by_multigrid(b, before.x, rtol, self.maxiter - most)
                norms = [*before.residual_norms, *solution.residual_norms[1:]]
                solution = dataclasses.replace(
                    solution, iterations=most + solution.iterations, residual_norms=np.array(norms)
                )
                told = {"method": "multigrid", "pcg_iterations": most}
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
            told,
        )

    def _by_multigrid(self, b: Any, x0: Any, rtol: float, maxiter: int) -> Solution:
        if b.dtype not in self._hierarchies:
            self._hierarchies[b.dtype] = Multigrid(self.differences.operator(b.dtype))
        return quiet(self._hierarchies[b.dtype].cg)(b, x0=x0, rtol=rtol, maxiter=maxiter)

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
