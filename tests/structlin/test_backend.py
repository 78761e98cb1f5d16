"""Which library owns the arrays, on which device, and which kernel serves it."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import array_api_strict
import numpy as np
import pytest
import scipy.sparse

from structlin import _backend
from structlin._backend import (
    device,
    dtype_of,
    is_cupy,
    is_numpy,
    kernel,
    namespace,
    on_host,
    scipy_of,
    type_name,
)

numpy_xp = namespace(np.empty(0))


def test_namespace_is_the_library_of_the_arrays(library):
    x = library.asarray([1.0, 2.0])
    assert namespace(x) is namespace(x, x, 2.0, None)
    assert namespace(x).__name__.rpartition(".")[2] in ("numpy", "array_api_strict", "cupy")
    assert is_numpy(namespace(x)) == (library.name == "numpy")
    assert is_cupy(namespace(x)) == (library.name == "cupy")


def test_vectors_on_the_host_and_names_of_types(library):
    x = library.asarray([0.5, 2.0], dtype="float32")
    for kind, expected in ((float, [0.5, 2.0]), (int, [0, 2])):
        found = on_host(x, kind)
        assert type(found) is np.ndarray
        assert found.dtype == np.dtype(kind)
        np.testing.assert_array_equal(found, expected)
    assert type_name(x.dtype) == "float32"


@pytest.mark.parametrize("neutral", [None, 1, 1.5, 2j, True, np.float64(3.0), np.int8(1)])
def test_scalars_and_none_own_no_library(library, neutral):
    x = library.asarray([1.0])
    assert namespace(neutral, x, neutral) is namespace(x)
    with pytest.raises(TypeError, match=r"no array among the arguments: pass numpy\.asarray"):
        namespace(neutral)


def test_nothing_at_all_is_no_array():
    with pytest.raises(TypeError, match="no array among the arguments"):
        namespace()


@pytest.mark.parametrize("thing", [[1.0, 2.0], (1.0,), "array", {"a": 1}, object()])
def test_what_is_no_array_is_refused_by_name(thing):
    with pytest.raises(TypeError, match=f"{type(thing).__name__} is not an array: pass numpy"):
        namespace(np.ones(2), thing)


def test_zero_dimensional_and_mapped_arrays_are_arrays(tmp_path):
    assert namespace(np.array(3.0)) is numpy_xp
    mapped = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=3)
    assert namespace(mapped) is numpy_xp


def test_arrays_that_answer_differently_are_refused():
    with pytest.raises(TypeError, match=r"x.filled"):
        namespace(np.ma.masked_array([1.0]))


@pytest.mark.parametrize("layout", ["csr_array", "csc_matrix", "coo_array", "dia_array"])
def test_sparse_matrices_belong_to_numpy(layout):
    A = getattr(scipy.sparse, layout)(np.eye(3))
    assert namespace(A) is numpy_xp
    assert namespace(A, np.ones(3)) is numpy_xp
    assert device(A, np.ones(3)) == "cpu"


def test_operators_know_their_own_library():
    class Operator:
        xp = array_api_strict
        device = array_api_strict.Device("device1")

    x = array_api_strict.ones(2, device=Operator.device)
    assert namespace(Operator()) is array_api_strict
    assert namespace(Operator(), x) is array_api_strict
    assert device(Operator(), x) == Operator.device


def test_libraries_do_not_mix():
    x, y = np.ones(2), array_api_strict.ones(2)
    with pytest.raises(
        TypeError, match="arrays of NumPy and array_api_strict are mixed: move them"
    ):
        namespace(x, y)
    with pytest.raises(TypeError, match="mixed"):
        namespace(scipy.sparse.eye_array(2), y)


def test_devices_do_not_mix(library):
    x = library.asarray([1.0])
    assert device(x, 2.0, None, x) == library.device
    assert device(1.0, None) is None
    here, there = (
        array_api_strict.ones(2, device=array_api_strict.Device(name))
        for name in ("device1", "device2")
    )
    with pytest.raises(ValueError, match=r"device1.* and .*device2.* are mixed: move them to one"):
        device(here, there)


def test_scipy_of_is_the_twin_or_says_there_is_none():
    import scipy

    assert scipy_of(numpy_xp) is scipy
    with pytest.raises(TypeError, match="array_api_strict has no SciPy twin: use NumPy or CuPy"):
        scipy_of(array_api_strict)


@pytest.mark.parametrize("name", ["float32", "float64", "complex64", "complex128", "int64", "bool"])
def test_dtype_of_translates_names_and_data_types(library, name):
    xp = namespace(library.asarray([1.0]))
    wanted = xp.empty(0, dtype=getattr(xp, name)).dtype
    for given in (name, np.dtype(name), getattr(array_api_strict, name), getattr(np, name, bool)):
        assert dtype_of(xp, given) == wanted
    assert xp.empty(0, dtype=dtype_of(xp, name)).dtype == wanted


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Return a module of plain functions beside which twins can be written."""

    def make(**twins: str):
        name = f"kernels_of_{tmp_path.name}"
        (tmp_path / f"{name}.py").write_text(
            "def half(x): return x / 2\ndef third(x): return x / 3"
        )
        for suffix, source in twins.items():
            (tmp_path / f"{name}_{suffix}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in [name for name in sys.modules if name.startswith("kernels_of_")]:
        del sys.modules[name]


def test_kernel_takes_the_twin_of_the_library(kernels):
    plain = kernels(numba="def half(x): return 'numba'", cupy="def half(x): return 'cupy'")
    assert kernel(numpy_xp, plain.half)(1.0) == "numba"
    assert kernel(array_api_strict, plain.half) is plain.half
    assert kernel(numpy_xp, plain.half) is kernel(numpy_xp, plain.half)


def test_kernel_falls_back_where_there_is_no_twin(kernels):
    plain = kernels(numba="def half(x): return 'numba'")
    assert kernel(numpy_xp, plain.third) is plain.third


def test_kernel_falls_back_where_there_is_no_module_of_twins(kernels):
    plain = kernels()
    assert kernel(numpy_xp, plain.half) is plain.half


def test_kernel_does_not_hide_a_twin_that_fails_to_load(kernels):
    plain = kernels(numba="import a_library_that_is_not_installed")
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_installed"):
        kernel(numpy_xp, plain.half)


def test_kernel_asks_for_cupy_by_name(kernels, monkeypatch):
    plain = kernels(numba="def half(x): return 'numba'", cupy="def half(x): return 'cupy'")
    monkeypatch.setattr(_backend, "is_numpy", lambda xp: False)
    monkeypatch.setattr(_backend, "is_cupy", lambda xp: True)
    assert kernel.__wrapped__(numpy_xp, plain.half)(1.0) == "cupy"


folder = Path(_backend.__file__).parent / "_kernels"
twins = sorted(path for ending in ("numba", "cupy") for path in folder.glob(f"*_{ending}.py"))


def signatures(path: Path, plain: dict[str, str]) -> dict[str, str]:
    """Return the parameters of every function of a file, without loading it."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            a = node.args
            found[node.name] = ", ".join(p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            # twin = njit(...)(module.plain): the plain source, compiled
            compiled = ast.unparse(node.value.args[0]) if node.value.args else ""
            found[ast.unparse(node.targets[0])] = plain.get(compiled.rpartition(".")[2], compiled)
    return {name: parameters for name, parameters in found.items() if not name.startswith("_")}


@pytest.mark.parametrize("path", twins, ids=lambda path: path.stem)
def test_a_twin_has_the_name_and_the_parameters_of_its_plain_function(path):
    subject = folder / f"{path.stem.rpartition('_')[0]}.py"
    # a file without a plain one beside it holds twins that grew too long for their subject's file
    plain_files = [subject] if subject.exists() else set(folder.glob("*.py")) - set(twins)
    plain = {name: p for file in plain_files for name, p in signatures(file, {}).items()}
    own = signatures(path, plain)
    shared = plain.keys() & own.keys()
    assert shared, "a twin of nothing"
    assert {name: own[name] for name in shared} == {name: plain[name] for name in shared}
