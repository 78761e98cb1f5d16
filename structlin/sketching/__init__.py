"""Randomized linear algebra: sketching operators, row sampling, and the drivers built on them.

- Sketching operators: `SparseStack` (take this one), `Gaussian`, `Rademacher`, `SRCT`, `SRHT`,
  `CountSketch`; of tensors and Kronecker products `KhatriRaoSketch`, `KroneckerSketch`,
  `TensorSketch`.
- Choice of rows: `leverage_scores`, `root_leverage_scores`, `lewis_weights`, `lp_sensitivities`,
  `sample_rows`, `dpp_sample`, `volume_sample`, `lstsq_design`, `sampled_matmul`.
- Decompositions: `svd`, `eigh`, `qb`, `nystrom`, `generalized_nystrom` (one pass),
  `interpolative`, `cur`, `qr`, `weighted_lowrank`, `dct_basis`, `complete`.
- Systems: `lstsq`, `lstsq_uniform`, `lp_regression`, `ridge`, `nystrom_cg`, `solve_kkt`,
  `minimize_equality`.
- Numbers: `trace`, `diagonal`, `logdet`, `trace_of_function`, `spectral_density`, `norm`, `cond`.
- Streams and files: `RowBlocks`, `FrequentDirections`, `StreamingEigenvector`.

Every driver returns a report: the answer, an error estimate, the passes over the data, the seed,
whether it `converged`, and in `method` what was done. Pictures of them are in
`structlin.plotting`.
"""

from structlin.sketching._base import SketchingOperator as SketchingOperator
from structlin.sketching._estimate import Estimate as Estimate
from structlin.sketching.complete import Completion as Completion, complete as complete
from structlin.sketching.cond import cond as cond
from structlin.sketching.cur import CURResult as CURResult, cur as cur
from structlin.sketching.dct_basis import DCTBasis as DCTBasis, dct_basis as dct_basis
from structlin.sketching.design import Design as Design, lstsq_design as lstsq_design
from structlin.sketching.diagonal import (
    DiagonalEstimate as DiagonalEstimate,
    diagonal as diagonal,
)
from structlin.sketching.dpp import dpp_sample as dpp_sample, volume_sample as volume_sample
from structlin.sketching.eigh import Eigenpairs as Eigenpairs, eigh as eigh
from structlin.sketching.frequent_directions import FrequentDirections as FrequentDirections
from structlin.sketching.gaussian import Gaussian as Gaussian, Rademacher as Rademacher
from structlin.sketching.generalized_nystrom import (
    generalized_nystrom as generalized_nystrom,
)
from structlin.sketching.interpolative import (
    Interpolation as Interpolation,
    interpolative as interpolative,
)
from structlin.sketching.khatri_rao_sketch import KhatriRaoSketch as KhatriRaoSketch
from structlin.sketching.kkt import KKTSolution as KKTSolution, solve_kkt as solve_kkt
from structlin.sketching.kronecker_sketch import KroneckerSketch as KroneckerSketch
from structlin.sketching.leverage import (
    leverage_scores as leverage_scores,
    root_leverage_scores as root_leverage_scores,
)
from structlin.sketching.lewis import lewis_weights as lewis_weights
from structlin.sketching.logdet import logdet as logdet
from structlin.sketching.lp_regression import (
    LpRegression as LpRegression,
    lp_regression as lp_regression,
)
from structlin.sketching.lstsq import LeastSquares as LeastSquares, lstsq as lstsq
from structlin.sketching.lstsq_uniform import lstsq_uniform as lstsq_uniform
from structlin.sketching.matmul_sampling import (
    SampledProduct as SampledProduct,
    sampled_matmul as sampled_matmul,
)
from structlin.sketching.minimize_equality import (
    EqualityMinimum as EqualityMinimum,
    minimize_equality as minimize_equality,
)
from structlin.sketching.norm import norm as norm
from structlin.sketching.nystrom import nystrom as nystrom
from structlin.sketching.nystrom_pcg import (
    ShiftedSolution as ShiftedSolution,
    nystrom_cg as nystrom_cg,
)
from structlin.sketching.qb import QB as QB, qb as qb
from structlin.sketching.qr import QRResult as QRResult, qr as qr
from structlin.sketching.ridge import ridge as ridge
from structlin.sketching.row_blocks import RowBlocks as RowBlocks, Summand as Summand
from structlin.sketching.sample_rows import RowSample as RowSample, sample_rows as sample_rows
from structlin.sketching.sensitivities import lp_sensitivities as lp_sensitivities
from structlin.sketching.sparse_stack import CountSketch as CountSketch, SparseStack as SparseStack
from structlin.sketching.spectral_density import (
    SpectralDensity as SpectralDensity,
    spectral_density as spectral_density,
)
from structlin.sketching.srct import SRCT as SRCT, SRHT as SRHT
from structlin.sketching.streaming_eigenvector import (
    StreamingEigenvector as StreamingEigenvector,
)
from structlin.sketching.svd import SVD as SVD, svd as svd
from structlin.sketching.tensor_sketch import TensorSketch as TensorSketch
from structlin.sketching.trace import trace as trace
from structlin.sketching.trace_of_function import trace_of_function as trace_of_function
from structlin.sketching.weighted_lowrank import (
    WeightedLowRank as WeightedLowRank,
    weighted_lowrank as weighted_lowrank,
)
