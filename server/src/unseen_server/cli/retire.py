"""`unseen retire`: remove old studies, one film, or all that a model has found."""

import getpass
from typing import Annotated

import typer

from unseen.artifacts import number_of
from unseen.cli import UsageError, console
from unseen_server.cli.worklist_options import Folder, Url, Yes, confirm


def retire(
    folder: Folder,
    older_than: Annotated[
        float | None, typer.Option(help="days: studies that were cleared or reported longer ago than this", min=1)
    ] = None,
    source: Annotated[str | None, typer.Option(help="with --older-than: of this source alone")] = None,
    film: Annotated[str | None, typer.Option(help="one film, by its name: f-…")] = None,
    model: Annotated[
        str | None, typer.Option(help="what a model has found, by the SHA-256 of its weights (`unseen info`)")
    ] = None,
    url: Url = None,
    yes: Yes = False,
) -> None:
    """Retire what is no longer needed: old studies, one film, or all that a model has found. It cannot be undone.

    A study that waits for a reader is never removed by its age. A film is removed from a study that nobody has in hand
    or has reported. A model's decisions and the reports stay; its findings, anomaly maps and renditions go. Stop
    servers and workers that score with the model first.

    Examples:

      unseen retire --folder worklist --older-than 365

      unseen retire --folder worklist --film f-0123456789abcdef0123
    """
    from unseen_server.worklist.store import Store

    if sum(given is not None for given in (older_than, film, model)) != 1:
        raise UsageError("give one of --older-than, --film and --model")
    if source is not None and older_than is None:
        raise UsageError("--source goes with --older-than")
    actor = f"{getpass.getuser()} (shell)"
    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        if older_than is not None:
            count = store.removal.count_old(older_than_days=older_than, source=source)
            confirm(f"Remove {number_of(count, 'study')} cleared or reported more than {older_than:g} days ago?", yes)
            removed = store.removal.retire(older_than_days=older_than, source=source, actor=actor)
        elif film is not None:
            confirm(f"Remove the film {film}?", yes)
            removed = store.removal.retire_film(film, actor=actor)
        else:
            assert model is not None, "one of three was given"
            count = sum(one.findings for one in store.findings.models() if one.model == model)
            confirm(f"Remove {number_of(count, 'finding')} of this model, with their anomaly maps and renditions?", yes)
            removed = store.removal.retire_model(model, actor=actor)
    console.result(
        f"removed: {number_of(removed.studies, 'study')}, {number_of(removed.films, 'film')}, "
        f"{number_of(removed.maps, 'anomaly map')}"
    )
