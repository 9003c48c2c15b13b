"""OpenVINO in torch's place: the same scores within 0.5 %, the same law, no word to anyone outside."""

from __future__ import annotations

import copy
import functools
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import unseen as un
from tests.cli.conftest import Say, say  # noqa: F401  a fixture
from tests.warm_python import warm_python
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.ganomaly import Ganomaly
from unseen.detectors.ganomaly_family import EncoderDecoderEncoder
from unseen.detectors.saved import Runtime, load
from unseen.training.settings import Training

# Their networks are alike; `make nightly` asks those of the other losses, too.
FAMILY = (
    "roi-sure",
    *(pytest.param(key, marks=pytest.mark.nightly) for key in ("ganomaly", "ganomaly-sure", "roi-oracle")),
)
LAW = 5e-3

pytestmark = pytest.mark.skipif(
    find_spec("openvino") is None and not os.environ.get("CI"),
    reason='OpenVINO is not installed: pip install "unseen[openvino]".',
)


@pytest.fixture(autouse=True)
def _openvino_asks_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO asks the processor what it can, and its oneDNN this variable: where they differ nothing compiles."""
    torch.ops.mkldnn._is_mkldnn_bf16_supported()  # torch's own oneDNN has read it now, and keeps to it
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)


def findings(detector: Detector, films: list[Film]) -> list[Finding]:
    return [found for found in detector.score(films) if isinstance(found, Finding)]


def both(detector: Detector, folder: Path) -> tuple[Detector, Detector]:
    """Return the detector read back twice: on torch, and on OpenVINO."""
    un.detectors.save(detector, folder / "model")
    return un.detectors.load(folder / "model"), un.detectors.load(folder / "model", runtime="openvino")


Pair = tuple[Detector, Detector]


@pytest.fixture(scope="module")
def pair(trained: dict[str, Detector], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    """`pair("ganomaly")`: a trained one on torch and on OpenVINO, compiled once; for tests that leave it as it is."""

    @functools.cache
    def compiled(key: str) -> Pair:
        return both(trained[key], tmp_path_factory.mktemp(key))

    return compiled


def assert_alike(one: Detector, other: Detector, films: list[Film]) -> None:
    for a, b in zip(findings(one, films), findings(other, films), strict=True):
        assert b.score == pytest.approx(a.score, rel=LAW)
        assert b.parts == pytest.approx(dict(a.parts), rel=LAW)
        # images come from the decoder, in float32 on both; what it decodes is in bfloat16's reach
        assert np.abs(b.reconstruction - a.reconstruction).max() < 0.05
        assert np.abs(b.anomaly_map - a.anomaly_map).mean() < 0.01


@pytest.mark.parametrize("key", FAMILY)
def test_scores_are_those_of_torch_within_half_a_percent(
    key: str, trained: dict[str, Detector], incoming: list[Film], pair: Callable[[str], Pair]
) -> None:
    one, other = pair(key)
    assert_alike(one, other, incoming)
    assert other.training_films == one.training_films and other.card == one.card


@pytest.mark.nightly
@pytest.mark.slow
def test_scores_stay_alike_where_training_has_gone_on(normals: list[Film], tmp_path: Path) -> None:
    """A trained ‖z − ẑ‖ is a small difference of two large vectors, and rounding shows most there."""
    detector = Ganomaly(view=un.anatomy.View(frame="whole", size=64), features=16)
    detector.fit(normals, training=Training(epochs=10, batch_size=8, device="cpu", threads=1))
    assert_alike(*both(detector, tmp_path), list(phantoms.twins(10, seed=7, size=64)))


@pytest.mark.nightly  # at 32 and 64 pixels: the two tests above
@pytest.mark.parametrize(("size", "features"), [(128, 32), (256, 64)])
def test_scores_are_alike_on_larger_grids(size: int, features: int, tmp_path: Path) -> None:
    """First weights, whose BatchNorm has seen films."""
    detector = Ganomaly(view=un.anatomy.View(frame="whole", size=size), features=features)
    networks = detector.modules()
    films = list(phantoms.normals(6, seed=3, size=256))
    images = torch.stack([detector.look(film).image for film in films])
    for network in networks.values():
        network.train()
    with torch.no_grad():
        networks["e2"](networks["de"](networks["e1"](images)))
    for network in networks.values():
        network.eval()
    detector.training_films = tuple(film.pixel_sha256 for film in films)
    assert_alike(*both(detector, tmp_path), list(phantoms.twins(3, seed=4, size=256)))


def test_a_score_depends_on_its_film_alone(incoming: list[Film], pair: Callable[[str], Pair]) -> None:
    _, detector = pair("roi-sure")
    together = [found.score for found in findings(detector, incoming)]
    assert together == [found.score for found in findings(detector, incoming)], "scoring twice gives the same bits"
    assert together == [findings(detector, [film])[0].score for film in incoming], "the other films do not matter"


@functools.cache
def _loaded_finder(runtime: Runtime) -> LungFinder:
    finder = load("models/ensemble-five", runtime=runtime).finder
    assert isinstance(finder, LungFinder)
    return finder


def finder_on(runtime: Runtime) -> LungFinder:
    """Return a copy of the lung finder of a shipped model; both share the networks."""
    return copy.copy(_loaded_finder(runtime))


def test_lungs_are_those_of_torch_pixel_for_pixel() -> None:
    one, other = finder_on("torch"), finder_on("openvino")
    assert one.compiled is None and other.compiled is not None
    for film in phantoms.twins(2, seed=5, size=256):
        assert np.array_equal(one.find(film), other.find(film)), film.name


def test_where_rounding_could_move_a_pixel_the_network_itself_decides(incoming: list[Film]) -> None:
    finder = finder_on("torch")
    right = [finder.find(film) for film in incoming]
    finder.compiled = lambda x: torch.ones_like(x)  # lungs everywhere, and nothing near 0: it is believed
    assert all(finder.find(film).all() for film in incoming)

    def near_zero(x: torch.Tensor) -> torch.Tensor:
        everywhere = torch.ones_like(x)
        everywhere[0, 0, 0, 0] = 1e-4
        return everywhere

    finder.compiled = near_zero
    assert all(np.array_equal(finder.find(film), mask) for film, mask in zip(incoming, right, strict=True))


def test_a_finder_that_learns_anew_forgets_its_compiled_network() -> None:
    finder = finder_on("openvino")
    finder.config = finder.config.model_copy(update={"size": 32, "steps": 1, "painted": 0.0, "varied": False})
    films = list(phantoms.normals(4, seed=2, size=64))
    assert finder.fit(LungExamples.of(films, size=32), device="cpu").compiled is None


def test_a_method_without_such_networks_names_those_that_have_them(
    trained: dict[str, Detector], tmp_path: Path
) -> None:
    un.detectors.save(trained["pca"], tmp_path / "model")
    with pytest.raises(un.detectors.DeviceError, match=r"it runs ganomaly, .*roi-oracle.*, not pca"):
        un.detectors.load(tmp_path / "model", runtime="openvino")


def test_a_runtime_that_is_not_there_is_told(
    trained: dict[str, Detector], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    un.detectors.save(trained["ganomaly"], tmp_path / "model")
    with pytest.raises(un.detectors.DeviceError, match=r"runtime openvin: unknown; did you mean openvino\?"):
        un.detectors.load(tmp_path / "model", runtime="openvin")  # type: ignore[arg-type]
    with pytest.raises(un.detectors.DeviceError, match="device cuda: the runtime openvino computes on the CPU"):
        un.detectors.load(tmp_path / "model", runtime="openvino", device="cuda")
    monkeypatch.setitem(sys.modules, "openvino", None)  # as if it were not installed
    with pytest.raises(un.detectors.DeviceError, match=r'not installed here. pip install "unseen\[openvino\]"'):
        un.detectors.load(tmp_path / "model", runtime="openvino")


def test_compiled_networks_cannot_be_saved_as_if_they_had_weights(pair: Callable[[str], Pair], tmp_path: Path) -> None:
    _, detector = pair("roi-sure")
    with pytest.raises(TypeError, match="load the bundle with the runtime torch"):
        un.detectors.save(detector, tmp_path / "again")


@pytest.mark.nightly
def test_a_compiled_detector_can_be_trained_anew(
    trained: dict[str, Detector], normals: list[Film], tmp_path: Path
) -> None:
    torch_one, detector = both(trained["roi-sure"], tmp_path)
    assert isinstance(detector, EncoderDecoderEncoder)
    detector.fit(normals, finder=torch_one.finder, training=Training(epochs=1, batch_size=8, device="cpu", threads=1))
    assert list(detector.modules()["e1"].state_dict()) == list(torch_one.modules()["e1"].state_dict())


SILENT = """
import socket, sys
def refuse(*_: object) -> None:
    raise AssertionError("something wanted the network")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
import unseen as un
assert "openvino" not in sys.modules
detector = un.detectors.load(sys.argv[1], runtime="openvino")
list(detector.score(un.data.phantoms.normals(1, seed=9, size=64)))
assert "openvino" in sys.modules
print([name for name in sys.modules if name.startswith("openvino_telemetry") and sys.modules[name] is not None])
"""


def test_nothing_is_sent_and_nothing_is_written(trained: dict[str, Detector], tmp_path: Path) -> None:
    """Left to itself, OpenVINO reports to its makers when it is imported and when a model is converted."""
    un.detectors.save(trained["roi-sure"], tmp_path / "model")
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}  # there it is silent anyway
    program = tmp_path / "silent.py"
    program.write_text(SILENT, encoding="utf-8")
    environment |= {"HOME": str(home), "OMP_NUM_THREADS": "1"}
    done = warm_python().run(program, tmp_path / "model", cwd=Path.cwd(), environment=environment)
    assert done.code == 0, done.err[-2000:]
    assert done.out.split() == ["[]"]
    assert list(home.iterdir()) == []


@pytest.mark.nightly
@pytest.mark.slow
def test_the_commands_take_it(
    trained: dict[str, Detector],
    say: Say,  # noqa: F811
    tmp_path: Path,
) -> None:
    un.detectors.save(trained["roi-sure"], tmp_path / "model")
    un.detectors.save(trained["pca"], tmp_path / "pca")
    manifest = phantoms.write(phantoms.twins(2, seed=8, size=64), tmp_path / "films")
    printed = say("score", tmp_path / "model", "--data", manifest).out.splitlines()
    other = say("score", tmp_path / "model", "--data", manifest, "--runtime", "openvino")
    assert other.code == 0, other.err
    for one, two in zip(printed, other.out.splitlines(), strict=True):
        assert float(two.split("\t")[0]) == pytest.approx(float(one.split("\t")[0]), rel=LAW)
    done = say(
        "evaluate", tmp_path / "model", "--data", manifest, "--out", tmp_path / "report", "--runtime", "openvino"
    )
    assert done.code == 0 and (tmp_path / "report" / "metrics.json").is_file(), done.err
    refused = say("score", tmp_path / "pca", "--data", manifest, "--runtime", "openvino")
    assert refused.code == 2 and "not pca. Take the runtime torch" in refused.err and "Traceback" not in refused.err
