"""CPU twins of the Tsallis-INF kernels: their plain source, compiled."""

from numba import njit
from numba.extending import register_jitable

from structlin._kernels import tsallis

for helper in (tsallis.tsallis_probabilities, tsallis.refresh):
    register_jitable(helper)  # the functions below call them

tsallis_probabilities = njit(cache=True)(tsallis.tsallis_probabilities)
refresh = njit(cache=True)(tsallis.refresh)
learn = njit(cache=True)(tsallis.learn)
draw = njit(cache=True)(tsallis.draw)
