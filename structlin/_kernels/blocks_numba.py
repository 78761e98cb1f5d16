"""CPU twins of block coordinate descent: their plain source, compiled."""

from numba import njit
from numba.extending import register_jitable

from structlin._kernels import blocks

for helper in (blocks._solve, blocks._score, blocks._raise):
    register_jitable(helper)  # the functions below call them

forest_partition = njit(cache=True)(blocks.forest_partition)
grow_forests = njit(cache=True)(blocks.grow_forests)
dense_block = njit(cache=True)(blocks.dense_block)
sweep = njit(cache=True)(blocks.sweep)
