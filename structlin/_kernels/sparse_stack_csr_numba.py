"""CPU twins of the sparse products with stacked CountSketches: their plain source, compiled."""

from numba import njit

from structlin._kernels import sparse_stack_csr

add_rows = njit(cache=True, nogil=True)(sparse_stack_csr.add_rows)
add_columns = njit(cache=True, nogil=True)(sparse_stack_csr.add_columns)
