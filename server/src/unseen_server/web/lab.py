"""The imaging lab: an image is measured with chosen settings, and each method's reconstruction is shown.

For everybody who is signed in: nothing here knows of films, scores or studies. What is computed is
`unseen.lab`'s, in a process of its own.
"""

from dataclasses import asdict
from typing import Any, TypeVar

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from unseen.lab import (
    GROUPS,
    IMAGE_SIZES,
    IMAGES,
    NOISES,
    OPERATORS,
    Choice,
    Collected,
    Collection,
    choice_fields,
    choice_kind,
)
from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.lab_code import lab_code_of
from unseen_server.web.lab_requests import SentPicture, ToCode, ToGenerate, ToJudge, ToMeasure, ToReconstruct
from unseen_server.web.lab_responses import (
    ChoiceResponse,
    GeneratedResponse,
    LabModelResponse,
    LabResponse,
    MeasuredResponse,
    NamedResponse,
    ResultResponse,
    SentResponse,
    SettingResponse,
    VerdictResponse,
    Waiting,
)
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import Account
from unseen_server.worklist.states import BusyError, WorklistError

_Response = TypeVar("_Response", bound=BaseModel)
router = APIRouter(prefix="/lab", tags=["imaging lab"])
# Any: OpenAPI's objects
_LATER: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "not computed yet: ask the same again in a second"}
}

_PYTHON: dict[int | str, dict[str, Any]] = {200: {"content": {"text/x-python": {}}, "description": "a program"}}


@router.get("", responses=answers(401, 403, 503))
def lab(parts: Parts, account: Reader) -> LabResponse:
    """Return the choices: images, operators and noises with their settings, groups, and the models of the
    collection.
    """
    collection = Collection.of(parts.lab.folder)
    return LabResponse(
        pictures=[NamedResponse(name=name, words=words) for name, (words, _) in IMAGES.items()],
        sizes=list(IMAGE_SIZES),
        operators=[_choice(choice) for choice in OPERATORS],
        noises=[_choice(choice) for choice in NOISES],
        groups=[NamedResponse(name=name, words=words) for name, words in GROUPS.items()],
        reconstructors=[_model(entry) for entry in collection.reconstructors],
        generators=[_model(entry) for entry in collection.generators],
        shelf=parts.lab.folder is not None,
        refused=list(collection.refused),
        seconds=parts.lab.answer_s,
    )


@router.post("/pictures", status_code=201, responses=answers(401, 403, 413, 422, 503))
async def send(request: Request, parts: Parts, account: Reader) -> SentResponse:
    """Bring an image, as the body: DICOM, PNG, JPEG and what else films may be. Its middle square is kept in memory,
    at 128 pixels a side or fewer, for this account alone; nothing comes into the worklist."""
    data = await request.body()  # bounded by the shell
    if not data:
        raise WorklistError("The request has no body. Send the image's file as the body itself.")
    name, (height, width) = await anyio.to_thread.run_sync(parts.sent.take, data, account.name)
    return SentResponse(picture=name, width=width, height=height)


@router.post("/measurement", response_model=MeasuredResponse, responses=_LATER | answers(401, 403, 404, 422, 503))
def measurement(parts: Parts, account: Reader, asked: ToMeasure) -> MeasuredResponse | JSONResponse:
    """Measure an image, and say which methods fit."""
    return _answer(MeasuredResponse, parts, "measurement", asked, _pixels(parts, account, asked))


@router.post("/reconstruction", response_model=ResultResponse, responses=_LATER | answers(401, 403, 404, 422, 503))
def reconstruction(parts: Parts, account: Reader, asked: ToReconstruct) -> ResultResponse | JSONResponse:
    """Reconstruct the measurement with one method. The same question has the same answer, but for its seconds."""
    return _answer(ResultResponse, parts, "reconstruction", asked, _pixels(parts, account, asked))


@router.post("/verdict", response_model=VerdictResponse, responses=_LATER | answers(401, 403, 422, 503))
def verdict(parts: Parts, account: Reader, asked: ToJudge) -> VerdictResponse | JSONResponse:
    """Report whether images could be learnt from such measurements alone."""
    return _answer(VerdictResponse, parts, "verdict", asked)


@router.post("/generated", response_model=GeneratedResponse, responses=_LATER | answers(401, 403, 422, 503))
def generated(parts: Parts, account: Reader, asked: ToGenerate) -> GeneratedResponse | JSONResponse:
    """Return a generator's image of a latent."""
    return _answer(GeneratedResponse, parts, "generated", asked)


@router.post("/code", response_class=Response, responses=_PYTHON | answers(401, 403, 422, 503))
def code(account: Reader, asked: ToCode) -> Response:
    """Return a figure of the page as Python, which measures and reconstructs again."""
    return Response(lab_code_of(asked), media_type="text/x-python; charset=utf-8")


def _answer(
    shape: type[_Response], parts: ServerState, what: str, asked: BaseModel, pixels: list[list[float]] | None = None
) -> _Response | JSONResponse:
    try:
        return shape.model_validate(parts.lab.ask(what, asked.model_dump(mode="json"), pixels=pixels))
    except BusyError as error:  # nothing is out of order
        return JSONResponse(Waiting(wait=str(error)).model_dump(), 202, {"Retry-After": "1"})


def _pixels(parts: ServerState, account: Account, asked: ToMeasure) -> list[list[float]] | None:
    if not isinstance(asked.picture, SentPicture):
        return None
    found: list[list[float]] = parts.sent.pixels(asked.picture.picture, account.name).tolist()
    return found


def _choice(choice: type[Choice]) -> ChoiceResponse:
    settings = [SettingResponse.model_validate(asdict(one)) for one in choice_fields(choice)]
    return ChoiceResponse(kind=choice_kind(choice), words=choice.words, settings=settings)


def _model(entry: Collected) -> LabModelResponse:
    about = f"{entry.card.name}; {entry.card.data}" if entry.card.data else entry.card.name
    return LabModelResponse(key=entry.key, name=entry.name, about=about)
