"""CPU twins of Eisenstat's iteration with sparse rows: their plain source, compiled."""

from numba import njit

from structlin._kernels import csr_eisenstat

transformed = njit(cache=True)(csr_eisenstat.transformed)
iterate = njit(cache=True)(csr_eisenstat.iterate)
