"""``python -m structlin``: which command runs."""

from __future__ import annotations

import importlib

import pytest

from structlin.__main__ import commands, main


@pytest.mark.parametrize(
    ("arguments", "name", "rest"),
    [
        ([], "tour", []),
        (["--no-plot"], "tour", ["--no-plot"]),
        (["heat", "--nx", "9"], "heat", ["--nx", "9"]),
        (["benchmark", "operators"], "benchmark", ["operators"]),
    ],
)
def test_the_first_word_is_the_command(arguments, name, rest, monkeypatch):
    seen = []
    command = importlib.import_module(f"structlin._commands.{name}")
    monkeypatch.setattr(command, "main", lambda argv: seen.append(argv) or 7)
    assert main(arguments) == 7
    assert seen == [rest]


def test_an_unknown_command_ends_with_one_line(capsys):
    assert main(["fly"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "no command 'fly': there are tour, heat, benchmark" in err


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in commands)
