"""Carries out a Containerfile's steps in folders that stand for the images, and runs its commands there as a container
would: another root, the image's user and environment, the data volume alone from outside.

The base image is a tree with this machine's /usr, its Python in /usr/local, both read only, and accounts of its own.
It needs root, for a root folder and mounts of one's own (`unshare`, `chroot`); nothing is mounted outside of its
processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.repository.containerfile import Instruction, Stage, stages, substituted

# Python's shared library, which the image's linker finds by itself
_BASE = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", "LD_LIBRARY_PATH": "/usr/local/lib"}
_ETC = ("ssl", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf", "resolv.conf", "hosts", "login.defs",
        "default", "alternatives", "pip.conf")  # fmt: skip
_ACCOUNTS = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "shadow": "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n",
    "gshadow": "root:*::\nnogroup:*::\n",
}
# what a builder passes on from its machine: certificates, proxies, and where packages come from
_PASSED = ("PIP_", "SSL_CERT", "REQUESTS_CA", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_ENTER = """
set -e
root=$1 user=$2; shift 2
while [ "$1" != -- ]; do
    mount --bind "$2" "$root$3"
    [ "$1" = rw ] || mount -o remount,ro,bind "$root$3"
    shift 3
done
shift
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
exec chroot --userspec="$user" "$root" "$@"
"""


@dataclass
class Image:
    """A built stage. `root`: its tree; the rest is what the instructions set."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: dict(_BASE))
    args: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    ports: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    cmd: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def start(
        self,
        command: Sequence[str],
        *,
        volumes: Mapping[str, Path] | None = None,
        passed: Mapping[str, str] | None = None,
        out: int | None = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """The command in the tree, as its user. `volumes`: path in the image → folder of this machine, writable."""
        mounts = ["ro", "/usr", "/usr", "ro", sys.base_prefix, "/usr/local"]
        for place in filter(os.path.isdir, (passed or {}).get("PIP_FIND_LINKS", "").split()):
            (self.root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
            mounts += ["ro", place, place]
        for place, folder in (volumes or {}).items():
            mounts += ["rw", str(folder), place]
        home = {name: home for name, _, _, _, _, home, _ in self._accounts()}[self.user]
        user = "0:0" if self.user == "root" else f"{self.user}:{self.user}"
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _ENTER, "sh", str(self.root), user, *mounts, "--", *command],
            env={"HOME": home, **self.env, **(passed or {})},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: Sequence[str], **settings: Mapping[str, Path] | Mapping[str, str]) -> str:
        """Return the output of a command. Raises AssertionError if it fails."""
        started = self.start(command, **settings)  # type: ignore[arg-type]
        printed, _ = started.communicate()
        assert started.returncode == 0, f"{' '.join(command)}\n{printed[-6000:]}"
        return printed

    def _accounts(self) -> list[list[str]]:
        return [line.split(":") for line in (self.root / "etc/passwd").read_text(encoding="utf-8").splitlines()]


def build(text: str, *, context: Path, folder: Path, args: Mapping[str, str] | None = None) -> Image:
    """The last stage's image. `context`: the files that are sent; `folder`: an empty one, where the trees are made."""
    passed = {name: value for name, value in os.environ.items() if name.upper().startswith(_PASSED)}
    built: dict[str, Image] = {}
    last = None
    for number, stage in enumerate(stages(text)):
        last = _built(stage, _base(folder / f"stage-{number}"), context, built, {**passed, **(args or {})})
        built[stage.name or str(number)] = last
    assert last is not None, "no stage"
    return last


def _base(root: Path) -> Image:
    """Return a tree with this machine's programs and Python, and nothing else of it."""
    for name in ("dev", "proc", "usr", "root", "tmp", "home", "etc", "opt", "var", "run"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in _ETC:
        here = Path("/etc", name)
        if here.is_dir():
            shutil.copytree(here, root / "etc" / name, symlinks=True)
        elif here.exists():
            shutil.copy(here, root / "etc" / name)
    for name, accounts in _ACCOUNTS.items():
        (root / "etc" / name).write_text(accounts, encoding="utf-8")
    own = Path.home() / ".config/pip/pip.conf"
    if own.is_file():
        (root / "root/.config/pip").mkdir(parents=True)
        shutil.copy(own, root / "root/.config/pip/pip.conf")
    return Image(root)


def _built(stage: Stage, image: Image, context: Path, built: Mapping[str, Image], passed: Mapping[str, str]) -> Image:
    for one in stage.instructions:
        match one.name:
            case "ARG":
                name, _, default = one.text.partition("=")
                image.args[name] = passed.get(name, default)
            case "ENV":
                pairs = dict(word.split("=", 1) for word in one.words)
                image.env |= {name: substituted(value, image.args | image.env) for name, value in pairs.items()}
            case "COPY":
                _copy(one, image, built[one.options["from"]].root if "from" in one.options else context)
            case "RUN":
                given = {name: value for name, value in image.args.items() if value}
                image.run(one.command, passed={**passed, **given})
            case "USER":
                image.user = one.text
            case "EXPOSE":
                image.ports += one.words
            case "VOLUME":
                image.volumes += one.words
            case "ENTRYPOINT":
                image.entrypoint = one.command
            case "CMD":
                image.cmd = one.words
            case "HEALTHCHECK":
                image.health = _health(one)
    return image


def _copy(one: Instruction, image: Image, source: Path) -> None:
    *places, target = one.words
    for place in places:
        shutil.copytree(source / place.lstrip("/"), image.root / target.lstrip("/"), symlinks=True, dirs_exist_ok=True)


def _health(one: Instruction) -> list[str]:
    kind, _, command = one.text.partition(" ")
    assert kind == "CMD", f"line {one.line}: HEALTHCHECK {one.text}: not HEALTHCHECK CMD"
    return Instruction("CMD", one.line, {}, command).command
