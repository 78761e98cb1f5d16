"""Functions with the smallest ranks and degrees that keep a measured error small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from structlin._backend import device, namespace
from structlin.bases import Basis
from structlin.tensors import _core
from structlin.tensors._function.evaluation import Evaluation
from structlin.tensors._report import Construction

F = TypeVar("F", bound=Evaluation)

_rounds = 4


def compressed_to(
    cls: type[F],
    core: Any,
    factors: Sequence[Any],
    bases: Sequence[Basis],
    points: Sequence[Any],
    values: Any,
    tol: float,
) -> tuple[F, float, int]:
    """Return a function, its error at points and the number of attempts.

    Parameters
    ----------
    cls : type
        The function's.
    core, factors : array or TensorTrain, sequence of (n, r) arrays
        The function in more detail than needed.
    bases : sequence of Basis
        The box.
    points : sequence of (N,) arrays
        Where its values are known, an array for every axis.
    values : (N,) array
        The values.
    tol : float
        The error relative to the largest of the values; half of it is aimed at.
    """
    xp = namespace(values)
    scale, size = float(xp.max(xp.abs(values))), _core.norm(core)
    allowed = tol * scale / (4 * size) if size else 0.5
    rounds, error = 0, math.inf
    while error > tol / 2 and rounds < _rounds:
        rounds += 1
        report = Construction(method="compression", tol=min(allowed, 0.5))
        f = cls(core, factors, bases, report=report)._compressed()
        error = float(xp.max(xp.abs(f(*points) - values))) / scale
        allowed *= 0.8 * (tol / 2) / error if error else 1.0
    return f, error, rounds


def zero_function(
    cls: type[F], bases: Sequence[Basis], like: Any, dtype: Any, report: Construction
) -> F:
    """Return the function that is zero, where an array lives."""
    xp, where = namespace(like), device(like)
    one = xp.ones((1, 1), dtype=dtype, device=where)
    core = xp.zeros((1,) * len(bases), dtype=dtype, device=where)
    return cls(core, [one] * len(bases), bases, report=replace(report, error_estimate=0.0))
