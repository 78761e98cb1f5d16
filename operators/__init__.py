"""The place of operator learning: maps between function spaces, learned from data."""

if __name__ != "structlin.operators":
    raise ImportError("import structlin.operators, not operators")

from structlin.operators import datasets as datasets
from structlin.operators._dynamic_features import monomials as monomials
from structlin.operators.datasets import OperatorData as OperatorData
from structlin.operators.dynamic_modes import DynamicModes as DynamicModes
from structlin.operators.errors import relative_errors as relative_errors
from structlin.operators.kernels import (
    KernelOperator as KernelOperator,
    LinearOperatorRegression as LinearOperatorRegression,
    OperatorReport as OperatorReport,
    reflections as reflections,
)
from structlin.operators.random_features import RandomFeatureOperator as RandomFeatureOperator
from structlin.operators.structured import (
    FourierMultiplier as FourierMultiplier,
    GreensFunction as GreensFunction,
    HierarchicalLowRank as HierarchicalLowRank,
    MultigridOperator as MultigridOperator,
    StructuredFit as StructuredFit,
    fit_kronecker as fit_kronecker,
    fit_monarch as fit_monarch,
    fit_toeplitz as fit_toeplitz,
    fit_tucker_multiplier as fit_tucker_multiplier,
)
