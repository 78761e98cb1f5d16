"""The repository's own promises: README, CI and pre-commit say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import structlin

root = Path(__file__).parents[1]
script = (root / ".ci" / "run").read_text(encoding="utf-8")


def text(name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", ["-m structlin", "-m pytest"])
def test_readme_has_each_command_on_one_line(ending):
    pattern = re.compile(rf"^python3 -m venv \.venv && .* {re.escape(ending)}$", re.MULTILINE)
    assert len(pattern.findall(text("README.md"))) == 1
    assert f'command_of_readme "{ending}"' in script  # and CI looks for it there


def test_pre_commit_checks_what_ci_checks():
    entries = re.findall(r"^ +entry: (.+)$", text(".pre-commit-config.yaml"), re.MULTILINE)
    assert {"ruff check", "ruff format --check", "mypy"} <= set(entries)
    for entry in entries:
        assert entry in script or entry == "python -m pytest"


def test_the_version_is_said_once_and_repeated_truly():
    assert "version" in tomllib.loads(text("pyproject.toml"))["project"]["dynamic"]
    assert f"\nversion: {structlin.__version__}\n" in text("CITATION.cff")
    assert f"## [{structlin.__version__}]" in text("CHANGELOG.md")
