"""The shared properties: every structure, array library and data type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from structlin.testing import check_operator, operators
from tests.conftest import ArrayLibrary
from tests.structlin.matrices.strategies import NUMPY_ONLY, STRUCTURES, instances

# a quarter of the profile's examples: 192 combinations run them
EXAMPLES = settings().max_examples // 4
DTYPES = ["float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", STRUCTURES)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_structure(name: str, dtype: str, library: ArrayLibrary, data: Any) -> None:
    if name in NUMPY_ONLY and library.name != "numpy":
        pytest.skip("made of SciPy's own matrices")
    A = data.draw(instances(name, library, dtype))
    check_operator(A, rng=data.draw(st.integers(0, 99)))


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_composed_operator(dtype: str, library: ArrayLibrary, data: Any) -> None:
    A = data.draw(operators(dtype=dtype, asarray=library.asarray))
    check_operator(A, rng=data.draw(st.integers(0, 99)))
