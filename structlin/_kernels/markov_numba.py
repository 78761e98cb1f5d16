"""CPU twins of the smoother: its plain source, compiled."""

from numba import njit

from structlin._kernels import markov

filtered = njit(cache=True, nogil=True)(markov.filtered)
smoothed = njit(cache=True, nogil=True)(markov.smoothed)
added = njit(cache=True, nogil=True)(markov.added)
