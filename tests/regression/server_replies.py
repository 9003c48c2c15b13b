"""Replies of a server over the frozen store: its OpenAPI description, each GET route, and a reader's day."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Any

import httpx

from tests.regression.bundles import keys
from tests.regression.places import files
from tests.regression.running_server import Server

API = "/api/v1"
_MODULE = re.compile(r"\bunseen(?:_server)?__")
_PROSE = ("description", "summary")
_VOLATILE = {
    "/audit/head": ("hash", "head"),
    "/health": ("version", "oldest_s", "free_bytes", "total_bytes"),
    "/queue": ("oldest_s",),
    "/storage": ("free_bytes", "total_bytes", "files", "bytes"),
    "/versions": ("package", "database", "python", "torch"),
}
"""Keys that depend on the time, the disk, the database or the version, by route: their values are not recorded."""
_NEVER_ENDS = f"{API}/events"
_ONCE = f"{API}/sign-in/link"


def description(running: Server) -> Any:  # Any: JSON
    """Return the OpenAPI description without prose, without the version, and without the root package in names."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                _MODULE.sub("", name): plain(one)
                for name, one in sorted(value.items())
                if not (name in _PROSE and isinstance(one, str))
            }
        if isinstance(value, list):
            return [plain(one) for one in value]
        return _MODULE.sub("", value) if isinstance(value, str) else value

    found = _json(running.ask(None, "GET", f"{API}/openapi.json"))
    found["info"].pop("version")
    return plain(found)


def replies(running: Server) -> dict[str, Any]:
    """Return the reply of each GET route to an admin; the list and each study also as a reader and nobody see it."""
    found: dict[str, Any] = {}
    every = {"tab": "all", "limit": 200}
    for who in ("ada", "ann", None):
        found[f"{who or 'nobody'}: POST {API}/studies/search"] = _reply(
            running.ask(who, "POST", f"{API}/studies/search", json=every)
        )
    rows = running.ask("ada", "POST", f"{API}/studies/search", json=every).json()["rows"]
    for row in rows:
        for who in ("ada", "ann"):
            path = f"{API}/studies/{row['study']}"
            found[f"{who}: GET {path}"] = _reply(running.ask(who, "GET", path))
    scored = next(row for row in rows if row["state"] == "to_read")
    film = running.ask("ada", "GET", f"{API}/studies/{scored['study']}").json()["films"][0]["film"]
    models = [one["model"] for one in running.ask("ada", "GET", f"{API}/models/scored").json()["models"]]
    given = {"film": film, "study": scored["study"], "number": 1, "k": 0, "name": "none", "model": models[0]}
    given |= {"first": models[0], "second": models[-1]}
    paths = running.ask(None, "GET", f"{API}/openapi.json").json()["paths"]
    for path, operations in sorted(paths.items()):
        if "get" not in operations or path in (_NEVER_ENDS, _ONCE):
            continue
        for filled, query in _requests(path, operations["get"].get("parameters", []), given):
            found[f"ada: GET {filled} {query or ''}".strip()] = _reply(running.ask("ada", "GET", filled, params=query))
            for who in ("ann", None):
                answer = running.ask(who, "GET", filled, params=query)
                found[f"{who or 'nobody'}: GET {filled} {query or ''}".strip()] = answer.status_code
    return found


def writing(running: Server) -> list[Any]:
    """Return statuses and keys of the replies to a reader's and a lead's requests that change something."""
    rows = running.ask("ada", "POST", f"{API}/studies/search", json={"tab": "all", "limit": 200}).json()["rows"]
    study = next(row["study"] for row in rows if row["state"] == "to_read")
    shown = [one["film"] for one in running.ask("ann", "GET", f"{API}/studies/{study}").json()["films"]]
    (film, *_) = files("phantom-twin-31-0-nodule.png", "tests")
    sent = {"content": film.read_bytes(), "headers": {"Content-Type": "image/png", "X-Film-Name": "nodule.png"}}
    asked: list[tuple[str, str, str, dict[str, Any]]] = [
        ("ann", "POST", "/films", sent),
        ("ann", "POST", f"/studies/{study}/claim", {}),
        ("lea", "POST", f"/studies/{study}/claim", {}),
        ("ann", "PUT", f"/studies/{study}/draft", {"json": {"note": "a thought"}}),
        ("ann", "POST", f"/studies/{study}/report", {"json": {"outcome": "abnormal"}}),
        *(("ann", "POST", f"/films/{film}/seen", {}) for film in shown),
        ("ann", "POST", f"/studies/{study}/report", {"json": {"outcome": "abnormal", "note": "a nodule"}}),
        ("ann", "POST", f"/studies/{study}/undo", {}),
        ("ann", "POST", f"/studies/{study}/release", {}),
        ("lea", "POST", "/studies/assign", {"json": {"studies": [study], "to": "ann"}}),
        ("ann", "POST", "/studies/assign", {"json": {"studies": [study], "to": "ann"}}),
        ("lea", "PUT", "/views", {"json": {"name": "Late", "wanted": {"tab": "all"}, "shared": True}}),
        ("ada", "POST", "/audit/search", {"json": {}}),
        ("ada", "POST", "/audit/verify", {"json": {}}),
        ("ada", "POST", "/accounts", {"json": {"name": "new", "role": "reader"}}),
        ("ada", "PATCH", "/settings", {"json": {"waiting_cap_s": 3600}}),
        ("ada", "POST", "/erasure/preview", {"json": {"study": study}}),
        ("ada", "POST", "/retirement/count", {"json": {"older_than_days": 1}}),
        ("lea", "POST", "/reported-elsewhere", {"json": {"accession": "A2", "outcome": "normal"}}),
        ("ann", "POST", "/studies/none/claim", {}),
        ("ann", "POST", "/studies/search", {"json": {"tab": "nowhere"}}),
    ]
    done = []
    for who, method, path, how in asked:
        answer = running.ask(who, method, f"{API}{path}", **how)
        done.append([f"{who}: {method} {path}", answer.status_code, keys(_json(answer))])
    return done


def _requests(path: str, parameters: list[Any], given: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the requests for a route: every value of an enumeration, one value of anything else."""
    made: list[tuple[str, dict[str, Any]]] = [(path, {})]
    for one in parameters:
        if not one.get("required"):
            continue
        name, values = one["name"], one["schema"].get("enum") or [given[one["name"]]]
        if one["in"] == "path":
            made = [(at.replace(f"{{{name}}}", str(value)), query) for at, query in made for value in values]
        elif one["in"] == "query":
            made = [(at, query | {name: value}) for at, query in made for value in values]
    return made


def _reply(answer: httpx.Response) -> Any:
    """Return status, type and content of a reply; of text the lines, of an array its digest."""
    kind = answer.headers.get("content-type", "none").partition(";")[0]
    content: Any = None
    if kind == "application/json":
        content = _settled(answer.json(), _VOLATILE.get(answer.request.url.path.removeprefix(API), ()))
    elif kind.startswith("text/") and kind != "text/html":
        content = answer.text.splitlines()
    elif kind == "application/octet-stream":
        content = hashlib.sha256(answer.content).hexdigest()
    return [answer.status_code, kind, content]


def _json(answer: httpx.Response) -> Any:
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return answer.json() if is_json and answer.content else None


def _settled(value: Any, volatile: Collection[str]) -> Any:
    """Return the value without volatile ones, with numbers to six digits: the last ones are the processor's."""
    if isinstance(value, dict):
        return {name: "…" if name in volatile else _settled(one, volatile) for name, one in value.items()}
    if isinstance(value, list):
        return [_settled(one, volatile) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
