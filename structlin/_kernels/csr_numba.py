"""CPU twins of the sparse-row kernels: their plain source, compiled."""

from numba import njit

from structlin._kernels import csr

diagonal_positions = njit(cache=True)(csr.diagonal_positions)
first_fit_colors = njit(cache=True)(csr.first_fit_colors)
relax = njit(cache=True)(csr.relax)
ssor = njit(cache=True)(csr.ssor)
