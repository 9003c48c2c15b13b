"""The imaging lab: a picture is measured as one says, and each method's reconstruction stands beside the others.

For everybody who is signed in: nothing here knows of films, scores or studies. What is computed is
`unseen.lab`'s, in a process of its own.
"""

from dataclasses import asdict
from typing import Any, TypeVar

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from unseen.lab.collection import OnShelf, Shelf
from unseen.lab.images import PICTURES
from unseen.lab.operators import GROUPS, NOISES, OPERATORS
from unseen.lab.settings import SIZES, Choice, fields_of, kind_of
from unseen.web.accounts import Reader
from unseen.web.errors import answers
from unseen.web.lab_shapes import (
    ChoiceTold,
    GeneratedTold,
    LabTold,
    MeasuredTold,
    ModelTold,
    NamedTold,
    ResultTold,
    SentPicture,
    SentTold,
    SettingTold,
    ToGenerate,
    ToJudge,
    ToMeasure,
    ToReconstruct,
    VerdictTold,
    Waiting,
)
from unseen.web.state import Parts, Served
from unseen.worklist.accounts import Account
from unseen.worklist.states import BusyError, WorklistError

_Told = TypeVar("_Told", bound=BaseModel)
router = APIRouter(prefix="/lab", tags=["imaging lab"])
# Any: OpenAPI's objects
_LATER: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "not computed yet: ask the same again in a second"}
}


@router.get("", responses=answers(401, 403, 503))
def lab(parts: Parts, account: Reader) -> LabTold:
    """What there is: pictures, operators and noises with their settings, groups, and the models on the shelf."""
    shelf = Shelf.of(parts.lab.folder)
    return LabTold(
        pictures=[NamedTold(name=name, words=words) for name, (words, _) in PICTURES.items()],
        sizes=list(SIZES),
        operators=[_choice(choice) for choice in OPERATORS],
        noises=[_choice(choice) for choice in NOISES],
        groups=[NamedTold(name=name, words=words) for name, words in GROUPS.items()],
        reconstructors=[_model(entry) for entry in shelf.reconstructors],
        generators=[_model(entry) for entry in shelf.generators],
        shelf=parts.lab.folder is not None,
        refused=list(shelf.refused),
        seconds=parts.lab.answer_s,
    )


@router.post("/pictures", status_code=201, responses=answers(401, 403, 413, 422, 503))
async def send(request: Request, parts: Parts, account: Reader) -> SentTold:
    """Bring a picture, as the body: DICOM, PNG, JPEG and what else films may be. Its middle square is kept in memory,
    at 128 pixels a side or fewer, for this account alone; nothing comes into the worklist."""
    data = await request.body()  # bounded by the shell
    if not data:
        raise WorklistError("The request has no body. Send the picture's file as the body itself.")
    name, (height, width) = await anyio.to_thread.run_sync(parts.sent.take, data, account.name)
    return SentTold(picture=name, width=width, height=height)


@router.post("/measurement", response_model=MeasuredTold, responses=_LATER | answers(401, 403, 404, 422, 503))
def measurement(parts: Parts, account: Reader, asked: ToMeasure) -> MeasuredTold | JSONResponse:
    """Measure a picture, and say which methods fit."""
    return _answer(MeasuredTold, parts, "measurement", asked, _pixels(parts, account, asked))


@router.post("/reconstruction", response_model=ResultTold, responses=_LATER | answers(401, 403, 404, 422, 503))
def reconstruction(parts: Parts, account: Reader, asked: ToReconstruct) -> ResultTold | JSONResponse:
    """What one method makes of the measurement. The same question has the same answer, but for its seconds."""
    return _answer(ResultTold, parts, "reconstruction", asked, _pixels(parts, account, asked))


@router.post("/verdict", response_model=VerdictTold, responses=_LATER | answers(401, 403, 422, 503))
def verdict(parts: Parts, account: Reader, asked: ToJudge) -> VerdictTold | JSONResponse:
    """Whether pictures could be learnt from such measurements alone."""
    return _answer(VerdictTold, parts, "verdict", asked)


@router.post("/generated", response_model=GeneratedTold, responses=_LATER | answers(401, 403, 422, 503))
def generated(parts: Parts, account: Reader, asked: ToGenerate) -> GeneratedTold | JSONResponse:
    """A generator's picture of a latent."""
    return _answer(GeneratedTold, parts, "generated", asked)


def _answer(
    shape: type[_Told], parts: Served, what: str, asked: BaseModel, pixels: list[list[float]] | None = None
) -> _Told | JSONResponse:
    try:
        return shape.model_validate(parts.lab.ask(what, asked.model_dump(mode="json"), pixels=pixels))
    except BusyError as error:  # nothing is out of order
        return JSONResponse(Waiting(wait=str(error)).model_dump(), 202, {"Retry-After": "1"})


def _pixels(parts: Served, account: Account, asked: ToMeasure) -> list[list[float]] | None:
    if not isinstance(asked.picture, SentPicture):
        return None
    found: list[list[float]] = parts.sent.pixels(asked.picture.picture, account.name).tolist()
    return found


def _choice(choice: type[Choice]) -> ChoiceTold:
    settings = [SettingTold.model_validate(asdict(one)) for one in fields_of(choice)]
    return ChoiceTold(kind=kind_of(choice), words=choice.words, settings=settings)


def _model(entry: OnShelf) -> ModelTold:
    about = f"{entry.card.name}; {entry.card.data}" if entry.card.data else entry.card.name
    return ModelTold(key=entry.key, name=entry.name, about=about)
