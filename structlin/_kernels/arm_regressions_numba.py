"""CPU twins of the regressions of arms: their plain source, compiled."""

from numba import njit
from numba.extending import register_jitable

from structlin._kernels import arm_regressions

for helper in (
    arm_regressions.polynomials,
    arm_regressions.inner,
    arm_regressions.add,
    arm_regressions.solve_in_box,
    arm_regressions.fit_in_box,
    arm_regressions.gap_probabilities,
    arm_regressions.factorise,
    arm_regressions.fit_posteriors,
):
    register_jitable(helper)  # the functions below call them

solve_in_box = njit(cache=True)(arm_regressions.solve_in_box)
gap_probabilities = njit(cache=True)(arm_regressions.gap_probabilities)
fit_in_box = njit(cache=True)(arm_regressions.fit_in_box)
draw_by_gaps = njit(cache=True)(arm_regressions.draw_by_gaps)
learn_in_box = njit(cache=True)(arm_regressions.learn_in_box)
fit_posteriors = njit(cache=True)(arm_regressions.fit_posteriors)
draw_from_posteriors = njit(cache=True)(arm_regressions.draw_from_posteriors)
learn_posteriors = njit(cache=True)(arm_regressions.learn_posteriors)
