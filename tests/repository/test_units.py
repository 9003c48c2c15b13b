"""The commands of deploy/systemd and compose.yaml: each option exists, and each model is found from any folder.

And `unseen-site`, with which an administrator runs a command as the units do.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.core
import typer.main
import yaml

from conftest import absent
from tests.cli.conftest import run
from tests.docs.blocks import ROOT
from unseen.cli import app
from unseen.detectors.saved import load
from unseen_server.pacs.config import load as pacs_config
from unseen_server.worklist.store import Store

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
COMPOSE = ROOT / "deploy/compose.yaml"
PROGRAM = "/opt/unseen/bin/unseen"
PAGE = ROOT / "docs/how-to/install-a-server.md"


def lines(unit: Path, key: str) -> list[str]:
    text = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in text if line.startswith(f"{key}=")]


def of_page() -> dict[str, str]:
    """Return the variables of the file `environment` on the page; a line with # is an example."""
    text = PAGE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in text if line.startswith("UNSEEN_"))


def of_units(site: dict[str, str] | None = None) -> dict[str, list[str]]:
    """Return each unit's command, with what the file `environment` adds (None: the page's); a value of $NAME is split
    into words, one of ${NAME} is not, as systemd does."""
    commands = {}
    for unit in UNITS:
        (line,) = lines(unit, "ExecStart")
        given = dict(one.split("=", 1) for one in lines(unit, "Environment")) | (of_page() if site is None else site)
        words = [
            shlex.quote(given[word[2:-1]])
            if word.startswith("${")
            else given.get(word[1:], "")
            if word.startswith("$")
            else word
            for word in line.split()
        ]
        program, *arguments = shlex.split(" ".join(words))
        assert program == PROGRAM
        commands[unit.name] = arguments
    return commands


def of_compose() -> dict[str, list[str]]:
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return {f"compose: {name}": shlex.split(one["command"]) for name, one in services.items() if "command" in one}


COMMANDS = of_units() | of_compose()


def parsed(words: list[str]) -> dict[str, Any]:  # Any: of the command's own types
    """Return the values that the program parses; an unknown option is an error."""
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


def test_a_site_s_model_stands_where_an_upgrade_keeps_it() -> None:
    site = {"UNSEEN_MODEL": "/srv/our model", "UNSEEN_SERVE_OPTIONS": "--public https://a.example --workers 2"}
    given = parsed(of_units(site)["unseen-serve.service"])
    assert str(given["model"]) == "/srv/our model" and given["workers"] == 2
    assert str(parsed(of_units(site)["unseen-worker@.service"])["model"]) == "/srv/our model"


def test_the_unit_of_the_backup_can_run_twice_and_keeps_as_many_as_the_site_says(tmp_path: Path) -> None:
    home, backups = tmp_path / "lib", tmp_path / "backups"
    with Store.open(home) as store:
        store.films.receive(b"film", name="a")
    assert parsed(of_units()["unseen-backup.service"])["keep"] == 14
    words = of_units({"UNSEEN_BACKUPS": "1"})["unseen-backup.service"]
    here = {"/var/lib/unseen": str(home), "/var/backups/unseen": str(backups)}
    for name in ("2026-01-01T000000Z", "2026-01-02T000000Z"):
        (backups / name).mkdir(parents=True)
        (backups / name / "backup.json").write_text("{}")
    done = run(*(here.get(word, word) for word in words))
    assert done.code == 0, done.err
    (made,) = backups.iterdir()
    assert f"1 study, 1 film, 0 maps saved in {made}" in done.out
    (unit,) = [one for one in UNITS if one.name == "unseen-backup.service"]
    assert lines(unit, "ReadWritePaths") == [words[1]] and lines(unit, "Type") == ["oneshot"]


def test_the_timer_starts_the_unit_of_its_name(program: Callable[..., str]) -> None:
    (timer,) = (ROOT / "deploy/systemd").glob("*.timer")
    assert timer.with_suffix(".service").exists() and lines(timer, "WantedBy") == ["timers.target"]
    (calendar,) = lines(timer, "OnCalendar")
    done = subprocess.run([program("systemd-analyze"), "calendar", calendar], capture_output=True, text=True)
    assert done.returncode == 0 and "Next elapse" in done.stdout, done.stderr


UNSEEN = """#!/bin/sh
echo "$(id -un) ${UNSEEN_URL-none} $*"
"""


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ("UNSEEN_URL=postgresql://unseen:pa$$word@db/unseen\n", "postgresql://unseen:pa$$word@db/unseen"),
        ('UNSEEN_SERVE_OPTIONS=--public https://a.example\nUNSEEN_URL="postgresql://a@b/c"\n', "postgresql://a@b/c"),
        ("UNSEEN_SERVE_OPTIONS=--workers 1\n", "none"),
        (None, "from-the-shell"),
    ],
)
def test_unseen_site_is_the_user_and_has_the_url_of_the_units(
    environment: str | None, url: str, program: Callable[..., str], tmp_path: Path
) -> None:
    """Run in a new mount namespace, whose /etc and /opt have the user and the program."""
    if os.geteuid() != 0:
        absent("A mount namespace of its own needs root (unshare).")
    shutil.copytree("/etc", tmp_path / "etc", symlinks=True, ignore=shutil.ignore_patterns("ssl", "alternatives"))
    with (tmp_path / "etc/passwd").open("a") as passwd:
        passwd.write("unseen:x:4242:4242::/var/lib/unseen:/usr/sbin/nologin\n")
    with (tmp_path / "etc/group").open("a") as group:
        group.write("unseen:x:4242:\n")
    if environment is not None:
        (tmp_path / "etc/unseen").mkdir()
        (tmp_path / "etc/unseen/environment").write_text(environment)
    (tmp_path / "opt/unseen/bin").mkdir(parents=True)
    (tmp_path / "opt/unseen/bin/unseen").write_text(UNSEEN)
    (tmp_path / "opt/unseen/bin/unseen").chmod(0o755)
    mounts = " && ".join(f"mount --bind {shlex.quote(str(tmp_path / name))} /{name}" for name in ("etc", "opt"))
    command = f'{mounts} && exec {ROOT / "deploy/unseen-site"} backup "a b" --folder /var/lib/unseen'
    done = subprocess.run(
        [program("unshare"), "--mount", "sh", "-c", command],
        capture_output=True,
        text=True,
        env=os.environ | {"UNSEEN_URL": "from-the-shell"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"unseen {url} backup a b --folder /var/lib/unseen\n"


def test_the_page_copies_what_the_wheelhouse_holds() -> None:
    copied = (ROOT / "deploy/wheelhouse.sh").read_text(encoding="utf-8")
    assert all(re.search(rf"cp [^\n]*{re.escape(name)}", copied) for name in ("*.service", "*.timer", "unseen-site"))
    page = PAGE.read_text(encoding="utf-8")
    assert "*.service" in page and "*.timer" in page and "unseen-site" in page
