"""Real or generated?: nothing but the lungs tells, the answer comes at the end, the figures are right and are kept."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import beta

from tests.data.making import image as as_file
from tests.once import made_once, shared_folder
from tests.web.conftest import Api, MakeApi, said
from tests.worklist.conftest import Clock, Place, own_on_both_databases
from tests.worklist.kept_store import KeptStores
from tests.worklist.reporting import look_and_report
from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.detectors.detector import Detector
from unseen.detectors.ganomaly import Ganomaly
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load, save
from unseen.screening.screener import Screener
from unseen.training.settings import Training
from unseen_server.service.scoring_models import Models
from unseen_server.web.turing_images import RoundImages, drawn
from unseen_server.web.turing_rounds import Round, Rounds
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.own_films import own_films
from unseen_server.worklist.renditions import Rendition, keep_generated
from unseen_server.worklist.states import BusyError, NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

SIZE = 32


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear generator that has learnt whole films."""
    torch.set_num_threads(1)

    def make(folder: Path) -> None:
        learnt = list(phantoms.normals(24, seed=1, size=64))
        detector = Pca(view=View(size=SIZE, frame="whole"), components=12).fit(learnt)
        save(detector, folder / "linear", data="phantoms", licence="none")

    return made_once(shared_folder(tmp_path_factory) / "turing", make) / "linear"


@pytest.fixture(scope="session")
def detector(bundle: Path) -> Detector:
    return load(bundle)


def score(store: Store, detector: Detector, films: int, *, first: int = 0) -> list[str]:
    """Send phantoms in and have them scored; their studies."""
    sent = []
    for number, film in enumerate(phantoms.normals(films, seed=50 + first, size=64)):
        steps = np.asarray(film.pixels * 255 + 0.5, dtype=np.uint8)
        sent.append(store.films.receive(as_file(steps), name=f"{first + number}.png").study)
    Worker(store, lambda: Screener(detector)).drain()
    keep_generated(store.site.renditions, detector)
    return sent


@pytest.fixture
def filled(
    store: Store, clock: Clock, kept_stores: KeptStores, detector: Detector, bundle: Path, make_api: MakeApi
) -> Iterator[Api]:
    """The application with that model and twenty-five films that it scored."""
    kept_stores.fill(store, clock, "turing", lambda: score(store, detector, 25))
    yield make_api(models=Models.of(bundle))


def begin(client: httpx.Client, model: str, count: int = 20) -> dict[str, Any]:
    told = client.post("/turing/rounds", json={"model": model, "count": count})
    assert told.status_code == 201, told.text
    return dict(told.json())


def truths(api: Api, number: str) -> tuple[bool, ...]:
    """Facts that only the server knows."""
    found: Round = api.app.state.served.rounds.find(number, "ann")
    return found.drawn.real


def grey(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data)))


def lungs_film(rng: np.random.Generator, *, size: int = 64, mark: float = 0.0) -> Rendition:
    """Noise in two ovals that differ a little from film to film; `mark` lies outside of them."""
    y, x = np.mgrid[:size, :size] / size
    shift = rng.uniform(-0.02, 0.02, 4)
    inside = np.zeros((size, size), dtype=bool)
    for side, (dy, dx) in ((0.28, shift[:2]), (0.72, shift[2:])):
        inside |= ((y - 0.5 - dy) / 0.42) ** 2 + ((x - side - dx) / 0.2) ** 2 < 1
    image = np.where(inside, rng.normal(0.1, 0.3, inside.shape), mark).astype(np.float32)
    return Rendition(image=image, reconstruction=image, lungs=inside, inside=inside)


def test_nothing_but_the_inside_of_the_lungs_tells_them_apart() -> None:
    """Reals have their own outlines, another gain and offset, and a bright surrounding; generated ones fade away."""
    rng = np.random.default_rng(0)
    own = [lungs_film(rng, mark=1.0) for _ in range(20)]
    typical = own[0].inside
    generated = np.stack([0.2 * film.image * film.inside - 0.4 for film in (lungs_film(rng) for _ in range(20))])
    found = drawn(own, generated, count=20, typical=typical, blur=None, rng=random.Random(1))
    assert 0 < sum(found.real) < 20
    files = [found.png(place) for place in range(20)]
    assert len({len(data) for data in files}) == 1  # the same number of bytes
    pictures = np.stack([grey(data) for data in files]).astype(int)
    outside = (pictures == 0).all(axis=0)
    assert 0.2 < outside.mean() < 0.9
    assert all(outside[end].all() for end in (0, -1))
    edges = pictures[:, ~outside]
    for kind in (True, False):
        of_kind = edges[np.array(found.real) == kind]
        assert of_kind.min() <= 5 and of_kind.max() >= 250  # one grey scale for both
        assert abs(of_kind.mean() - edges.mean()) < 8
    assert found.inside.sum() < typical.sum()  # without its rim


def test_what_lies_outside_the_outline_changes_no_byte() -> None:
    rng = np.random.default_rng(3)
    plain = [lungs_film(rng) for _ in range(12)]
    marked = [
        Rendition(
            image=np.where(film.inside, film.image, 9).astype(np.float32),
            reconstruction=film.image,
            lungs=film.inside,
            inside=film.inside,
        )
        for film in plain
    ]
    generated = np.stack([film.image for film in plain])
    one, other = (
        drawn(films, generated, count=10, typical=plain[0].inside, blur=None, rng=random.Random(5))
        for films in (plain, marked)
    )
    assert one.real == other.real and any(one.real)
    assert [one.png(k) for k in range(10)] == [other.png(k) for k in range(10)]


def test_real_films_are_blurred_as_the_generators_were_trained() -> None:
    rng = np.random.default_rng(6)
    own = [lungs_film(rng) for _ in range(12)]
    generated = np.stack([film.image for film in own])
    steps = []
    for blur in (None, 1.5):
        found = drawn(own, generated, count=10, typical=own[0].inside, blur=blur, rng=random.Random(5))
        real = np.stack([grey(found.png(k)) for k in range(10) if found.real[k]]).astype(int)
        assert real.std() > 20
        steps.append(np.abs(np.diff(real, axis=2)).mean() / real.std())
    assert steps[1] < 0.7 * steps[0]


def test_a_fair_coin_decides_each_picture_and_none_comes_twice() -> None:
    rng, coin = np.random.default_rng(1), random.Random(2)
    own = [lungs_film(rng, size=16) for _ in range(12)]
    for number, film in enumerate(own):
        film.inside[:] = True
        film.image[0, 0] = number  # known again by a pixel that no scale hides
        film.image[1:] = np.linspace(0, 1, 16)
    generated = np.stack([film.image + 100 for film in own])
    rounds = [drawn(own, generated, count=10, typical=None, blur=None, rng=coin).real for _ in range(300)]
    heads = np.array(rounds)
    assert abs(heads.sum() - 1500) < 5 * np.sqrt(3000 / 4)
    assert (abs(heads.sum(axis=0) - 150) < 5 * np.sqrt(300 / 4)).all()  # at every place
    assert abs((heads[:, 1:] == heads[:, :-1]).mean() - 0.5) < 5 * np.sqrt(1 / 4 / 2700)  # whatever came before


@pytest.mark.nightly
def test_real_ones_are_the_sites_films_and_the_others_the_generators(
    filled: Api, store: Store, detector: Detector
) -> None:
    model = detector.weights_sha256
    told = begin(filled.reader, model, 20)
    films = [
        film.film
        for row in store.studies.page(StudyQuery(tab="all", limit=50, blind=False)).rows
        for film in store.studies.details(row.study).films
    ]
    own = [store.findings.rendition(film, model).image for film in films]
    made = list(store.findings.generated()[model])

    def likeness(shown: np.ndarray[Any, Any], sources: list[np.ndarray[Any, Any]]) -> list[float]:
        small = np.asarray(Image.fromarray(shown).resize((SIZE, SIZE), Image.Resampling.BOX), dtype=float)
        return [float(np.corrcoef(small.ravel(), source.ravel())[0, 1]) for source in sources]

    seen: set[tuple[bool, int]] = set()
    for k, real in zip(told["pictures"], truths(filled, told["round"]), strict=True):
        shown = grey(filled.reader.get(f"/turing/rounds/{told['round']}/pictures/{k}.png").content)
        from_own, from_made = likeness(shown, own), likeness(shown, made)
        assert (max(from_own) > max(from_made)) is real
        best = max(from_own, from_made, key=max)
        assert max(best) > 0.98
        seen.add((real, int(np.argmax(best))))
    assert len(seen) == 20  # none twice


def test_answers_tell_nothing_before_the_last_one(filled: Api, detector: Detector) -> None:
    told = begin(filled.reader, detector.weights_sha256, 10)
    number = told["round"]
    pictures = [filled.reader.get(f"/turing/rounds/{number}/pictures/{k}.png") for k in told["pictures"]]
    assert len({len(shown.content) for shown in pictures}) == 1
    assert len({tuple(sorted(shown.headers.items())) for shown in pictures}) == 1
    assert not any(Image.open(io.BytesIO(shown.content)).info for shown in pictures)  # no dates, no texts
    assert set(told) == {"round", "model", "name", "pictures", "answered", "words"}
    for k in told["pictures"]:
        early = filled.reader.get(f"/turing/rounds/{number}/result")
        assert early.status_code == 409 and f"{11 - k} of 10" in said(early)
        after = filled.reader.post(f"/turing/rounds/{number}/answers", json={"k": k, "answer": "real"})
        assert after.json() == told | {"answered": list(range(1, k + 1))}
        assert filled.reader.get(f"/turing/rounds/{number}").json() == after.json()
    result = filled.reader.get(f"/turing/rounds/{number}/result").json()
    assert [one["truth"] == "real" for one in result["pictures"]] == list(truths(filled, number))


def test_a_result_is_as_the_beta_distribution_has_it_and_is_kept(filled: Api, store: Store, detector: Detector) -> None:
    number = begin(filled.reader, detector.weights_sha256, 20)["round"]
    real = truths(filled, number)
    wrong = 4
    for k, truth in enumerate(real, start=1):
        given = truth if k > wrong else not truth
        body = {"k": k, "answer": "real" if given else "generated"}
        assert filled.reader.post(f"/turing/rounds/{number}/answers", json=body).status_code == 200
    result = filled.reader.get(f"/turing/rounds/{number}/result").json()
    assert (result["all"]["right"], result["all"]["of"]) == (16, 20)
    assert result["all"]["low"] == pytest.approx(beta.ppf(0.025, 16, 5))
    assert result["all"]["high"] == pytest.approx(beta.ppf(0.975, 17, 4))
    assert result["words"].startswith("This is better than guessing: the interval, 56 % to 94 %")
    for kind, meant in (("real", True), ("generated", False)):
        of_kind = [k for k, truth in enumerate(real, start=1) if truth is meant]
        assert result[kind]["of"] == len(of_kind)
        assert result[kind]["right"] == sum(k > wrong for k in of_kind)
    (kept,) = filled.reader.get("/turing/results").json()["rounds"]
    assert (kept["reader"], kept["all"]["right"], kept["all"]["of"], kept["name"]) == ("ann", 16, 20, "linear")
    assert filled.other.get("/turing/results").json() == {"rounds": []}  # one's own
    assert len(filled.lead.get("/turing/results").json()["rounds"]) == 1
    assert store.audit.verify() is None
    filled.reader.post(f"/turing/rounds/{number}/answers", json=body)  # the last answer again
    assert len(filled.lead.get("/turing/results").json()["rounds"]) == 1


def test_an_answer_stands_and_a_round_is_its_readers(filled: Api, detector: Detector) -> None:
    number = begin(filled.reader, detector.weights_sha256, 10)["round"]
    first = {"k": 1, "answer": "real"}
    assert filled.reader.post(f"/turing/rounds/{number}/answers", json=first).status_code == 200
    assert filled.reader.post(f"/turing/rounds/{number}/answers", json=first).json()["answered"] == [1]
    other = filled.reader.post(f"/turing/rounds/{number}/answers", json=first | {"answer": "generated"})
    assert other.status_code == 409 and "is final" in said(other)
    for path in ("", "/result", "/pictures/1.png"):
        foreign = filled.lead.get(f"/turing/rounds/{number}{path}")
        assert foreign.status_code == 404 and "no longer exists" in said(foreign)
    assert filled.lead.post(f"/turing/rounds/{number}/answers", json=first).status_code == 404
    for k in (0, 11, 40):
        assert filled.reader.get(f"/turing/rounds/{number}/pictures/{k}.png").status_code == 404
    assert filled.reader.post(f"/turing/rounds/{number}/answers", json={"k": 11, "answer": "real"}).status_code == 404


def test_what_is_missing_is_said(api: Api, store: Store, detector: Detector, bundle: Path, make_api: MakeApi) -> None:
    told = api.reader.get("/turing").json()
    missing = "This server scores with no model. Start it with --model."
    assert told == {"models": [], "choices": [10, 20, 40], "preset": 20, "missing": missing}
    unknown = api.reader.post("/turing/rounds", json={"model": "a" * 64})
    assert unknown.status_code == 404
    ours = make_api(models=Models.of(bundle))
    assert "has no generator" in ours.reader.get("/turing").json()["missing"]  # no worker has started yet
    score(store, detector, 9)
    told = ours.reader.get("/turing").json()
    assert told["missing"] == "linear has scored 9 of this site's own films, and a round needs 10 or more."
    refused = ours.reader.post("/turing/rounds", json={"model": detector.weights_sha256, "count": 10})
    assert refused.status_code == 409 and said(refused) == told["missing"]
    score(store, detector, 3, first=30)
    told = ours.reader.get("/turing").json()
    assert told["missing"] == "" and told["models"][0]["counts"] == [10]
    longer = ours.reader.post("/turing/rounds", json={"model": detector.weights_sha256, "count": 20})
    assert longer.status_code == 409 and "there are 12" in said(longer)


@pytest.mark.slow
def test_a_detector_without_a_prior_has_no_generator(store: Store, make_api: MakeApi, tmp_path: Path) -> None:
    learnt = list(phantoms.normals(8, seed=1, size=64))
    plain = Ganomaly(view=View(size=SIZE, frame="whole"), features=4, latent=4)
    save(plain.fit(learnt, training=Training(epochs=1)), tmp_path / "gan", data="phantoms", licence="none")
    score(store, load(tmp_path / "gan"), 10)
    ours = make_api(models=Models.of(tmp_path / "gan"))
    assert ours.reader.get("/turing").json()["missing"].startswith("gan has no generator that makes up images")


def test_readers_where_a_policy_clears_are_not_asked(filled: Api, store: Store, detector: Detector) -> None:
    number = begin(filled.reader, detector.weights_sha256, 10)["round"]
    object.__setattr__(filled.app.state.served.clearing, "_seen", True)  # as soon as a worker has cleared something
    for path in ("/turing", "/turing/results", f"/turing/rounds/{number}", f"/turing/rounds/{number}/pictures/1.png"):
        assert filled.reader.get(path).status_code == 403
    assert filled.reader.post("/turing/rounds", json={"model": detector.weights_sha256}).status_code == 403
    assert filled.lead.get("/turing").status_code == 200


def small(*, side: int = 8, count: int = 10) -> RoundImages:
    return RoundImages(
        images=np.zeros((count, side, side), dtype=np.uint8),
        inside=np.ones((side, side), dtype=bool),
        real=(True,) * count,
    )


def test_the_longest_untouched_rounds_are_forgotten() -> None:
    rounds = Rounds(most_bytes=3 * 640)
    numbers = [rounds.begin(small(), account="ann", model="m", name="n", words="w").number for _ in range(3)]
    rounds.find(numbers[0], "ann")
    rounds.begin(small(), account="ben", model="m", name="n", words="w")
    rounds.find(numbers[0], "ann")
    with pytest.raises(NotFoundError, match="no longer exists"):
        rounds.find(numbers[1], "ann")


def test_a_last_answer_that_cannot_be_kept_was_not_given() -> None:
    """So the page can give it again, and the result is never lost."""
    one = Round(number="r", account="ann", model="m", name="n", words="w", drawn=small(count=2))
    kept: list[tuple[int, int]] = []

    def busy(whole: Round) -> None:
        raise BusyError("The database is locked.")

    one.answer(1, real=True, finish=busy)
    with pytest.raises(BusyError):
        one.answer(2, real=False, finish=busy)
    assert not one.is_finished
    one.answer(2, real=True, finish=lambda whole: kept.append(whole.right()))
    one.answer(2, real=True, finish=lambda whole: kept.append(whole.right()))
    assert kept == [(2, 2)]
    with pytest.raises(NotAllowedError):
        one.answer(1, real=False, finish=busy)


def test_lungs_that_do_not_overlap_are_a_sentence() -> None:
    rng = np.random.default_rng(0)
    own = [lungs_film(rng) for _ in range(10)]
    for place, film in enumerate(own):
        film.inside[:] = False
        film.inside[6 * place : 6 * place + 6] = True
    generated = np.zeros((10, 64, 64), dtype=np.float32)
    with pytest.raises(WorklistError, match="hardly overlap"):
        drawn(own, generated, count=10, typical=own[0].inside, blur=None, rng=random.Random(0))


@own_on_both_databases
def test_own_films_are_normal_ones_where_there_are_enough(own_place: Place, detector: Detector) -> None:
    with own_place.open() as store:
        studies = score(store, detector, 6)
        films = {study: store.studies.details(study).films[0].film for study in studies}
        with store.database.reading() as connection:
            everything = own_films(connection, detector.weights_sha256, enough=2)
        assert set(everything.films) == set(films.values()) and "nobody reported abnormal" in everything.words
        for study, outcome in zip(studies, ("normal", "abnormal", "normal", "unsure", "normal", "normal"), strict=True):
            store.studies.claim(study, "ann")
            look_and_report(store, study, "ann", outcome)
        store.reports.undo(studies[5], "ann")
        with store.database.reading() as connection:
            normal = own_films(connection, detector.weights_sha256, enough=3)
            others = own_films(connection, detector.weights_sha256, enough=4)
            none = own_films(connection, "b" * 64, enough=1)
        assert set(normal.films) == {films[studies[place]] for place in (0, 2, 4)}
        assert normal.words == "of studies that readers reported normal"
        assert set(others.films) == {films[study] for place, study in enumerate(studies) if place != 1}
        assert none.films == ()
