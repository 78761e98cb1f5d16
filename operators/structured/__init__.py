"""Linear maps of known structure, fitted to pairs of inputs and outputs."""

from structlin.operators.structured._fitting import StructuredFit as StructuredFit
from structlin.operators.structured.fit_kronecker import fit_kronecker as fit_kronecker
from structlin.operators.structured.fit_monarch import fit_monarch as fit_monarch
from structlin.operators.structured.fit_toeplitz import fit_toeplitz as fit_toeplitz
from structlin.operators.structured.fit_tucker_multiplier import (
    fit_tucker_multiplier as fit_tucker_multiplier,
)
from structlin.operators.structured.fourier_multiplier import (
    FourierMultiplier as FourierMultiplier,
)
from structlin.operators.structured.greens_function import GreensFunction as GreensFunction
from structlin.operators.structured.hierarchical_low_rank import (
    HierarchicalLowRank as HierarchicalLowRank,
)
from structlin.operators.structured.multigrid_operator import (
    MultigridOperator as MultigridOperator,
)
