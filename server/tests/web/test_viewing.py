"""Images of the viewer: samples as in the file, models' images of a film, neither to blinded readers."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.data.making import dicom
from tests.web.conftest import Api, MakeApi, said
from tests.worklist.conftest import png
from tests.worklist.reporting import look_and_report
from unseen.data.manifest import Entry
from unseen.data.reading import read_film
from unseen.screening.screener import Screener
from unseen_server.web import state as served
from unseen_server.web.decoded_films import DecodedFilms
from unseen_server.web.promise import Promise
from unseen_server.web.study_sentences import in_words, reading_of
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

RAW = {"Content-Type": "application/octet-stream"}


def sent(api: Api, data: bytes, source: str = "ward") -> str:
    answer = api.lead.post("/films", content=data, headers=RAW | {"X-Film-Source": source})
    return str(answer.raise_for_status().json()["film"])


def noise(number: int, *, height: int = 130, width: int = 90, bits: int = 12) -> NDArray[np.uint16]:
    return np.random.default_rng(number).integers(0, 2**bits, (height, width), dtype=np.uint16)


def samples_of(answer: Any) -> NDArray[np.uint16]:
    shape = int(answer.headers["x-film-height"]), int(answer.headers["x-film-width"])
    return np.frombuffer(answer.content, "<u2").reshape(shape)


def grey(answer: Any) -> NDArray[np.uint8]:
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.mode == "L"
    return np.array(picture)


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_samples_are_those_of_the_file_white_is_dense(api: Api, bits: int, photometric: str) -> None:
    data = dicom(noise(1, bits=bits), bits=bits, PhotometricInterpretation=photometric, PixelSpacing=[0.2, 0.2])
    answer = api.reader.get(f"/films/{sent(api, data)}/pixels")
    stored = pydicom.dcmread(io.BytesIO(data)).pixel_array
    wanted = 2**bits - 1 - stored if photometric == "MONOCHROME1" else stored
    assert answer.headers["content-type"] == "application/octet-stream"
    assert (samples_of(answer) == wanted).all()
    assert answer.headers["x-film-bits"] == str(bits)
    low, high = (int(answer.headers[f"x-film-{end}"]) for end in ("low", "high"))
    assert (low, high) == pytest.approx(np.percentile(wanted, (0.5, 99.5)), abs=0.005 * 2**bits)


def test_samples_are_the_film_that_is_scored(api: Api, store: Store) -> None:
    film = sent(api, dicom(noise(2, bits=12), bits=12))
    path = store.films.path(film)
    scored = read_film(Entry(name=film, path=path, source="", patient=film, study=film))
    assert (samples_of(api.reader.get(f"/films/{film}/pixels")) == np.round(scored.pixels * 4095)).all()  # type: ignore[union-attr]


def test_a_picture_of_eight_bits_is_sent_as_sixteen_and_knows_no_spacing(api: Api) -> None:
    answer = api.reader.get(f"/films/{sent(api, png(1))}/pixels")
    assert (answer.headers["x-film-bits"], len(answer.content)) == ("8", 2 * 40 * 40)
    assert "x-film-spacing-mm" not in answer.headers


def test_what_is_damaged_is_a_sentence(api: Api, store: Store) -> None:
    broken = sent(api, b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    answer = api.reader.get(f"/films/{broken}/pixels")
    assert answer.status_code == 422 and said(answer).startswith("The film cannot be shown: ")
    changed = sent(api, png(1))
    path = store.films.path(changed)
    path.chmod(0o600)
    path.write_bytes(png(2))
    answer = api.reader.get(f"/films/{changed}/pixels")
    assert answer.status_code == 422 and "damaged" in said(answer)
    assert api.reader.get("/films/f-" + "0" * 20 + "/pixels").status_code == 404


def test_a_film_that_was_just_decoded_is_not_decoded_again(api: Api) -> None:
    film = sent(api, dicom(noise(3), bits=12))
    decoded = api.app.state.served.decoded
    first = api.reader.get(f"/films/{film}/pixels")
    again = api.other.get(f"/films/{film}/pixels")
    assert (again.content, decoded.decoded) == (first.content, 1)


def test_films_that_are_kept_stay_within_their_bytes(store: Store) -> None:
    paths = [store.site.films.of(store.films.receive(png(number), name=str(number)).sha256) for number in range(4)]
    kept = DecodedFilms(threading.BoundedSemaphore(2), most_bytes=2 * 40 * (2 * 40 + 90))  # two, with their residuals
    for path in (paths[0], paths[1], paths[0], paths[2]):  # 1 is the one that was not asked for lately
        kept.film(path)
    assert kept.decoded == 3
    kept.film(paths[0])
    assert kept.decoded == 3
    kept.film(paths[1])
    assert kept.decoded == 4


def test_what_a_model_saw_is_shown_on_one_scale(api: Api, store: Store, screener: Screener) -> None:
    film = sent(api, dicom(noise(4), bits=12))
    assert api.reader.get(f"/films/{film}/thumbnail.png").status_code == 404
    Worker(store, lambda: screener).drain()
    assert max(grey(api.reader.get(f"/films/{film}/thumbnail.png")).shape) <= 160
    model = screener.detector.weights_sha256
    kept = store.findings.rendition(film, model)

    def shown(what: str) -> Any:
        return api.reader.get(f"/films/{film}/rendition/{what}", params={"model": model})

    low, high = np.percentile(kept.image, (0.5, 99.5))
    for what, values in (("image", kept.image), ("reconstruction", kept.reconstruction)):
        wanted = np.clip((values - low) / (high - low), 0, 1) * 255
        assert np.abs(grey(shown(what)) - wanted).max() <= 1
    top = float(shown("residual").headers["x-picture-high"])
    residual = np.abs(kept.image - kept.reconstruction)
    assert np.abs(grey(shown("residual")) - np.clip(residual / top, 0, 1) * 255 * kept.inside).max() <= 1
    assert kept.lungs is not None and ((grey(shown("lungs")) == 255) == kept.lungs).all()
    assert ((grey(shown("inside")) == 255) == kept.inside).all()
    assert shown("colours").status_code == 422
    other = api.reader.get(f"/films/{film}/rendition/image", params={"model": "0" * 64})
    assert other.status_code == 404 and said(other).endswith(".")


def test_a_look_says_what_is_known(api: Api, store: Store, screener: Screener) -> None:
    film = sent(api, dicom(noise(5), bits=12))
    before = api.reader.get(f"/films/{film}/look").json()
    assert (before["models"], before["nearest"]) == ([], [])
    assert before["words"] == ["No worker has looked at it yet."]
    for number in range(6, 10):
        sent(api, dicom(noise(number), bits=12))
    Worker(store, lambda: screener).drain()
    normal = store.studies.page(StudyQuery(tab="to_read", blind=False)).rows[-1].study
    store.studies.claim(normal, "ann")
    look_and_report(store, normal, "ann", "normal")
    seen = api.reader.get(f"/films/{film}/look").json()
    (model,) = seen["models"]
    finding = store.studies.details(seen["study"], blind=False).films[0].findings[0]
    assert (model["model"], model["score"], model["box"]) == (finding.model, finding.score, list(finding.box or ()))
    assert model["rank"] is None and model["reference"]["histogram"] is None
    assert model["reference"] == seen["reference"] | {"histogram": None}, "one reference a screen"
    assert seen["reference"]["words"] == (
        "no reference: this server was not given this model; a percentile needs 20 normals of this site, and there is 1"
    )
    assert model["sentence"] == seen["reference"]["words"] and not seen["reference"]["of_site"]
    numbers = np.load(io.BytesIO(api.reader.get(f"/films/{film}/map.npy").content))
    assert model["map_high"] == pytest.approx(np.percentile(numbers, 99.5), rel=1e-4)
    assert model["renditions"] is model["gives_back"] is True
    if seen["study"] != normal:
        assert [near["study"] for near in seen["nearest"]] == [normal]
    said = " ".join(word for word in seen["words"] if not word.startswith("No reference"))
    assert "normal" not in said.lower().replace("abnormal", "")
    assert api.reader.get("/films/f-" + "0" * 20 + "/look").status_code == 404


def test_a_model_that_gives_no_picture_back_says_so(api: Api, store: Store, screener: Screener) -> None:
    film, model = sent(api, dicom(noise(5), bits=12)), screener.detector.weights_sha256
    Worker(store, lambda: screener).drain()
    path = store.site.renditions.rendition_of(store.films.path(film).name, model)
    store.site.renditions.keep(path, replace(store.findings.rendition(film, model), reconstruction=None).to_bytes())
    (seen,) = api.reader.get(f"/films/{film}/look").json()["models"]
    assert (seen["renditions"], seen["gives_back"]) == (True, False)
    answers = {
        what: api.reader.get(f"/films/{film}/rendition/{what}", params={"model": model})
        for what in ("image", "inside", "lungs", "reconstruction", "residual")
    }
    assert [answer.status_code for answer in answers.values()] == [200, 200, 200, 404, 404]
    assert "gives no image back" in said(answers["residual"])


def test_whoever_is_blind_sees_the_film_and_nothing_else(
    api: Api, store: Store, screener: Screener, judged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "LOOK_S", 0.0)
    film = sent(api, dicom(noise(11), bits=12))
    Worker(store, lambda: screener).drain()
    model = screener.detector.weights_sha256
    secret = [f"/films/{film}/map.png", f"/films/{film}/map.npy"]
    secret += [f"/films/{film}/rendition/{what}?model={model}" for what in ("image", "residual", "lungs")]
    assert [api.reader.get(path).status_code for path in secret] == [200] * 5, "nothing is cleared here"
    judged(12, "clear", 0.1)
    for path in secret:
        refused = api.reader.get(path)
        assert refused.status_code == 403 and "audit sample" in said(refused)
        assert api.lead.get(path).status_code == 200
    told = api.reader.get(f"/films/{film}/look").json()
    assert told == {
        "film": film, "study": told["study"], "blind": True, "words": [], "flag": False, "reference": None,
        "probability": None, "prevalence": None, "models": [],
        "nearest": [],
    }  # fmt: skip
    assert api.lead.get(f"/films/{film}/look").json()["models"][0]["score"] is not None
    for path in ("pixels", "thumbnail.png"):
        assert api.reader.get(f"/films/{film}/{path}").status_code == 200


@pytest.mark.parametrize("rank", [None, 0.0, 0.5, 0.8, 0.99])
def test_a_film_that_was_not_cleared_is_never_called_normal(judged: Any, store: Store, rank: float | None) -> None:
    for action in ("read", "not_scored"):
        study = judged(1 if action == "read" else 2, action, reason="its source is not among the calibrated ones").study
        nothing = Promise(state="ranks", policy=None, why="No policy is in force.")
        found = store.studies.details(study, blind=False)
        reading = reading_of(found.entry, rank=rank, blind=False, early=False)
        words = " ".join(in_words(found.decision, reading, None, promise=nothing)).lower()
        assert words and "is normal" not in words and "looks normal" not in words


def test_a_server_without_models_calls_them_by_their_digest(make_api: MakeApi, judged: Any) -> None:
    receipt = judged(1, "read", 0.7)
    assert make_api().reader.get(f"/films/{receipt.film_id}/look").json()["models"][0]["name"] == "m" * 12
