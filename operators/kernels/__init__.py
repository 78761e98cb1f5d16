"""Maps between function spaces learned by kernels."""

from structlin.operators.kernels._groups import GridMap as GridMap, reflections as reflections
from structlin.operators.kernels._selection import Choice as Choice
from structlin.operators.kernels.kernel_operator import KernelOperator as KernelOperator
from structlin.operators.kernels.linear_regression import (
    LinearOperatorRegression as LinearOperatorRegression,
)
from structlin.operators.kernels.report import OperatorReport as OperatorReport
