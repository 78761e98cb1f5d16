"""Structured linear algebra, and solvers that learn their parameters.

Matrices that are never formed densely, and what is computed with them:

- `structlin.matrices`: operators (`Kronecker`, `Toeplitz`, `Monarch`, …), the rules that
  `solve`, `slogdet`, `svd`, … follow on them, and the nearest structure of a dense matrix;
- `structlin.sketching`: randomized linear algebra: sketching operators, decompositions, least
  squares, traces and determinants, also of matrices on disk or on a cluster;
- `structlin.tensors`: Tucker and tensor-train formats, functions of several variables built to a
  tolerance, and regression on scattered data;
- `structlin.covariance`: covariance functions of Gaussian processes;
- `structlin.solvers`: iterative and direct solvers, the layer that learns their parameters,
  Gaussian processes on grids and lattices, differential equations solved by conditioning them, fast
  solvers on boxes, evolution in time, fractional diffusion, reduced-order models;
- `structlin.operators`: maps between function spaces, learned from samples by kernels, spectra and
  structured matrices, and benchmark data sets;
- `structlin.bases`: grids, transforms, and families of functions on an interval;
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
        covariance as covariance,
        matrices as matrices,
        operators as operators,
        plotting as plotting,
        sketching as sketching,
        solvers as solvers,
        tensors as tensors,
        testing as testing,
    )
    from structlin._errors import (
        ConvergenceError as ConvergenceError,
        ConvergenceWarning as ConvergenceWarning,
    )
    from structlin.matrices import (
        DCT as DCT,
        DFT as DFT,
        DST as DST,
        Banded as Banded,
        BlockDiagonal as BlockDiagonal,
        BlockToeplitz as BlockToeplitz,
        Butterfly as Butterfly,
        Cauchy as Cauchy,
        Circulant as Circulant,
        Dense as Dense,
        Diagonal as Diagonal,
        DiagonalPlusLowRank as DiagonalPlusLowRank,
        FaceSplitting as FaceSplitting,
        GridOperator as GridOperator,
        Hadamard as Hadamard,
        Hankel as Hankel,
        Hartley as Hartley,
        Householder as Householder,
        Identity as Identity,
        KhatriRao as KhatriRao,
        Kronecker as Kronecker,
        KroneckerSparse as KroneckerSparse,
        KroneckerSparseChain as KroneckerSparseChain,
        KroneckerSum as KroneckerSum,
        LinearOperator as LinearOperator,
        LowRank as LowRank,
        LowRankUpdate as LowRankUpdate,
        Monarch as Monarch,
        Permutation as Permutation,
        SlidingUpdate as SlidingUpdate,
        Sparse as Sparse,
        SparsePlusLowRank as SparsePlusLowRank,
        SumOfKroneckers as SumOfKroneckers,
        Toeplitz as Toeplitz,
        Triangular as Triangular,
        Vandermonde as Vandermonde,
        Zero as Zero,
        aslinearoperator as aslinearoperator,
        butterfly_patterns as butterfly_patterns,
        cholesky as cholesky,
        compress as compress,
        cond as cond,
        diagonal as diagonal,
        eig as eig,
        eigh as eigh,
        explain as explain,
        expm as expm,
        inv as inv,
        logdet as logdet,
        lstsq as lstsq,
        monarch_patterns as monarch_patterns,
        nearest_circulant as nearest_circulant,
        nearest_diagonal_plus_lowrank as nearest_diagonal_plus_lowrank,
        nearest_kronecker as nearest_kronecker,
        nearest_lowrank as nearest_lowrank,
        nearest_sparse_plus_lowrank as nearest_sparse_plus_lowrank,
        nearest_toeplitz as nearest_toeplitz,
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

_submodules = (
    "bases",
    "covariance",
    "matrices",
    "operators",
    "plotting",
    "sketching",
    "solvers",
    "tensors",
    "testing",
)

_homes = {
    "Banded": "structlin.matrices",
    "BlockDiagonal": "structlin.matrices",
    "BlockToeplitz": "structlin.matrices",
    "Butterfly": "structlin.matrices",
    "Cauchy": "structlin.matrices",
    "Circulant": "structlin.matrices",
    "ConvergenceError": "structlin._errors",
    "ConvergenceWarning": "structlin._errors",
    "DCT": "structlin.matrices",
    "DFT": "structlin.matrices",
    "DST": "structlin.matrices",
    "Dense": "structlin.matrices",
    "Diagonal": "structlin.matrices",
    "DiagonalPlusLowRank": "structlin.matrices",
    "FaceSplitting": "structlin.matrices",
    "GridOperator": "structlin.matrices",
    "Hadamard": "structlin.matrices",
    "Hankel": "structlin.matrices",
    "Hartley": "structlin.matrices",
    "Householder": "structlin.matrices",
    "Identity": "structlin.matrices",
    "KhatriRao": "structlin.matrices",
    "Kronecker": "structlin.matrices",
    "KroneckerSparse": "structlin.matrices",
    "KroneckerSparseChain": "structlin.matrices",
    "KroneckerSum": "structlin.matrices",
    "LinearOperator": "structlin.matrices",
    "LowRank": "structlin.matrices",
    "LowRankUpdate": "structlin.matrices",
    "Monarch": "structlin.matrices",
    "Permutation": "structlin.matrices",
    "SlidingUpdate": "structlin.matrices",
    "Sparse": "structlin.matrices",
    "SparsePlusLowRank": "structlin.matrices",
    "SumOfKroneckers": "structlin.matrices",
    "Toeplitz": "structlin.matrices",
    "Triangular": "structlin.matrices",
    "Vandermonde": "structlin.matrices",
    "Zero": "structlin.matrices",
    "aslinearoperator": "structlin.matrices",
    "butterfly_patterns": "structlin.matrices",
    "cholesky": "structlin.matrices",
    "compress": "structlin.matrices",
    "cond": "structlin.matrices",
    "diagonal": "structlin.matrices",
    "eig": "structlin.matrices",
    "eigh": "structlin.matrices",
    "explain": "structlin.matrices",
    "expm": "structlin.matrices",
    "inv": "structlin.matrices",
    "logdet": "structlin.matrices",
    "lstsq": "structlin.matrices",
    "monarch_patterns": "structlin.matrices",
    "nearest_circulant": "structlin.matrices",
    "nearest_diagonal_plus_lowrank": "structlin.matrices",
    "nearest_kronecker": "structlin.matrices",
    "nearest_lowrank": "structlin.matrices",
    "nearest_sparse_plus_lowrank": "structlin.matrices",
    "nearest_toeplitz": "structlin.matrices",
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
