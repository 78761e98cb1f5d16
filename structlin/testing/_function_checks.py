"""What holds for the functions of square operators that the entries determine."""

from __future__ import annotations

import cmath
import math

from structlin.matrices.functions import (
    diagonal,
    explain,
    inv,
    logdet,
    slogdet,
    solve,
    trace,
)
from structlin.testing._case import Case, holds, refused, require
from structlin.testing._solver_checks import solutions

_of_all = ("lstsq", "pinv", "svd", "svdvals", "norm", "rank", "diagonal", "cond")
_of_squares = ("solve", "inv", "slogdet", "logdet", "trace", "eigh", "eig", "cholesky", "expm")


@holds("diagonal is that of the dense matrix", of="functions")
def _diagonal(c: Case) -> None:
    c.close(diagonal(c.A), c.xp.linalg.diagonal(c.D), c.norm)


@holds("trace is that of the dense matrix", of="square")
def _trace(c: Case) -> None:
    c.close(c.array(trace(c.A)), c.xp.linalg.trace(c.D), c.norm * c.A.shape[0])


@holds("slogdet is that of the dense matrix, as far as the condition number lets it", of="square")
def _determinant(c: Case) -> None:
    if c.ill_conditioned:
        return
    sign, logabsdet = slogdet(c.A)
    expected = c.xp.linalg.slogdet(c.D)
    n = max(c.A.shape[0], 1)
    c.close(c.array(sign), expected[0], n * c.condition)
    c.close(c.array(logabsdet), expected[1], n * c.condition)
    if not c.A.is_complex and float(sign) < 0:
        require(refused(lambda: logdet(c.A)), "a negative determinant has a real logarithm")
        return
    phase = c.xp.exp(c.array(logdet(c.A), c.A.dtype) - c.array(logabsdet, c.A.dtype))
    c.close(phase, expected[0], n * c.condition)


@holds("of a singular matrix slogdet is no NaN, and inv raises or is finite", of="square")
def _singular(c: Case) -> None:
    n, xp = c.A.shape[0], c.xp
    if n == 0 or int(xp.linalg.matrix_rank(c.D)) == n:
        return
    sign, logabsdet = complex(c.array(slogdet(c.A).sign)), float(slogdet(c.A).logabsdet)
    zero = sign == 0 and logabsdet == -math.inf
    require(
        zero or (cmath.isfinite(sign) and sign != 0 and math.isfinite(logabsdet)),
        f"slogdet gives sign {sign} and logarithm {logabsdet}",
    )
    try:
        x = inv(c.A) @ c.random(n, 2)
    except ValueError:  # a LinAlgError is one
        return
    c.finite(x, "the product with the inverse")


@holds("solve undoes products, as far as the condition number lets it", of="square")
def _solve(c: Case) -> None:
    solutions(c, solve)


@holds("inv undoes products, as far as the condition number lets it", of="square")
def _inv(c: Case) -> None:
    if c.ill_conditioned:
        return
    inverse = inv(c.A)
    # the rounding errors of an inverse know nothing of x, only of b
    noise = c.condition / min(c.values, default=1.0)
    for shape in ((c.A.shape[0],), (c.A.shape[0], 2)):
        x = c.random(*shape)
        b, mirrored = c.D @ x, c.mirror(c.D) @ x
        c.close(inverse @ b, x, noise * c.size(b))
        c.close(inverse.H @ mirrored, x, noise * c.size(mirrored))


@holds("explain names a rule for every function", of="functions")
def _explained(c: Case) -> None:
    for name in _of_all + (_of_squares if c.A.shape[0] == c.A.shape[1] else ()):
        require(bool(explain(name, c.A).how), f"{name} has no rule")
