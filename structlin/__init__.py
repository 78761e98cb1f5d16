"""Structured linear algebra, and solvers that learn their parameters.

Matrices that are never formed densely, and what is computed with them:

- `structlin.matrices`: operators (`Kronecker`, `GridOperator`, …) and the rules that
  `solve`, `slogdet`, `eigh`, … follow on them;
- `structlin.solvers`: iterative and direct solvers, and the layer that learns their parameters;
- `structlin.operators`: the place of maps between function spaces, learned from data (empty yet);
- `structlin.bases`: grids and transforms;
- `structlin.testing`: checks to run on operators of your own;
- `structlin.plotting`: pictures.

Every name is loaded on first use, so that importing the package costs next to nothing.

Examples
--------
>>> import numpy as np
>>> import structlin
>>> A = structlin.Kronecker(np.eye(2), np.array([[2.0, 1.0], [1.0, 2.0]]))
>>> A @ np.ones(4)
array([3., 3., 3., 3.])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structlin import (
        bases as bases,
        matrices as matrices,
        operators as operators,
        plotting as plotting,
        solvers as solvers,
        testing as testing,
    )
    from structlin._errors import (
        ConvergenceError as ConvergenceError,
        ConvergenceWarning as ConvergenceWarning,
    )
    from structlin.matrices import (
        Dense as Dense,
        Diagonal as Diagonal,
        GridOperator as GridOperator,
        Identity as Identity,
        Kronecker as Kronecker,
        KroneckerSum as KroneckerSum,
        LinearOperator as LinearOperator,
        aslinearoperator as aslinearoperator,
        cholesky as cholesky,
        cond as cond,
        diagonal as diagonal,
        eig as eig,
        eigh as eigh,
        explain as explain,
        expm as expm,
        inv as inv,
        logdet as logdet,
        lstsq as lstsq,
        norm as norm,
        pinv as pinv,
        rank as rank,
        slogdet as slogdet,
        solve as solve,
        svd as svd,
        svdvals as svdvals,
        trace as trace,
    )

__version__ = "0.1.0"

_submodules = ("bases", "matrices", "operators", "plotting", "solvers", "testing")

_homes = {
    "ConvergenceError": "structlin._errors",
    "ConvergenceWarning": "structlin._errors",
    "Dense": "structlin.matrices",
    "Diagonal": "structlin.matrices",
    "GridOperator": "structlin.matrices",
    "Identity": "structlin.matrices",
    "Kronecker": "structlin.matrices",
    "KroneckerSum": "structlin.matrices",
    "LinearOperator": "structlin.matrices",
    "aslinearoperator": "structlin.matrices",
    "cholesky": "structlin.matrices",
    "cond": "structlin.matrices",
    "diagonal": "structlin.matrices",
    "eig": "structlin.matrices",
    "eigh": "structlin.matrices",
    "expm": "structlin.matrices",
    "explain": "structlin.matrices",
    "inv": "structlin.matrices",
    "logdet": "structlin.matrices",
    "lstsq": "structlin.matrices",
    "norm": "structlin.matrices",
    "pinv": "structlin.matrices",
    "rank": "structlin.matrices",
    "slogdet": "structlin.matrices",
    "solve": "structlin.matrices",
    "svd": "structlin.matrices",
    "svdvals": "structlin.matrices",
    "trace": "structlin.matrices",
}

__all__ = ["__version__", *_submodules, *_homes]


def __getattr__(name: str) -> Any:
    if name in _submodules:
        return importlib.import_module(f"structlin.{name}")
    if name not in _homes:
        raise AttributeError(f"module 'structlin' has no attribute {name!r}")
    value = getattr(importlib.import_module(_homes[name]), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
