"""The container: its file is read, its steps are carried out in a clean tree, and its quick start runs there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import absent
from tests.docs.blocks import ROOT, blocks
from tests.help_texts import help_text
from tests.pacs.orthanc_server import free_ports
from tests.repository.containerfile import Stage, stages
from tests.repository.image_tree import Image, build
from unseen.data.reading import films
from unseen_server.pacs.config import load as pacs_config
from unseen_server.web.address import Address

CONTAINERFILE = ROOT / "deploy/Containerfile"
READY_S = 300.0


def test_an_instruction_that_the_reader_does_not_know_is_an_error() -> None:
    assert [one.name for one in stages("FROM a AS b\n# note\nRUN x \\\n    && y\n")[0].instructions] == ["RUN"]
    for text, what in (
        ("FROM a\nSHELL ksh", "line 2: SHELL"),
        ("USER a", "before the first FROM"),
        ("FROM a\nRUN x \\", "ends"),
    ):
        with pytest.raises(ValueError, match=what):
            stages(text)


def test_the_compose_file_fits_the_image() -> None:
    stage = stages(CONTAINERFILE.read_text(encoding="utf-8"))[-1]
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = {name: one for name, one in services.items() if one["image"] == "unseen"}
    assert set(ours) == {"serve", "pacs"}
    assert [one.text for one in stage.of("USER")] == ["unseen"] and stage.of("ENTRYPOINT")[0].words == ["unseen"]
    exposed = {int(port) for one in stage.of("EXPOSE") for port in one.words}
    kept = {place for one in stage.of("VOLUME") for place in one.words}
    config = pacs_config(ROOT / "deploy/pacs.toml")
    for name, service in ours.items():
        assert "user" not in service and service["build"]["dockerfile"] == "deploy/Containerfile"
        assert {int(str(port).rpartition(":")[2]) for port in service["ports"]} <= exposed
        places = dict(volume.split(":")[:2] for volume in service["volumes"])
        assert places["worklist"] in kept
        command = options(service["command"])
        assert command["--folder"] in kept and (name == "serve" or "healthcheck" in service)
    serve, pacs = (options(ours[name]["command"]) for name in ("serve", "pacs"))
    address = Address(host=serve["--host"], port=int(serve.get("--port", 8080)), public=serve.get("--public"))
    assert not address.is_loopback and ours["serve"]["ports"] == [f"127.0.0.1:{address.port}:{address.port}"]
    assert f":{address.port}/" in health(stage) and serve["--model"].startswith("/models/")
    assert f"./pacs.toml:{pacs['--config']}:ro" in ours["pacs"]["volumes"]
    assert ours["pacs"]["ports"] == [f"{config.port}:{config.port}"] and config.http is not None
    assert f"http://{config.http.host}:{config.http.port}/ready" in ours["pacs"]["healthcheck"]["test"][-1]
    archive = services["archive"]["environment"]
    (peer,) = config.peers
    assert json.loads(archive["ORTHANC__DICOM_MODALITIES"])["triage"] == [config.ae_title, "pacs", config.port]
    assert (peer.ae_title, peer.host, str(peer.port)) == (
        archive["ORTHANC__DICOM_AET"],
        "archive",
        archive["ORTHANC__DICOM_PORT"],
    )


@pytest.fixture
def trees(tmp_path: Path) -> Iterator[Path]:
    """A folder that is emptied afterwards: the trees take gigabytes."""
    yield tmp_path / "image"
    shutil.rmtree(tmp_path / "image", ignore_errors=True)


@pytest.mark.nightly
@pytest.mark.timeout(2400)
def test_the_quick_start_runs_in_a_tree_built_by_the_files_steps(
    tmp_path: Path, trees: Path, shared_data: Path
) -> None:
    """The commands of `docs/get-started/install.md`: build, invite, serve; then a film is sent, and scored.

    The film is a real one: the model's gate refuses phantoms.
    """
    if os.geteuid() != 0:
        absent("A tree of its own needs root (unshare, chroot).")
    text = CONTAINERFILE.read_text(encoding="utf-8")
    base = stages(text)[-1].base
    if f":{sys.version_info[0]}.{sys.version_info[1]}-" not in base:
        absent(f"The base image is {base}, and this is Python {sys.version.split()[0]}.")
    tmp_path.chmod(0o755)
    build_line, invite_line, serve_line = commands()
    assert build_line[:5] == ["podman", "build", "-f", "deploy/Containerfile", "-t"] and build_line[-1] == "."
    image = build(text, context=sent(tmp_path / "context"), folder=trees)
    assert "Begin with" in image.run([*image.entrypoint, *image.cmd]), "the command of an image that is given none"
    assert image.run(["id", "-un"]).strip() == "unseen" and image.volumes == ["/worklist"]

    (port,) = free_ports(1)
    data = tmp_path / "volume"
    with pytest.raises(AssertionError, match="nobody has an account"):
        image.run(inside(serve_line, image, port), volumes=volumes(serve_line, data, image))
    printed = image.run(inside(invite_line, image, port), volumes=volumes(invite_line, data, image))
    (link,) = re.findall(r"#choose=(\S+)", printed)
    with running(image, inside(serve_line, image, port), volumes(serve_line, data, image)) as server:
        probe = [word.replace("8080", str(port)) for word in image.health]
        end = time.monotonic() + READY_S
        while (checked := image.start(probe)).wait() != 0:
            assert server.poll() is None and time.monotonic() < end, checked.communicate()[0]
            time.sleep(1)
        api = f"http://127.0.0.1:{port}/api/v1"
        password = "a long sentence that she knows"
        asked(f"{api}/sign-in/choose", {"link": link, "password": password})
        token = {"Authorization": f"Bearer {asked(f'{api}/tokens', {'name': 'ann', 'password': password})['token']}"}
        film = next(
            entry.path for entry in films(shared_data / "ms_cxr/manifest.csv").entries if entry.label == "normal"
        )
        headers = token | {"Content-Type": "application/octet-stream", "X-Film-Name": film.name}
        asked(f"{api}/films", film.read_bytes(), headers)
        while asked(f"{api}/health", None)["queue"]["waiting"]:
            assert server.poll() is None and time.monotonic() < end
            time.sleep(1)
        (study,) = asked(f"{api}/studies/search", {"tab": "to_read", "limit": 20}, token)["rows"]
        assert study["state"] == "to_read" and study["score"] is not None, study
    assert server.wait() == 0, "a container is stopped by SIGTERM"
    kept = [path for path in data.rglob("*") if path.is_file()]
    assert any(path.name == "worklist.sqlite" for path in kept) and {path.stat().st_uid for path in kept} == {10001}
    assert image.start(probe).wait() != 0, "unhealthy when it has ended"


def commands() -> list[list[str]]:
    """Return the page's commands of its container, as words."""
    page = ROOT / "docs/get-started/install.md"
    (block,) = (one for one in blocks(page) if "podman build" in one.text)
    return [shlex.split(line) for line in block.text.splitlines()]


def after_image(line: list[str]) -> list[str]:
    return line[line.index("unseen") + 1 :]


def inside(line: list[str], image: Image, port: int) -> list[str]:
    """Return the command of `podman run … unseen WORDS`, with a free port, since it uses the network of the host."""
    words = after_image(line)
    if "--publish" in line:
        here, there = line[line.index("--publish") + 1].rsplit(":", 1)
        assert there in image.ports and here == f"127.0.0.1:{there}"
    return [*image.entrypoint, *words, *(["--port", str(port)] if words[0] == "serve" else [])]


def volumes(line: list[str], data: Path, image: Image) -> dict[str, Path]:
    """Return the named volume; a new one has what the image has there, with its owner."""
    _name, place = line[line.index("--volume") + 1].split(":")
    assert place in image.volumes
    if not data.exists():
        subprocess.run(["cp", "--archive", image.root / place.lstrip("/"), data], check=True)
    return {place: data}


def sent(folder: Path) -> Path:
    """Return the files that a builder sends: the checkout's, without what .dockerignore names."""
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv"} <= set(left_out)
    words = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file() and Path(name).parts[0] not in left_out:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@contextmanager
def running(image: Image, command: list[str], at: Mapping[str, Path]) -> Iterator[subprocess.Popen[str]]:
    with (image.root / "server.log").open("w") as log:
        started = image.start(command, volumes=at, out=log.fileno())
        try:
            yield started
            started.terminate()
            started.wait(60)
        finally:
            started.kill()


def asked(url: str, body: dict[str, Any] | bytes | None, headers: Mapping[str, str] | None = None) -> Any:  # Any: JSON
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    asking = {"Content-Type": "application/json", "X-Requested-With": "test", **(headers or {})}
    with urllib.request.urlopen(urllib.request.Request(url, data, asking), timeout=60) as answer:
        return json.loads(answer.read())


def options(command: str) -> dict[str, str]:
    """Return the options of a command of `unseen`, each of which exists."""
    name, *words = shlex.split(command)
    known = help_text(name)
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert all(re.search(rf"{option}\b", known) for option in given), given
    return given


def health(stage: Stage) -> str:
    (check,) = stage.of("HEALTHCHECK")
    return check.text
