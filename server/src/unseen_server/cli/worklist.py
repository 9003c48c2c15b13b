"""`unseen audit`, `backup`, `restore`, `export`, `import`, `import-scores`: a worklist's trail, copies and tables.

`unseen backup TO --folder worklist`: everything in a worklist, of one moment, into a new folder.

`unseen export TO --folder worklist`: studies, findings, decisions and reports as Parquet and CSV.

`unseen import FILE --folder worklist`: what other systems have reported leaves the list.

`unseen import-scores PARTS --data MANIFEST --folder worklist`: an archive's scores become a ranked list.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.cli import console

if TYPE_CHECKING:
    from unseen_server.worklist.backup import Saved


@console.with_output_options
def audit(
    act: Annotated[Literal["verify", "head"], typer.Argument(help="check the whole trail, or print where it ends")],
    folder: Annotated[Path, typer.Option(help="the worklist's folder")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="for verify: what `unseen audit head` printed some time ago, in quotes")
    ] = None,
) -> None:
    """Check a worklist's audit trail: no row changed, none missing. The exit status is 1 where it is broken.

    The chain of hashes alone cannot show that its end was cut off, or that the whole chain was rewritten. To detect
    this, print the head from time to time, keep it somewhere else, and pass it to verify.

    Examples:

      unseen audit verify --folder worklist

      unseen audit head --folder worklist

      unseen audit verify --folder worklist --head "1234 9f86d081…"
    """
    from unseen_server.worklist.audit import AuditHead
    from unseen_server.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        end = store.audit.head()
        if act == "head":
            console.result(str(end), seq=end.seq, hash=end.hash, head=str(end))
            return
        broken = store.audit.verify(None if head is None else AuditHead.parse(head))
    if broken is not None:
        console.result(None, whole=False, broken=broken)
        typer.secho(broken, err=True, fg=typer.colors.RED)
        raise typer.Exit(1)
    console.result(f"whole: {end.seq} rows. Its head is {end}", whole=True, rows=end.seq, head=str(end))


@console.with_output_options
def backup(
    to: Annotated[Path, typer.Argument(help="a new folder; with --keep, the folder that holds the backups")],
    folder: Annotated[Path, typer.Option(help="the worklist's folder")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="name the backup by date and time, in TO, and keep so many; older ones are removed"),
    ] = None,
) -> None:
    """Save a worklist while it is in use: its tables as they are at one moment, every film and map, and its key.

    Files that are missing or no longer what was received are named, and the exit status is then 1; the rest is saved.
    It fails if most films in the folder are unknown to the tables. The backup is as secret as the worklist: it holds
    the films.

    Examples:

      unseen backup backups/monday --folder worklist

      unseen backup backups --folder worklist --keep 14
    """
    from unseen_server.worklist.backup import back_up, back_up_dated
    from unseen_server.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        if keep is None:
            saved = back_up(store, to)
        else:
            done = back_up_dated(store, to, keep=keep)
            saved, to = done.saved, done.path
            for old in done.removed:
                console.note(f"removed: {old.name}")
    tell(saved, "saved in", to)


def tell(saved: Saved, what: str, place: Path) -> None:
    """Print what was saved or restored, and what is wrong with it: then the exit status is 1."""
    console.result(
        f"{saved.studies} studies, {saved.films} films, {saved.maps} maps {what} {place}",
        studies=saved.studies,
        films=saved.films,
        maps=saved.maps,
        place=place,
        damaged=list(saved.damaged),
        audit=saved.audit,
    )
    for digest in saved.damaged:
        typer.secho(f"missing, or not what was received: {digest}", err=True, fg=typer.colors.RED)
    if saved.audit is not None:
        typer.secho(saved.audit, err=True, fg=typer.colors.RED)
    raise typer.Exit(1 if saved.damaged or saved.audit else 0)


@console.with_output_options
def restore(
    backup: Annotated[Path, typer.Argument(help="the folder that `unseen backup` wrote")],
    folder: Annotated[Path, typer.Option(help="where the worklist is to be: an empty folder, or a new one")],
    url: Annotated[
        str | None,
        typer.Option(help="an empty PostgreSQL database for it: postgresql://user@host/name", envvar="UNSEEN_URL"),
    ] = None,
) -> None:
    """Bring a backup back into an empty place; from SQLite to PostgreSQL too, or the other way.

    Every table and file is checked by its hash. What is damaged is named, and the exit status is then 1.

    Example:

      unseen restore backups/monday --folder worklist
    """
    from unseen_server.worklist.backup import restore as bring_back

    tell(bring_back(backup, url or folder, films_folder=folder), "restored into", folder)


@console.with_output_options
def export(
    to: Annotated[Path, typer.Argument(help="folder for the tables; made where it is missing")],
    folder: Annotated[Path, typer.Option(help="the worklist's folder")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
    labelled: Annotated[
        bool,
        typer.Option("--labelled", help="also labelled.csv, a manifest of the labels on films that were seen"),
    ] = False,
) -> None:
    """Write a worklist's studies, findings, decisions and reports, each as Parquet and as CSV.

    Patients and accession numbers are pseudonyms, as they are stored; readers' notes are as they were written.

    Example:

      unseen export tables --folder worklist
    """
    from unseen_server.worklist.store import Store
    from unseen_server.worklist.table_export import export_labelled, export_tables

    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        for name, rows in export_tables(store, to).items():
            files = [f"{to / name}.parquet", f"{to / name}.csv"]
            console.item(
                "tables", f"{rows} {name}: {to / name}.parquet, .csv", {"name": name, "rows": rows, "files": files}
            )
        if labelled:
            table = to / "labelled.csv"
            count = export_labelled(store, table)
            console.item(
                "tables", f"{count} labelled films: {table}", {"name": "labelled", "rows": count, "files": [table]}
            )
    console.limits()


@console.with_output_options
def import_(
    file: Annotated[
        Path, typer.Argument(help="a CSV with columns accession or film_sha256, and, where known, outcome and note")
    ],
    folder: Annotated[Path, typer.Option(help="the worklist's folder")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
) -> None:
    """Take studies off the list that were reported elsewhere, by accession number or by a film's SHA-256.

    Importing a file again changes nothing. Rows that cannot be used are named with their line, the others count, and
    the exit status is then 1.

    Example:

      unseen import reported.csv --folder worklist
    """

    from unseen_server.worklist.report_import import import_elsewhere
    from unseen_server.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        done = import_elsewhere(store, file, actor=f"{getpass.getuser()} (shell)")
    for refusal in done.refused:
        console.note(f"{file}, line {refusal.line}: {refusal.reason}")
    console.result(
        f"{done.marked} studies marked as reported elsewhere; {done.already} rows known already; "
        f"{len(done.refused)} rows refused.",
        marked=done.marked,
        already=done.already,
        refused=[{"line": one.line, "reason": one.reason} for one in done.refused],
    )
    raise typer.Exit(1 if done.refused else 0)


@console.with_output_options
def import_scores(
    parts: Annotated[Path, typer.Argument(help="the folder that `unseen score --out PARTS/` wrote")],
    data: Annotated[Path, typer.Option(help="the manifest that was scored, with its files")],
    folder: Annotated[Path, typer.Option(help="the worklist's folder; made where it is missing")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
) -> None:
    """Bring the scores of an archive into a worklist, as a list ranked by score. Nothing is cleared.

    Each part is entered whole or not at all. Importing again enters only films that the worklist does not hold.
    Each film's file is read once: its SHA-256 must be that of the bytes that were scored. Films stay where they are,
    and the worklist's folder gets links to them: do not move or change the files.

    Films that the run could not score stand on top of the list with the reason. Films that cannot be entered are
    named, and the exit status is then 1; it is 1, too, where the run has not written all its parts yet.

    Example:

      unseen import-scores parts/ --data manifest.csv --folder archive-list
    """
    from unseen_server.worklist.score_import import import_scores as bring_in
    from unseen_server.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, check="database") as store:
        done = bring_in(
            store, parts, data, actor=f"{getpass.getuser()} (shell)", progress=console.rate_progress("imported")
        )
    for refusal in done.named:
        console.note(f"{refusal.name}: {refusal.reason}")
    refused = done.refused.total()
    if refused > len(done.named):
        for reason, count in done.refused.most_common():
            console.note(f"{count:,} films: {reason}")
    if done.missing:
        console.note(f"{done.missing:,} parts are not there yet. Run `unseen score` with --resume, then this again")
    console.result(
        f"{done.films:,} films in {done.parts:,} parts imported, {done.not_scored:,} of them not scored; "
        f"{done.already:,} known already; {refused:,} refused.",
        films=done.films,
        parts=done.parts,
        not_scored=done.not_scored,
        already=done.already,
        refused=refused,
        missing_parts=done.missing,
    )
    console.limits()
    raise typer.Exit(1 if refused or done.missing else 0)


@console.with_output_options
def invite(
    name: Annotated[str, typer.Argument(help="the account's name: A–Z, a–z, 0–9, dot, _, @ and -")],
    folder: Annotated[Path, typer.Option(help="the worklist's folder; made where it is missing")],
    role: Annotated[
        Literal["sender", "reader", "lead", "admin"],
        typer.Option(help="role of a new account; a sender sends films and does nothing else"),
    ] = "reader",
    source: Annotated[
        list[str] | None,
        typer.Option(help="source under which a new account may send films, and no other; may be given several times"),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
    public: Annotated[str, typer.Option(help="where the pages are offered")] = "http://127.0.0.1:8080",
) -> None:
    """Make an account, or let the owner of one choose a new password: prints a link that is good once, for a day.

    For a server without a screen, whose first admin cannot use the link that `unseen serve` prints. A modality or
    another program that only sends films gets the role sender, with its source.

    Example:

      unseen invite ann --role admin --folder worklist

      unseen invite ct-room --role sender --source ward --folder worklist
    """
    from unseen_server.worklist.states import NotFoundError
    from unseen_server.worklist.store import Store

    actor = f"{getpass.getuser()} (shell)"
    with Store.open(url or folder, films_folder=folder, check="database") as store:
        try:
            link = store.accounts.invite(name, actor=actor)
        except NotFoundError:
            store.accounts.add(name, None, role, actor=actor, sources=source)
            link = store.accounts.invite(name, actor=actor)
    address = f"{public.rstrip('/')}/sign-in#choose={link}"
    console.result(address, name=name, link=address)
