"""Structured matrices: operators, their algebra, and what is computed with them."""

from structlin.matrices import algebra_rules, fallback, grid_rules
from structlin.matrices._base import LinearOperator as LinearOperator
from structlin.matrices.algebra import (
    Adjoint as Adjoint,
    Inverse as Inverse,
    Product as Product,
    Scaled as Scaled,
    Sum as Sum,
    Transpose as Transpose,
)
from structlin.matrices.dense import Dense as Dense
from structlin.matrices.diagonals import Diagonal as Diagonal
from structlin.matrices.foreign import Foreign as Foreign
from structlin.matrices.functions import (
    EighResult as EighResult,
    EigResult as EigResult,
    SlogdetResult as SlogdetResult,
    SVDResult as SVDResult,
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
from structlin.matrices.grid import GridOperator as GridOperator
from structlin.matrices.identity import Identity as Identity
from structlin.matrices.kronecker import Kronecker as Kronecker
from structlin.matrices.kronecker_sum import KroneckerSum as KroneckerSum
from structlin.matrices.operations import (
    add as add,
    adjoint as adjoint,
    aslinearoperator as aslinearoperator,
    is_hermitian as is_hermitian,
    multiply as multiply,
    scale as scale,
    select as select,
    transpose as transpose,
)
from structlin.matrices.rules import Explanation as Explanation, rule as rule
from structlin.matrices.selection import Selected as Selected
from structlin.matrices.sparse import Sparse as Sparse

# modules of rules: importing them fills the table
_rules = algebra_rules, fallback, grid_rules
