"""The lab's routes: who may ask, and what is taken and refused."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.web.conftest import Api, MakeApi, said
from unseen.artifacts.research_only import LIMITS
from unseen.lab.collection import Collection
from unseen.lab.comparison import compare
from unseen.lab.images import as_image, shapes
from unseen.lab.operators import OPERATORS, AsLearnt
from unseen.lab.settings import choice_kind
from unseen.lab.setup import Setup
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Mask
from unseen.priors.autoencoders import VAE
from unseen.priors.saved import save as save_generator
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.saved import save
from unseen_server.web import lab_process
from unseen_server.web.lab_process import answered
from unseen_server.web.lab_supervisor import Laboratory
from unseen_server.worklist.states import BusyError, WorklistError
from unseen_server.worklist.study_query import StudyQuery

SMALL = {"size": 32}
ASKED: dict[str, Any] = {"picture": {"kind": "made", "name": "shapes", "number": 1}, "setup": SMALL}

SHIPPED = ["phantom-ct", "phantom-denoiser", "phantom-inpainting"]
"""Reconstructors of the package, which every lab offers."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shelf")
    torch.manual_seed(0)
    mask = Mask(torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(3)) < 0.6)
    process = Measurement(mask, noise=Gaussian(0.05))
    f = ArtifactRemoval.for_process(process, features=4)
    f.process, f.trained_on = process, "cpu"
    save(f, made / "inpainting", data="nothing")
    G = VAE(latent=4, size=32, features=4)
    G.trained_on = "cpu"
    save_generator(G, made / "digits", data="nothing")
    return made


class Here(Laboratory):
    """The same answers from this process: the way to another one is tested below."""

    @functools.cached_property
    def collection(self) -> Collection:
        return Collection.of(self.folder)

    def ask(self, what: str, asked: dict[str, Any], *, pixels: list[list[float]] | None = None) -> dict[str, Any]:
        reply = answered({"what": what, "asked": asked, "pixels": pixels}, lambda: self.collection)
        if "refused" in reply:
            raise WorklistError(reply["refused"])
        answer: dict[str, Any] = reply["answer"]
        return answer


@pytest.fixture
def api(make_api: MakeApi, folder: Path) -> Iterator[Api]:
    made = make_api(lab_folder=folder)
    made.app.state.served.lab = Here(folder)
    yield made
    made.app.state.served.sent.close()


def seen(uri: str) -> np.ndarray:
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def png(pixels: np.ndarray) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, format="PNG")
    return written.getvalue()


# what there is, and for whom


def test_who_is_signed_in_may_ask_and_nobody_else(api: Api) -> None:
    for path, body in (("/lab", None), ("/lab/measurement", ASKED), ("/lab/verdict", {}), ("/lab/pictures", None)):
        refused = api.nobody.get(path) if path == "/lab" else api.nobody.post(path, json=body)
        assert refused.status_code == 401
    assert api.reader.get("/lab").status_code == 200


def test_the_catalogue_is_what_the_experiments_offer(api: Api, folder: Path) -> None:
    told = api.reader.get("/lab").json()
    assert [one["kind"] for one in told["operators"]] == [choice_kind(choice) for choice in OPERATORS]
    assert [one["name"] for one in told["reconstructors"]] == ["inpainting", *SHIPPED]
    assert [one["name"] for one in told["generators"]] == ["digits"] and told["shelf"] and not told["refused"]
    assert str(folder) not in api.reader.get("/lab").text


def test_without_a_folder_the_catalogue_says_so(make_api: MakeApi) -> None:
    told = make_api().reader.get("/lab").json()
    assert not told["shelf"] and told["generators"] == []
    assert [one["name"] for one in told["reconstructors"]] == SHIPPED


def test_the_page_carries_the_sentence_and_no_inline_script(api: Api) -> None:
    away = api.nobody.get("http://127.0.0.1:8080/lab", follow_redirects=False)
    assert away.status_code == 303 and away.headers["Location"] == "/sign-in?next=%2Flab"
    page = api.reader.get("http://127.0.0.1:8080/lab")
    assert page.status_code == 200 and LIMITS in page.text
    assert "unsafe" not in page.headers["Content-Security-Policy"] and "<script>" not in page.text


# one question after the other


def test_a_measurement_is_shown_with_the_methods_that_fit(api: Api) -> None:
    told = api.reader.post("/lab/measurement", json=ASKED).json()
    assert seen(told["truth"]).shape == seen(told["measurement"]).shape == (32, 32)
    families = [method["family"] for method in told["methods"]]
    assert families == ["direct", "variational", "learnt", "generative", "generative", "generative"]
    assert any("of 1,024 pixels" in line for line in told["words"]) and "Gaussian noise, σ = 0.02" in told["words"][1]


def test_a_result_is_what_the_experiment_computes(api: Api, folder: Path) -> None:
    keys = [one["key"] for one in api.reader.post("/lab/measurement", json=ASKED).json()["methods"]]
    computed = compare(shapes(32, 1), Setup(size=32), keys, collection=Collection.of(folder))
    for key, expected in zip(keys, computed, strict=True):
        told = api.reader.post("/lab/reconstruction", json=ASKED | {"method": key}).json()
        assert told["problem"] == "" and told["psnr"] == pytest.approx(expected.psnr, abs=1e-3)
        assert told["ssim"] == pytest.approx(expected.ssim, abs=1e-4)
        assert expected.x is not None
        shown = np.clip(expected.x[0, 0].numpy(), 0, 1) * 255
        assert np.abs(seen(told["picture"]).astype(float) - shown).max() <= 0.51
        assert seen(told["error"]).shape == (32, 32, 3) and told["brightest"] == lab_process.ERRORS_UP_TO


def test_a_models_own_operator_can_be_taken(api: Api) -> None:
    key = api.reader.get("/lab").json()["reconstructors"][0]["key"]
    learnt = ASKED | {"setup": SMALL | {"operator": AsLearnt(model=key).model_dump()}}
    told = api.reader.post("/lab/measurement", json=learnt).json()
    (about,) = (method["about"] for method in told["methods"] if method["key"] == f"model:{key}")
    assert "under this very operator" in about and "σ = 0.05" in told["words"][1]


def test_a_verdict_comes_with_its_reason_and_figures(api: Api) -> None:
    told = api.reader.post("/lab/verdict", json={"setup": SMALL, "group": "none"}).json()
    assert told["verdict"] == "no" and told["kind"] == "bad"
    assert "nothing moves the images" in told["reason"]
    assert told["report"].startswith("verdict")


def test_a_generator_draws_and_its_picture_can_be_measured(api: Api) -> None:
    key = api.reader.get("/lab").json()["generators"][0]["key"]
    drawn = api.reader.post("/lab/generated", json={"generator": key, "number": 7}).json()
    assert len(drawn["latent"]) == drawn["sliders"] == 4 and drawn["size"] == 32
    moved = api.reader.post("/lab/generated", json={"generator": key, "latent": [0, 0, 0, 0]}).json()
    assert moved["picture"] != drawn["picture"]
    taken = {"picture": {"kind": "generated", "generator": key, "latent": drawn["latent"]}, "setup": SMALL}
    assert api.reader.post("/lab/measurement", json=taken).json()["truth"] == drawn["picture"]


# what is refused


IMPOSSIBLE: list[tuple[str, dict[str, Any], str]] = [
    ("measurement", {"setup": {"size": 256}}, "Input should be 32, 64 or 128"),
    ("measurement", {"setup": {"operator": {"kind": "mask", "dropped": 2}}}, "less than or equal to 0.95"),
    ("measurement", {"setup": {"operator": {"kind": "wishes"}}}, "does not match any of the expected tags"),
    ("measurement", {"picture": {"kind": "made", "name": "cat"}}, "'cat' is no image; there are head, film"),
    ("measurement", {"setup": {"operator": {"kind": "learnt", "model": "x"}}}, "No reconstructor 'x'"),
    ("reconstruction", {"method": "fbp"}, "'fbp' is no method for this measurement"),
    ("verdict", {"group": "twists"}, "'twists' is no group"),
    ("generated", {"generator": "x"}, "No generator 'x' is in the collection"),
    (
        "measurement",
        {"setup": {"operator": {"kind": "fourier-lines"}, "noise": {"kind": "photons"}}},
        "Take Gaussian noise",
    ),
]


def test_what_cannot_be_is_refused_in_a_sentence(api: Api) -> None:
    for path, body, sentence in IMPOSSIBLE:
        answer = api.reader.post(f"/lab/{path}", json=body)
        assert answer.status_code == 422 and sentence in said(answer), (path, body)


def test_a_bug_costs_an_answer_and_tells_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("patient 4711")

    monkeypatch.setattr(lab_process, "verdict", fails)
    answer = api.reader.post("/lab/verdict", json={})
    assert answer.status_code == 422 and "4711" not in answer.text and "Report it" in said(answer)


# images of one's own


def test_a_picture_that_is_sent_is_its_senders_alone_and_in_no_worklist(api: Api) -> None:
    pixels = np.zeros((50, 90), np.uint8)
    pixels[:, 20:70] = np.linspace(0, 255, 50, dtype=np.uint8)[:, None]
    told = api.reader.post("/lab/pictures", content=png(pixels)).json()
    assert (told["width"], told["height"]) == (90, 50)
    asked = {"picture": {"kind": "sent", "picture": told["picture"]}, "setup": SMALL}
    shown = seen(api.reader.post("/lab/measurement", json=asked).json()["truth"])
    expected = as_image(pixels.astype(np.float32) / 255, 32)[0, 0].numpy() * 255
    assert np.abs(shown - expected).max() <= 1
    answer = api.other.post("/lab/measurement", json=asked)
    assert answer.status_code == 404 and "no longer here" in said(answer)
    assert api.store.studies.page(StudyQuery(tab="all")).total == 0


NO_PICTURES = [
    (b"", 422, "has no body"),
    (b"not an image", 422, "The image cannot be read:"),
    (png(np.zeros((8, 8), np.uint8)), 422, "cannot be read"),
    (b"0" * (2**24 + 1), 413, "limit here"),
]


def test_what_is_no_picture_is_refused(api: Api) -> None:
    for data, status, sentence in NO_PICTURES:
        answer = api.reader.post("/lab/pictures", content=data)
        assert answer.status_code == status and sentence in said(answer), data[:20]


def test_a_lab_that_is_busy_says_when_to_ask_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise BusyError("This is being computed. Ask again in a few seconds.")

    monkeypatch.setattr(api.app.state.served.lab, "ask", busy)
    answer = api.reader.post("/lab/measurement", json=ASKED)
    assert answer.status_code == 202 and answer.headers["Retry-After"] == "1"
    assert answer.json() == {"wait": "This is being computed. Ask again in a few seconds."}
