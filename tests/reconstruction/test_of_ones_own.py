"""A researcher's own objects: operators, networks, optimisers and measurements of their own; and the shortest ways."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import unseen as un
from tests.reconstruction.making import holes, images, inpainting, measured, short
from tests.warm_python import warm_python
from unseen.artifacts import BundleError
from unseen.data.operator_files import OperatorError, read_operator
from unseen.losses import Equivariance, MeasurementConsistency, RobustEquivariance, Sure
from unseen.physics import OPERATORS, Dense, Flips, Gaussian, Mask, Measurement, Shifts
from unseen.reconstruction import ArtifactRemoval, Unrolled, learn, load
from unseen.reconstruction.measurements import MeasurementError, gathered
from unseen.training import Training, TrainingError

UNSEEN = Path(sys.executable).with_name("unseen")
MINE = '''
import torch
from torch import nn
from unseen.physics import OPERATORS, Operator

class Halved(Operator):
    """Half of every pixel, of images without a matrix."""

    def __init__(self, size: int) -> None:
        super().__init__(domain=(1, size, size), range=(1, size, size))

    def _forward(self, x):
        return x / 2

    def _adjoint(self, y):
        return y / 2

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.only = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return x + self.only(x)
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of one's own, `mine_own`, that Python finds."""
    (tmp_path / "mine_own.py").write_text(MINE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delitem(sys.modules, "mine_own", raising=False)
    return tmp_path


def run(program: Path, *words: object, cwd: Path) -> str:
    done = warm_python().run(program, *words, cwd=cwd, environment=os.environ)
    assert done.code == 0, done.err
    return done.out


@pytest.mark.slow
def test_an_own_operator_and_network_come_back_in_a_new_process_and_on_the_command_line(mine: Path) -> None:
    from mine_own import Halved, Net  # type: ignore[import-not-found]

    A, x = Halved(16), images(4)
    y = measured(Measurement(A), x)
    f = learn(y, A, losses="mc", network=Net(), training=short(2, batch_size=2))
    with pytest.warns(UserWarning, match=r"OPERATORS\.register"):
        f.save(mine / "model")
    expected = f(y.numpy())
    np.save(mine / "y.npy", y.numpy())
    np.save(mine / "expected.npy", expected)
    (mine / "scan.toml").write_text('own = "mine_own:Halved"\nsize = 16\n', encoding="utf-8")

    code = (
        "import numpy as np, unseen as un, mine_own\n"
        "f = un.reconstruction.load('model', network=mine_own.Net(), process=mine_own.Halved(16))\n"
        "assert np.array_equal(f(np.load('y.npy')), np.load('expected.npy'))\n"
    )
    (mine / "again.py").write_text(code, encoding="utf-8")
    run(mine / "again.py", cwd=mine)
    words = ("model", "y.npy", "--out", "found", "--operator", "scan.toml", "--network", "mine_own:Net")
    run(UNSEEN, "reconstruct", *words, cwd=mine)
    assert np.array_equal(np.load(mine / "found" / "y.npy"), expected)
    with pytest.raises(BundleError, match=r"a network of your own \(mine_own:Net\).*--network"):
        load(mine / "model")


def test_a_registered_operator_is_written_into_the_bundle(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mine_own import Halved

    monkeypatch.setattr(OPERATORS, "registered", {})
    OPERATORS.register("halved", Halved)
    OPERATORS.register("halved", Halved)  # said twice is said once
    A = Halved(16)
    f = learn(measured(Measurement(A), images(2)), A, losses="mc", training=short(1, batch_size=2))
    assert f.save(mine / "model").process is not None
    found = load(mine / "model").process
    assert found is not None and isinstance(found.A, Halved)
    assert OPERATORS["halved"] == "mine_own:Halved" and "halved" in OPERATORS and len(OPERATORS) == len(set(OPERATORS))
    with pytest.raises(ValueError, match='the operator "mask" is there already'):
        OPERATORS.register("mask", Halved)
    OPERATORS.registered.clear()
    with pytest.raises(BundleError, match="Register the parts that are your own"):
        load(mine / "model")


def test_a_dense_operator_is_described_in_a_file_and_in_a_bundle(tmp_path: Path) -> None:
    matrix = torch.randn(20, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    A = Dense(matrix, size=(8, 8))
    f = learn(measured(Measurement(A), images(2, size=8)), A, losses="mc", training=short(1, batch_size=2))
    f.save(tmp_path / "model")
    again = load(tmp_path / "model").process
    np.save(tmp_path / "matrix.npy", matrix.numpy())
    (tmp_path / "scan.toml").write_text('operator = "dense"\nmatrix = "matrix.npy"\nsize = [8, 8]\n', encoding="utf-8")
    x = images(1, size=8)
    assert again is not None and torch.equal(again.A(x), A(x))
    assert torch.equal(read_operator(tmp_path / "scan.toml")(x), A(x))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('own = "nowhere_at_all:A"', '"nowhere_at_all:A" cannot be imported'),
        ('own = "math:sqrt"', "math:sqrt is no class of operators"),
        ('own = "mask"', '"mask" cannot be imported'),
        ('operator = "math:sqrt"', 'operator "math:sqrt": unknown'),
        ('own = "math:sqrt"\noperator = "mask"', "needs one line such as"),
    ],
)
def test_a_file_without_an_operator_of_ones_own_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "scan.toml").write_text(text, encoding="utf-8")
    with pytest.raises(OperatorError, match=sentence):
        read_operator(tmp_path / "scan.toml")


def test_names_stand_for_losses() -> None:
    noisy, clean = inpainting(sigma=0.1), inpainting()
    kinds: dict[str, list[type]] = {
        "ei": [MeasurementConsistency, Equivariance],
        "equivariant-splitting": [un.losses.EquivariantSplitting],
        "es": [un.losses.EquivariantSplitting],
        "mc": [MeasurementConsistency],
        "rei": [Sure, RobustEquivariance],
        "sure": [Sure],
        "supervised": [un.losses.Supervised],
    }
    for name, expected in kinds.items():
        group = Shifts() if name in ("ei", "equivariant-splitting", "es", "rei") else None
        found = un.losses.objective(name, noisy if name in ("rei", "sure") else clean, group=group)
        assert [type(loss) for loss in found] == expected
    for name, group, sentence in [
        ("reii", None, "did you mean"),
        ("ei", None, "needs group"),
        ("es", None, "needs group"),
        ("es", un.physics.Rotations(), "moves whole pixels"),
        ("sure", Flips(), "no use for a group"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            un.losses.objective(name, clean, group=group)
    with pytest.raises(ValueError, match="losses of your own hold theirs"):
        un.losses.objective(Sure(), noisy, group=Flips())
    with pytest.warns(UserWarning, match="copy the noise"):
        un.losses.objective("mc", noisy)


def test_a_single_loss_an_operator_and_a_folder_by_name_will_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    A = Mask(holes())
    f = learn(
        A(images(4)), A, losses=MeasurementConsistency(), training=short(1, batch_size=2), folder=str(tmp_path / "run"),
        progress=True,
    )  # fmt: skip
    assert (tmp_path / "run" / "checkpoint.pt").exists() and f.process == Measurement(A)
    assert "2 steps in" in capsys.readouterr().err


def test_it_reconstructs_under_its_own_process_and_arrays_come_back_as_arrays() -> None:
    process = inpainting(sigma=0.1)
    y = measured(process, images(4))
    f = learn(y, process, losses="sure", hold_out=0, training=short(1, batch_size=2))
    with torch.no_grad():
        assert torch.equal(f(y), f(y, process))
    found = f(y.numpy())
    assert isinstance(found, np.ndarray) and np.array_equal(found, f(y).detach().numpy())
    with pytest.raises(ValueError, match="knows no process of its own"):
        ArtifactRemoval()(y)


def _momentum(weights) -> torch.optim.Optimizer:  # type: ignore[no-untyped-def]
    return torch.optim.SGD(weights, lr=0.02, momentum=0.9)


def test_an_own_optimiser_and_schedule_go_on_after_a_stop_to_the_same_weights(tmp_path: Path) -> None:
    process = inpainting(sigma=0.1)
    y, rates = measured(process, images(6)), list[float]()

    def schedule(steps: int) -> float:
        rates.append(1 / (1 + steps))
        return rates[-1]

    def once(folder: Path | None, stop: Callable[..., None] | None = None) -> list[Tensor]:
        torch.manual_seed(0)
        network = ArtifactRemoval.for_process(process, features=4, depth=1)
        f = learn(
            y, process, losses="sure", hold_out=0, network=network, training=short(3, batch_size=2),
            optimiser=_momentum, schedule=schedule, folder=folder, progress=stop,
        )  # fmt: skip
        return [tensor.clone() for tensor in f.state_dict().values()]

    whole = once(None)
    assert rates == [1 / (1 + steps) for steps in range(9)]

    class Killed(Exception):
        pass

    def stop(state: un.training.Progress) -> None:
        if state.step == 5:
            raise Killed

    with pytest.raises(Killed):
        once(tmp_path, stop)
    resumed = once(tmp_path)
    assert all(torch.equal(one, other) for one, other in zip(whole, resumed, strict=True))
    with pytest.raises(ValueError, match="schedule takes the place of milestones"):
        learn(y, process, losses="sure", schedule=schedule, milestones=[1])


def _anonymous() -> int:
    """Bytes of memory that belong to no file."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])


@pytest.mark.nightly
@pytest.mark.slow
def test_a_mapped_file_is_not_read_into_memory(tmp_path: Path) -> None:
    n, size = 12_800, 64  # 200 MiB
    whole = np.lib.format.open_memmap(tmp_path / "y.npy", mode="w+", dtype=np.float32, shape=(n, 1, size, size))
    whole[:] = np.random.default_rng(0).random((1, 1, size, size), dtype=np.float32)
    del whole
    process = Measurement(Mask(torch.ones(1, size, size, dtype=torch.bool)), Gaussian(0.1))
    peak = list[int]()

    class Nothing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            peak.append(_anonymous())
            return self.gain * x

    before = _anonymous()
    f = learn(
        np.load(tmp_path / "y.npy", mmap_mode="r"), process, losses="sure", network=Nothing(), hold_out=0.01,
        training=short(1, batch_size=64),
    )  # fmt: skip
    assert len(f.training_digests) == n
    assert max(peak) - before < 60 * 2**20


@pytest.mark.nightly
def test_an_iterable_is_learnt_from_as_its_measurements_are() -> None:
    process = inpainting(sigma=0.1)
    y = measured(process, images(12))
    one, other = (
        learn(given, process, losses="sure", training=short(1, batch_size=2)).state_dict()
        for given in (y, (each for each in y))
    )
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    with pytest.raises(MeasurementError, match="number 1 is float32 of shape"):
        gathered([np.zeros((1, 2)), np.zeros((1, 3))])
    with pytest.raises(MeasurementError, match="no measurement to learn from"):
        gathered([])


def test_ten_lines_from_measurements_to_a_saved_model(tmp_path: Path) -> None:
    A = un.physics.Mask(holes().numpy())
    process = un.physics.Measurement(A, un.physics.Gaussian(0.1))
    y = process(images(8).numpy())
    f = un.reconstruction.learn(y, process, losses="rei", group=un.physics.Shifts(), training=short(1, batch_size=4))
    f.save(tmp_path / "model")
    again = un.reconstruction.load(tmp_path / "model")
    assert np.array_equal(again(y), f(y))
    assert un.evaluation.psnr(torch.from_numpy(f(y)), images(8)).shape == (8,)


def test_a_data_loader_is_learnt_from_as_its_measurements_are() -> None:
    process = inpainting(sigma=0.1)
    y = measured(process, images(10))
    loaders = [
        DataLoader(TensorDataset(y), batch_size=4),
        DataLoader(list(y), batch_size=3),
        DataLoader(list(y), batch_size=None),
    ]
    assert all(torch.equal(gathered(loader), y) for loader in loaders)
    one, other = (
        learn(given, process, losses="sure", training=short(1, batch_size=2)).state_dict() for given in (y, loaders[0])
    )
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_data_loader_that_shuffles_or_gives_images_too_is_refused() -> None:
    process, x = inpainting(sigma=0.1), images(10)
    y = measured(process, x)
    shuffled = DataLoader(list(y), batch_size=4, shuffle=True)
    assert torch.equal(gathered(shuffled).flatten(1).sum(dim=1).sort().values, y.flatten(1).sum(dim=1).sort().values)
    with pytest.raises(MeasurementError, match="shuffle=False"):
        learn(shuffled, process, losses="supervised", truth=x, training=short(1))
    with pytest.raises(MeasurementError, match="got 2 together"):
        learn(DataLoader(TensorDataset(y, x), batch_size=4), process, losses="sure", training=short(1))
    with pytest.raises(MeasurementError, match="got a dict"):
        gathered(DataLoader([{"y": one} for one in y], batch_size=4))


def test_group_network_and_epochs_are_given_by_name() -> None:
    process = inpainting(sigma=0.1)
    y = measured(process, images(4))
    f = learn(y, process, losses="rei", group="shifts", epochs=1, network="unrolled")
    again = learn(
        y, process, losses="rei", group=Shifts(), training=Training(epochs=1, batch_size=4), network="unrolled"
    )
    assert type(f) is Unrolled
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in f.state_dict().items())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"losses": "rie"}, 'losses="rie": unknown; did you mean rei'),
        ({"group": "shift"}, 'group "shift": unknown; did you mean shifts'),
        ({"network": "unroled"}, 'reconstructor "unroled": unknown; did you mean unrolled'),
        ({"training": short(1)}, "give one of them"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_a_misspelled_name_is_answered_with_the_nearest(change: dict[str, object], sentence: str) -> None:
    process = inpainting(sigma=0.1)
    arguments: dict[str, object] = {"losses": "rei", "group": "shifts", "epochs": 1} | change
    with pytest.raises((ValueError, LookupError), match=sentence):
        learn(measured(process, images(4)), process, **arguments)  # type: ignore[arg-type]


def test_one_measurement_without_a_batch_gives_one_image() -> None:
    process = inpainting(sigma=0.1)
    y = measured(process, images(4))
    f = learn(y, process, losses="sure", epochs=1)
    with torch.no_grad():
        assert torch.equal(f(y[0]), f(y[:1])[0])
        assert torch.equal(f(y[0], consistency="project"), f(y[:1], consistency="project")[0])
    assert f(y[0].numpy()).shape == (1, 16, 16)
    with pytest.raises(ValueError, match=r"\(1, 16, 15\)"):
        f(y[0, ..., 1:])


class Pooled(nn.Module):
    """One number per image, which broadcasts over the truth."""

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.only(x).mean(dim=(2, 3), keepdim=True)


@pytest.mark.parametrize(
    ("network", "kind", "message"),
    [
        (Pooled(), ValueError, r"Pooled gave \(2, 1, 1, 1\) of \(2, 1, 16, 16\)"),
        (nn.Conv2d(1, 1, 3), ValueError, r"Conv2d gave \(2, 1, 14, 14\)"),
        (nn.Identity(), ValueError, "no weights to learn"),
        (nn.Conv2d(1, 1, 3, padding=1).requires_grad_(False), ValueError, r"not frozen: network\.requires_grad_"),
        ("models/phantom-inpainting", ValueError, r'network=load\("models/phantom-inpainting"\)'),
        (nn.Conv2d, TypeError, r"Make it: Conv2d\(…\)"),
        (torch.relu, TypeError, r"Wrap it in a torch.nn.Module"),
    ],
)
def test_a_network_that_does_not_fit_is_named_before_it_learns(
    network: nn.Module | str, kind: type[Exception], message: str
) -> None:
    A, x = Mask(holes()), images(2)
    with pytest.raises(kind, match=message):
        learn(A(x), A, losses="supervised", truth=x, network=network, training=short(1))


def test_a_network_in_the_place_of_the_settings_is_answered_with_its_name() -> None:
    with pytest.raises(TypeError, match=r"ArtifactRemoval\(network=…\).*but got Conv2d"):
        ArtifactRemoval(nn.Conv2d(1, 1, 3, padding=1))  # type: ignore[arg-type]  # the mistake


def test_validate_may_call_f_without_its_process_and_gives_numbers_by_name() -> None:
    A, x = Mask(holes()), images(2)
    y = A(x)

    def learnt(validate: Callable[..., object]) -> un.training.History:
        network = ArtifactRemoval(features=4, depth=1)
        f = learn(y, A, losses="mc", network=network, training=short(2), validate=validate)  # type: ignore[arg-type]
        assert f.history is not None
        return f.history

    found = learnt(lambda f, epochs: {"psnr": un.evaluation.psnr(f(y), x).mean(), "epochs": epochs})
    assert found.validation["epochs"] == [1, 2] and all(value > 0 for value in found.validation["psnr"])
    for wrong in (3.0, {"psnr": [1.0, 2.0]}, {"psnr": torch.ones(2)}, None):
        with pytest.raises(TypeError, match="validate gives numbers by name"):
            learnt(lambda f, epochs, wrong=wrong: wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"losses": Sure}, r"got the class Sure\. Make a loss: Sure\(…\)"),
        ({"losses": nn.MSELoss}, r"got the class MSELoss\. A loss of your own is a subclass of un\.losses\.Loss"),
        ({"losses": [nn.MSELoss()]}, r"got MSELoss\(\)\. A loss of your own is a subclass of un\.losses\.Loss"),
        ({"losses": ["mc", "ei"]}, "got 'mc'. Names: ei"),
        ({"losses": None}, "several Losses, but got None"),
        ({"losses": "ei", "group": Shifts}, r"got the class Shifts\. Make a group: Shifts\(\)"),
        ({"losses": "ei", "group": lambda x: x}, r"got a function\. .*subclass of un\.physics\.Group"),
        ({"training": {"epochs": 1}}, r"such as Training\(epochs=10\), but got a dict"),
        ({"milestones": 3}, "milestones are numbers of epochs, such as"),
        ({"optimiser": "adam"}, "optimiser is a function, such as lambda weights"),
        ({"schedule": 0.9}, "schedule is a function, such as lambda step"),
        ({"progress": 3}, "progress is a function, such as print, but got a int"),
        ({"folder": 3}, "folder is a path for the log and the checkpoint, but got a int"),
        ({"subjects": "ab"}, "subjects are texts or numbers, one for each measurement, but got 'ab'"),
        ({"subjects": 2}, "subjects are texts or numbers, one for each measurement, but got 2"),
        ({"network": nn.Bilinear(1, 1, 1)}, r"network takes images alone, but Bilinear takes \(input1.*, input2"),
    ],
)
def test_an_argument_of_another_type_is_answered_with_an_example(change: dict[str, object], message: str) -> None:
    A = Mask(holes())
    with pytest.raises(TypeError, match=message):
        learn(A(images(2)), A, **({"losses": "mc", "training": short(1), "hold_out": 0.5} | change))  # type: ignore[arg-type]


def test_errors_of_a_network_name_the_images_that_it_got() -> None:
    A = Mask(holes())
    y = A(images(2))
    with pytest.raises(RuntimeError, match=r"expected input.* to have 3 channels") as found:
        learn(y, A, losses="mc", network=nn.Conv2d(3, 3, 3, padding=1), training=short(1))
    assert found.value.__notes__ == ["Conv2d was called with images (2, 1, 16, 16) of torch.float32."]

    class Pair(nn.Conv2d):
        def forward(self, x: Tensor) -> tuple[Tensor, int]:  # type: ignore[override]
            return super().forward(x), 1

    with pytest.raises(TypeError, match="Pair gives images as a tensor, but gave a tuple"):
        learn(y, A, losses="mc", network=Pair(1, 1, 3, padding=1), training=short(1))


@pytest.mark.parametrize("share", ["0.1", [0.1]])
def test_hold_out_and_milestones_that_are_no_numbers_are_refused(share: object) -> None:
    A = Mask(holes())
    with pytest.raises(ValueError, match="hold_out is the share of held-out measurements"):
        learn(A(images(2)), A, losses="mc", hold_out=share, training=short(1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="milestones are numbers of epochs, at least 1 each, but got"):
        learn(A(images(2)), A, losses="mc", milestones=[share], training=short(1))  # type: ignore[list-item]


@pytest.mark.parametrize("below", ["", "log/one"])
def test_a_folder_that_is_a_file_is_refused_before_the_training(tmp_path: Path, below: str) -> None:
    A, file = Mask(holes()), tmp_path / "run.txt"
    file.write_text("")
    with pytest.raises(TrainingError, match=r"folder='.*run\.txt.*': .*run\.txt is a file\. .*another folder"):
        learn(A(images(2)), A, losses="mc", folder=file / below, training=short(1))


def test_it_learns_from_tensors_that_require_a_gradient_and_where_none_is_kept() -> None:
    A = Mask(holes())
    y = A(images(2))

    def learnt(y: Tensor) -> Tensor:
        return learn(y, A, losses="mc", network="unrolled", training=short(1))(y).detach()

    expected = learnt(y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(learnt(y.clone().requires_grad_()), expected)
        with torch.no_grad():
            assert torch.equal(learnt(y), expected)
    with torch.inference_mode(), pytest.raises(TrainingError, match=r"under torch\.inference_mode.*torch\.no_grad"):
        learnt(y)


def test_whole_numbers_are_refused_with_a_remedy() -> None:
    A = Mask(holes())
    with pytest.raises(MeasurementError, match=r"got torch\.uint8\. Convert them: \.float\(\), divided by 255"):
        learn((255 * images(2)).to(torch.uint8), A, losses="mc", training=short(1))


@pytest.mark.parametrize("rate", [float("inf"), float("nan"), 0, "1e-3"])
def test_a_learning_rate_is_a_finite_number_above_0(rate: float) -> None:
    """An infinite rate ended in an error about the measurements."""
    A = Mask(holes())
    with pytest.raises(ValueError, match="learning rate is a finite number above 0, but got"):
        learn(A(images(2)), A, losses="mc", learning_rate=rate, training=short(1))
