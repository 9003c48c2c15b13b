"""The lab's own process, started by the server at the first question: python -m unseen_server.web.lab_process FOLDER

It reads one question a line on standard input, as JSON, and writes one answer a line: `{"answer": …}`, or
`{"refused": sentence}`. It leaves when its input closes. Beside scoring and reading it stands back: it is nice, and
takes half of the cores.
"""

import json
import logging
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from unseen.evaluation import coloured, data_uri
from unseen.lab import (
    IMAGES,
    MAX_SLIDERS,
    SLIDER_REACH,
    Collection,
    Measured,
    Method,
    Result,
    as_image,
    drawn_latent,
    look_of,
    measured,
    offered_methods,
    operator_of,
    picture_of,
    tried_method,
    verdict_of,
)
from unseen_server.web import lab_requests, lab_responses
from unseen_server.web.images import eight_bits
from unseen_server.worklist.states import WorklistError

_log = logging.getLogger("unseen")

ERRORS_UP_TO: Final = 0.3
"""Largest error that a map shows, in grey levels where white = 1; all maps of a page have one scale."""
_NICE: Final = 10
_KINDS: Final = {"can": "good", "no": "bad", "through interpolation only": "warn", "not decided": "warn"}
Pixels = NDArray[np.float32]


def measurement(
    asked: lab_requests.ToMeasure, pixels: Pixels | None, collection: Collection
) -> lab_responses.MeasuredResponse:
    """Return an image, its measurement, and what can be tried on it."""
    made = _made(asked, pixels, collection)
    look, words = look_of(made.y, made.process.A)
    known = offered_methods(made, collection)
    x = math.prod(made.x.shape)
    return lab_responses.MeasuredResponse(
        truth=_grey(made.x),
        measurement=data_uri(eight_bits(look.numpy())),
        words=[f"y: {words}, of {x:,} pixels.", _noise_words(made)],
        methods=[_method(method) for method in known.methods],
        left_out=list(known.left_out),
    )


def reconstruction(
    asked: lab_requests.ToReconstruct, pixels: Pixels | None, collection: Collection
) -> lab_responses.ResultResponse:
    """Return one method's result."""
    made = _made(asked, pixels, collection)
    found = tried_method(offered_methods(made, collection).named(asked.method), made)
    return _result(found, made)


def verdict(asked: lab_requests.ToJudge, collection: Collection) -> lab_responses.VerdictResponse:
    """Return the result of `identify` for the operator."""
    found = verdict_of(operator_of(asked.setup, collection), asked.group)
    return lab_responses.VerdictResponse(
        verdict=found.verdict,
        kind=_KINDS[found.verdict],  # type: ignore[arg-type]  # one of three
        reason=f"{lab_responses.as_sentence(found.reason)} {found.meaning}",
        report=str(found),
    )


def generated(asked: lab_requests.ToGenerate, collection: Collection) -> lab_responses.GeneratedResponse:
    """Return a generator's image."""
    G = collection.generator(asked.generator)
    latent = drawn_latent(G, asked.number).flatten().tolist() if asked.latent is None else asked.latent
    picture = picture_of(G, latent)
    return lab_responses.GeneratedResponse(
        latent=latent,
        sliders=min(MAX_SLIDERS, len(latent)),
        reach=SLIDER_REACH,
        size=picture.shape[-1],
        picture=_grey(picture),
    )


def answered(question: dict[str, Any], collection: Callable[[], Collection]) -> dict[str, Any]:  # Any: JSON
    """Return the answer to one question."""
    what, pixels = question["what"], question.get("pixels")
    array = None if pixels is None else np.array(pixels, np.float32)
    try:
        answer: BaseModel
        if what == "measurement":
            answer = measurement(lab_requests.ToMeasure.model_validate(question["asked"]), array, collection())
        elif what == "reconstruction":
            answer = reconstruction(lab_requests.ToReconstruct.model_validate(question["asked"]), array, collection())
        elif what == "verdict":
            answer = verdict(lab_requests.ToJudge.model_validate(question["asked"]), collection())
        else:
            answer = generated(lab_requests.ToGenerate.model_validate(question["asked"]), collection())
    except (ValueError, LookupError, WorklistError) as error:
        return {"refused": lab_responses.as_sentence(str(error.args[0] if error.args else error))}
    except MemoryError:
        return {"refused": "There is not enough memory for this. Choose a smaller image."}
    except Exception as error:  # a bug costs this answer, not the lab
        _log.error("lab.failed %s", type(error).__name__)
        return {"refused": "This failed, for a reason that the lab does not know. Report it with the settings."}
    return {"answer": answer.model_dump(mode="json")}


def main() -> int:
    """Answer until standard input closes."""
    os.nice(_NICE)
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // 2))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else None
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is printed is no answer
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answered(json.loads(line), lambda: Collection.of(folder))), file=answers, flush=True)
    return 0


def _made(asked: lab_requests.ToMeasure, pixels: Pixels | None, collection: Collection) -> Measured:
    picture, size = asked.picture, asked.setup.size
    if pixels is not None:
        x = as_image(pixels, size)
    elif isinstance(picture, lab_requests.MadePicture):
        if picture.name not in IMAGES:
            raise LookupError(f"{picture.name!r} is no image; there are {', '.join(IMAGES)}.")
        x = IMAGES[picture.name][1](size, picture.number)
    elif isinstance(picture, lab_requests.GeneratedPicture):
        x = as_image(picture_of(collection.generator(picture.generator), picture.latent)[0, 0].numpy(), size)
    else:
        raise LookupError("That image is no longer here. Send it again.")
    return measured(x, asked.setup, collection)


def _noise_words(made: Measured) -> str:
    process, sigma = made.process, made.sigma
    if process.noise is None:
        return "No noise." if process.link is None else f"No noise; y = {process.link}(A x)."
    signal = float(process.mean(made.x).norm() / math.sqrt(made.y.numel()))
    noise = float((made.y - process.mean(made.x)).norm() / math.sqrt(made.y.numel()))
    ratio = f"{20 * math.log10(signal / noise):.0f} dB of signal over noise" if noise > 0 else "no noise in this draw"
    name = type(process.noise).__name__
    spread = "" if sigma is None or name != "Gaussian" else f", σ = {sigma:.3g} in y's units"
    return f"{name} noise{spread}: {ratio}." if process.link is None else f"{name} noise after {process.link}: {ratio}."


def _method(method: Method) -> lab_responses.MethodResponse:
    return lab_responses.MethodResponse(
        key=method.key, name=method.name, family=method.family, about=lab_responses.as_sentence(method.about)
    )


def _result(found: Result, made: Measured) -> lab_responses.ResultResponse:
    if found.x is None:
        return lab_responses.ResultResponse(
            method=_method(found.method), problem=lab_responses.as_sentence(found.problem), seconds=found.seconds
        )
    error = (_shown(found.x) - _shown(made.x)).abs()[0, 0].numpy()
    return lab_responses.ResultResponse(
        method=_method(found.method),
        problem="",
        picture=_grey(found.x),
        error=data_uri(coloured(error, high=ERRORS_UP_TO)),
        brightest=ERRORS_UP_TO,
        psnr=_finite(found.psnr),
        exact=found.psnr == math.inf,
        ssim=_finite(found.ssim),
        misfit=_finite(found.misfit),
        hidden=_finite(found.hidden),
        seconds=found.seconds,
        words=lab_responses.as_sentence(found.words) if found.words else "",
    )


def _shown(x: Tensor) -> Tensor:
    return x.abs() if x.is_complex() else x


def _grey(x: Tensor) -> str:
    """Return grey values from 0, black, to 1, white; of complex images the modulus."""
    return data_uri(eight_bits(_shown(x)[0, 0].detach().numpy()))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s lab {os.getpid()} %(message)s")
    sys.exit(main())
