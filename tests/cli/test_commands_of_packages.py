"""Commands of other packages: those of the server are there or name what to install; a broken one harms no other."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from unseen.cli import UsageError, commands


def program(monkeypatch: pytest.MonkeyPatch, *entries: EntryPoint) -> typer.Typer:
    """Return a program with one command of its own, where only these entry points are installed."""
    monkeypatch.setattr(commands.metadata, "entry_points", lambda *, group: list(entries) if group else [])
    app = typer.Typer()
    app.command("score")(lambda: typer.echo("scored"))
    commands.add_commands(app)
    return app


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, commands.GROUP)


@pytest.mark.parametrize("name", commands.SERVER)
def test_a_command_of_the_server_names_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = program(monkeypatch)
    for words in ([name], [name, "--folder", "list", "more"], [name, "--help"]):
        error = CliRunner().invoke(app, words).exception
        assert isinstance(error, UsageError)
        assert str(error) == (
            f"{name} is a command of the worklist server, which is not installed: pip install unseen-server "
            "(in a clone: pip install ./server)"
        )
    assert name not in CliRunner().invoke(app, ["--help"]).output.split()


def test_a_command_that_cannot_be_loaded_names_its_cause_and_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    app = program(monkeypatch, entry("broken", "no_such_module:command"), entry("gone", "json:no_such_name"))
    assert CliRunner().invoke(app, ["score"]).output == "scored\n"
    for name, cause in (("broken", "No module named 'no_such_module'"), ("gone", "no_such_name")):
        error = CliRunner().invoke(app, [name, "--any"]).exception
        assert isinstance(error, UsageError) and cause in str(error) and f"{name} cannot be loaded from " in str(error)


@pytest.mark.parametrize(
    "fault", ["raise ValueError('no licence')", "raise SystemExit(3)", "import nothing_of_the_sort", "x ="]
)
def test_a_command_whose_module_fails_as_it_is_imported_harms_no_other(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_failing_package.py").write_text(fault)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_failing_package", raising=False)
    app = program(monkeypatch, entry("broken", "a_failing_package:command"))
    assert CliRunner().invoke(app, ["score"]).output == "scored\n"
    error = CliRunner().invoke(app, ["broken"]).exception
    assert isinstance(error, UsageError) and "broken cannot be loaded from another package" in str(error)


def test_no_package_replaces_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    app = program(monkeypatch, entry("score", "json:loads"))
    assert CliRunner().invoke(app, ["score"]).output == "scored\n"


def test_the_installed_server_brings_all_its_commands() -> None:
    found = {one.name for one in commands.metadata.entry_points(group=commands.GROUP)}
    assert set(commands.SERVER) <= found
