"""`examples/plugin`, a package outside the tree: installed, it passes `unseen.testing`, trains, saves, loads, scores
from the command line and shows in the page; broken, it is a sentence and costs the built-in methods nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.cli.conftest import Say
from tests.cli.test_mistakes import told
from tests.warm_python import warm_python
from tests.worklist.conftest import png
from unseen.anatomy.network_view import View, Viewed
from unseen.artifacts import registry
from unseen.artifacts.errors import UserError
from unseen.artifacts.registry import PluginError, Registry
from unseen.data import phantoms
from unseen.detectors import METHODS
from unseen.detectors.saved import save
from unseen.runs.process_pool import worker_processes
from unseen.screening.screener import Screener

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "examples" / "plugin"
UNSEEN = Path(sys.executable).with_name("unseen")
Run = Callable[..., str]

LAWS = """
import torch

import unseen as un
from unseen.testing import OPERATOR_LAWS, check_detector, check_loss

train = lambda: un.detectors.METHODS.load("mean-film")(size=16).fit(
    un.data.phantoms.normals(8, seed=1, size=64), finder="models/lungs")
check_detector(train(), list(un.data.phantoms.normals(2, seed=2, size=64)), fit=train)
A = un.physics.OPERATORS.load("every-kth-row")(6, 2)
for name, law in OPERATOR_LAWS.items():
    if name != "compiled":  # the base class's, and seconds of imports
        law(A)
loss = un.losses.LOSSES.load("absolute-consistency")()
check_loss(loss, un.physics.Measurement(A, noise=un.physics.Gaussian(0.1)))

process = un.physics.Measurement(un.physics.OPERATORS.load("every-kth-row")(16, 2))
y = process.A(torch.rand(8, 1, 16, 16))
f = un.reconstruction.learn(
    y, process, losses=[loss, un.losses.Equivariance(un.physics.Shifts())],
    training=un.training.Training(epochs=1, batch_size=4, device="cpu"))
un.reconstruction.save(f, "reconstructor")
print("loaded", un.reconstruction.load("reconstructor").process.A)
"""
PAGE = """
import sys, time
from pathlib import Path
from unseen_server.web.page_checks import Visitor
from unseen_server.web.server import OwnServer

words = ["--folder", "list", "--model", sys.argv[1], "--port", "0", "--watch", "incoming"]
with OwnServer(words, log=Path("log")) as server:
    visitor = Visitor(server.root)
    visitor.json("/sign-in/link", {"link": server.link})
    print("cards", visitor.json("/models")["models"])
    for _ in range(600):
        rows = visitor.json("/studies/search", {"tab": "all", "limit": 10})["rows"]
        if rows and rows[0]["state"] == "to_read":
            break
        time.sleep(0.1)
    print("scored", rows[0]["state"], rows[0]["score"] is not None)
"""


def unpacked(site: Path) -> None:
    """Put the files of the plug-in's wheel there: what pip does with it in half a second."""
    for wheel in WheelBuilder(str(PLUGIN)).build(directory=str(site.with_name("wheel")), versions=["standard"]):
        zipfile.ZipFile(wheel).extractall(site)


def by_pip(site: Path) -> None:
    install = ["pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    subprocess.run([sys.executable, "-m", *install, str(PLUGIN)], check=True, capture_output=True)


@pytest.fixture(scope="module", params=[unpacked, pytest.param(by_pip, marks=pytest.mark.nightly)])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A Python with the plug-in installed, in an empty folder."""
    folder, site = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("installed") / "site"
    request.param(site)
    path = os.pathsep.join(filter(None, [str(site), str(ROOT / "src")]))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}

    def said(program: str | Path, *words: str | Path, status: int = 0) -> str:
        if isinstance(program, str):
            (folder / "program.py").write_text(program, encoding="utf-8")
            program = folder / "program.py"
        done = warm_python().run(program, *words, cwd=folder, environment=environment, timeout_s=300)
        assert done.code == status, done.out[-2000:] + done.err[-4000:]
        return done.out

    said.folder = folder  # type: ignore[attr-defined]
    return said


def unseen(run: Run, *words: str | Path, status: int = 0) -> str:
    return run(UNSEEN, *words, status=status)


@pytest.mark.slow
def test_a_detector_an_operator_and_a_loss_from_outside_the_tree(run: Run) -> None:
    folder: Path = run.folder  # type: ignore[attr-defined]
    assert "loaded EveryKthRow" in run(LAWS)
    assert "mean-film (unseen-example 0.1.0)" in unseen(run, "info")

    phantoms.write(phantoms.normals(8, seed=3, size=64), folder / "normals")
    trained = unseen(
        run,
        "train",
        PLUGIN / "mean-film.toml",
        "--data",
        folder / "normals" / "manifest.csv",
        "--finder",
        "models/lungs",
    )
    bundle = folder / trained.splitlines()[-1]
    assert "detector             mean-film" in unseen(run, "info", bundle)
    (folder / "incoming").mkdir()
    (folder / "incoming" / "film.png").write_bytes(png(1))
    unseen(run, "score", bundle, folder / "incoming" / "film.png", "--out", "scores.csv")
    header, row = (folder / "scores.csv").read_text(encoding="utf-8").splitlines()[:2]
    assert float(dict(zip(header.split(","), row.split(","), strict=False))["score"]) > 0

    (folder / "scan.toml").write_text('operator = "every-kth-row"\nsize = 16\nk = 4\n', encoding="utf-8")
    assert unseen(run, "identify", "scan.toml", "--group", "shifts")

    page = run(PAGE, bundle, "serve")
    assert "mean-film" in page.splitlines()[0] and "scored to_read True" in page


def test_without_the_package_its_bundle_is_a_sentence() -> None:
    keys = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert json.dumps(sorted(keys)) == '["unseen.detectors", "unseen.losses", "unseen.operators"]'
    with pytest.raises(UserError, match='detector "mean-film": unknown'):
        Registry(package="detectors", kind="detector", names={"pca": "pca:Pca"}).load("mean-film")


class Package:
    """Metadata of an installed package, as `importlib.metadata` gives them."""

    name, version = "acme", "1.0"


def registered(monkeypatch: pytest.MonkeyPatch, *entries: tuple[str, str]) -> Registry:
    found = [EntryPoint(name, value, "unseen.detectors")._for(Package) for name, value in entries]  # type: ignore[attr-defined]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)
    return Registry(package="detectors", kind="detector", names={"pca": "pca:Pca"}, group="unseen.detectors")


def test_a_package_that_cannot_be_imported_is_a_sentence_and_costs_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    methods = registered(monkeypatch, ("broken", "no_such_module:Thing"))
    assert list(methods) == ["pca", "broken"] and methods.load("pca").key == "pca"
    with pytest.raises(PluginError, match=r'"broken" of the package acme 1\.0 cannot be loaded: ModuleNotFound'):
        methods.load("broken")


def test_a_key_of_this_package_is_never_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    methods = registered(monkeypatch, ("pca", "builtins:int"), ("twice", "builtins:int"), ("twice", "builtins:str"))
    assert list(methods) == ["pca", "twice"] and methods.load("pca").__name__ == "Pca" and methods.load("twice") is int
    assert [record.getMessage() for record in caplog.records] == [
        "the package acme 1.0 registers the detector 'pca', which unseen has. It is ignored; rename its entry point in "
        "the group unseen.detectors",
        "the package acme 1.0 registers the detector 'twice', which the package acme 1.0 has. It is ignored; rename "
        "its entry point in the group unseen.detectors",
    ]


FAULTY = """
from unseen.detectors.pca import Pca


class Faulty(Pca):
    key = "faulty"

    def judge(self, viewed):
        return viewed.masked + "no number"


class Unteachable(Pca):
    key = "unteachable"

    def learn(self, normals, fitting):
        {}["what it wants"]


class OfItsOwn(Pca):
    key = "of-its-own"

    def score(self, films):
        raise TypeError

    def score_film(self, film, lungs=None):
        raise TypeError
"""
METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n",
    "entry_points.txt": "[unseen.detectors]\nfaulty = acme_films:Faulty\nof-its-own = acme_films:OfItsOwn\n"
    "unteachable = acme_films:Unteachable\n",
}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which a package acme 1.0 is installed, whose detectors raise TypeError when they score."""
    site = tmp_path / "site"
    information = site / "acme-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "acme_films.py").write_text(FAULTY, encoding="utf-8")
    for name, text in METADATA.items():
        (information / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(METHODS.__dict__, "plugins", raising=False)  # they are found once in each process
    yield site
    METHODS.__dict__.pop("plugins", None)
    sys.modules.pop("acme_films", None)


def trained_bundle(key: str, folder: Path) -> Path:
    detector = METHODS.load(key)(components=2, view=View(size=32, frame="whole"))
    save(detector.fit(phantoms.normals(4, seed=1, size=64)), folder / key)
    return folder / key


@pytest.mark.parametrize(
    ("key", "cause", "tried"),
    [
        pytest.param(
            "faulty", "TypeError: unsupported operand type(s) for +: 'Tensor' and 'str'", 3, marks=pytest.mark.nightly
        ),
        ("of-its-own", "TypeError", 1),
        pytest.param("of-its-own", "TypeError", 3, marks=pytest.mark.nightly),
    ],
)
def test_a_plug_in_that_raises_while_it_scores_is_a_sentence(
    say: Say, acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, cause: str, tried: int
) -> None:
    bundle = trained_bundle(key, tmp_path)
    manifest = phantoms.write(phantoms.twins(2, seed=2, size=64), tmp_path / "films")
    film = "films/phantom-twin-2-0-normal.png"
    sentence = (
        f'{film}: the detector "{key}" of the package acme 1.0 fails on it ({cause}). Update or repair that package; '
        "with UNSEEN_TRACEBACK=1 the command prints where it fails"
    )
    commands = (
        ("score", bundle, "--data", manifest),
        ("score", bundle, "--data", manifest, "--out", f"{tmp_path / 'parts'}/"),
        ("evaluate", bundle, "--data", manifest, "--out", tmp_path / "report"),
    )
    for words in commands[:tried]:
        told(say(*words), sentence)
    monkeypatch.setenv("UNSEEN_TRACEBACK", "1")
    with pytest.raises(PluginError) as raised:
        say(*commands[0])
    assert isinstance(raised.value.__cause__, TypeError)


UNTEACHABLE = """
[view]
frame = "whole"
size = 32

[method]
key = "unteachable"
components = 2
"""


@pytest.mark.parametrize("command", ["train", pytest.param("suspects", marks=pytest.mark.nightly)])
def test_a_plug_in_that_raises_while_it_learns_is_a_sentence(
    say: Say, acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    recipe = tmp_path / "unteachable.toml"
    recipe.write_text(UNTEACHABLE, encoding="utf-8")
    manifest = phantoms.write(phantoms.normals(20, seed=2, size=64), tmp_path / "films")
    words = (command, recipe, "--data", manifest, "--finder", "models/lungs")
    told(
        say(*words),
        "unseen: the package acme 1.0 fails (KeyError: 'what it wants'). "
        "Update or repair that package; with UNSEEN_TRACEBACK=1 the command prints where it fails",
    )
    monkeypatch.setenv("UNSEEN_TRACEBACK", "1")
    with pytest.raises(KeyError):
        say(*words)


@pytest.mark.nightly
def test_a_plug_in_that_raises_in_another_process_is_a_sentence(acme: Path) -> None:
    """Its traceback stays there, so the process that has it names the package."""
    fit = METHODS.load("unteachable")(components=2, view=View(size=32, frame="whole")).fit
    films = list(phantoms.normals(4, seed=1, size=64))
    with worker_processes(1) as pool:
        named, bare = pool.submit(fit, films).exception(), pool.submit(divmod, 1, 0).exception()
    assert isinstance(named, PluginError) and "the package acme 1.0 fails (KeyError: 'what it wants')" in str(named)
    assert isinstance(bare, ZeroDivisionError)


def test_a_plug_in_that_is_a_member_of_an_ensemble_is_named(acme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ensemble's key is ours; the error went through the package's module."""
    faulty = METHODS.load("faulty")
    film, *films = phantoms.normals(25, seed=1, size=64)
    members = [{"key": "pca", "settings": {"components": 2}}, {"key": "faulty", "settings": {"components": 2}}]
    with monkeypatch.context() as sound:
        sound.setattr(faulty, "judge", faulty.__base__.judge)  # an ensemble scores while it learns
        ensemble = METHODS.load("ensemble")(members=members, view=View(size=32, frame="whole")).fit(films)
        assert Screener(ensemble)(film).action == "read"
    with pytest.raises(PluginError, match=r'the detector "faulty" of the package acme 1\.0 fails on it'):
        Screener(ensemble)(film)


def test_an_error_of_our_own_detector_and_a_sentence_of_a_plug_in_stay_as_they_are(
    acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoLungs(UserError):
        pass

    film = next(iter(phantoms.normals(1, seed=2, size=64)))
    for key, error in (("pca", TypeError("a bug")), ("faulty", NoLungs("no lungs. Give another film"))):
        detector = METHODS.load(key)(components=2, view=View(size=32, frame="whole"))
        detector.fit(phantoms.normals(4, seed=1, size=64))

        def broken(viewed: Viewed, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(detector, "judge", broken)
        with pytest.raises(type(error), match=str(error)):
            Screener(detector)(film)


def test_an_entry_point_has_the_name_of_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    methods = registered(monkeypatch, ("other", "unseen.detectors.pca:Pca"))
    with pytest.raises(PluginError, match='as the detector "other", but its key is "pca"'):
        methods.load("other")
    assert methods.key_of(methods.load("pca")) == "pca"
