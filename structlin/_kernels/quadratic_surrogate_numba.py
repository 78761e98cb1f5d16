"""CPU twins of the kernels of the quadratic surrogate: their plain source, compiled."""

from numba import njit
from numba.extending import register_jitable

from structlin._kernels import quadratic_surrogate

for helper in (
    quadratic_surrogate.chebyshev_products,
    quadratic_surrogate.minimise_over_box,
    quadratic_surrogate.observe,
    quadratic_surrogate.step_of_cost,
):
    register_jitable(helper)  # the functions below call them

propose = njit(cache=True)(quadratic_surrogate.propose)
learn = njit(cache=True)(quadratic_surrogate.learn)
