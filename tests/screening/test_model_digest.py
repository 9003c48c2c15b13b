"""One digest of a model: what it covers, who checks it, and what is rejected by name."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.artifacts.forging import forge
from unseen.anatomy.network_view import View
from unseen.artifacts.bundle import BundleError, card_of, load, save
from unseen.artifacts.card import Card
from unseen.artifacts.installed_models import located
from unseen.artifacts.model_digest import COVERED, OUTSIDE, altered_parts, digest_of_parts, part_digests
from unseen.data import phantoms
from unseen.detectors.dct import Dct
from unseen.detectors.saved import detector_parts
from unseen.detectors.saved import load as load_detector
from unseen.detectors.saved import save as save_detector
from unseen.screening.calibration import calibrate
from unseen.screening.gate.gate import GateError
from unseen.screening.policy import Policy, PolicyError
from unseen.screening.screener import Screener, gate_in, model_parts
from unseen.screening.screener import load as load_screener

PCA = "models/pca"
NEW = {"normal_scores", "normal_folds", "digests", "digest"}
FILMS = [*phantoms.normals(6, seed=1, size=64), *phantoms.abnormals(6, seed=2, size=64)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundle of format 2 and a policy for it."""
    folder = tmp_path_factory.mktemp("made")
    model = shutil.copytree(located(Path(PCA)), folder / "model")
    read = load(model)
    save(model, read.tensors, read.card.model_copy(update={"normal_scores": [0.1, 0.2, 0.3], "normal_folds": 3}))
    detector, gate = load_detector(model), gate_in(model)
    policy = calibrate(detector, FILMS, 0.5, 0.9).policy  # the gate refuses phantoms
    assert policy is not None and gate is not None
    update = {"model_parts": model_parts(detector, gate), "gate": gate.thresholds}
    policy.model_copy(update=update).save(folder / "policy.json")
    return model, folder / "policy.json"


@pytest.fixture
def bundle(made: tuple[Path, Path], tmp_path: Path) -> Path:
    return shutil.copytree(made[0], tmp_path / "model")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all numbers in a JSON value."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from leaves(one, (*path, place))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def changed(table: Any, path: tuple[Any, ...], draw: random.Random) -> Any:
    """Return a copy in which the number at `path` is another one."""
    table = json.loads(json.dumps(table))
    at = table
    for key in path[:-1]:
        at = at[key]
    old = at[path[-1]]
    new = draw.choice([old + 1, old - 1, old * 2 + 1, -old - 1, 0 if old else 1, old + 1e-9 * (abs(old) + 1)])
    at[path[-1]] = type(old)(new) if type(old)(new) != old else old + 1
    return table


def rewrite(bundle: Path, change: Callable[[dict[str, Any]], dict[str, Any]], *, digests: bool = True) -> None:
    """Write a changed card, by default with digests that fit it."""
    table = change(json.loads((bundle / "card.json").read_text()))
    if digests:
        forge(bundle, table)
    else:
        (bundle / "card.json").write_text(json.dumps(table))


def test_every_field_of_a_card_is_in_the_digest_or_named_outside() -> None:
    assert {*COVERED, *OUTSIDE, "weights_sha256"} == set(Card.model_fields)


def test_a_loaded_model_has_the_digest_of_its_card(made: tuple[Path, Path]) -> None:
    card = card_of(made[0])
    screener = load_screener(*made)
    assert screener.model_digest == card.digest == digest_of_parts(card.digests)
    assert card.digests == model_parts(load_detector(made[0]), gate_in(made[0]))
    assert screener.policy is not None and screener.policy.model_digest == card.digest
    assert json.loads(made[1].read_text())["model_digest"] == card.digest


def test_the_runtime_is_a_part(made: tuple[Path, Path]) -> None:
    parts = part_digests(card_of(made[0]), runtime="openvino")
    assert altered_parts(parts, card_of(made[0]).digests) == ("runtime",)
    with pytest.raises(PolicyError, match="with another runtime"):
        detector = load_detector(made[0])
        detector.runtime = "openvino"
        Screener(detector, Policy.load(made[1]), gate=gate_in(made[0]))


@pytest.mark.parametrize(
    "part, change",
    [
        ("config", lambda card: card | {"config": card["config"] | {"blur": 15.0}}),
        ("gate", lambda card: card | {"gate": card["gate"] | {"least_age_years": 0.0}}),
        ("gate", lambda card: card | {"gate": card["gate"] | {"seed": 1}}),
        ("gate", lambda card: card | {"gate": card["gate"] | {"typical": card["gate"]["typical"] | {"grey": 1e9}}}),
        ("view", lambda card: card | {"view": card["view"] | {"scale": "range"}}),
        ("normal_scores", lambda card: card | {"normal_scores": [0.1, 0.2, 9.0]}),
        ("training_films", lambda card: card | {"training_films": card["training_films"][1:]}),
        ("facts", lambda card: card | {"facts": {"sigma": 1.0}}),
    ],
)
def test_a_forged_card_is_rejected_by_the_policy(
    part: str, change: Callable[[dict[str, Any]], dict[str, Any]], bundle: Path, made: tuple[Path, Path]
) -> None:
    """Digests that fit the change make the bundle whole again; the policy knows that it is another model."""
    rewrite(bundle, change, digests=False)
    with pytest.raises(BundleError, match=f"altered since it was written: {part}"):
        load_screener(bundle)
    shutil.copy(made[0] / "card.json", bundle)
    rewrite(bundle, change)
    with pytest.raises(PolicyError, match=f"with another {part} "):
        load_screener(bundle, made[1])
    with pytest.raises(PolicyError, match=r"with another .*normal_scores"):  # as an earlier version's bundle
        rewrite(bundle, _of_format_1, digests=False)
        load_screener(bundle, made[1])


def _of_format_1(card: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in card.items() if key not in NEW} | {"format": 1}


@pytest.mark.parametrize("changes", [700, pytest.param(2000, marks=pytest.mark.nightly)])
def test_single_number_changes_are_rejected_by_name(
    changes: int, bundle: Path, made: tuple[Path, Path], tmp_path: Path
) -> None:
    """Every number of card and policy, many times: the error names the file and the field."""
    draw = random.Random(0)
    card, policy = json.loads((bundle / "card.json").read_text()), json.loads(made[1].read_text())
    assert "weights_bytes" in card and Policy.load(made[1])
    places = {"card": list(leaves(card)), "policy": list(leaves(policy))}
    outside = 0
    assert changes >= 2 * max(len(places["card"]), len(places["policy"])), "each number is changed once"
    for number in range(changes):
        which = ("card", "policy")[number % 2]
        path = draw.choice(places[which]) if number >= 2 * len(places[which]) else places[which][number // 2]
        if which == "policy":
            (tmp_path / "policy.json").write_text(json.dumps(changed(policy, path, draw)))
            with pytest.raises(PolicyError) as caught:
                Policy.load(tmp_path / "policy.json")
            assert str(path[0]) in str(caught.value) and "policy.json" in str(caught.value)
        elif path[0] in OUTSIDE and path[0] not in ("format", "weights_bytes"):
            (bundle / "card.json").write_text(json.dumps(changed(card, path, draw)))
            assert card_of(bundle).digest == card["digest"]
            outside += 1
        else:
            (bundle / "card.json").write_text(json.dumps(changed(card, path, draw)))
            with pytest.raises(BundleError) as refused:
                load(bundle)
            message = str(refused.value)
            assert (str(path[0]) in message or path[0] == "weights_bytes") and str(bundle) in message
    assert outside and outside < changes / 2


@pytest.mark.parametrize(
    "text, said",
    [
        (("1.5", "NaN"), "NaN is no finite number"),
        (("1.5", "Infinity"), "Infinity is no finite number"),
        (("1.5", "1e999"), "1e999 is no finite number"),
    ],
)
def test_a_number_that_is_not_finite_is_refused(bundle: Path, text: tuple[str, str], said: str) -> None:
    card = (bundle / "card.json").read_text()
    assert '"blur": 1.5' in card
    (bundle / "card.json").write_text(card.replace(f'"blur": {text[0]}', f'"blur": {text[1]}'))
    with pytest.raises(BundleError, match=said):
        load(bundle)


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("seed", -1, "gate.seed: seen -1"),
        ("least_age_years", -3.0, "gate.least_age_years: seen -3"),
        ("least_age_years", 400.0, "gate.least_age_years: seen 400"),
        ("normals", -1, "gate.normals: seen -1"),
        ("thresholds", {"small": -1.0}, "gate.thresholds.small: seen -1"),
        ("thresholds", {"blank": 1.5}, "gate.thresholds.blank: seen 1.5"),
        ("thresholds", {"no-lungs": 2.0}, "gate.thresholds.no-lungs: seen 2"),
        ("thresholds", {"lungs": 0.0}, "gate.thresholds.lungs: seen 0"),
        ("thresholds", {"handling": -0.5}, "gate.thresholds.handling: seen -0.5"),
        ("typical", {"grey": -1.0}, "gate.typical.grey: seen -1"),
        ("shares", {"lungs": 1.5}, "gate.shares.lungs: seen 1.5"),
    ],
)
def test_a_limit_out_of_range_is_refused_even_with_digests_to_match(
    bundle: Path, name: str, value: Any, said: str
) -> None:
    def change(card: dict[str, Any]) -> dict[str, Any]:
        gate = card["gate"]
        return card | {"gate": gate | {name: gate[name] | value if isinstance(value, dict) else value}}

    rewrite(bundle, change)
    with pytest.raises(GateError, match=said):
        load_screener(bundle)


def test_an_old_bundle_opens_and_its_policy_asks_for_a_new_one(bundle: Path, made: tuple[Path, Path]) -> None:
    rewrite(bundle, _of_format_1, digests=False)
    assert load_screener(bundle).policy is None
    old = Policy.load(made[1]).model_copy(update={"format": 1, "model_parts": {}, "probes": ()})
    old.save(made[1].with_name("old.json"))
    back = Policy.load(made[1].with_name("old.json"))
    assert back.digest == old.digest and back.model_digest == ""
    with pytest.raises(PolicyError, match="Calibrate again: the model needs a new policy"):
        load_screener(bundle, made[1].with_name("old.json"))


def test_an_unsaved_detector_has_the_parts_of_its_bundle(tmp_path: Path) -> None:
    detector = Dct(view=View(size=32, frame="whole")).fit(phantoms.normals(12, size=64))
    card = save_detector(detector, tmp_path / "dct")
    assert detector_parts(detector) == card.digests == detector_parts(load_detector(tmp_path / "dct"))
