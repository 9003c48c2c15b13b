"""`unseen invite NAME --role ROLE --folder worklist`: a link by which a person chooses a password."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.cli import UsageError, console
from unseen_server.cli.worklist_options import NewFolder, Url

if TYPE_CHECKING:
    pass


@console.with_output_options
def invite(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the account's name: A–Z, a–z, 0–9, dot, _, @ and -")],
    folder: NewFolder,
    role: Annotated[
        Literal["sender", "reader", "lead", "admin"],
        typer.Option(help="role of a new account; a sender sends films and does nothing else"),
    ] = "reader",
    source: Annotated[
        list[str] | None,
        typer.Option(help="source under which a new account may send films, and no other; may be given several times"),
    ] = None,
    url: Url = None,
    public: Annotated[str, typer.Option(help="where the pages are offered")] = "http://127.0.0.1:8080",
) -> None:
    """Make an account, or let the owner of one choose a new password: prints a link that is good once, for a day.

    For a server without a screen, whose first admin cannot use the link that `unseen serve` prints. A modality or
    another program that only sends films gets the role sender, with its source.

    Example:

      unseen invite ann --role admin --folder worklist

      unseen invite ct-room --role sender --source ward --folder worklist
    """
    from unseen_server.worklist.store import Store

    actor = f"{getpass.getuser()} (shell)"
    role_given = getattr(context.get_parameter_source("role"), "name", "DEFAULT") != "DEFAULT"
    with Store.open(url or folder, films_folder=folder, check="database") as store:
        known = next((one for one in store.accounts.listed() if one.name == name), None)
        if known is None:
            store.accounts.add(name, None, role, actor=actor, sources=source)
        elif (role_given and known.role != role) or (source and set(source) != set(known.sources or ())):
            kept = f" for the sources {', '.join(known.sources)}" if known.sources else ""
            raise UsageError(
                f"{name} has the role {known.role}{kept} already, and --role and --source are for a new account. Leave "
                "them out, or take another name; an admin changes an account on the page Administration"
            )
        link = store.accounts.invite(name, actor=actor)
    address = f"{public.rstrip('/')}/sign-in#choose={link}"
    console.result(address, name=name, link=address)
