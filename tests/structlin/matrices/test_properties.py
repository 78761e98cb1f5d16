"""The shared properties: every structure, array library and data type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from structlin.testing import check_operator, operators
from structlin.testing._draws import STRUCTURES
from tests.conftest import ArrayLibrary

# a quarter of the profile's examples: hundreds of combinations run them
EXAMPLES = settings().max_examples // 4
DTYPES = ["float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", STRUCTURES)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_structure(name: str, dtype: str, library: ArrayLibrary, data: Any) -> None:
    if STRUCTURES[name].numpy_only and library.name != "numpy":
        pytest.skip("made of SciPy's own matrices")
    A = data.draw(_strategy(name, dtype, library))
    check_operator(A, rng=data.draw(st.integers(0, 99)))


def _strategy(name: str, dtype: str, library: ArrayLibrary) -> Any:
    if library.name == "numpy":
        return operators(structure=name, dtype=dtype)
    return operators(structure=name, dtype=dtype, asarray=library.asarray)
