"""Every page of a filled worklist, fetched as a browser fetches it: signed in by the link, and what scripts ask for.

For a demonstration without a user. Each check prints one line; a failed check raises `PageError`.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from html import unescape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from unseen.artifacts import LIMITS, number_of
from unseen.screening import Guarantee

if TYPE_CHECKING:
    from unseen_server.demo.filling import Filled

_API: Final = "/api/v1"
_WAIT_S: Final = 60.0
_ASKED: Final = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_IMPORTED: Final = re.compile(r'from "\./([\w.]+)";')


class PageError(RuntimeError):
    """A page, or a response that it requests, is wrong; the message names it and what was found."""


class Visitor:
    """A browser without a window: cookies, the page's own header on what it changes, and nothing else."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),  # the server is on this machine
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        ).open

    def get(self, path: str) -> tuple[bytes, Any]:  # Any: headers, as urllib has them
        """Return the bytes at `path`, and the headers."""
        return self._answer(urllib.request.Request(self.root + path), path)

    def json(self, path: str, body: object = None) -> Any:  # Any: JSON
        """Return the answer of the API; a body is posted."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Requested-With": "unseen"} | ({} if data is None else {"Content-Type": "application/json"})
        found, _ = self._answer(urllib.request.Request(self.root + _API + path, data, headers), path)
        return json.loads(found)

    def _answer(self, request: urllib.request.Request, path: str) -> tuple[bytes, Any]:
        try:
            with self._open(request, timeout=_WAIT_S) as answer:
                if answer.geturl() != request.full_url:
                    raise PageError(
                        f"{path}: led to {answer.geturl().removeprefix(self.root)}; expected the page itself."
                    )
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            said = error.read(500).decode(errors="replace")
            raise PageError(f"{path}: the server answered {error.code}: {said}") from error
        except (OSError, TimeoutError) as error:
            raise PageError(f"{path}: the server did not answer ({error}).") from error


def checked(root: str, link: str, filled: Filled, *, models: int) -> Iterator[str]:
    """Look at every page of the worklist at `root`; yields what was found right.

    Args:
        link: as the server printed it; it is used up.
        filled: what must be in the list.
        models: how many must have scored each film.
    """
    visitor = Visitor(root)
    who = visitor.json("/sign-in/link", {"link": link})
    yield f"signed in with the link as {who['name']} ({who['role']})"

    rows = _list(visitor, filled)
    study = _scored(rows, models)
    film = visitor.json(f"/studies/{study}")["films"][0]["film"]
    seen: set[str] = set()
    for path in ("/", f"/studies/{study}", "/live", "/compare", f"/compare/{film}", "/models", "/turing", "/lab"):
        _page(visitor, path, seen)
    yield f"pages: 8 opened, with their {len(seen)} scripts and style sheets"
    yield (
        f"list: {number_of(filled.to_read, 'study')} to read ({filled.not_scored} of them not scored, with the "
        f"reason), {filled.cleared} cleared, {filled.reported} reported"
    )
    yield _film(visitor, film, models)
    yield from _models(visitor, models)
    yield _compare(visitor, filled, models)
    yield _watch(visitor)


def _list(visitor: Visitor, filled: Filled) -> list[dict[str, Any]]:
    """Check the list; return the rows to be read, the first of which could not be scored."""
    found = {
        tab: visitor.json("/studies/search", {"tab": tab, "limit": 200})["rows"]
        for tab in ("to_read", "cleared", "reported", "not_scored")
    }
    for tab, rows in found.items():
        _expect(f"the list, {tab}", "studies", len(rows), getattr(filled, tab))
    for row in found["not_scored"]:
        if not row["reason"]:
            raise PageError("the list: a study that could not be scored does not say why.")
    priorities = [row["priority"] for row in found["to_read"]]
    if priorities != sorted(priorities, reverse=True):
        raise PageError("the list: what is to be read is not in the order of its priorities.")
    return list(found["to_read"])


def _scored(rows: list[dict[str, Any]], models: int) -> str:
    """Return the first of the studies to read that were scored.

    Check that each has a score and a percentile of each model.
    """
    scored = [row for row in rows if not row["reason"]]
    if not scored:
        raise PageError("the list: no study to read was scored.")
    for row in scored:
        _expect(f"the list, {row['study']}", "models that scored it", len(row["models"]), models)
        for one in row["models"]:
            if one["rank"] is None:
                raise PageError(
                    f"the list, {row['study']}: the score of {one['name']} has no percentile: {one['sentence']}."
                )
    return str(scored[0]["study"])


def _page(visitor: Visitor, path: str, seen: set[str]) -> None:
    """Check a page: the sentence on it, what it asks for, and what its scripts import."""
    data, headers = visitor.get(path)
    text = unescape(data.decode())
    if LIMITS not in text:
        raise PageError(f"{path}: the sentence {LIMITS!r} is missing.")
    if "unsafe" in headers.get("Content-Security-Policy", "unsafe"):
        raise PageError(f"{path}: its content-security policy is missing, or allows what is unsafe.")
    waiting = set(_ASKED.findall(text))
    while waiting := waiting - seen:
        asked = waiting.pop()
        seen.add(asked)
        script = visitor.get(asked)[0].decode(errors="replace")
        waiting |= {f"/static/js/{name}" for name in _IMPORTED.findall(script) if asked.endswith(".js")}


def _film(visitor: Visitor, film: str, models: int) -> str:
    """Check a film's samples, its images, and every model's finding."""
    samples, headers = visitor.get(f"{_API}/films/{film}/pixels")
    width, height, bits = (int(headers[f"X-Film-{name}"]) for name in ("Width", "Height", "Bits"))
    _expect("a film", "bytes of samples", len(samples), 2 * width * height)
    look = visitor.json(f"/films/{film}/look")
    _expect("a film", "models that scored it", sum(one["score"] is not None for one in look["models"]), models)
    if not look["words"]:
        raise PageError("a film: the decision is not explained.")
    for one in look["models"]:
        if one["rank"] is None:
            raise PageError(f"a film: the score of {one['name']} has no percentile: {one['sentence']}.")
    decides = look["models"][0]
    pictures = ["thumbnail.png", f"map.png?model={decides['model']}"]
    if decides["renditions"]:
        made = ("image", "reconstruction", "residual") if decides["gives_back"] else ("image",)
        pictures += [f"rendition/{what}?model={decides['model']}" for what in made]
    for picture in pictures:
        if not visitor.get(f"{_API}/films/{film}/{picture}")[0].startswith(b"\x89PNG"):
            raise PageError(f"a film: {picture.partition('?')[0]} is no PNG.")
    return (
        f"film: {width} × {height} pixels of {bits} bits, {number_of(models, 'score')}, "
        f"{number_of(len(pictures), 'image')}; its decision reads "
        f'"{look["words"][0]}"'
    )


def _models(visitor: Visitor, models: int) -> Iterator[str]:
    """Check the models, and the policy of the one that decides; yield a line for each."""
    cards = visitor.json("/models")["models"]
    _expect("the models", "models", len(cards), models)
    policy = cards[0]["policy"]
    if policy is None:
        raise PageError("the models: the one that decides has no policy.")
    cards = visitor.json("/models/cards")["models"]
    _expect("the models", "cards", len(cards), models)
    promise = policy["stopped"] or Guarantee(policy["max_miss_rate"], policy["confidence"])
    yield f"models: {models}; policy for {' and '.join(policy['sources'])}: {promise}"


def _compare(visitor: Visitor, filled: Filled, models: int) -> str:
    """Check the labelled set, the figures of each model on it, and where two disagree."""
    labelled = visitor.json("/compare/labelled")
    for label, count in (("normal", filled.reported_normal), ("abnormal", filled.reported_abnormal)):
        _expect("compare", f"films reported {label}", sum(f["label"] == label for f in labelled["films"]), count)
    digests = [one["model"] for one in labelled["models"]]
    _expect("compare", "models", len(digests), models)
    areas = [visitor.json(f"/compare/metrics?model={digest}")["auroc"] for digest in digests]
    if filled.reported_normal and filled.reported_abnormal and any(area["value"] is None for area in areas):
        raise PageError("compare: a model has no AUROC on the films that were reported.")
    pair = urlencode({"first": digests[0], "second": digests[1]})
    apart = visitor.json(f"/compare/disagreements?{pair}")["films"]
    if not apart:
        raise PageError("compare: no film is known on which two models disagree.")
    return (
        f"comparison: AUROC of {number_of(len(areas), 'model')} on "
        f"{number_of(len(labelled['films']), 'labelled film')} ({filled.reported_abnormal} abnormal); "
        f"two models disagree on {number_of(len(apart), 'film')}"
    )


def _watch(visitor: Visitor) -> str:
    """Open the pages of leads: drift of the scores, audit sample, losses of a training, visual Turing test."""
    blocks = visitor.json("/drift")["blocks"]
    if not blocks:
        raise PageError("drift: no score is shown.")
    visitor.json("/audit/sample/growth")
    visitor.json("/activations")
    runs = visitor.json("/runs")["runs"]
    if not runs or not runs[0]["losses"]:
        raise PageError("runs: no training is shown, though the demonstration has just made one.")
    visitor.json("/turing")
    if problems := visitor.json("/health")["problems"]:
        raise PageError(f"health: {' '.join(problems)}")
    trainings = number_of(len(runs), "training")
    return f"also opened: drift, audit sample, activations, losses of {trainings}, Turing test, health"


def _expect(where: str, what: str, seen: int, wanted: int) -> None:
    if seen != wanted:
        raise PageError(f"{where}: {seen} {what}; expected {wanted}.")
