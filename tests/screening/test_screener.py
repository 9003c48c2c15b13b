"""Films in, decisions out; calibration and policy files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from studies.replayed import Replayed, replayed_film
from unseen.artifacts.research_only import LIMITS
from unseen.data.film import Film, NotRead
from unseen.detectors.finding import Finding
from unseen.screening import Policy, PolicyError, Screener, calibrate
from unseen.screening.decision import FIRST_PRIORITY
from unseen.screening.film_rows_of_parts import film_rows
from unseen.screening.labelled_studies import Study, one_a_patient
from unseen.screening.policy import SourcePolicy
from unseen.screening.screened import SEVERAL_SOURCES
from unseen.screening.screener import decision_rows, ranked_rows
from unseen.screening.study_decisions import with_study_decisions

RNG = np.random.default_rng(0)
UNREAD = NotRead(name="x.dcm", reason="Truncated.", source="ward", patient="x")


def labelled(*, normals: int = 200, abnormals: int = 60, source: str = "ward", seed: int = 0) -> list[Film]:
    rng = np.random.default_rng(seed)
    return [
        replayed_film(f"{source}-n{i}", float(s), label="normal", source=source)
        for i, s in enumerate(rng.normal(size=normals))
    ] + [
        replayed_film(f"{source}-a{i}", float(s), label="abnormal", source=source)
        for i, s in enumerate(rng.normal(2, 1, size=abnormals))
    ]


@pytest.fixture(scope="module")
def screener() -> Screener:
    return calibrate(
        Replayed(), labelled() + labelled(source="small", abnormals=24, seed=1), 0.10, 0.95, prevalence=0.1
    )


def at(score: float, *, source: str = "ward", **more: str) -> Film:
    return replayed_film("new", score, source=source, **more)  # type: ignore[arg-type]


def test_far_below_the_threshold_is_cleared_and_at_it_is_read(screener: Screener) -> None:
    assert screener.policy is not None
    threshold = screener.policy.sources["ward"].threshold
    assert threshold is not None
    below, there = screener(at(float(np.nextafter(threshold, -9)))), screener(at(threshold))
    assert (below.action, there.action) == ("clear", "read")
    assert below.reason == "cleared: below the threshold of ward", "a promise may end; a stored reason does not"
    assert below.policy_digest == screener.policy.digest


def test_the_threshold_is_that_of_the_contract(screener: Screener) -> None:
    assert screener.policy is not None
    scores = sorted(float(f.columns["score"]) for f in labelled() if f.label == "abnormal")
    ward = screener.policy.sources["ward"]
    assert (ward.allowed_misses, ward.threshold, ward.abnormals) == (1, scores[1], 60)


def test_a_source_with_too_few_abnormals_is_never_cleared_and_says_how_many_are_missing(screener: Screener) -> None:
    decision = screener(at(-9.0, source="small"))
    assert decision.action == "read"
    assert (
        "from small: 24 abnormal studies are labelled and scored, and 29 are needed. Label 5 more from small"
        in decision.reason
    )
    assert decision.p_value is not None and decision.probability is not None


def test_an_unknown_source_is_never_cleared(screener: Screener) -> None:
    assert screener(at(-9.0, source="elsewhere")).action == "read"
    assert "not among the calibrated ones (small, ward)" in screener(at(-9.0, source="elsewhere")).reason


@pytest.mark.parametrize(
    "of_source", [SourcePolicy(abnormals=0, normals=(0.1,) * 30), SourcePolicy(abnormals=60, normals=()),
                  SourcePolicy(abnormals=0, normals=(), not_scored=1)],
)  # fmt: skip
def test_a_source_without_scored_studies_of_both_classes_has_no_probability(of_source: SourcePolicy) -> None:
    """One refused film made its hospital a calibrated source: films of it had the probabilities of another one."""
    policy = calibrate(Replayed(), labelled(), 0.10, prevalence=0.1).policy
    assert policy is not None
    screener = Screener(Replayed(), policy.model_copy(update={"sources": {**policy.sources, "new": of_source}}))
    for score in (-9.0, 9.0):
        assert screener(at(score, source="new")).probability is None
        assert screener(at(score)).probability is not None
    ranks = [screener(at(score, source="new")).priority for score in (-9.0, 0.0, 9.0)]
    assert ranks == sorted(ranks), "all sources have one order"


def test_without_a_policy_all_is_read_in_the_order_of_the_scores() -> None:
    decisions = [Screener(Replayed())(at(score)) for score in (-100.0, -1.0, 0.0, 1e-3, 5.0, 1e6)]
    assert {d.action for d in decisions} == {"read"}
    assert sorted(decisions, key=lambda d: d.priority) == decisions
    assert all(0 < d.priority < 1 for d in decisions)


def test_what_is_not_read_comes_first_with_its_reason(screener: Screener) -> None:
    decision = screener(UNREAD)
    assert (decision.action, decision.priority, decision.reason) == ("not_scored", FIRST_PRIORITY, "Truncated.")
    assert decision.probability is None and decision.score is None


def test_every_input_comes_out_once_in_order(screener: Screener) -> None:
    films = [at(0.1), UNREAD, at(3.0), at(0.0, view_position="LL")]
    assert [one.film for one in screener.screen(iter(films))] == films


def test_a_study_clears_only_if_all_its_frontal_films_do_and_a_lateral_decides_nothing(screener: Screener) -> None:
    clear, read, side = at(-9.0), at(9.0), at(9.0, view_position="LATERAL")

    def of(*films: Film | NotRead) -> str:
        return screener.study(list(screener.screen(films))).action

    assert of(clear) == of(clear, clear) == of(clear, side) == "clear"
    assert of(clear, read) == of(read, clear, side) == "read"
    assert of(clear, UNREAD) == of(read, UNREAD) == "not_scored"
    assert of(side) == "not_scored"


@pytest.mark.parametrize("view", ["AXIAL", "AP LORDOTIC", "LLD", "PA/LAT"])
def test_a_film_of_uncertain_projection_is_scored_and_read_and_never_cleared(screener: Screener, view: str) -> None:
    uncertain = at(-9.0, view_position=view)
    decision = screener(uncertain)
    assert (decision.action, decision.score) == ("read", -9.0)
    assert "does not state for certain that it is a frontal film" in decision.reason
    study = screener.study(list(screener.screen([at(-9.5), uncertain])))
    assert (study.action, study.reason) == ("read", decision.reason)


def test_a_missing_projection_of_a_dicom_film_is_uncertain_and_of_an_image_is_frontal(screener: Screener) -> None:
    dicom = replace(at(-9.0), view_position=None, projection="uncertain", file_format="dicom")
    assert screener(dicom).action == "read"
    assert screener(replace(at(-9.0), view_position=None, file_format="png")).action == "clear"


def test_a_study_is_not_cleared_by_an_earlier_decision_on_a_film_of_uncertain_projection(screener: Screener) -> None:
    (cleared,) = screener.screen([at(-9.0)])
    assert isinstance(cleared.film, Film) and cleared.decision.action == "clear"
    uncertain = replace(cleared, film=replace(cleared.film, projection="uncertain"))
    assert screener.study([cleared, uncertain]).action == screener.study([uncertain]).action == "read"


def test_a_mixed_study_is_read_for_the_reason_of_the_film_that_stays(screener: Screener) -> None:
    decision = screener.study(list(screener.screen([at(-9.0), at(-9.0, source="elsewhere")])))
    assert decision.action == "read" and "not among the calibrated" in decision.reason


def test_a_study_of_several_sources_is_read_since_no_threshold_was_calibrated_for_it() -> None:
    screener = calibrate(Replayed(), labelled() + labelled(source="er", seed=3), 0.10)
    films = [at(-9.0), replace(at(-9.0, source="er"), name="other")]
    assert [screener(film).action for film in films] == ["clear", "clear"]
    decision = screener.study(list(screener.screen(films)))
    assert (decision.action, decision.reason) == ("read", SEVERAL_SOURCES)
    rows = list(decision_rows(screener, films))
    assert [(row.decision, row.reason) for row in rows] == [("read", SEVERAL_SOURCES)] * 2
    of_parts = with_study_decisions(pl.DataFrame([vars(row) for row in film_rows(screener, films)]))
    assert of_parts.select("decision", "reason").rows() == [("read", SEVERAL_SOURCES)] * 2
    unread = with_study_decisions(pl.DataFrame([vars(row) for row in film_rows(screener, [*films, at(9.0)])]))
    assert unread["reason"].to_list()[:2] == [row.reason for row in decision_rows(screener, [*films, at(9.0)])][:2]


def test_the_score_of_a_study_is_the_highest_where_films_have_one_probability(screener: Screener) -> None:
    first, second = (screener(at(score)) for score in (8.0, 9.0))
    assert first.probability == second.probability, "the map is constant beyond its last point"
    assert first.priority < second.priority, "the more suspicious film is read first"
    assert first.priority == pytest.approx(first.probability, abs=1e-6)
    assert screener(at(-9.0)).priority < screener(at(-8.0)).priority
    assert screener.study(list(screener.screen([at(8.0), at(9.0)]))).score == 9.0
    assert screener.study(list(screener.screen([at(-8.0), at(-9.0)]))).score == -8.0


class Unchecked(Replayed):
    """A detector of another package, which gives any score."""

    def __init__(self, given: float) -> None:
        self.given = given

    def score(self, films: Iterable[Film | NotRead]) -> Iterator[Finding | NotRead]:
        return (one if isinstance(one, NotRead) else replace(one, score=self.given) for one in super().score(films))


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_not_finite_is_no_score(screener: Screener, score: float) -> None:
    film = at(0.0)
    known = next(screener.screen([film], scores={film.pixel_sha256: score})).decision
    of_plugin = Screener(Unchecked(score), screener.policy)
    for decision in (screener.decide(score, film), known, of_plugin(film), Screener(Replayed()).decide(score, film)):
        assert (decision.action, decision.score, decision.priority) == ("not_scored", None, FIRST_PRIORITY)
        assert "a score is finite" in decision.reason
    assert next(of_plugin.screen([film])).finding is None
    assert [row.status for row in ranked_rows(of_plugin, [film])] == ["not_read"]


def test_while_an_alarm_stands_nothing_is_cleared() -> None:
    screener = calibrate(Replayed(), labelled(), 0.10)
    assert screener(at(-9.0)).action == "clear"
    screener.stopped = "drift"
    assert (screener(at(-9.0)).action, screener(at(-9.0)).reason) == ("read", "clearing is stopped: drift")


def test_a_patients_films_count_once_and_a_study_is_its_highest_film() -> None:
    films = labelled(normals=30, abnormals=29)
    again = [
        replayed_film(f"{f.name}-{i}", 0.0, label="abnormal", source="ward", patient=f.patient, study=f.study)
        for f in films for i in range(3) if f.label == "abnormal"
    ]  # fmt: skip
    more_studies = [
        replayed_film(f"{f.name}-s{i}", 9.0, label="abnormal", source="ward", patient=f.patient)
        for f in films for i in range(3) if f.label == "abnormal"
    ]  # fmt: skip
    one, three = (calibrate(Replayed(), films + extra, 0.10).policy for extra in (again, more_studies))
    assert one is not None and three is not None
    assert one.sources["ward"].abnormals == three.sources["ward"].abnormals == 29
    assert one.drift is not None
    assert one.drift.abnormals == tuple(
        sorted(max(0.0, float(f.columns["score"])) for f in films if f.label == "abnormal")
    )


def test_copies_of_a_film_under_other_names_count_once(caplog: pytest.LogCaptureFixture) -> None:
    films = labelled(normals=30, abnormals=28)
    first = films[-1]
    copies = [replace(first, name=f"copy-{i}", patient=f"copy-{i}", study=f"copy-{i}") for i in range(60)]
    policy = calibrate(Replayed(), films + copies, 0.10).policy
    assert policy is not None
    ward = policy.sources["ward"]
    assert (ward.abnormals, ward.threshold) == (28, None), "one film is no sample of 60 patients"
    assert f"60 films are copies of others under another name, by the pixels, such as {first.name} and copy-0" in (
        caplog.text
    )


def test_patients_who_share_a_film_through_others_count_once() -> None:
    def study(name: str, *films: str) -> Study:
        return Study(name=name, patient=name, source="ward", abnormal=True, score=0.5, films=films)

    chain = [study("A", "1", "2"), study("B", "3"), study("C", "2", "3"), study("D", "4")]
    assert len(one_a_patient(chain)) == 2
    assert one_a_patient(chain)[-1].patient == "D"


def test_films_of_both_labels_are_named(caplog: pytest.LogCaptureFixture) -> None:
    films = labelled(normals=30, abnormals=29)
    calibrate(Replayed(), [*films, replace(films[-1], name="again.png", patient="other", label="normal")], 0.10)
    assert f"1 film is labelled normal and abnormal, by the pixels, such as {films[-1].name} and again.png" in (
        caplog.text
    )


@pytest.mark.parametrize("source", ["unknown", "Unknown", " UNKNOWN ", " "])
def test_a_source_called_unknown_is_no_source(source: str) -> None:
    policy = calibrate(Replayed(), labelled(source=source), 0.10).policy
    assert policy is not None and not policy.sources
    tagged = [replace(film, tags={"StationName": source}) for film in labelled()]
    policy = calibrate(Replayed(), tagged, 0.10, source_tag="StationName").policy
    assert policy is not None and not policy.sources


def test_films_that_the_model_was_trained_on_and_films_without_a_label_calibrate_nothing() -> None:
    class Trained(Replayed):
        training_films = ("ward-a0", "ward-n0")

    films = [*labelled(), replayed_film("unlabelled", 0.0, source="ward")]
    policy = calibrate(Trained(), films, 0.10).policy
    assert policy is not None
    assert (policy.sources["ward"].abnormals, len(policy.sources["ward"].normals)) == (59, 199)
    assert len(policy.films) == 258


def test_persons_who_taught_the_model_under_another_name_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    class Trained(Replayed):
        training_films = ("taught",)

    def film(name: str, patient: str) -> Film:
        return replace(replayed_film(name, 2.0, label="abnormal", source="ward"), patient=patient, study=name)

    taught, shared = film("taught", "P"), film("shared", "P")
    copy = replace(shared, name="copy", patient="Q", study="copy")
    others = [taught, shared, copy, film("later", "Q")]
    policy = calibrate(Trained(), [*labelled(), *others], 0.10).policy
    assert policy is not None and policy.sources["ward"].abnormals == 60
    assert "3 studies left out: the model was trained on other films of these patients" in caplog.text
    with pytest.raises(PolicyError, match=r"no labelled film was scored.*of patients on whose films the model was not"):
        calibrate(Trained(), [*others, replace(UNREAD, label="normal", patient="P")])


@pytest.mark.parametrize("link", [{"label": None}, {"view_position": "LL"}])
def test_films_that_do_not_count_link_a_person_to_the_training(link: dict[str, Any]) -> None:
    class Trained(Replayed):
        training_films = ("taught",)

    def film(name: str, patient: str, **other: Any) -> Film:
        made = replayed_film(name, 2.0, label="abnormal", source="ward")
        return replace(made, **{"patient": patient, "study": name} | other)

    linked = film("linked", "P", **link)
    copy = replace(linked, name="copy", patient="Q", study="copy")
    policy = calibrate(Trained(), [*labelled(), film("taught", "P"), linked, copy, film("later", "Q")], 0.10).policy
    assert policy is not None and policy.sources["ward"].abnormals == 60


@pytest.mark.parametrize("link", [{"label": None}, {"view_position": "LL"}])
def test_names_that_share_a_film_that_does_not_count_are_one_patient(link: dict[str, Any]) -> None:
    def film(name: str, patient: str, **other: Any) -> Film:
        made = replayed_film(name, 2.0, label="abnormal", source="ward")
        return replace(made, **{"patient": patient, "study": name} | other)

    linked = [replace(film("shared", patient, **link), study=patient) for patient in ("P", "Q")]
    alone = [film("first", "P"), film("second", "Q")]
    counts = []
    for films in (alone, [*alone, *linked]):
        policy = calibrate(Replayed(), [*labelled(), *films], 0.10).policy
        assert policy is not None
        counts.append(policy.sources["ward"].abnormals)
    assert counts == [62, 61]


def test_normals_alone_give_p_values_and_clear_nothing() -> None:
    screener = calibrate(Replayed(), labelled(abnormals=0), 0.10)
    decision = screener(at(-9.0))
    assert (
        decision.action == "read"
        and ": 0 abnormal studies are labelled and scored, and 29 are needed" in decision.reason
    )
    assert decision.probability is None and decision.p_value == 1.0
    assert screener(at(9.0)).priority > screener(at(0.0)).priority > decision.priority


def test_nothing_labelled_is_said() -> None:
    with pytest.raises(PolicyError, match="no labelled film was scored"):
        calibrate(Replayed(), [replace(at(1.0), label=None), replace(UNREAD, label=None)])


def test_where_no_labelled_film_is_scored_the_first_and_its_reason_are_named() -> None:
    unread = replace(UNREAD, label="normal")
    with pytest.raises(PolicyError, match="1 labelled film, and none was scored") as raised:
        calibrate(Replayed(), [unread])
    assert unread.name in str(raised.value) and unread.reason in str(raised.value)


@pytest.mark.parametrize("wrong", [{"prevalence": 5.0}, {"prevalence": 0.0}, {"audit_share": 2.0}])
def test_a_share_that_is_none_is_a_sentence_before_anything_is_scored(wrong: dict[str, float]) -> None:
    with pytest.raises(PolicyError, match=r"give a share between 0 and 1, like 0\.1"):
        calibrate(Replayed(), labelled(), 0.10, **wrong)  # type: ignore[arg-type]


def test_the_machines_own_word_goes_before_the_folders_name() -> None:
    def film(name: str, score: float, label: str | None, station: str | None) -> Film:
        made = replayed_film(name, score, label=label, source="folder")  # type: ignore[arg-type]
        object.__setattr__(made, "tags", {"StationName": station} if station else {})
        return made

    films = [film(f.name, float(f.columns["score"]), f.label, "CR1") for f in labelled()]
    screener = calibrate(Replayed(), films, 0.10, source_tag="StationName")
    assert screener.policy is not None and list(screener.policy.sources) == ["CR1"]
    assert screener(film("a", -9.0, None, "CR1")).action == "clear"
    assert screener(film("b", -9.0, None, "CR2")).action == screener(film("c", -9.0, None, None)).action == "read"
    screener.fixed_sources = {"folder"}
    forged = screener(film("a", -9.0, None, "CR1"))
    assert forged.action == "read", "the sender was authenticated for a source, so its header names no other"
    screener.fixed_sources = {"elsewhere"}
    assert screener(film("a", -9.0, None, "CR1")).action == "clear"


@dataclass
class Refused:
    reason: str
    scored: bool = False


class OnlyBright:
    """A gate that lets films of the source `ward` pass."""

    thresholds: ClassVar[dict[str, float]] = {"bright": 0.5}

    def judge(self, film: Film, lungs: NDArray[np.bool_] | None) -> Refused | None:
        return None if film.source == "ward" else Refused("not like the films of the ward")


def test_what_the_gate_refuses_is_not_scored_and_calibrates_no_threshold() -> None:
    films = labelled() + labelled(source="small", abnormals=40)
    screener = calibrate(Replayed(), films, 0.10, gate=OnlyBright())
    assert screener.policy is not None
    assert (screener.policy.sources["small"].abnormals, screener.policy.sources["small"].not_scored) == (0, 240)
    assert screener(at(-9.0, source="small")).reason == "not like the films of the ward"
    with pytest.raises(PolicyError, match="with another gate"):
        Screener(Replayed(), screener.policy)


class Remarks(OnlyBright):
    """A gate that remarks on films of other devices than the ward's."""

    def judge(self, film: Film, lungs: NDArray[np.bool_] | None) -> Refused | None:
        differs = film.tags.get("Manufacturer", "ward") != "ward"
        return Refused("it differs [differs]: The film is scored.", scored=True) if differs else None


def test_a_film_with_a_remark_is_scored_and_never_cleared() -> None:
    screener = calibrate(Replayed(), labelled(), 0.10, gate=Remarks())
    same = at(-9.0)
    other = replace(same, tags={"Manufacturer": "another"})
    cleared, kept = (screener(film) for film in (same, other))
    assert cleared.action == "clear"
    assert kept.action == "read" and kept.reason == "it differs [differs]: it is never cleared"
    assert (kept.score, kept.p_value, kept.priority) == (cleared.score, cleared.p_value, cleared.priority)
    assert kept.probability is None
    ranked = Screener(Replayed(), gate=Remarks())(other)
    assert ranked.action == "read" and ranked.score == kept.score
    assert ranked.reason == "it differs [differs]: films are ranked by their score, and none is cleared"


def test_a_policy_is_bound_to_its_weights(screener: Screener) -> None:
    class Other(Replayed):
        weights_sha256 = "0" * 64

    with pytest.raises(PolicyError, match=r"this model has 0000000000000000…\. Calibrate this model"):
        Screener(Other(), screener.policy)


def test_a_policy_file_comes_back_as_it_was(screener: Screener, tmp_path: Path) -> None:
    assert screener.policy is not None
    screener.policy.save(tmp_path / "site" / "policy.json")
    back = Policy.load(tmp_path / "site" / "policy.json")
    assert back == screener.policy and back.digest == screener.policy.digest
    assert LIMITS in (tmp_path / "site" / "policy.json").read_text()
    for score in (-9.0, 0.3, 9.0):
        assert Screener(Replayed(), back)(at(score)) == screener(at(score))


def test_a_policy_holds_no_patient_and_no_file_name(screener: Screener) -> None:
    films = [
        replayed_film(f"Doe^Jane {i}", float(i), label="abnormal", patient=f"Doe {i}", study="s4711") for i in range(40)
    ]
    object.__setattr__(films[0], "pixel_sha256", "ab" * 32)
    policy = calibrate(Replayed(), films, 0.10).policy
    assert policy is not None
    text = policy.model_copy(update={"films": ()}).model_dump_json()  # stand-in films' digests are their names
    assert "Doe" not in text and "4711" not in text


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda t: json.dumps(t | {"max_miss_rate": 0.2}), "altered since it was written"),
        (lambda t: json.dumps(t | {"format": 4}), "format 4, but this version reads up to 3. Update unseen"),
        (lambda t: json.dumps(t)[:-9], "not JSON"),
        (lambda t: "[1]", "not a policy"),
        (lambda t: "[" * 100_000, "not JSON"),
        (lambda t: json.dumps({"weights_sha256": "x"}), "altered"),
    ],
)
def test_a_file_that_is_no_sound_policy_is_refused_with_its_name(
    screener: Screener, tmp_path: Path, spoil: object, said: str
) -> None:
    assert screener.policy is not None
    path = tmp_path / "policy.json"
    screener.policy.save(path)
    path.write_text(spoil(json.loads(path.read_text())))  # type: ignore[operator]
    with pytest.raises(PolicyError, match=said) as caught:
        Policy.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_policy_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="No such file or directory"):
        Policy.load(tmp_path / "none.json")
