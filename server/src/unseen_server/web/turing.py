"""Routes of the visual Turing test "real or generated?".

Images of a model's generator among the site's own films, blinded.

For whoever may see what models made of films. A round lives in this server's memory; a finished one is kept in the
audit trail, and listed from there.
"""

import secrets
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Response
from numpy.typing import NDArray

from unseen.artifacts import Card, number_of
from unseen_server.web import turing_images, turing_messages, turing_rounds
from unseen_server.web.authentication import Sighted, is_lead
from unseen_server.web.errors import answers
from unseen_server.web.films import PNG
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist import audit
from unseen_server.worklist.own_films import OwnFilms, own_films
from unseen_server.worklist.renditions import Rendition
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError

router = APIRouter(prefix="/turing", tags=["turing"])
SUBJECT, FINISHED = "turing", "turing.finished"
_LATEST = 20

RoundId = Annotated[str, Path(max_length=40, description="r-…, as beginning it answered")]


@router.get("", responses=answers(401, 403, 503))
def offer(parts: Parts, account: Sighted) -> turing_messages.Offer:
    """List the models with which a round can be played here."""
    made = parts.store.findings.generated()
    models = [_offered(parts, name, card, made.get(card.weights_sha256)) for name, card in _cards(parts)]
    models.sort(key=lambda one: not one.counts)
    missing = ""
    if not models:
        missing = "This server scores with no model. Start it with --model."
    elif not any(one.counts for one in models):
        missing = models[0].missing if len(models) == 1 else " ".join(dict.fromkeys(one.missing for one in models))
    return turing_messages.Offer(models=models, missing=missing)


@router.post("/rounds", status_code=201, responses=answers(401, 403, 404, 409, 422, 503))
def begin(parts: Parts, account: Sighted, wanted: turing_messages.Wanted) -> turing_messages.RoundResponse:
    """Begin a round: each image is a real film or a generated one by a fair coin, and none comes twice."""
    known = {card.weights_sha256: (name, card) for name, card in _cards(parts)}
    if wanted.model not in known:
        raise NotFoundError("No worker of this server scores with that model.")
    name, card = known[wanted.model]
    made = parts.store.findings.generated().get(wanted.model)
    offered = _offered(parts, name, card, made)
    if made is None or wanted.count not in offered.counts:
        raise NotAllowedError(
            offered.missing or f"A round of {wanted.count} needs as many films; there are {offered.own}."
        )
    own = _own(parts, wanted.model)
    with parts.pictures:
        pictures = turing_images.drawn(
            _kept(parts, own, wanted.model, made, least=wanted.count),
            made,
            count=wanted.count,
            typical=parts.store.findings.generated_inside().get(wanted.model),
            blur=_blur(card),
            rng=secrets.SystemRandom(),
        )
    begun = parts.rounds.begin(pictures, account=account.name, model=wanted.model, name=name, words=own.words)
    return _response(begun)


@router.get("/rounds/{number}", responses=answers(401, 403, 404, 422, 503))
def whole(parts: Parts, account: Sighted, number: RoundId) -> turing_messages.RoundResponse:
    """Return the progress of the reader's round, for a page that was loaded again."""
    return _response(parts.rounds.find(number, account.name))


@router.get(
    "/rounds/{number}/pictures/{k}.png", response_class=Response, responses=PNG | answers(401, 403, 404, 422, 503)
)
def picture(parts: Parts, account: Sighted, number: RoundId, k: int) -> Response:
    """Return one image. All of a round have one outline, one grey scale, one size, and as many bytes."""
    return Response(parts.rounds.find(number, account.name).picture(k), media_type="image/png")


@router.post("/rounds/{number}/answers", responses=answers(401, 403, 404, 409, 422, 503))
def answer(
    parts: Parts, account: Sighted, number: RoundId, given: turing_messages.Answer
) -> turing_messages.RoundResponse:
    """Answer for one image. The answer is final; the results are shown after the last answer."""
    found = parts.rounds.find(number, account.name)
    found.answer(given.k, real=given.answer == "real", finish=lambda whole: _keep(parts, whole))
    return _response(found)


@router.get("/rounds/{number}/result", responses=answers(401, 403, 404, 409, 422, 503))
def result(parts: Parts, account: Sighted, number: RoundId) -> turing_messages.Result:
    """Return the result of a round; 409 before the last answer."""
    found = parts.rounds.find(number, account.name)
    if not found.is_finished:
        left = found.count - len(found.answers)
        raise NotAllowedError(
            f"{left} of {number_of(found.count, 'image')} are not answered yet. The result comes after the last."
        )
    share = turing_messages.AnswerShare.of_answers(*found.right())
    return turing_messages.Result(
        round=found.number,
        name=found.name,
        words=turing_messages.in_words(share),
        all=share,
        real=turing_messages.AnswerShare.of_answers(*found.right(of_real=True)),
        generated=turing_messages.AnswerShare.of_answers(*found.right(of_real=False)),
        pictures=[
            turing_messages.Revealed(k=k, answer=_kind(found.answers[k]), truth=_kind(found.drawn.real[k - 1]))
            for k in range(1, found.count + 1)
        ],
    )


@router.get("/results", responses=answers(401, 403, 503))
def results(parts: Parts, account: Sighted) -> turing_messages.Finished:
    """Return the latest rounds that were finished here, from the audit trail."""
    with parts.store.database.reading() as connection:
        events = audit.history(connection, [SUBJECT])
    rounds = [
        turing_messages.Earlier(
            time=event.time,
            reader=event.actor,
            model=str(event.body["model"]),
            name=str(event.body["name"]),
            all=turing_messages.AnswerShare.of_answers(int(event.body["right"] or 0), int(event.body["count"] or 0)),
        )
        for event in reversed(events)
        if event.action == FINISHED and (is_lead(account) or event.actor == account.name)
    ]
    return turing_messages.Finished(rounds=rounds[:_LATEST])


def _response(one: turing_rounds.Round) -> turing_messages.RoundResponse:
    return turing_messages.RoundResponse(
        round=one.number,
        model=one.model,
        name=one.name,
        pictures=list(range(1, one.count + 1)),
        answered=sorted(one.answers),
        words=one.words,
    )


def _keep(parts: ServerState, whole: turing_rounds.Round) -> None:
    """Enter a finished round in the audit trail."""
    right, count = whole.right()
    right_real, real = whole.right(of_real=True)
    with parts.store.writing() as writing:
        writing.log(
            whole.account,
            FINISHED,
            SUBJECT,
            round=whole.number,
            model=whole.model,
            name=whole.name,
            count=count,
            right=right,
            real=real,
            right_real=right_real,
        )


def _cards(parts: ServerState) -> list[tuple[str, Card]]:
    """Return the models that score here, by their folder's name."""
    return [] if parts.models is None else list(parts.models.named.values())


def _offered(parts: ServerState, name: str, card: Card, made: NDArray[np.float32] | None) -> turing_messages.Offered:
    own = len(_own(parts, card.weights_sha256).films) if made is not None else 0
    counts: list[int] = [count for count in turing_rounds.COUNTS if made is not None and count <= min(own, len(made))]
    missing = ""
    if made is None:
        missing = f"{name} has no generator that makes up images, or no worker has started with it yet."
    elif not counts:
        least = min(turing_rounds.COUNTS)
        missing = f"{name} has scored {own} of this site's own films, and a round needs {least} or more."
    return turing_messages.Offered(
        model=card.weights_sha256,
        name=name,
        generated=0 if made is None else len(made),
        own=own,
        counts=counts,
        missing=missing,
    )


def _own(parts: ServerState, model: str) -> OwnFilms:
    with parts.store.database.reading() as connection:
        return own_films(connection, model, enough=max(turing_rounds.COUNTS))


def _kept(parts: ServerState, own: OwnFilms, model: str, made: NDArray[np.float32], *, least: int) -> list[Rendition]:
    """Return the stored inputs of the films; films without one are left out."""
    found = []
    for film in own.films:
        try:
            kept = parts.store.findings.rendition(film, model)
        except WorklistError:
            continue
        if kept.image.shape == made.shape[1:]:
            found.append(kept)
    if len(found) < least:
        raise NotAllowedError(
            f"Of {number_of(len(own.films), 'film')} that this model scored, what it saw is kept of {len(found)}: "
            "others were scored by an earlier version of unseen, or come from a backup. Choose fewer images, or "
            "send more films."
        )
    return found


def _blur(card: Card) -> float | None:
    blur = card.config.get("blur")
    return float(blur) if isinstance(blur, int | float) else None


def _kind(real: bool) -> turing_messages.Kind:
    return "real" if real else "generated"
