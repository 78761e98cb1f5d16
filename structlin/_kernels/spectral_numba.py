"""CPU twins of the spectral learner's decision and update: their plain source, compiled."""

from numba import njit
from numba.extending import register_jitable

from structlin._kernels import spectral

for helper in (
    spectral.features,
    spectral._moments,
    spectral._inside,
    spectral._unit,
    spectral._level,
    spectral._excess,
    spectral._observe,
    spectral._charge,
):
    register_jitable(helper)  # the functions below call them

decide = njit(cache=True)(spectral.decide)
learn = njit(cache=True)(spectral.learn)
