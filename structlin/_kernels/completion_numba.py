"""CPU twins of the sums over observed entries: their plain source, compiled."""

from numba import njit

from structlin._kernels import completion

grouped = njit(cache=True)(completion.grouped)
grams = njit(cache=True)(completion.grams)
gradients = njit(cache=True, fastmath={"reassoc", "contract"})(completion.gradients)
