"""Projections of matrices onto structures: the nearest one, or one close to it."""

from structlin.matrices.nearest._result import Nearest as Nearest
from structlin.matrices.nearest.kronecker import nearest_kronecker as nearest_kronecker
from structlin.matrices.nearest.low_rank import nearest_lowrank as nearest_lowrank
from structlin.matrices.nearest.plus_low_rank import (
    nearest_diagonal_plus_lowrank as nearest_diagonal_plus_lowrank,
    nearest_sparse_plus_lowrank as nearest_sparse_plus_lowrank,
)
from structlin.matrices.nearest.toeplitz import (
    nearest_circulant as nearest_circulant,
    nearest_toeplitz as nearest_toeplitz,
)
