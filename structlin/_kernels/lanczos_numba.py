"""CPU twin of the sparse Lanczos steps: their plain source, compiled."""

from numba import njit

from structlin._kernels import lanczos

sparse_steps = njit(cache=True)(lanczos.sparse_steps)
