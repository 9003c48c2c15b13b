"""Output of commands: progress on stderr, results on stdout; checks of places for output; `UsageError`.

`UsageError` is a command that contradicts itself or lacks something: one sentence, exit status 2. `sentence` names the
extra to install where a package is missing, instead of a traceback.
"""

from __future__ import annotations

import errno
import functools
import inspect
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from unseen.artifacts.errors import UserError, reason_of
from unseen.artifacts.installing import install_command
from unseen.artifacts.research_only import LIMITS

if TYPE_CHECKING:
    from unseen.artifacts.card import Kind
    from unseen.data.label_names import LabelNames
    from unseen.data.reading import Films
    from unseen.training.progress import Progress

_Function = TypeVar("_Function", bound=Callable[..., Any])  # Any: a command's own parameters


@dataclass
class _Output:
    """Output of the running command: its options, and the JSON document as far as it is printed."""

    quiet: bool = False
    json: bool = False
    document: dict[str, Any] = field(default_factory=dict)  # Any: JSON
    notes: list[str] = field(default_factory=list)


_output = _Output()
_counting = False
"""True while the last line on the terminal is a count, which `_print` removes."""
_QUIET: Final = Annotated[
    bool, typer.Option("--quiet", "-q", help="no steps, notes and progress; results, warnings and errors only")
]
_JSON: Final = Annotated[bool, typer.Option("--json", help="print the result as one JSON document on standard output")]


def with_output_options(command: _Function) -> _Function:
    """Add the options `--quiet` and `--json` to the function of a command.

    With `--json` the command's results, its notes and the research-only sentence are one JSON document on standard
    output; an error is a document with the key `error`.

    Args:
        command: the function. It prints through `result`, `item`, `step`, `note` and `warn`.

    Returns:
        A function with two more parameters, for `typer`.

    Example:
        >>> def count(films: int) -> None:
        ...     result(f"{films} films", films=films)
        >>> with_output_options(count)(films=2, quiet=True, json=False)
        2 films
    """
    signature = inspect.signature(command, eval_str=True)
    added = {"quiet": _QUIET, "json": _JSON}

    @functools.wraps(command)
    def run(*words: Any, quiet: bool, json: bool, **options: Any) -> None:  # Any: the command's own
        with _printing(quiet=quiet, as_json=json):
            for name in _OUTPUTS:
                if name in options:
                    check_encoding(name, options[name])
                    options[name] = behind_link(options[name])
            command(*words, **options)

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in added.items()
    ]
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), *parameters]
    )
    run.__annotations__ = {**command.__annotations__, **added}
    return run  # type: ignore[return-value]


@contextmanager
def _printing(*, quiet: bool, as_json: bool) -> Iterator[None]:
    """Print in one way until the block ends; in JSON, print the document then, unless the block fails."""
    global _output
    before, _output = _output, _Output(quiet, as_json)
    try:
        try:
            yield
        except typer.Exit:
            _print_document()
            raise
        except Exception as error:
            said = error_sentence(error)
            if said is None and isinstance(error, OSError):
                said = file_sentence(error)
            if said is not None:
                _output.document = {"error": said}
                _print_document()
            raise
        _print_document()
    finally:
        _output = before


def _print_document() -> None:
    if _output.json:
        found = {**_output.document, "notes": _output.notes, "limits": LIMITS}
        _print(json.dumps(found, ensure_ascii=False, indent=1, default=_plain))


def print_error(text: str) -> None:
    """Print the JSON document of a command line that cannot be parsed."""
    with _printing(quiet=True, as_json=True):
        result(None, error=text)


def _plain(value: object) -> object:
    """Return a value that JSON has no type for: a path, a figure, a NumPy number."""
    for name in ("to_json", "item"):
        if callable(method := getattr(value, name, None)):
            return method()
    return str(value)


def result(text: str | None, **facts: object) -> None:
    """Print a result: the text, or with `--json` the facts, which go into the document.

    Args:
        text: a line, or lines; None: nothing.
        facts: the same as values, by name.
    """
    if _output.json:
        _output.document |= facts
    elif text is not None:
        _print(text)


def item(of: str, text: str, facts: Mapping[str, object]) -> None:
    """Print an item of a list: the text, or with `--json` the facts, which go into the list of that name.

    Args:
        of: the name of the list in the document.
        text: a line.
        facts: the same as values, by name.
    """
    if _output.json:
        _output.document.setdefault(of, []).append(dict(facts))
    else:
        _print(text)


def columns(*names: str) -> None:
    """Print the names of the columns of the rows that follow, on standard error: rows alone go into a pipe."""
    if not (_output.quiet or _output.json):
        _print(typer.style(f"  columns, separated by tabs: {', '.join(names)}", dim=True), err=True)


def check_model(model: Path | str, *wanted: Kind) -> None:
    """Read the card of a model, before anything is imported that computes.

    Args:
        model: a bundle's folder, or the name of an installed model.
        wanted: types of model that the command can use; all if none.

    Raises:
        BundleError: there is no such model, or it is of another type; the message offers those of these types.
    """
    from unseen.artifacts.bundle import card_of

    card_of(model, *wanted)


_OUTPUTS: Final = ("out", "maps", "report")
"""Parameters of commands that name files or folders to write."""


def check_encoding(option: str, path: object) -> None:
    """Raise UsageError for a path that is not UTF-8: tables, JSON and terminals cannot hold it."""
    if path is None:
        return
    shown = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if shown != str(path):
        raise UsageError(f"--{option} {shown}: the name is not UTF-8. Give another path")


def behind_link(path: Any) -> Any:  # Any: the value of an option
    """Return the path to which a symbolic link leads, so that a command replaces what is there and not the link.

    A text (`score --out`), whose ending decides the format, is followed only to a name of the same ending.
    """
    if not isinstance(path, str | Path) or not os.path.islink(path):
        return path
    target = os.path.realpath(path)
    if isinstance(path, Path):
        return Path(target)
    return target if Path(target).suffix == Path(path).suffix else path


def recipe_file(recipe: str) -> str:
    """Return the file that a user names as the recipe; empty for a recipe of the package, whose values are right."""
    return recipe if recipe.endswith(".toml") else ""


def check_output(
    path: Path,
    *,
    folder: bool = False,
    inputs: Iterable[Path | str | None] = (),
    folders: Iterable[Path | str | None] = (),
) -> None:
    """Raise UsageError where a file, or a folder with files, cannot be written or is an input; for before the work.

    Args:
        path: the file or the folder.
        folder: whether it is a folder.
        inputs: files and folders that the command reads, also by other names (symbolic or hard links); None: not given.
        folders: folders of which the command reads all files, such as a model's.
    """
    if os.path.exists(path) and os.path.isdir(path) != folder:
        raise UsageError(f"{path}: is a {'file' if folder else 'folder'}. Give another path")
    _check_writable(path.absolute() if folder else path.absolute().parent, path)
    for place in filter(None, map(_place, folders)):
        if place.resolve() in (path.resolve(), *path.resolve().parents):
            raise UsageError(f"{path}: is in {place}, which this command reads and would change. {_ANOTHER}")
    if not os.path.exists(path):
        return
    there = os.stat(path)
    for given in inputs:
        if given and (found := _stat(given)) is not None and os.path.samestat(found, there):
            named = "a file that " if str(given) == str(path) else f"{given}, which "
            raise UsageError(f"{path}: is {named}this command reads and would replace. {_ANOTHER}")


def _stat(given: Path | str) -> os.stat_result | None:
    """Return the status of an input, also of an installed model; None where there is none. One call for each film."""
    try:
        return os.stat(given)
    except OSError:
        place = _place(given)
        return None if place is None else os.stat(place)


def _place(given: Path | str | None) -> Path | None:
    """Return the place of an input: that of the installed model of this name; None where there is none."""
    from unseen.artifacts.installed_models import located

    if given is None or not str(given):
        return None
    place = located(Path(given))
    return place if os.path.exists(place) else None


_ANOTHER: Final = "Give another path"


def files_read(listed: Films, *others: Path | str | None) -> Iterator[Path | str | None]:
    """Yield the files that a command reads: `others`, then those of the films and their masks.

    A folder of films may hold reports of earlier commands, which are listed and are no films.
    """
    yield from others
    for entry in listed.entries:
        if entry.path.suffix.lower() not in _REPORTS:
            yield from (entry.path, entry.mask, entry.lesion)


_REPORTS: Final = (".csv", ".parquet", ".json", ".html")
"""Endings of files that commands write, and that are no films."""


def _check_writable(parent: Path, path: Path) -> None:
    """Raise UsageError where no file can be made in a folder, or in the nearest one above it that exists.

    A file is made, and deleted: permissions do not show what a system folder such as /sys refuses to everyone.
    """
    from unseen.artifacts.errors import reason_of

    while not os.path.lexists(parent):
        parent = parent.parent
    if not os.path.isdir(parent):
        raise UsageError(f"{path}: {parent} is a file. Give another path")
    probe = parent / f".{path.name[:200]}.{secrets.token_hex(4)}.tmp"
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC))
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"{path}: nothing can be written into {parent} ({reason_of(error)}). Give another path, or check its "
            "permissions"
        ) from error


def check_bundle_output(folder: Path, *, inputs: Iterable[Path | str | None] = ()) -> None:
    """Print a note where a model is there, which the new one replaces; for before the work, not after it.

    Args:
        folder: the folder of the new model.
        inputs: files and folders that the command reads, as for `check_output`.

    Raises:
        BundleError: the folder holds other files.
        UsageError: the folder is, or holds, an input.
    """
    from unseen.artifacts.bundle import check_free

    check_output(folder, folder=True)
    _check_writable(folder.absolute().parent, folder)  # the new model replaces the folder as a whole
    check_free(folder)
    for given in inputs:
        if (place := _place(given)) is not None and folder.resolve() in (place.resolve(), *place.resolve().parents):
            raise UsageError(f"{folder}: the new model would replace {place}, which this command reads. {_ANOTHER}")
    if folder.is_dir() and any(folder.iterdir()):
        note(f"{folder}: the new model replaces the one that is there")


def warn_of_unused_manifest(*sources: str) -> None:
    """Warn of folders with an unused manifest, and of tables that are no manifests."""
    from unseen.data.manifest import manifest_in

    for source in sources:
        if (manifest := manifest_in(source)) is not None:
            warn(
                f"{source} holds a manifest.csv, which is not used: each file of the folder is taken, masks and all. "
                f"For the films of the manifest alone, give {manifest}"
            )
        elif source.lower().endswith(_TABLES):
            warn(
                f"{source} is taken for an image: a manifest is a file .csv or .parquet. Save the table as CSV in UTF-8"
            )


_TABLES: Final = (".xlsx", ".xls", ".ods", ".tsv")
"""Endings of tables that are no manifests."""


@contextmanager
def training(out: Path | None) -> Iterator[None]:
    """Be the only command that writes a model into a folder, and print how to resume if the user stops the block.

    Args:
        out: folder of the model; None: none was given.

    Raises:
        FolderInUse: another command writes a model there.
        Exit: the user has stopped the block; the exit status is 130.
    """
    from unseen.artifacts.folder_lock import sole_writer

    with nullcontext() if out is None else sole_writer(out):
        try:
            yield
        except KeyboardInterrupt:
            note(
                "stopped. Run the same command again: it continues from the last checkpoint, or starts again if there "
                "is none yet"
            )
            raise typer.Exit(130) from None


def training_progress() -> Callable[[str, Progress], None]:
    """Return a callback for trainings that shows their progress; with `--quiet`, one that shows nothing."""
    from unseen.training.progress_display import shown_on

    return (lambda name, state: None) if _output.quiet else shown_on()


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
    """Return the set's names of labels; None where they are normal and abnormal in the column `label`.

    Raises UsageError for a column without names.
    """
    from unseen.data.label_names import LabelNames

    if not normal and not abnormal:
        if column != "label":
            raise UsageError("--label-column: say what it holds, too, such as --normal 'No Finding' --abnormal '*'")
        return None
    return LabelNames(normal=tuple(normal or ()), abnormal=tuple(abnormal or ()), column=column)


def refuse(options: Mapping[str, object], why: str) -> None:
    """Raise UsageError for options that a command line gives and that would have no effect.

    Args:
        options: values by option; None: not given.
        why: what the options are for, and the remedy.

    Example:
        >>> refuse({"--seed": None}, "for --folds. Give --folds, too")
    """
    if wrong := [name for name, value in options.items() if value is not None]:
        raise UsageError(f"{', '.join(wrong)}: {why}")


class UsageError(UserError, ValueError):
    """Error in the command line, with its remedy."""


def with_options(text: str) -> str:
    """Return a message of the library with the options of the command line in the place of Python's arguments.

    >>> with_options("Give some (`unlabelled=`), or change `Pca(NAME=…)`")
    'Give some (--unlabelled), or change --set method.NAME=…'
    """
    text = re.sub(r"`[A-Z]\w*\((\w+)=…\)`", r"--set method.\1=…", text)
    return re.sub(r"`([a-z_]+)=`", lambda found: f"--{_NAMES.get(found[1], found[1]).replace('_', '-')}", text)


_NAMES: Final = {"column": "label-column"}
"""Options whose name is not that of Python's argument."""


_NAMED: Final = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
"""Errors of the system that name the file."""
_OF_FILES: Final = (
    errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE, errno.EBUSY, errno.ENOTEMPTY,
)  # fmt: skip
"""Further errors of the system about a file or folder, which have no type of their own."""


def error_sentence(error: Exception) -> str | None:
    """Return the sentence for an error that a user gets, on standard error and with `--json` in the document.

    Returns None where it is a bug of this package, which shows its traceback.

    Example:
        >>> error_sentence(OSError(errno.ENOSPC, "No space left on device", "scores.csv"))
        'the disk is full (scores.csv: No space left on device). Free some space, then run the command again'
        >>> error_sentence(KeyError("a bug")) is None
        True
    """
    from unseen.artifacts.files import is_full
    from unseen.artifacts.registry import plugin_fault

    if is_full(error) or isinstance(error, _NAMED) or (isinstance(error, OSError) and error.errno in _OF_FILES):
        return with_options(file_sentence(error))
    if isinstance(error, UserError):
        return with_options(str(error))
    said = sentence(error) if isinstance(error, ModuleNotFoundError) else None
    said = plugin_fault(error) if said is None else said
    return None if said is None else with_options(said)


def file_sentence(error: OSError) -> str:
    """Return the sentence for a file or folder that the system refuses: its name, the cause, the remedy.

    >>> file_sentence(FileNotFoundError(2, "No such file or directory", "films"))
    'films: no such file or directory. Check the path'
    """
    from unseen.artifacts.files import is_full

    if is_full(error):
        place = f"{error.filename}: " if error.filename else ""
        return f"the disk is full ({place}{reason_of(error)}). Free some space, then run the command again"
    if error.filename is None:
        return str(error)
    remedy = "Check its permissions" if isinstance(error, PermissionError) else "Check the path"
    if error.errno == errno.EROFS:
        remedy = "Give a path where files can be written"
    if isinstance(error, FileExistsError):
        remedy = "Delete it, or give another path"
    reason = reason_of(error)
    return f"{error.filename}: {reason[:1].lower()}{reason[1:]}. {remedy}"


def step(text: str) -> None:
    """Announce what happens next."""
    if _output.quiet:
        return
    _print(typer.style(f"▸ {text}", bold=True), err=True)


def note(text: str) -> None:
    """Print a remark on standard error; not with `--quiet`."""
    _output.notes.append(text)
    if not _output.quiet:
        _print(f"  {text}", err=True)


def warn(text: str) -> None:
    """Print a warning on standard error, with `--quiet` also."""
    _output.notes.append(f"warning: {text}")
    _print(f"  warning: {text}", err=True)


def error(text: str) -> None:
    """Print the sentence with which a command fails on standard error, with `--quiet` also."""
    _print(typer.style(f"unseen: {text}", fg=typer.colors.RED), err=True)


def limits() -> None:
    """Print the sentence that stands where results are seen."""
    _print(typer.style(LIMITS, dim=True), err=True)


def _print(text: str, *, err: bool = False) -> None:
    """Print lines on standard output or standard error, in place of a count that is the terminal's last line."""
    global _counting
    if _counting:
        typer.echo("\r\033[K", err=True, nl=False)
        _counting = False
    typer.echo(text, err=err)


def _print_count(text: str, *, last: bool = False) -> None:
    """Print a count in place of the one before; the last one stays on the terminal."""
    global _counting
    typer.echo(f"\r\033[K  {text}", err=True, nl=last)
    _counting = not last


def count_progress(what: str, total: int) -> Callable[[int], None]:
    """Return a callback for `total` films, with the number done: the line of `rate_progress`.

    A command that goes through the same films once for each model calls it with 1 to `total` each time. The time is
    counted from the call with 0 if there is one.
    """
    report = rate_progress(what)

    def count(done: int) -> None:
        nonlocal report
        if done:
            report(done, done, total)
        if done in (0, total):
            report = rate_progress(what)

    return count


def rate_progress(what: str) -> Callable[[int, int, int], None]:
    """Return a callback for long runs, with the number done by this run, done in all, and in all: one line with the
    rate and the time left, written over on a terminal; elsewhere a line now and then. The last line has the time taken.
    """
    from unseen.training.progress_display import EVERY_S

    live = sys.stderr.isatty()
    began = spoke = time.monotonic()

    def report(now: int, done: int, total: int) -> None:
        nonlocal spoke
        if _output.quiet:
            return
        seconds = time.monotonic() - began
        line = f"{what}: {done:,} of {total:,}"
        if now and seconds > 0:
            rate = now / seconds
            time_s = f"{_duration(seconds)} in all" if done == total else f"{_duration((total - done) / rate)} left"
            line += f", {rate:.3g} films/s, {time_s}"
        if live:
            _print_count(line, last=done == total)
        elif done == total or time.monotonic() - spoke >= EVERY_S:
            spoke = time.monotonic()
            _print(f"  {line}", err=True)  # no note: the notes of --json are the same in each run

    return report


def _duration(seconds: float) -> str:
    """Return a length of time for people.

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
    'the PACS node needs packages that are not installed (pynetdicom): pip install "unseen-server[pacs]" (in a clone: \
pip install "./server[pacs]")'
    """
    missing = (error.name or "").split(".")[0]
    if missing in PACS:
        return (
            f"the PACS node needs packages that are not installed ({missing}): {install_command('unseen-server[pacs]')}"
        )
    if missing in OIDC:
        return f"--oidc needs packages that are not installed ({missing}): {install_command('unseen-server[oidc]')}"
    if missing == "ray":
        return f"--engine ray needs a package that is not installed (ray): {install_command('unseen[cluster]')}"
    return None
