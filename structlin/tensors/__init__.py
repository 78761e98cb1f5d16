"""Tensors: Tucker and tensor-train formats, functions of several variables, and regression."""

from structlin.bases import Chebyshev as Chebyshev, Fourier as Fourier
from structlin.tensors._function.statistics import SobolIndices as SobolIndices
from structlin.tensors._report import Compression as Compression, Construction as Construction
from structlin.tensors.adaptive import chebtucker as chebtucker
from structlin.tensors.chebtucker import ChebTucker as ChebTucker
from structlin.tensors.composition import apply as apply
from structlin.tensors.cp import CP as CP
from structlin.tensors.cross import CrossResult as CrossResult, tt_cross as tt_cross
from structlin.tensors.functional_tucker import (
    FunctionalTucker as FunctionalTucker,
    Regression as Regression,
)
from structlin.tensors.hooi import hooi as hooi
from structlin.tensors.poisson import poisson as poisson
from structlin.tensors.radial_kernels import (
    GaussianIntegral as GaussianIntegral,
    GaussianKernel as GaussianKernel,
    InverseMultiquadric as InverseMultiquadric,
    LongRangeCoulomb as LongRangeCoulomb,
    LongRangeSlater as LongRangeSlater,
    RadialKernel as RadialKernel,
)
from structlin.tensors.range_separation import (
    LocalizedSum as LocalizedSum,
    RangeSeparated as RangeSeparated,
    split_coulomb as split_coulomb,
)
from structlin.tensors.sthosvd import hosvd as hosvd, sthosvd as sthosvd
from structlin.tensors.tensor_train import TensorTrain as TensorTrain
from structlin.tensors.tt_svd import tt_svd as tt_svd
from structlin.tensors.tucker import Tucker as Tucker
