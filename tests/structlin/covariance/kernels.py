"""Random covariance functions: every test of `test_properties` runs on each of these."""

from __future__ import annotations

from hypothesis import strategies as st

from structlin.covariance import (
    Matern,
    Periodic,
    RationalQuadratic,
    SpectralMixture,
    SquaredExponential,
)

scales = st.floats(0.3, 3)


@st.composite
def mixtures(draw, family):
    count = draw(st.integers(1, 3))
    entries = [draw(st.tuples(scales, st.floats(-3, 3), st.floats(0.1, 0.5))) for _ in range(count)]
    return SpectralMixture(*zip(*entries, strict=True), family=family)


simple = {
    "squared exponential": st.builds(SquaredExponential, scales, scales),
    "matern 1/2": st.builds(Matern, st.just(0.5), scales, scales),
    "matern 3/2": st.builds(Matern, st.just(1.5), scales, scales),
    "matern 5/2": st.builds(Matern, st.just(2.5), scales, scales),
    "matern 9/2": st.builds(Matern, st.just(4.5), scales, scales),
    "matern": st.builds(Matern, st.floats(0.2, 12), scales, scales),
    "rational quadratic": st.builds(RationalQuadratic, scales, scales, scales),
    "periodic": st.builds(Periodic, scales, scales, scales),
    "gaussian mixture": mixtures("gaussian"),
    "student mixture": mixtures("student"),
}
"""A strategy for every covariance function."""

some = st.one_of(*simple.values())
kernels = {
    **simple,
    "sum": st.builds(lambda a, b: a + 2.0 * b, some, some),
    "product": st.builds(lambda a, b: a * b, some, some),
    "sum of products": st.builds(lambda a, b, c: a * b + c, some, some, some),
}
