"""Names and numbers of patients: to whom they are shown, and what everybody else sees instead.

The site sets from which role on they are shown (`StoredSettings.read().identity`). Everybody else sees keyed hashes
(HMAC-SHA256 under the site's key, which lies with the store), also where the store holds the numbers as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unseen_server.web.harmless_elements import harmless_tags
from unseen_server.worklist.accounts import ROLES

if TYPE_CHECKING:
    from unseen_server.web.shapes import FilmResponse, StudyResponse
    from unseen_server.web.state import ServerState
    from unseen_server.worklist.accounts import Account


def may_see_names(parts: ServerState, account: Account) -> bool:
    """Return True if the site shows names and numbers of patients to this account."""
    least = parts.store.settings.read().identity
    return least != "nobody" and ROLES.index(account.role) >= ROLES.index(least)


def study_for(parts: ServerState, account: Account, study: StudyResponse) -> StudyResponse:
    """Return a study as the account may see it: without numbers, file names and header texts where names are hidden."""
    if may_see_names(parts, account):
        return study
    hidden = parts.store.names.hidden
    return study.model_copy(
        update={
            "patient": hidden("patient", study.patient),
            "accession": hidden("accession", study.accession),
            "films": tuple(_without_names(parts, film) for film in study.films),
        }
    )


def film_for(parts: ServerState, account: Account, film: FilmResponse) -> FilmResponse:
    """Return a film as the account may see it: without file name and header texts where names are hidden."""
    return film if may_see_names(parts, account) else _without_names(parts, film)


def _without_names(parts: ServerState, film: FilmResponse) -> FilmResponse:
    name = parts.store.names.hidden("name", film.name)
    return film.model_copy(update={"name": name, "tags": harmless_tags(film.tags)})
