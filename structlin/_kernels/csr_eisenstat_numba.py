"""CPU twin of Eisenstat's iteration with sparse rows: its plain source, compiled."""

from numba import njit

from structlin._kernels import csr_eisenstat

iterate = njit(cache=True)(csr_eisenstat.iterate)
