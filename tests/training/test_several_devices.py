"""Two processes on the CPU: the losses, weights and scores of one; a process that is lost; a run that is resumed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.training.victim import SmallGan, films
from tests.warm_python import Started, warm_python
from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.detectors.anatpaste import AnatPaste
from unseen.detectors.dct import Dct
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.finding import Finding
from unseen.detectors.roi_sure import RoiSure
from unseen.physics import Gaussian, Mask, Measurement, Shifts
from unseen.priors.wgan_gp import WGANGP
from unseen.reconstruction import ArtifactRemoval, learn
from unseen.training import ranks as groups
from unseen.training.history import History
from unseen.training.learner import Learner, Step
from unseen.training.loop import train
from unseen.training.progress import Progress
from unseen.training.ranks import LostProcess, Ranks
from unseen.training.settings import Training, TrainingError
from unseen.training.shares import Share

pytestmark = pytest.mark.slow

ONE = Training(epochs=2, batch_size=16, device="cpu", threads=1)
TWO = ONE.model_copy(update={"devices": 2})
NOISE = 1e-5  # of a loss, relative: float32 sums in another order, over a few steps


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranks]:
    """A second process for all trainings of this module but those that lose theirs: a fork, without the imports."""
    folder, server = tmp_path_factory.mktemp("second"), warm_python()

    def forked(command: list[str], *, env: Mapping[str, str], **how: object) -> Started:
        assert command[:3] == [sys.executable, "-m", "unseen.training.joining"]
        assert how == {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "start_new_session": True}
        program = Path(__file__).with_name("joined.py")
        streams = {"out": folder / "out", "err": folder / "err"}
        return server.start(program, *command[3:], cwd=Path.cwd(), environment=env, **streams)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", forked)
        ranks = Ranks.started(2)
    groups._joined.append(ranks)
    yield ranks
    groups._joined.remove(ranks)
    ranks.close()
    assert [child.returncode for child in ranks.children.values()] == [0]


def check_alike(one: History, two: History, *, noise: float = NOISE) -> None:
    assert one.parts.keys() == two.parts.keys() and one.steps == two.steps
    for name, values in one.parts.items():
        torch.testing.assert_close(
            torch.tensor(two.parts[name]), torch.tensor(values), rtol=noise, atol=noise, equal_nan=True, msg=name
        )


class Spread(SmallGan):
    """Whatever a batch's draws can be: of an input, of changed copies, film by film, and an uneven share."""

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, mask = batch
        counts = torch.poisson(20 * x, generator=rng) / 20
        both = torch.cat([x, counts + torch.randint(2, (len(x), 1, 1, 1), generator=rng)])
        both = both * (1 + 0.1 * torch.rand(len(both), 1, 1, 1, generator=rng))
        yield from super().steps((both, torch.cat([mask, mask])), rng)


def test_losses_and_weights_are_those_of_one_process(pair: Ranks) -> None:
    assert [len(Share.of(rank, 2, whole=15)) for rank in range(2)] == [7, 8], "shares need not be equal"
    kinds: list[tuple[type[SmallGan], int]] = [(SmallGan, 16), (Spread, 15)]
    for kind, size in kinds:
        learners = [kind(), kind()]
        settings = [one.model_copy(update={"batch_size": size}) for one in (ONE, TWO)]
        one, two = (train(learner, films(), each) for learner, each in zip(learners, settings, strict=True))
        check_alike(one, two)
        assert (one.device, two.device) == ("cpu", "2 × cpu")
        x = films()[0]
        pictures = [learner.modules["g"](x) for learner in learners]  # in eval mode
        # BatchNorm takes a bias away, whose gradient is rounding, on which Adam walks: its running mean follows
        torch.testing.assert_close(*pictures, rtol=0, atol=0.02)


VIEW = View(size=32, frame="whole")


@pytest.mark.nightly  # of roi-sure on two machines: tests/cli/test_several_machines.py
@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: RoiSure(view=VIEW, features=8), id="BatchNorm and a probe of SURE"),
        pytest.param(
            # a rate at which rounding is not amplified
            lambda: AnatPaste(view=VIEW, features=8, learning_rate=1e-4),
            id="lesions drawn film by film",
        ),
    ],
)
def test_scores_are_those_of_one_process(pair: Ranks, made: Callable[[], Detector]) -> None:
    normals = list(phantoms.normals(24, seed=3, size=64))
    training = Training(epochs=2, batch_size=8, device="cpu", threads=1, precision="fp32")
    shared = training.model_copy(update={"devices": 2})
    one, two = (made().fit(normals, training=each, finder="models/lungs") for each in (training, shared))
    assert one.history is not None and two.history is not None
    check_alike(one.history, two.history, noise=1e-4)
    scores = [[each.score for each in fitted.score(normals[:6]) if isinstance(each, Finding)] for fitted in (one, two)]
    torch.testing.assert_close(*(torch.tensor(some) for some in scores), rtol=1e-2, atol=1e-4)
    assert two.trained_on.startswith("2 × cpu (") and two.training_films == one.training_films


def test_a_derivative_of_a_derivative_is_shared_too(pair: Ranks) -> None:
    images = torch.rand(32, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    settings = [each.model_copy(update={"epochs": 3}) for each in (ONE, TWO)]
    one, two = (WGANGP(latent=4, features=4).fit(images, training=each).history for each in settings)
    assert one is not None and two is not None
    check_alike(one, two, noise=1e-4)


@pytest.mark.nightly
def test_a_reconstructor_learns_alike_and_is_stopped_alike(pair: Ranks) -> None:
    """Noise, transforms and held-out risks of SURE and equivariance are those of the whole batch on one device."""
    draw = torch.Generator().manual_seed(0)
    process = Measurement(Mask((torch.rand(1, 16, 16, generator=draw) > 0.4).float()), noise=Gaussian(0.1))
    y = process(torch.rand(12, 1, 16, 16, generator=draw), generator=draw)
    learnt = []
    for settings in (ONE, TWO):
        torch.manual_seed(0)
        network = ArtifactRemoval.for_process(process, features=8, depth=2)
        training = settings.model_copy(update={"epochs": 3, "batch_size": 4})
        learnt.append(learn(y, process, losses="rei", group=Shifts(), network=network, training=training))
    one, two = (f.history for f in learnt)
    assert one is not None and two is not None
    check_alike(one, two)
    assert one.best_epoch() == two.best_epoch() and len(two.validation["held-out risk"]) == 3
    torch.testing.assert_close(learnt[0](y), learnt[1](y), rtol=1e-4, atol=1e-4)


def test_rank_0_alone_writes_and_validates_and_the_run_resumes(pair: Ranks, tmp_path: Path) -> None:
    whole = train(SmallGan(), films(), TWO)
    validated: list[int] = []

    def validate(epochs: int) -> Mapping[str, float]:
        validated.append(epochs)
        return {"risk": 1.0 / epochs}

    def press(progress: Progress) -> None:
        if progress.step == 2:
            handler = signal.getsignal(signal.SIGINT)
            assert callable(handler), handler
            handler(signal.SIGINT, None)  # as Ctrl-C does; a signal itself: test_loop.py

    with pytest.raises(KeyboardInterrupt):
        train(SmallGan(), films(), TWO, folder=tmp_path, progress=press, validate=validate)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4, "it stopped after the batch that had begun"
    resumed = train(SmallGan(seed=9), films(), TWO, folder=tmp_path, validate=validate)
    assert validated == [1, 2] and resumed.validation == {"risk": [1.0, 0.5]}
    check_alike(whole, resumed)


class Here:
    """Its class is known in this process alone, as one of a notebook is."""

    def __init__(self) -> None:
        self.modules: dict[str, nn.Module] = {"line": nn.Linear(1, 1)}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        self.act = lambda x: x

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        yield from ()

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None: ...


def test_what_cannot_be_shared_is_refused_with_a_sentence(pair: Ranks) -> None:
    with pytest.raises(TrainingError, match=r"a batch of 1 cannot be shared by 2 processes\. Give fewer devices"):
        train(SmallGan(), [tensor[:1] for tensor in films()], TWO)
    learner: Learner = Here()
    with pytest.raises(TrainingError, match=r"cannot be sent to other processes: .*no lambda, nothing of __main__"):
        train(learner, [torch.ones(4, 1)], TWO)
    hooked = SmallGan()
    next(iter(hooked.optimisers.values())).register_step_post_hook(lambda *_: None)
    with pytest.raises(TrainingError, match=r"has a hook on its steps, which other processes do not get\. Use one"):
        train(hooked, films(), TWO)
    for device in ("mps", "cuda:1"):
        with pytest.raises(TrainingError, match=f"training.device is {device}, which is one device, but 2 are asked"):
            train(SmallGan(), films(), TWO.model_copy(update={"device": device}))
    with pytest.raises(TrainingError, match=r"asks for 3 processes, but 2 have joined"):
        train(SmallGan(), films(), ONE.model_copy(update={"devices": 3}))
    with pytest.raises(FitError, match="dct is computed on one device: it has no batches to share between 2 devices"):
        Dct(view=View(size=32, frame="whole")).fit(phantoms.normals(12, size=64), training=TWO)


@pytest.mark.nightly
def test_a_process_that_does_not_answer_ends_the_training_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "TIMEOUT_S", 60.0)
    ranks = Ranks.started(2)
    monkeypatch.setattr(groups, "_joined", [ranks])

    def stop(progress: Progress) -> None:
        if progress.step == 2:
            ranks.children[1].send_signal(signal.SIGSTOP)

    try:
        with pytest.raises(LostProcess, match=r"another of the 2 processes has ended, or gave no answer in 60 s"):
            train(SmallGan(), films(), TWO, progress=stop)
    finally:
        ranks.close()
    assert ranks.children[1].returncode == -signal.SIGKILL
