"""Permissions: every operation that OpenAPI lists, tried without an account and by each role."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import LOCAL, Api, look_at, said
from unseen_server.worklist.accounts import ROLES
from unseen_server.worklist.store import Store

STUDY, FILM = "s-" + "0" * 20, "f-" + "0" * 20
OPEN = "open"
LEAST = {
    "GET /api/v1/health": OPEN,
    "GET /api/v1/health/live": OPEN,
    "GET /api/v1/health/ready": OPEN,
    "POST /dicom-web/studies": "sender",
    "POST /dicom-web/studies/{study}": "sender",
    "GET /api/v1/results": "lead",
    "POST /api/v1/results/{number}/again": "lead",
    "POST /api/v1/sign-in": OPEN,
    "POST /api/v1/sign-in/link": OPEN,
    "POST /api/v1/sign-in/choose": OPEN,
    "GET /api/v1/sign-in/link": OPEN,
    "POST /api/v1/tokens": OPEN,
    "POST /api/v1/tokens/link": OPEN,
    "POST /api/v1/sign-out": "sender",
    "GET /api/v1/me": "sender",
    "GET /api/v1/models": "reader",
    "POST /api/v1/films": "sender",
    "GET /api/v1/films/{film}": "reader",
    "GET /api/v1/films/{film}/preview.png": "reader",
    "GET /api/v1/films/{film}/map.npy": "reader",
    "GET /api/v1/films/{film}/map.png": "reader",
    "GET /api/v1/films/{film}/pixels": "reader",
    "GET /api/v1/films/{film}/thumbnail.png": "reader",
    "GET /api/v1/films/{film}/rendition/{what}": "reader",
    "GET /api/v1/films/{film}/look": "reader",
    "GET /api/v1/events": "reader",
    "GET /api/v1/compare/labelled": "reader",
    "GET /api/v1/compare/scores.csv": "reader",
    "GET /api/v1/compare/code": "reader",
    "GET /api/v1/compare/metrics": "reader",
    "GET /api/v1/compare/difference": "reader",
    "GET /api/v1/compare/disagreements": "reader",
    "POST /api/v1/studies/search": "reader",
    "GET /api/v1/studies/sources": "reader",
    "GET /api/v1/studies/choices": "reader",
    "POST /api/v1/studies/assign": "lead",
    "POST /api/v1/studies/requeue": "lead",
    "POST /api/v1/studies/return": "lead",
    "GET /api/v1/views": "reader",
    "PUT /api/v1/views": "reader",
    "DELETE /api/v1/views/{number}": "reader",
    "GET /api/v1/studies/{study}": "reader",
    "POST /api/v1/studies/{study}/claim": "reader",
    "POST /api/v1/studies/{study}/release": "reader",
    "POST /api/v1/studies/{study}/report": "reader",
    "POST /api/v1/studies/{study}/set-aside": "reader",
    "POST /api/v1/films/{film}/seen": "reader",
    "GET /api/v1/promise": "reader",
    "GET /api/v1/fit": "lead",
    "GET /api/v1/films/{film}/about": "reader",
    "GET /api/v1/films/{film}/person": "reader",
    "GET /api/v1/films/{film}/elements": "lead",
    "GET /api/v1/studies/{study}/priors": "reader",
    "PUT /api/v1/studies/{study}/draft": "reader",
    "POST /api/v1/studies/{study}/undo": "reader",
    "POST /api/v1/studies/{study}/confirm": "reader",
    "POST /api/v1/studies/{study}/requeue": "lead",
    "POST /api/v1/reported-elsewhere": "lead",
    "POST /api/v1/reported-elsewhere/table": "lead",
    "GET /api/v1/export/{table}.csv": "lead",
    "GET /api/v1/audit/head": "lead",
    "POST /api/v1/audit/verify": "lead",
    "GET /api/v1/audit/sample": "lead",
    "GET /api/v1/alarms": "lead",
    "POST /api/v1/alarms/{policy}/acknowledge": "lead",
    "POST /api/v1/alarms/{policy}/withdraw": "lead",
    "GET /api/v1/reopenings": "lead",
    "POST /api/v1/reopenings/{number}/propose": "lead",
    "POST /api/v1/reopenings/{number}/confirm": "lead",
    "POST /api/v1/reopenings/{number}/withdraw": "lead",
    "GET /api/v1/turing": "reader",
    "GET /api/v1/turing/results": "reader",
    "POST /api/v1/turing/rounds": "reader",
    "GET /api/v1/turing/rounds/{number}": "reader",
    "GET /api/v1/turing/rounds/{number}/pictures/{k}.png": "reader",
    "POST /api/v1/turing/rounds/{number}/answers": "reader",
    "GET /api/v1/turing/rounds/{number}/result": "reader",
    "GET /api/v1/models/cards": "reader",
    "POST /api/v1/models/propose": "lead",
    "GET /api/v1/calibration": "lead",
    "POST /api/v1/calibration/propose": "lead",
    "GET /api/v1/activations": "lead",
    "POST /api/v1/activations/{number}/activate": "lead",
    "POST /api/v1/activations/{number}/withdraw": "lead",
    "GET /api/v1/drift": "lead",
    "GET /api/v1/audit/sample/growth": "lead",
    "GET /api/v1/runs": "lead",
    "GET /api/v1/runs/{name}/log": "lead",
    "GET /api/v1/lab": "reader",
    "POST /api/v1/lab/pictures": "reader",
    "POST /api/v1/lab/measurement": "reader",
    "POST /api/v1/lab/reconstruction": "reader",
    "POST /api/v1/lab/code": "reader",
    "POST /api/v1/lab/verdict": "reader",
    "POST /api/v1/lab/generated": "reader",
    "GET /api/v1/accounts": "admin",
    "POST /api/v1/accounts": "admin",
    "PATCH /api/v1/accounts/{name}": "admin",
    "POST /api/v1/accounts/{name}/link": "admin",
    "GET /api/v1/accounts/methods": "admin",
    "GET /api/v1/settings": "admin",
    "PATCH /api/v1/settings": "admin",
    "GET /api/v1/storage": "admin",
    "GET /api/v1/queue": "admin",
    "GET /api/v1/versions": "admin",
    "POST /api/v1/audit/search": "admin",
    "POST /api/v1/erasure/preview": "admin",
    "POST /api/v1/erasure": "admin",
    "POST /api/v1/retirement/count": "admin",
    "POST /api/v1/retirement": "admin",
    "POST /api/v1/films/{film}/retire": "admin",
    "GET /api/v1/models/scored": "admin",
    "POST /api/v1/models/{model}/retire": "admin",
}
BODIES = {
    "POST /api/v1/studies/assign": {"studies": [STUDY], "to": None},
    "POST /api/v1/studies/requeue": {"studies": [STUDY]},
    "POST /api/v1/studies/return": {"studies": [STUDY], "reason": "cut short"},
    "PUT /api/v1/views": {"name": "Mine", "wanted": {}},
    "POST /api/v1/studies/search": {},
    "POST /api/v1/studies/{study}/report": {"outcome": "normal"},
    "PUT /api/v1/studies/{study}/draft": {"note": ""},
    "POST /api/v1/reported-elsewhere": {"accession": "1"},
    "POST /api/v1/audit/verify": {},
    "POST /api/v1/studies/{study}/set-aside": {"how": "returned", "reason": "cut short"},
    "POST /api/v1/films/{film}/seen": {"ticket": "x"},
    "POST /api/v1/alarms/{policy}/acknowledge": {"note": "why", "summary": "x"},
    "POST /api/v1/reopenings/{number}/propose": {"note": "why", "summary": "x"},
    "POST /api/v1/reopenings/{number}/confirm": {"note": "why", "summary": "x"},
    "POST /api/v1/activations/{number}/activate": {"note": "why", "summary": "x"},
    "POST /api/v1/models/propose": {"model": "a" * 64, "note": "why"},
    "POST /api/v1/calibration/propose": {"model": "a" * 64, "note": "why"},
    "POST /api/v1/turing/rounds": {"model": "a" * 64},
    "POST /api/v1/turing/rounds/{number}/answers": {"k": 1, "answer": "real"},
    "POST /api/v1/accounts": {"name": "x y", "password": "123456789012", "role": "reader"},
    "PATCH /api/v1/accounts/{name}": {"disabled": True},
    "PATCH /api/v1/settings": {},
    "POST /api/v1/audit/search": {},
    "POST /api/v1/erasure/preview": {"patient": "nobody"},
    "POST /api/v1/erasure": {"patient": "nobody", "shown": "x"},
    "POST /api/v1/retirement/count": {"days": 30},
    "POST /api/v1/retirement": {"days": 30},
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, sqlite_file: Path) -> Iterator[Api]:
    """An application for tests that ask for what is not there."""
    home = tmp_path_factory.mktemp("roles")
    shutil.copy(sqlite_file, home)
    with Store.open(home, patience_s=20.0) as store:
        yield Api(store)


def test_every_operation_has_its_least_role(api: Api) -> None:
    paths = api.nobody.get("/openapi.json").json()["paths"]
    assert {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} == set(LEAST)


@pytest.mark.parametrize("operation", [name for name, least in LEAST.items() if least != OPEN])
def test_an_operation_is_for_its_role_and_those_above(shared: Api, operation: str) -> None:
    method, path = operation.split()
    path = f"{LOCAL}{path}".format(
        study=STUDY,
        film=FILM,
        name="nobody-here",
        table="reports",
        policy="a" * 64,
        number="r-0",
        k=1,
        what="image",
        model="a" * 64,
    )
    body = BODIES.get(operation)
    assert shared.nobody.request(method, path, json=body).status_code == 401
    assert shared.client().request(method, path, json=body, headers={"Authorization": "Bearer x"}).status_code == 401
    least = ROLES.index(LEAST[operation])  # type: ignore[arg-type]
    clients = {"sender": shared.sender, "reader": shared.reader, "lead": shared.lead, "admin": shared.admin}
    for role in ROLES:
        client = shared.client(_name(role), role) if path.endswith("/sign-out") else clients[role]
        answer = client.request(method, path, json=body)
        if ROLES.index(role) < least:
            assert answer.status_code == 403, f"{role}: {answer.text}"
            assert said(answer) == f"This needs the role {LEAST[operation]}, and {_name(role)} is {role}."
        else:
            assert answer.status_code not in (401, 403, 500), f"{role}: {answer.text}"


def test_only_a_lead_hands_back_and_undoes_what_another_has(api: Api, judged) -> None:  # type: ignore[no-untyped-def]
    study = judged(1).study
    assert api.reader.post(f"/studies/{study}/claim").status_code == 200
    assert api.other.post(f"/studies/{study}/release").status_code == 409
    assert api.lead.post(f"/studies/{study}/release").json()["state"] == "to_read"
    api.reader.post(f"/studies/{study}/claim")
    look_at(api.reader, study)
    api.reader.post(f"/studies/{study}/report", json={"outcome": "normal"})
    refused = api.other.post(f"/studies/{study}/undo")
    assert refused.status_code == 409 and "ann has reported this study" in said(refused)
    assert api.lead.post(f"/studies/{study}/undo").json()["claimed_by"] == "lea"


def _name(role: str) -> str:
    return {"sender": "sid", "reader": "ann", "lead": "lea", "admin": "ada"}[role]
