"""The commands of deploy/systemd and compose.yaml: each option exists, and each model is found from any folder."""

from __future__ import annotations

import ipaddress
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.core
import typer.main
import yaml

from tests.docs.blocks import ROOT
from unseen.cli import app
from unseen.detectors.saved import load
from unseen.pacs.config import load as pacs_config

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
COMPOSE = ROOT / "deploy/compose.yaml"
PROGRAM = "/opt/unseen/bin/unseen"
PAGE = ROOT / "docs/how-to/install-a-server.md"


def lines(unit: Path, key: str) -> list[str]:
    text = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in text if line.startswith(f"{key}=")]


def of_units() -> dict[str, list[str]]:
    """Each unit's command, with the options that the page's file `environment` adds; systemd splits them into words."""
    page = PAGE.read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in page if line.startswith("UNSEEN_"))
    commands = {}
    for unit in UNITS:
        (line,) = lines(unit, "ExecStart")
        words = [given.get(word[1:], "") if word.startswith("$") else word for word in line.split()]
        program, *arguments = shlex.split(" ".join(words))
        assert program == PROGRAM
        commands[unit.name] = arguments
    return commands


def of_compose() -> dict[str, list[str]]:
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return {f"compose: {name}": shlex.split(one["command"]) for name, one in services.items() if "command" in one}


COMMANDS = of_units() | of_compose()


def parsed(words: list[str]) -> dict[str, Any]:  # Any: of the command's own types
    """What the program reads from them; an option that it does not know is an error."""
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    values: dict[str, Any] = root.commands[words[0]].make_context(words[0], list(words[1:])).params
    return values


@pytest.mark.parametrize("name", COMMANDS)
def test_the_program_knows_the_command_and_its_options(name: str) -> None:
    assert parsed(COMMANDS[name])["folder"] is not None


def test_an_unknown_option_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed(["serve", "--folder", "x", "--modl", "models/pca"])


def test_each_model_is_found_from_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = {str(model) for words in COMMANDS.values() if (model := parsed(words).get("model")) is not None}
    assert named
    for model in named:
        load(Path(model.removeprefix("/")))  # the container has the package's models in /models


def test_the_server_is_given_its_model_so_that_leads_can_calibrate_it() -> None:
    serving = [parsed(words) for words in COMMANDS.values() if words[0] == "serve"]
    assert len(serving) == 2 and all(given["model"] for given in serving)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_writes_only_where_its_folder_is(unit: Path) -> None:
    (user,), (state,) = lines(unit, "User"), lines(unit, "StateDirectory")
    (words,) = [words for name, words in of_units().items() if name == unit.name]
    assert user == "unseen" and str(parsed(words)["folder"]) == f"/var/lib/{state}"


def test_compose_has_no_password_of_its_own() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    assert "change-me" not in text
    assert text.count("${POSTGRES_PASSWORD:?") == text.count("${POSTGRES_PASSWORD") == 2


def test_the_node_of_compose_admits_only_the_network_of_compose() -> None:
    composed = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    (subnet,) = composed["networks"]["default"]["ipam"]["config"]
    (peer,) = pacs_config(ROOT / "deploy/pacs.toml").peers
    assert list(peer.addresses) == [subnet["subnet"]] and ipaddress.ip_network(subnet["subnet"]).prefixlen >= 24
