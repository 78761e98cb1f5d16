"""Structured matrices: operators, their algebra, and what is computed with them."""

from structlin.matrices import (
    algebra_rules,
    banded_rules,
    block_diagonal_rules,
    fallback,
    fallback_spectra,
    grid_rules,
    khatri_rao_rules,
    kronecker_rules,
    kronecker_sparse_algebra,
    kronecker_sparse_rules,
    kronecker_sum_rules,
    monarch_rules,
    sum_of_kroneckers_rules,
    toeplitz_rules,
    woodbury,
)
from structlin.matrices._base import LinearOperator as LinearOperator
from structlin.matrices.algebra import (
    Adjoint as Adjoint,
    Inverse as Inverse,
    Product as Product,
    Scaled as Scaled,
    Sum as Sum,
    Transpose as Transpose,
)
from structlin.matrices.banded import Banded as Banded
from structlin.matrices.block_diagonal import BlockDiagonal as BlockDiagonal
from structlin.matrices.block_toeplitz import BlockToeplitz as BlockToeplitz
from structlin.matrices.butterfly import Butterfly as Butterfly
from structlin.matrices.cauchy import Cauchy as Cauchy
from structlin.matrices.circulant import Circulant as Circulant
from structlin.matrices.compression import (
    Attempt as Attempt,
    Compression as Compression,
    compress as compress,
)
from structlin.matrices.dct import DCT as DCT
from structlin.matrices.dense import Dense as Dense
from structlin.matrices.dft import DFT as DFT
from structlin.matrices.diagonals import Diagonal as Diagonal
from structlin.matrices.dst import DST as DST
from structlin.matrices.face_splitting import FaceSplitting as FaceSplitting
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
from structlin.matrices.hadamard import Hadamard as Hadamard
from structlin.matrices.hankel import Hankel as Hankel
from structlin.matrices.hartley import Hartley as Hartley
from structlin.matrices.householder import Householder as Householder
from structlin.matrices.identity import Identity as Identity
from structlin.matrices.khatri_rao import KhatriRao as KhatriRao
from structlin.matrices.kronecker import Kronecker as Kronecker
from structlin.matrices.kronecker_sparse import (
    KroneckerSparse as KroneckerSparse,
    KroneckerSparseChain as KroneckerSparseChain,
)
from structlin.matrices.kronecker_sum import KroneckerSum as KroneckerSum
from structlin.matrices.low_rank import LowRank as LowRank
from structlin.matrices.low_rank_update import (
    DiagonalPlusLowRank as DiagonalPlusLowRank,
    LowRankUpdate as LowRankUpdate,
    SparsePlusLowRank as SparsePlusLowRank,
)
from structlin.matrices.monarch import Monarch as Monarch
from structlin.matrices.nearest import (
    Nearest as Nearest,
    nearest_circulant as nearest_circulant,
    nearest_diagonal_plus_lowrank as nearest_diagonal_plus_lowrank,
    nearest_kronecker as nearest_kronecker,
    nearest_lowrank as nearest_lowrank,
    nearest_sparse_plus_lowrank as nearest_sparse_plus_lowrank,
    nearest_toeplitz as nearest_toeplitz,
)
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
from structlin.matrices.patterns import (
    Pattern as Pattern,
    butterfly_patterns as butterfly_patterns,
    monarch_patterns as monarch_patterns,
)
from structlin.matrices.permutation import Permutation as Permutation
from structlin.matrices.rules import Explanation as Explanation, rule as rule
from structlin.matrices.selection import Selected as Selected
from structlin.matrices.sliding_update import SlidingUpdate as SlidingUpdate
from structlin.matrices.sparse import Sparse as Sparse
from structlin.matrices.sum_of_kroneckers import SumOfKroneckers as SumOfKroneckers
from structlin.matrices.toeplitz import Toeplitz as Toeplitz
from structlin.matrices.triangular import Triangular as Triangular
from structlin.matrices.vandermonde import Vandermonde as Vandermonde
from structlin.matrices.zero import Zero as Zero

# modules of rules: importing them fills the table
_rules = (
    algebra_rules,
    banded_rules,
    block_diagonal_rules,
    fallback,
    fallback_spectra,
    grid_rules,
    khatri_rao_rules,
    kronecker_rules,
    kronecker_sparse_algebra,
    kronecker_sparse_rules,
    kronecker_sum_rules,
    monarch_rules,
    toeplitz_rules,
    sum_of_kroneckers_rules,
    woodbury,
)
