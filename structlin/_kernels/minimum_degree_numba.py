"""CPU twin of the elimination by degree: its plain source, compiled."""

from numba import njit

from structlin._kernels import minimum_degree

fill = njit(cache=True)(minimum_degree.fill)
