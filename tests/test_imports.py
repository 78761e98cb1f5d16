"""Imports: which way they run, what they load, and what the public face shows."""

from __future__ import annotations

import ast
import graphlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import structlin

root = Path(__file__).parents[1]

# A module imports from its own floor and from those below it, never from above.
floors = [
    {"_errors", "_backend", "_validation", "_norm"},
    {"_kernels"},
    {"bases", "covariance", "matrices"},
    {"sketching"},
    {"tensors"},
    {"plotting", "testing"},
    {"solvers"},
    {"operators"},
    {"structlin", "__main__", "_commands"},  # the public face and the command line see everything
]
floor_of = {subject: height for height, subjects in enumerate(floors) for subject in subjects}


def modules() -> dict[str, Path]:
    """Return the file of every module, by the name it is imported by."""
    found = {}
    for base in (root / "structlin", root / "solvers", root / "operators"):
        home = () if base.name == "structlin" else (base.name,)
        for path in base.rglob("*.py"):
            inside = path.relative_to(base).with_suffix("").parts
            if not home and inside[0] in ("solvers", "operators"):
                continue  # the links
            parts = ("structlin", *home, *inside)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(module: str, path: Path, known: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield every module of the package that a file imports, and whether for its types only.

    Late imports inside functions count like any other.
    """
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(
                [*(above if node.level else []), *([node.module] if node.module else [])]
            )
            targets = [
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base
                for alias in node.names
            ]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__")
            and isinstance(node.args[0], ast.Constant)
        ):
            targets = [str(node.args[0].value)]
        else:
            continue
        for target in targets:
            if target.partition(".")[0] in ("structlin", "solvers", "operators"):
                yield target, node in for_types


def subject(module: str) -> str:
    """Return the part of the house a module belongs to; the root module is the face."""
    return [*module.split("."), "structlin"][1] if "." in module else module


def breaches(files: dict[str, Path]) -> list[str]:
    """Return one line for every import that runs upward, and one for a circle."""
    found = []
    parts: dict[str, set[str]] = {}
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        for target, for_types in imported(module, path, set(files)):
            here, there = subject(module), subject(target)
            unknown = {here, there} - set(floor_of)
            if unknown:
                found.append(f"{module}: {unknown.pop()} has no floor")
            elif here == "structlin":
                continue  # the face loads on use
            elif floor_of[there] > floor_of[here]:
                found.append(f"{module} imports {target}: upward")
            elif here != there:
                parts.setdefault(here, set()).add(there)
            if not for_types and target != module:
                graph.setdefault(module, set()).add(target)
    for one in (parts, graph):
        try:
            graphlib.TopologicalSorter(one).prepare()
        except graphlib.CycleError as error:
            found.append(f"a circle: {' → '.join(error.args[1])}")
    return found


def test_imports_run_downward():
    files = modules()
    assert {"structlin", "structlin._backend", "structlin.solvers._solution"} <= set(files)
    assert breaches(files) == []


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("structlin.matrices.a", "import structlin.solvers.sor", "upward"),
        ("structlin.matrices.a", "from structlin import solvers", "upward"),
        ("structlin.matrices.a", "from structlin import Kronecker", "upward"),
        ("structlin.matrices.a", "def f():\n    from ..solvers import sor", "upward"),
        ("structlin.matrices.a", "importlib.import_module('structlin.sketching')", "upward"),
        ("structlin.solvers.sor", "import operators", "upward"),
        ("structlin.attic", "import structlin._backend", "has no floor"),
        ("structlin.bases.a", "from structlin.matrices import Dense", "circle"),
        ("structlin.solvers.sor", "def f():\n    from structlin.solvers import Solution", "circle"),
        ("structlin.solvers.sor", "if TYPE_CHECKING:\n    from . import Solution", ""),
        ("structlin.solvers.sor", "from structlin.matrices import Dense", ""),
        ("structlin.solvers.sor", "from . import _solution", ""),
        ("structlin.__main__", "from structlin import solvers", ""),
    ],
)
def test_the_walk_finds_a_breach(tmp_path, module, line, complaint):
    packages = {"structlin", "structlin.bases", "structlin.matrices", "structlin.solvers"}
    sources = {
        "structlin": "def __getattr__(name): ...",
        "structlin.bases": "",
        "structlin.matrices": "from structlin.bases import sine",
        "structlin.solvers": "from structlin.solvers import sor, _solution",
        "structlin.solvers._solution": "",
        module: line,
    }
    files = {}
    for name, source in sources.items():
        files[name] = tmp_path / name / ("__init__.py" if name in packages else "module.py")
        files[name].parent.mkdir()
        files[name].write_text(source)
    found = breaches(files)
    assert (complaint in "".join(found)) if complaint else (found == [])


heavy = ["cupy", "dask", "matplotlib", "numba", "scipy.linalg"]


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import structlin", heavy),
        ("import structlin; dir(structlin); structlin.__version__", heavy),
        ("import structlin; structlin.ConvergenceWarning", heavy),
        ("import structlin.matrices", ["cupy", "dask", "matplotlib", "numba"]),
        ("import structlin.solvers", ["cupy", "dask", "matplotlib", "numba"]),
        ("import structlin.sketching", [*heavy, "h5py", "zarr", "tqdm"]),
        ("import structlin.testing", ["cupy", "dask", "matplotlib", "numba"]),
        ("import structlin.plotting", ["cupy", "dask", "matplotlib", "numba"]),
    ],
)
def test_imports_stay_light(code, unwanted):
    report = (
        f"{code}\nimport json, sys\nprint(json.dumps([m for m in {unwanted} if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", report],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_every_public_name_is_there():
    for name in structlin.__all__:
        assert getattr(structlin, name) is not None, name
    assert set(structlin.__all__) <= set(dir(structlin))
    assert len(set(structlin.__all__)) == len(structlin.__all__)


def test_type_checkers_and_users_see_the_same_names():
    (block,) = (
        node
        for node in ast.parse(Path(structlin.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    shown = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, "an explicit re-export says `name as name`"
            shown[alias.name] = node.module
    lazy = {**structlin._homes, **dict.fromkeys(structlin._submodules, "structlin")}
    assert shown == lazy


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'structlin' has no attribute 'kronecker'"):
        _ = structlin.kronecker
