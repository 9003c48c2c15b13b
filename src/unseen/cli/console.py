"""How commands speak: steps, progress, results; their mistakes, and packages that are missing.

`UsageError`: a command that contradicts itself or lacks something; one sentence, exit status 2.

How commands speak: steps announced on stderr, progress in one line, results on stdout.

A package that an extra brings and that is not installed: one sentence instead of a traceback.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from unseen.artifacts.errors import UserError, reason_of
from unseen.artifacts.installation import LIMITS

if TYPE_CHECKING:
    from unseen.data.label_names import LabelNames


Normal = Annotated[
    list[str] | None,
    typer.Option("--normal", help="what your set calls normal films, in its column or as a folder's name; repeatable"),
]
Abnormal = Annotated[
    list[str] | None,
    typer.Option("--abnormal", help="what your set calls abnormal films, likewise; '*': every other name"),
]
LabelColumn = Annotated[
    str, typer.Option("--label-column", help="the manifest's column with these names, for --normal and --abnormal")
]

Devices = Annotated[
    int | None,
    typer.Option(min=1, help="so many share each batch: GPUs of this machine, or processes on its CPU; default: one"),
]
Nodes = Annotated[
    int | None,
    typer.Option(min=1, help="so many machines share each batch: start the same command on each; default: one"),
]


def label_names(normal: list[str] | None, abnormal: list[str] | None, column: str) -> LabelNames | None:
    """What the set calls its labels; None where it calls them normal and abnormal in the column `label`.

    Raises UsageError for a column without names.
    """
    from unseen.data.label_names import LabelNames

    if not normal and not abnormal:
        if column != "label":
            raise UsageError("--label-column: say what it holds, too, such as --normal 'No Finding' --abnormal '*'")
        return None
    return LabelNames(normal=tuple(normal or ()), abnormal=tuple(abnormal or ()), column=column)


class UsageError(UserError, ValueError):
    """What is wrong with the command line, and what to give instead."""


def file_sentence(error: OSError) -> str:
    """Return the sentence for a file or folder that the system refuses: its name, the cause, the remedy.

    >>> file_sentence(FileNotFoundError(2, "No such file or directory", "films"))
    'films: no such file or directory. Check the path'
    """
    if error.filename is None:
        return str(error)
    remedy = "Check its permissions" if isinstance(error, PermissionError) else "Check the path"
    if isinstance(error, FileExistsError):
        remedy = "Delete it, or give another path"
    reason = reason_of(error)
    return f"{error.filename}: {reason[:1].lower()}{reason[1:]}. {remedy}"


def step(text: str) -> None:
    """Announce what happens next."""
    typer.secho(f"▸ {text}", err=True, bold=True)


def note(text: str) -> None:
    """A remark on stderr."""
    typer.secho(f"  {text}", err=True)


def limits() -> None:
    """The sentence that stands where results are seen."""
    typer.secho(LIMITS, err=True, dim=True)


def count_progress(what: str) -> Callable[[int], None]:
    """A callback for scoring: how many rows are done, written over on a terminal; elsewhere a line now and then."""
    from unseen.training.settings import EVERY_S

    live = sys.stderr.isatty()
    spoke = time.monotonic()

    def report(done: int) -> None:
        nonlocal spoke
        if live and done % 10 == 0:
            typer.echo(f"\r\033[K  {what}: {done}", err=True, nl=False)
        elif not live and time.monotonic() - spoke >= EVERY_S:
            spoke = time.monotonic()
            note(f"{what}: {done}")

    return report


def rate_progress(what: str) -> Callable[[int, int, int], None]:
    """A callback for long runs, with the number done by this run, done in all, and in all: one line with the rate and
    the time left, written over on a terminal; elsewhere a line now and then."""
    from unseen.training.settings import EVERY_S

    live = sys.stderr.isatty()
    began = spoke = time.monotonic()

    def report(now: int, done: int, total: int) -> None:
        nonlocal spoke
        seconds = time.monotonic() - began
        line = f"{what}: {done:,} of {total:,}"
        if now and seconds > 0:
            rate = now / seconds
            line += f", {rate:.3g} films/s, {_duration((total - done) / rate)} left"
        if live:
            typer.echo(f"\r\033[K  {line}", err=True, nl=done == total)
        elif done == total or time.monotonic() - spoke >= EVERY_S:
            spoke = time.monotonic()
            note(line)

    return report


def _duration(seconds: float) -> str:
    """A length of time for people.

    >>> _duration(12.3), _duration(754), _duration(90_000)
    ('12 s', '12 min 34 s', '25 h 0 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


PACS: Final = frozenset(
    {
        "dicomweb_client",
        "fhir",
        "highdicom",
        "prometheus_client",
        "pynetdicom",
    }
)
"""Modules of the extra `pacs` of unseen-server: the DICOM node and its neighbours."""


OIDC: Final = frozenset({"authlib", "joserfc", "requests", "urllib3"})
"""Modules of the extra `oidc` of unseen-server: sign-in with an identity provider."""


def sentence(error: ModuleNotFoundError) -> str | None:
    """Return the sentence that names what to install; None where the missing module belongs to no extra: a bug.

    >>> sentence(ModuleNotFoundError("No module named 'pynetdicom'", name="pynetdicom"))
    'the PACS node needs packages that are not installed (pynetdicom): pip install "unseen-server[pacs]"'
    """
    missing = (error.name or "").split(".")[0]
    if missing in PACS:
        return f'the PACS node needs packages that are not installed ({missing}): pip install "unseen-server[pacs]"'
    if missing in OIDC:
        return f'--oidc needs packages that are not installed ({missing}): pip install "unseen-server[oidc]"'
    if missing == "ray":
        return '--engine ray needs a package that is not installed (ray): pip install "unseen[cluster]"'
    return None
