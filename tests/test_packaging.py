"""What users install: the wheel, the sdist it is built through, and the tree itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

root = Path(__file__).parents[1]
wings = {
    "structlin": "structlin",
    "operators": "structlin/operators",
    "solvers": "structlin/solvers",
}
project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def tree() -> set[str]:
    """Return every file of the package, under the name it is imported by."""
    found = set()
    for folder, home in wings.items():
        for path in (root / folder).rglob("*"):
            inside = path.relative_to(root / folder)
            linked = folder == "structlin" and inside.parts[0] in ("operators", "solvers")
            if path.suffix in (".py", ".cu", ".typed") and not linked:
                found.add(f"{home}/{inside.as_posix()}")
    return found


def python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the sdist, and the wheel out of it, by the build backend's own two hooks."""
    pytest.importorskip("setuptools", minversion="77")
    work = tmp_path_factory.mktemp("build")
    unwanted = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(root, work / "tree", symlinks=True, ignore=unwanted)
    hook = "import setuptools.build_meta as backend, sys; backend.build_{}(sys.argv[1])"

    done = python("-c", hook.format("sdist"), str(work), cwd=work / "tree")
    assert done.returncode == 0, done.stderr
    (sdist,) = work.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "sdist", filter="data")
    (unpacked,) = (work / "sdist").iterdir()

    done = python("-c", hook.format("wheel"), str(work), cwd=unpacked)
    assert done.returncode == 0, done.stderr
    (wheel,) = work.glob("*.whl")
    return wheel


def test_the_wheel_holds_the_tree_and_nothing_else(built):
    with zipfile.ZipFile(built) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {"structlin/py.typed", "structlin/solvers/__init__.py"} <= tree()
    assert names == tree()


def test_the_wheel_works_where_it_is_installed(built, tmp_path):
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path / "site")
        (metadata,) = (n for n in archive.namelist() if n.endswith("METADATA"))
        described = archive.read(metadata).decode()
    code = (
        "import structlin, structlin.operators, structlin.solvers, structlin.matrices, sys;"
        "print(structlin.__version__, *{m.__file__ for n, m in sys.modules.items()"
        " if n.partition('.')[0] == 'structlin'}, sep='\\n')"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = python("-c", code, cwd=elsewhere, PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0, done.stderr
    printed, *files = done.stdout.split()
    assert f"\nVersion: {printed}\n" in described
    assert all(Path(file).is_relative_to(tmp_path / "site") for file in files)


def test_pyproject_lists_every_folder_with_code():
    folders = {name.rpartition("/")[0].replace("/", ".") for name in tree() if name[-3:] == ".py"}
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted(folders)
    packages = {name for name in tree() if name.endswith("__init__.py")}
    assert len(packages) == len(folders), "a folder with code has no __init__.py"


@pytest.mark.parametrize("name", ["operators", "solvers"])
def test_the_wings_are_links_to_folders_at_the_top(name):
    link = root / "structlin" / name
    assert link.is_symlink()
    assert link.readlink() == Path("..", name)
    assert (link / "__init__.py").is_file()
    assert not (root / name).is_symlink()


def test_git_keeps_the_links_as_links():
    if not (root / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-s", "structlin/operators", "structlin/solvers"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["120000", "120000"]


@pytest.mark.parametrize("name", ["operators", "solvers"])
def test_a_wing_refuses_any_other_name(name):
    done = python("-c", f"import {name}", cwd=root)
    assert done.returncode != 0
    assert f"ImportError: import structlin.{name}, not {name}" in done.stderr


def test_the_tree_runs_without_installation():
    code = (
        # an editable installation must not help
        "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f)];"
        "import structlin; print(structlin.__file__);"
        "print(structlin.solvers.__file__); print(structlin.operators.__file__)"
    )
    done = python("-c", code, cwd=root)
    assert done.returncode == 0, done.stderr
    expected = [root / "structlin" / wing / "__init__.py" for wing in ("", "solvers", "operators")]
    assert [Path(line) for line in done.stdout.split()] == expected


def test_python_m_structlin_explains_itself():
    done = python("-m", "structlin", "--help", cwd=root)
    assert done.returncode == 0, done.stderr
    for command in ("tour", "heat", "benchmark"):
        assert command in done.stdout
