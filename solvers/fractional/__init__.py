"""Fractional diffusion: Riesz derivatives, their Toeplitz matrices and symbols."""

from structlin.solvers.fractional.collocation import RieszCollocation as RieszCollocation
from structlin.solvers.fractional.riesz import RieszDiffusion as RieszDiffusion
from structlin.solvers.fractional.symbol import (
    ToeplitzSymbol as ToeplitzSymbol,
    toeplitz_symbol as toeplitz_symbol,
)
