"""The loop: deterministic, resumable, polite to its caller; checked against a loop written out by hand."""

from __future__ import annotations

import math
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.training.victim import SmallGan, films
from unseen.training.fused_adam import FusedAdam
from unseen.training.history import History
from unseen.training.learner import Learner, Step
from unseen.training.loop import train
from unseen.training.progress import Progress
from unseen.training.settings import Training, TrainingError

SHORT = Training(epochs=2, batch_size=16, device="cpu", threads=1)


def weights(learner: Learner) -> dict[str, Tensor]:
    return {f"{n}.{k}": t.clone() for n, m in learner.modules.items() for k, t in m.state_dict().items()}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


class Line:
    """y = w·x, one weight, plain gradient descent."""

    def __init__(self) -> None:
        self.modules: dict[str, nn.Module] = {"line": nn.Linear(1, 1, bias=False)}
        nn.init.constant_(self.modules["line"].get_parameter("weight"), 2.0)
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "line": torch.optim.SGD(self.modules["line"].parameters(), lr=0.1)
        }
        self.batches: list[list[float]] = []

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        self.batches.append(batch[0].flatten().tolist())
        yield Step("line", self.modules["line"](batch[0]).square().mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None: ...


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_same_seed_gives_the_same_bytes(precision: str) -> None:
    settings = SHORT.model_copy(update={"precision": precision})
    learners = [SmallGan() for _ in range(3)]
    for i, learner in enumerate(learners):
        torch.manual_seed(i)  # what the caller drew before does not count
        train(learner, films(), settings.model_copy(update={"seed": 1 if i == 2 else 0}))
    assert same(weights(learners[0]), weights(learners[1]))
    assert not same(weights(learners[0]), weights(learners[2]))


def test_the_loop_computes_what_a_loop_written_by_hand_computes() -> None:
    by_hand = SmallGan()
    drawn: list[Tensor] = []

    class Spy(SmallGan):
        def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
            drawn.append(batch[0].clone())
            return super().steps(batch, rng)

    by_loop = Spy()
    for learner in (by_loop, by_hand):
        learner.modules["g"][3] = nn.Identity()  # type: ignore[operator]  # dropout draws from torch's own generator
    one_epoch = SHORT.model_copy(update={"epochs": 1})
    history = train(by_loop, films(), one_epoch)

    from unseen.training.loop import _derived  # the seeds of the streams are the loop's own affair

    x, mask = films()
    for module in by_hand.modules.values():
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rng = torch.Generator().manual_seed(_derived(0, "draws"))
    order = torch.randperm(48, generator=torch.Generator().manual_seed(_derived(0, 0)))
    g, d = by_hand.modules["g"], by_hand.modules["d"]
    g.train()
    d.train()
    losses = []
    for rows in order.split(16):
        real = x[rows].to(memory_format=torch.channels_last)  # the layout decides the rounding
        fake = g(real + 0.1 * torch.randn(real.shape, generator=rng))
        loss = (
            10 * (mask[rows].to(memory_format=torch.channels_last) * (fake - real)).square().mean()
            + F.softplus(-d(fake)).mean()
        )
        by_hand.optimisers["generator"].zero_grad()
        loss.backward()
        by_hand.optimisers["generator"].step()
        losses.append(loss.item())
        loss = F.softplus(-d(real)).mean() + F.softplus(d(fake.detach())).mean()
        by_hand.optimisers["discriminator"].zero_grad()
        loss.backward()
        by_hand.optimisers["discriminator"].step()
        by_hand.after_step({}, rng)
    assert same(weights(by_loop), weights(by_hand))
    assert history.parts["generator"] == losses
    assert all(torch.equal(batch, x[rows]) for batch, rows in zip(drawn, order.split(16), strict=True))


def test_each_film_comes_once_an_epoch_and_a_short_last_batch_is_left_out() -> None:
    data = [torch.arange(10.0).reshape(10, 1)]
    learner = Line()
    history = train(learner, data, Training(epochs=2, batch_size=4, device="cpu"))
    assert [len(batch) for batch in learner.batches] == [4, 4, 4, 4]
    for epoch in (learner.batches[:2], learner.batches[2:]):
        assert len(set(epoch[0] + epoch[1])) == 8
    assert learner.batches[:2] != learner.batches[2:], "each epoch is shuffled anew"
    assert (history.steps, history.steps_per_epoch) == (4, 2)


def test_fewer_films_than_a_batch_are_one_batch() -> None:
    learner = Line()
    train(learner, [torch.arange(3.0).reshape(3, 1)], Training(epochs=1, batch_size=4, device="cpu"))
    assert sorted(learner.batches[0]) == [0.0, 1.0, 2.0]


def test_what_follows_a_yield_sees_the_new_weights() -> None:
    seen: list[float] = []

    class Twice(Line):
        def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
            yield from super().steps(batch, rng)
            seen.append(self.modules["line"](torch.ones(1, 1)).item())
            yield from super().steps(batch, rng)

    train(Twice(), [torch.ones(1, 1)], Training(epochs=1, device="cpu"))
    assert seen == [pytest.approx(2 - 0.1 * 2 * 2)]


class TwoSides:
    """g(x) judged by d: the generator's loss and the discriminator's go back through one and the same d(g(x))."""

    def __init__(self, *, shared: bool) -> None:
        self.shared = shared
        torch.manual_seed(0)
        self.modules: dict[str, nn.Module] = {
            "g": nn.Linear(3, 3),
            "d": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)),
        }
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            side: torch.optim.SGD(self.modules[name].parameters(), lr=0.1)
            for side, name in (("generator", "g"), ("discriminator", "d"))
        }
        self.seen: list[dict[str, bool]] = []  # which sides have a gradient after each step
        self.after: list[Tensor] = []  # g's, after each step

    def note(self) -> None:
        gradients = {name: [p.grad for p in module.parameters()] for name, module in self.modules.items()}
        self.seen.append({name: all(grad is not None for grad in some) for name, some in gradients.items()})
        self.after.append(torch.cat([grad.flatten().clone() for grad in gradients["g"] if grad is not None]))

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        logit = self.modules["d"](self.modules["g"](batch[0]))  # (batch, 1)
        yield Step("generator", F.softplus(-logit).mean(), graph_is_shared=self.shared)
        self.note()
        yield Step("discriminator", F.softplus(logit).mean())
        self.note()

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None: ...


ONE_STEP = Training(epochs=1, batch_size=5, device="cpu", threads=1)


def test_a_second_step_goes_back_through_a_shared_graph_as_through_one_of_its_own() -> None:
    learner, by_hand = TwoSides(shared=True), TwoSides(shared=True)
    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(2))
    train(learner, [x], ONE_STEP)
    g, d = by_hand.modules["g"], by_hand.modules["d"]
    fake = g(x)  # what the two losses see: g and d before either step
    F.softplus(-d(fake)).mean().backward()
    by_hand.optimisers["generator"].step()
    by_hand.optimisers["discriminator"].zero_grad()
    F.softplus(d(fake.detach())).mean().backward()
    by_hand.optimisers["discriminator"].step()
    for name, tensor in weights(by_hand).items():
        assert torch.allclose(weights(learner)[name], tensor, atol=1e-7), name
        assert not torch.equal(weights(learner)[name], weights(TwoSides(shared=True))[name]), f"{name} has not moved"


def test_without_a_word_of_it_the_second_step_finds_no_graph() -> None:
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        train(TwoSides(shared=False), [torch.rand(5, 3)], ONE_STEP)


def test_a_step_gives_no_gradient_to_other_optimisers_weights() -> None:
    learner = TwoSides(shared=True)
    train(learner, [torch.rand(5, 3)], ONE_STEP)
    assert learner.seen[0] == {"g": True, "d": False}, "the generator's loss goes through d, and leaves nothing there"
    assert learner.seen[1] == {"g": True, "d": True}
    assert torch.equal(learner.after[0], learner.after[1]), "the discriminator's loss adds nothing to g's"


@pytest.mark.parametrize("precision", ["bf16", pytest.param("fp32", marks=pytest.mark.nightly)])
def test_modules_come_back_plain_at_rest_and_contiguous(precision: str) -> None:
    learner = SmallGan()
    plain = dict(learner.modules)
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    changed = {"precision": precision, "threads": threads + 1, "epochs": 1}
    train(learner, films(), SHORT.model_copy(update=changed))
    assert all(learner.modules[name] is plain[name] for name in plain)
    assert not any(module.training for module in learner.modules.values())
    assert all(p.is_contiguous() and p.dtype == torch.float32 for m in plain.values() for p in m.parameters())
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), before), "the caller's random state is its own"


def test_modules_come_back_plain_after_an_error() -> None:
    learner = SmallGan()
    plain = dict(learner.modules)

    def fail(progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(learner, films(), SHORT, progress=fail)
    assert learner.modules == plain


def test_validation_sees_modules_in_eval_mode_and_disturbs_nothing(tmp_path: Path) -> None:
    watched, alone = SmallGan(), SmallGan()
    calls: list[int] = []

    def validate(epoch: int) -> Mapping[str, float]:
        assert not watched.modules["g"].training and not torch.is_grad_enabled()
        torch.rand(7)
        calls.append(epoch)
        return {"risk": float(epoch)}

    history = train(watched, films(), SHORT, validate=validate, folder=tmp_path)
    train(alone, films(), SHORT)
    assert same(weights(watched), weights(alone))
    assert calls == [1, 2]
    assert history.validation == {"risk": [1.0, 2.0]}
    assert train(SmallGan(), films(), SHORT, folder=tmp_path).validation == {"risk": [1.0, 2.0]}


def test_a_finished_training_returns_at_once_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SmallGan()
    history = train(first, films(), SHORT, folder=tmp_path)
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)  # not even needed
    again = SmallGan(seed=9)
    assert train(again, films(), SHORT, folder=tmp_path) == history
    assert same(weights(first), weights(again))
    assert not any(module.training for module in again.modules.values())


def test_ctrl_c_finishes_the_batch_checkpoints_and_stops(tmp_path: Path) -> None:
    whole, stopped = SmallGan(), SmallGan()
    train(whole, films(), SHORT)

    def press(progress: Progress) -> None:
        if progress.step == 3:  # the last of the first epoch
            signal.raise_signal(signal.SIGINT)  # to this thread, so that it arrives now however busy the machine is

    assert threading.current_thread() is threading.main_thread(), "elsewhere Ctrl-C would end the worker of pytest"
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(stopped, films(), SHORT, folder=tmp_path, progress=press)
    assert signal.getsignal(signal.SIGINT) is handler
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert (saved["epoch"], saved["position"]) == (0, 3)
    steps: list[int] = []
    resumed = SmallGan(seed=9)
    history = train(resumed, films(), SHORT, folder=tmp_path, progress=lambda p: steps.append(p.step))
    assert steps == [4, 5, 6]
    assert history.steps == 6
    assert same(weights(whole), weights(resumed))


def test_a_checkpoint_of_a_fused_adam_is_resumed_by_fusedadam(tmp_path: Path) -> None:
    def gan(adam: type[torch.optim.Adam], **fused: bool) -> SmallGan:
        learner = SmallGan()
        for name, side in (("generator", "g"), ("discriminator", "d")):
            learner.optimisers[name] = adam(learner.modules[side].parameters(), lr=2e-3, betas=(0.5, 0.999), **fused)
        return learner

    def fail(progress: Progress) -> None:
        if progress.step == 4:
            raise ZeroDivisionError

    whole, resumed = gan(FusedAdam), gan(FusedAdam)
    train(whole, films(), SHORT)
    often = SHORT.model_copy(update={"checkpoint_every_steps": 1})
    with pytest.raises(ZeroDivisionError):
        train(gan(torch.optim.Adam, fused=True), films(), often, folder=tmp_path, progress=fail)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert (saved["epoch"], saved["position"]) != (0, 0)
    assert saved["optimisers"]["generator"]["param_groups"][0]["fused"] is True
    train(resumed, films(), often, folder=tmp_path)
    assert same(weights(whole), weights(resumed))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "training.seed was 0, now 1"),
        ({"epochs": 3}, "training.epochs was 2, now 3"),
        ({"precision": "bf16"}, "training.precision was fp32, now bf16"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path, change: dict[str, object], named: str) -> None:
    train(SmallGan(), films(), SHORT, folder=tmp_path)
    with pytest.raises(TrainingError, match=f"belongs to another training: {named}.*Use another folder"):
        train(SmallGan(), films(), SHORT.model_copy(update=change), folder=tmp_path)


def test_a_checkpoint_of_other_films_networks_or_identity_is_refused(tmp_path: Path) -> None:
    train(SmallGan(), films(), SHORT, folder=tmp_path, identity="w = 50")
    x, mask = films()
    with pytest.raises(TrainingError, match=r"films\[0\] was"):
        train(SmallGan(), (1 - x, mask), SHORT, folder=tmp_path, identity="w = 50")
    with pytest.raises(TrainingError, match="identity was w = 50, now w = 51"):
        train(SmallGan(), films(), SHORT, folder=tmp_path, identity="w = 51")
    wider = SmallGan()
    wider.modules["g"].append(nn.Conv2d(1, 1, 1))  # type: ignore[operator]
    with pytest.raises(TrainingError, match=r"g\.6\.weight was None, now \(1, 1, 1, 1\)"):
        train(wider, films(), SHORT, folder=tmp_path, identity="w = 50")
    slower = SmallGan()
    slower.optimisers["generator"].param_groups[0]["lr"] = 1e-3
    with pytest.raises(TrainingError, match=r"optimiser generator\[0\]\.lr was 0.002, now 0.001"):
        train(slower, films(), SHORT, folder=tmp_path, identity="w = 50")
    often = SHORT.model_copy(update={"checkpoint_every_s": 1.0, "checkpoint_every_steps": 1})
    train(SmallGan(), films(), often, folder=tmp_path, identity="w = 50")  # how often to save changes nothing


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"junk", b"X\x02\x00\x00\x00\xff\xff", b"\x80\x02cposix\nsystem\n."]
)
def test_a_damaged_checkpoint_is_an_error_with_a_cure(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: cannot be read .*Delete it to start again"):
        train(SmallGan(), films(), SHORT, folder=tmp_path)


def test_a_truncated_checkpoint_is_an_error_with_a_cure(tmp_path: Path) -> None:
    train(SmallGan(), films(), SHORT, folder=tmp_path)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TrainingError, match="Delete it to start again"):
        train(SmallGan(), films(), SHORT, folder=tmp_path)


def test_a_loss_that_is_not_finite_stops_with_a_sentence() -> None:
    with pytest.raises(TrainingError, match=r"the loss of line is nan at step 1 \(epoch 1\)"):
        train(Line(), [torch.full((2, 1), math.nan)], Training(epochs=1, device="cpu"))


def test_a_loss_that_grows_without_end_is_warned_of_once_and_changes_nothing(tmp_path: Path) -> None:
    """w is multiplied by 1 − 2 · 0.1 · 6² = −6.2 in each step, and the loss by 38."""
    settings = Training(epochs=8, batch_size=2, device="cpu", checkpoint_every_steps=1)
    data, learner = [torch.full((2, 1), 6.0)], Line()
    with pytest.warns(UserWarning, match=r"diverges: the loss of line is 4\.65e\+11 at step 7 \(epoch 7\)") as said:
        history = train(learner, data, settings, folder=tmp_path)
    assert len(said) == 1 and "Lower the learning rate, or clip the gradients" in str(said[0].message)
    assert history.parts["line"] == pytest.approx([144 * 6.2 ** (2 * step) for step in range(8)], rel=1e-5)


@pytest.mark.parametrize("data", [[], [torch.zeros(0, 1)], [torch.zeros(2, 1), torch.zeros(3, 1)]])
def test_data_of_unequal_or_no_length_is_refused(data: list[Tensor]) -> None:
    with pytest.raises(TrainingError, match="data needs tensors of one length"):
        train(Line(), data, Training(epochs=1, device="cpu"))


def test_without_fabric_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with pytest.raises(TrainingError, match=r'pip install "unseen\[train\]"'):
        train(Line(), [torch.ones(1, 1)], Training(epochs=1, device="cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_a_missing_gpu_is_a_sentence() -> None:
    with pytest.raises(TrainingError, match=r"training\.device is cuda:1, but torch sees 0 CUDA devices"):
        train(Line(), [torch.ones(1, 1)], Training(epochs=1, device="cuda:1"))


def test_progress_tells_losses_and_time_left() -> None:
    seen: list[Progress] = []
    train(SmallGan(), films(), SHORT, progress=seen.append)
    assert [(p.step, p.steps, p.epoch) for p in seen] == [(i, 6, 1 + (i > 3)) for i in range(1, 7)]
    assert set(seen[0].losses) == {"generator", "discriminator", "residual", "fooled"}
    assert seen[-1].remaining_s == 0
    assert seen[0].remaining_s > 0
    line = str(Progress(step=5, steps=10, epoch=1, losses={"generator": 0.25}, seconds=9, remaining_s=61))
    assert line == "step 5/10  epoch 1  generator 0.25  1:01 left"


def test_a_checkpoint_falls_due_by_the_clock_too(tmp_path: Path) -> None:
    stamps: set[int] = set()

    def look(progress: Progress) -> None:
        path = tmp_path / "checkpoint.pt"
        if path.exists():
            stamps.add(path.stat().st_ino)

    train(SmallGan(), films(), SHORT.model_copy(update={"checkpoint_every_s": 0.0}), folder=tmp_path, progress=look)
    assert len(stamps) >= 2


def test_the_history_is_that_of_the_device_and_the_steps() -> None:
    history = train(SmallGan(), films(), SHORT)
    assert isinstance(history, History)
    assert (history.device, history.steps, history.steps_per_epoch) == ("cpu", 6, 3)
    assert len(history.clock_s) == 6
    assert history.seconds >= history.clock_s[-1] > 0


def test_a_network_method_by_name_is_trained_through_and_bf16_leaves_weights_in_fp32() -> None:
    class Featured(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 4, 3)

        def features(self, x: Tensor) -> Tensor:
            out: Tensor = self.first(x)
            return out

    class ByName(Line):
        def __init__(self) -> None:
            super().__init__()
            self.modules = {"d": Featured()}
            self.optimisers = {"d": torch.optim.SGD(self.modules["d"].parameters(), lr=0.1)}

        def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
            features = self.modules["d"].features(batch[0])
            assert features.dtype == torch.bfloat16
            yield Step("d", features.float().square().mean())

    learner = ByName()
    before = weights(learner)
    train(learner, [torch.rand(4, 1, 8, 8)], Training(epochs=1, precision="bf16", device="cpu"))
    after = weights(learner)
    assert not torch.equal(before["d.first.weight"], after["d.first.weight"])
    assert after["d.first.weight"].dtype == torch.float32
