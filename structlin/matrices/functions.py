"""The functions of operators, from one place; `explain` tells which rule each will take."""

from __future__ import annotations

from typing import Any

from structlin.matrices.decompositions import (
    EighResult as EighResult,
    EigResult as EigResult,
    SVDResult as SVDResult,
    cholesky as cholesky,
    eig as eig,
    eigh as eigh,
    expm as expm,
    svd as svd,
    svdvals as svdvals,
)
from structlin.matrices.measures import (
    SlogdetResult as SlogdetResult,
    cond as cond,
    diagonal as diagonal,
    logdet as logdet,
    norm as norm,
    rank as rank,
    slogdet as slogdet,
    trace as trace,
)
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.rules import Explanation, explanation
from structlin.matrices.systems import (
    inv as inv,
    lstsq as lstsq,
    pinv as pinv,
    singular as singular,
    solve as solve,
)

_systems = (solve, lstsq, inv, pinv)
_decompositions = (eigh, eig, svd, svdvals, cholesky, expm)
_measures = (slogdet, logdet, trace, diagonal, norm, rank, cond)
_explained = {f.__name__: f for f in (*_systems, *_decompositions, *_measures)}


def explain(function: Any, A: Any) -> Explanation:
    """Tell what a function will do with an operator: its rule, its cost and its memory.

    Parameters
    ----------
    function : str or callable
        One of `solve`, `lstsq`, `inv`, `pinv`, `eigh`, `eig`, `svd`, `svdvals`, `cholesky`, `expm`,
        `slogdet`, `logdet`, `trace`, `diagonal`, `norm`, `rank` and `cond`.
    A : (m, n) operator, array or sparse matrix
        The matrix.

    Returns
    -------
    Explanation
        Rule, cost and memory, what follows should the rule not get there, and the same for the
        parts of the structure. Nothing is computed beyond a look at the parts (`is_hermitian`).

    Raises
    ------
    ValueError
        If the function has no rules.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal
    >>> explain("solve", Diagonal(np.ones(3)))
    solve(<Diagonal 3x3 float64>)
      rule    entry by entry
      cost    n
      memory  n
    """
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    if _explained.get(name) is None or (callable(function) and function is not _explained[name]):
        known = ", ".join(_explained)
        raise ValueError(f"{function!r} has no rules to explain: choose one of {known}")
    A = aslinearoperator(A)
    return explanation(slogdet if name == "logdet" else _explained[name], A)
