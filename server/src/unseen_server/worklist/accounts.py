"""Accounts with argon2id passwords, their sessions, and links that are good for one sign-in.

Of a token only its SHA-256 is stored: who reads the database cannot sign in with it. An account's name stands in the
audit trail; it is a member of the staff, never a patient.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from sqlalchemy import Connection, bindparam, func, select

from unseen.artifacts import number_of
from unseen.screening import UNKNOWN_SOURCE
from unseen_server.worklist.sender_accounts import NarrowableAccount, narrowable
from unseen_server.worklist.statements import rows_of, update_row
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.tables import accounts, sessions
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from unseen_server.worklist.site import Site

PersonRole = Literal["reader", "lead", "admin"]
"""Role of a person. A program that only sends films has the role `sender`."""
Role = Literal["sender", "reader", "lead", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""All roles. Each may do what those before it may do."""

MOST_SOURCES = 100
"""Largest number of sources that one account may be limited to."""

LEAST_PASSWORD = 12
"""NIST SP 800-63B-4 asks for 15 characters where a password is the only factor, 8 otherwise; no rule on their kind."""
SESSION_S = 12 * 3600.0
"""A shift."""
LINK_S = 10 * 60.0
INVITATION_S = 24 * 3600.0
"""Validity of a link to choose a password: its owner receives it on the same day, in person or by mail."""
_MOST_PASSWORD = 1024
_PROVIDED: Final = "provided:"
"""In place of a password's hash: the person's subject at the identity provider follows."""
_LOCAL: Final = "local"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SESSION = (
    select(sessions.c.account, sessions.c.role, accounts.c.sources)
    .outerjoin(accounts, accounts.c.name == sessions.c.account)
    .where(
        sessions.c.token_sha256 == bindparam("token"),
        sessions.c.kind == "session",
        sessions.c.ended_us.is_(None),
        sessions.c.expires_us > bindparam("now_us"),
    )
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who is signed in, or may.

    >>> Account(name="reader-1", role="reader").disabled
    False

    Args:
        name: with which the person signs in.
        role: what the account may do.
        disabled: whether nobody can sign in with it.
        has_password: False: nobody can sign in by it before its owner has followed a link (`Accounts.invite`).
        provided: its owner signs in with the site's identity provider, and it never has a password.
        sources: the only sources under which it may send films; None: the account is not limited to any (`sending`).
    """

    name: str
    role: Role
    disabled: bool = False
    has_password: bool = True
    provided: bool = False
    sources: tuple[str, ...] | None = None


class Accounts:
    """The accounts of a site: `store.accounts`.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.accounts.add("reader-1", None, "reader", actor="admin").has_password
    False
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def add(
        self, name: str, password: str | None, role: Role, *, actor: str, sources: Collection[str] | None = None
    ) -> Account:
        """Make an account; the password is kept as argon2id.

        Args:
            name: with which its owner signs in.
            password: None: its owner chooses one by a link (`invite`).
            role: what it may do.
            actor: for the audit trail.
            sources: the only sources under which it may send films; None or empty: it is not limited to any. A sender
                needs at least one.

        Raises:
            WorklistError: the account exists already, or a value is not permitted.
        """
        _check_name(name)
        if name.casefold() == _LOCAL:
            raise WorklistError("The name local is for whoever signs in on the machine itself. Take another name.")
        _check_role(role)
        limited = _checked_sources(role, sources)
        hashed = "" if password is None else _hashed(password)  # takes a while: before the transaction
        with self._site.writing() as writing:
            if (known := _known_as(writing.connection, name)) is not None:
                raise WorklistError(f"There is an account {known} already. Take another name, or change its password.")
            writing.connection.execute(
                accounts.insert().values(
                    name=name, role=role, password=hashed, created_us=writing.now_us, sources=_kept_sources(limited)
                )
            )
            writing.log(actor, "account.added", name, role=role, **_logged_sources(limited))
        return Account(name=name, role=role, has_password=password is not None, sources=limited)

    def change(
        self,
        name: str,
        *,
        actor: str,
        password: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
        sources: Collection[str] | None = None,
    ) -> Account:
        """Change what is given, and sign the account out everywhere; empty `sources`: it is not limited to any.

        Raises NotFoundError, and NotAllowedError where nobody would be left who can make accounts.
        """
        values: dict[str, object] = {}
        if password is not None:
            values["password"] = _hashed(password)
        if role is not None:
            _check_role(role)
            values["role"] = role
        with self._site.writing() as writing:
            row = _row(writing.connection, name)
            if row is None:
                raise NotFoundError(f"There is no account {name[:64]!r}.")
            if password is not None or role == "sender":  # a sender is a program, and signs in with a password
                _check_local(row)
            limited = _checked_sources(role or row.role, _sources_of(row.sources) if sources is None else sources)
            if sources is not None:
                values["sources"] = _kept_sources(limited)
            if disabled is not None:
                values["disabled_us"] = writing.now_us if disabled else None
            if disabled or (role is not None and role != "admin"):
                _check_admin_left(writing.connection, row)
            if values:
                update_row(writing.connection, accounts, row.id, values)
                _end_all(writing, name)
                changes = {"role": role, "password": password is not None, "disabled": disabled}
                named = {} if sources is None else _logged_sources(limited)
                writing.log(actor, "account.changed", name, **changes, **named)
            changed = _row(writing.connection, name)
            assert changed is not None
            return _account(changed)

    def listed(self) -> list[Account]:
        """Return all accounts, by name."""
        with self._site.database.reading() as connection:
            return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]

    def fixed_sources(self) -> frozenset[str]:
        """Return the sources that accounts are limited to, and `unknown`, under which a reader without sources sends.

        A film that came under one of them has this source for every policy, whatever its header names.
        """
        with self._site.database.reading() as connection:
            return fixed_sources(connection)

    def open_sessions(self) -> dict[str, int]:
        """Return the number of open sessions by account."""
        with self._site.database.reading() as connection:
            rows = connection.execute(
                select(sessions.c.account, func.count().label("open"))
                .where(
                    sessions.c.kind == "session",
                    sessions.c.ended_us.is_(None),
                    sessions.c.expires_us > self._site.now_us(),
                )
                .group_by(sessions.c.account)
            )
            return {row.account: row.open for row in rows}

    def narrowable(self) -> list[NarrowableAccount]:
        """Return the accounts that only ever sent films, by name: each could be a sender with fixed sources."""
        with self._site.database.reading() as connection:
            return narrowable(connection, now_us=self._site.now_us())

    def sign_in(self, name: str, password: str, *, lasts_s: float = SESSION_S) -> str | None:
        """Return a session's token; None where name or password are wrong or the account is disabled.

        All three take as long. An account that is changed while its password is verified counts as it is afterwards: a
        new password, a new role, disabled. The attempts are not limited here:
        `unseen_server.web.password_attempts` limits them.
        """
        from argon2.exceptions import VerificationError

        if not _NAME.fullmatch(name):
            return None
        with self._site.database.reading() as connection:
            row = _row(connection, name)
        try:
            known = row is not None and row.password and not row.password.startswith(_PROVIDED)
            _hasher().verify(row.password if row is not None and known else _nobody(), password[: _MOST_PASSWORD + 1])
            right = row is not None and row.disabled_us is None
        except (VerificationError, UnicodeEncodeError):
            right = False
        with self._site.writing() as writing:
            now = None if row is None or not right else _row(writing.connection, row.name)
            if now is not None and row is not None and (now.password, now.disabled_us) == (row.password, None):
                return _opened(writing, now.name, now.role, lasts_s=lasts_s, kind="session")
            if row is not None:  # another name may be a password in the wrong field: not kept
                writing.log("unseen", "account.refused", row.name)
        return None

    def sign_in_by_provider(self, name: str, subject: str, role: PersonRole, *, lasts_s: float = SESSION_S) -> str:
        """Return a session's token for somebody whom the site's identity provider has signed in.

        Args:
            name: of the account that is made at the first sign-in; it is kept, whatever the provider calls them later,
                also by a name that no account here can have.
            subject: by which the provider knows the person, opaque; no other person gets the account.
            role: from now on; another one ends the account's other sessions.

        Raises:
            WorklistError: at the first sign-in, a name that no account here can have.
            NotAllowedError: a disabled account, or at the first sign-in a name that is another's here.
        """
        _check_role(role)
        kept = f"{_PROVIDED}{subject}"
        with self._site.writing() as writing:
            connection = writing.connection
            row = rows_of(connection, accounts, password=kept).one_or_none()
            if row is None:
                _check_name(name)
                if name.casefold() == _LOCAL or _known_as(connection, name) is not None:
                    raise NotAllowedError(
                        f"The name {name} belongs to an account here that signs in otherwise. Ask an admin."
                    )
                connection.execute(
                    accounts.insert().values(name=name, role=role, password=kept, created_us=writing.now_us)
                )
                writing.log("unseen", "account.added", name, role=role, provided=True)
            elif row.disabled_us is not None:
                raise NotAllowedError(f"The account {row.name} is disabled. Ask an admin.")
            elif row.role != role:
                update_row(connection, accounts, row.id, {"role": role})
                _end_all(writing, row.name)
                writing.log("unseen", "account.changed", row.name, role=role, password=False, disabled=None)
            return _opened(writing, name if row is None else row.name, role, lasts_s=lasts_s, kind="session")

    def one_time_link(self, name: str, role: Role, *, lasts_s: float = LINK_S) -> str:
        """Return a token that `redeem` takes once: for whoever sits at the machine itself, who needs no account."""
        _check_role(role)
        with self._site.writing() as writing:
            return _opened(writing, name, role, lasts_s=lasts_s, kind="link")

    def redeem(self, link: str, *, lasts_s: float = SESSION_S) -> str:
        """Return a session's token for a link, once.

        Raises NotAllowedError for a link that is unknown, used or too old.
        """
        with self._site.writing() as writing:
            used = writing.connection.execute(
                sessions.update()
                .where(
                    sessions.c.token_sha256 == _sealed(link),
                    sessions.c.kind == "link",
                    sessions.c.ended_us.is_(None),
                    sessions.c.expires_us > writing.now_us,
                )
                .values(ended_us=writing.now_us)
                .returning(sessions.c.account, sessions.c.role)
            ).one_or_none()
            if used is None:
                raise NotAllowedError("This link was used already, or is too old. Ask for a new one.")
            return _opened(writing, used.account, used.role, lasts_s=lasts_s, kind="session")

    def invite(self, name: str, *, actor: str, lasts_s: float = INVITATION_S) -> str:
        """Return a link by which the account's owner chooses a password, once (`choose`); earlier links end.

        Raises NotFoundError, and NotAllowedError for a disabled account.
        """
        with self._site.writing() as writing:
            row = _row(writing.connection, name)
            if row is None:
                raise NotFoundError(f"There is no account {name[:64]!r}.")
            if row.disabled_us is not None:
                raise NotAllowedError(f"The account {name} is disabled. Enable it first.")
            _check_local(row)
            _end_all(writing, name, kind="link")
            return _opened(writing, row.name, row.role, lasts_s=lasts_s, kind="link", actor=actor)

    def choose(self, link: str, password: str, *, lasts_s: float = SESSION_S) -> str:
        """Return a session's token for a link of `invite`, once; the password is the account's from now on.

        The account is signed out everywhere else. Raises NotAllowedError for a link that is unknown, used or too old,
        and for the link of somebody without an account; WorklistError for a password that is too short.
        """
        with self._site.database.reading() as connection:
            self._invited(connection, link)  # a hash takes a while: not for everybody
        hashed = _hashed(password)
        with self._site.writing() as writing:
            found = self._invited(writing.connection, link)
            _end_all(writing, found.name)
            writing.connection.execute(accounts.update().where(accounts.c.name == found.name).values(password=hashed))
            writing.log(found.name, "account.changed", found.name, role=None, password=True, disabled=None)
            return _opened(writing, found.name, found.role, lasts_s=lasts_s, kind="session")

    def _invited(self, connection: Connection, link: str) -> Found:
        """Return the account of a link that is good. Raises NotAllowedError."""
        found = connection.execute(
            select(accounts)
            .join(sessions, sessions.c.account == accounts.c.name)
            .where(
                sessions.c.token_sha256 == _sealed(link),
                sessions.c.kind == "link",
                sessions.c.ended_us.is_(None),
                sessions.c.expires_us > self._site.now_us(),
                accounts.c.disabled_us.is_(None),
            )
        ).one_or_none()
        if found is None:
            raise NotAllowedError("This link was used already, or is too old. Ask for a new one.")
        return found

    def session(self, token: str) -> Account | None:
        """Return the account whose token it is; None for one that is unknown, ended or expired."""
        with self._site.database.reading() as connection:
            given = {"token": _sealed(token), "now_us": self._site.now_us()}
            row = connection.execute(_SESSION, given).one_or_none()
        return None if row is None else Account(name=row.account, role=row.role, sources=_sources_of(row.sources))

    def sign_out(self, token: str) -> None:
        """End a session; an unknown token changes nothing."""
        with self._site.writing() as writing:
            ended = writing.connection.execute(
                sessions.update()
                .where(sessions.c.token_sha256 == _sealed(token), sessions.c.ended_us.is_(None))
                .values(ended_us=writing.now_us)
                .returning(sessions.c.account)
            ).one_or_none()
            if ended is not None:
                writing.log(ended.account, "session.ended", ended.account)


def _end_all(writing: Writing, name: str, *, kind: Literal["session", "link"] | None = None) -> None:
    """End the account's sessions and links, or those of one kind."""
    query = sessions.update().where(sessions.c.account == name, sessions.c.ended_us.is_(None))
    if kind is not None:
        query = query.where(sessions.c.kind == kind)
    writing.connection.execute(query.values(ended_us=writing.now_us))


def _check_local(row: Found) -> None:
    """Raise unless the account signs in here: no other has a password."""
    if row.password.startswith(_PROVIDED):
        raise NotAllowedError(f"{row.name} signs in with the site's identity provider, and has no password here.")


def _check_admin_left(connection: Connection, row: Found) -> None:
    """Raise unless somebody else can make accounts once `row` no longer can."""
    if row.role != "admin" or row.disabled_us is not None:
        return
    others = (accounts.c.role == "admin", accounts.c.disabled_us.is_(None), accounts.c.id != row.id)
    if connection.execute(select(accounts.c.id).where(*others).limit(1)).first() is None:
        raise NotAllowedError(f"{row.name} is the only admin. Make somebody else an admin first.")


def _opened(
    writing: Writing,
    name: str,
    role: Role,
    *,
    lasts_s: float,
    kind: Literal["session", "link"],
    actor: str | None = None,
) -> str:
    """Make a new token, and forget those that have run out. `actor`: who made it for somebody else."""
    token = secrets.token_urlsafe(32)
    writing.connection.execute(sessions.delete().where(sessions.c.expires_us <= writing.now_us))
    writing.connection.execute(
        sessions.insert().values(
            token_sha256=_sealed(token),
            kind=kind,
            account=name,
            role=role,
            created_us=writing.now_us,
            expires_us=writing.now_us + int(lasts_s * 1e6),
        )
    )
    writing.log(actor or name, "session.opened" if kind == "session" else "link.made", name, role=role)
    return token


def _account(row: Found) -> Account:
    provided = row.password.startswith(_PROVIDED)
    return Account(
        name=row.name,
        role=row.role,
        disabled=row.disabled_us is not None,
        has_password=bool(row.password) and not provided,
        provided=provided,
        sources=_sources_of(row.sources),
    )


def _sources_of(kept: str | None) -> tuple[str, ...] | None:
    """Return the sources that an account's row holds; None where it is not limited to any."""
    return None if kept is None else tuple(json.loads(kept))


def fixed_sources(connection: Connection) -> frozenset[str]:
    """Return what `Accounts.fixed_sources` returns."""
    kept = connection.execute(select(accounts.c.sources).where(accounts.c.sources.is_not(None))).scalars()
    return frozenset({UNKNOWN_SOURCE, *(source for one in kept for source in json.loads(one))})


def _kept_sources(sources: tuple[str, ...] | None) -> str | None:
    """Return sources as the database holds them."""
    return None if sources is None else json.dumps(sources, ensure_ascii=False)


def _logged_sources(sources: tuple[str, ...] | None) -> dict[str, str]:
    """Return sources as the audit trail holds them; nothing where the account is not limited to any."""
    return {} if sources is None else {"sources": json.dumps(sources, ensure_ascii=False)}


def _checked_sources(role: str, sources: Collection[str] | None) -> tuple[str, ...] | None:
    """Return the sources that an account with this role is limited to, each once; None: it is not limited to any."""
    found = tuple(dict.fromkeys(source.strip() for source in sources or ()))
    if role == "sender" and not found:
        raise WorklistError("A sender needs at least one source: it sends films under its own sources only. Name one.")
    if len(found) > MOST_SOURCES:
        raise WorklistError(f"{len(found)} sources: an account may have {MOST_SOURCES}. Use one account per sender.")
    for source in found:
        if not source:
            raise WorklistError("A source of the account is empty. Leave it out, or write its name.")
        checked_text(source, "The source", most=200)
    return found or None


def _row(connection: Connection, name: str) -> Found | None:
    return rows_of(connection, accounts, name=name).one_or_none()


def _known_as(connection: Connection, name: str) -> str | None:
    """Return the name of an account that is the same, or differs only in capitals: lists could not tell them apart."""
    same = select(accounts.c.name).where(func.lower(accounts.c.name) == name.lower())
    return connection.execute(same.limit(1)).scalar_one_or_none()


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise WorklistError("An account's name has 1 to 64 of the characters A–Z, a–z, 0–9, dot, _, @ and -.")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise WorklistError(f"{str(role)[:40]!r}: no such role. There are {', '.join(ROLES)}.")


def _hashed(password: str) -> str:
    if not LEAST_PASSWORD <= len(password) <= _MOST_PASSWORD:
        raise WorklistError(
            f"The password has {number_of(len(password), 'character')}; {LEAST_PASSWORD} to {_MOST_PASSWORD} "
            "are wanted."
        )
    return _hasher().hash(password)


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()  # argon2id; RFC 9106, section 4, the second recommended option: 64 MiB, three passes


@functools.cache
def _nobody() -> str:
    """Return the hash of a password that nobody knows."""
    return _hasher().hash(secrets.token_urlsafe(32))


def _sealed(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
