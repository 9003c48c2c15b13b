"""A backbone: weights in the names that others publish them by make our network compute what theirs does."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.artifacts.recipe import RecipeError
from unseen.data.film import Film
from unseen.detectors.anatpaste import AnatPaste
from unseen.detectors.errors import FitError
from unseen.detectors.finding import Finding
from unseen.detectors.patch_memory_lesion_features import PatchMemory
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load, save
from unseen.detectors.student_teacher import StudentTeacher
from unseen.networks.resnet import ResNet18
from unseen.networks.resnet_weights import fill
from unseen.training.settings import Training

FEATURES = 8
QUICK = Training(epochs=1, batch_size=8, seed=3, device="cpu", threads=1)


class _Basic(nn.Module):
    """torchvision's block, in its names."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride != 1 or inputs != outputs
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Published(nn.Module):
    """The published network of colour photographs: (batch, 3, h, w) → the four stages' maps."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, features, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(features)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        widths = [features, features, 2 * features, 4 * features, 8 * features]
        for number in range(1, 5):
            a, b = widths[number - 1], widths[number]
            blocks = nn.Sequential(_Basic(a, b, 1 if number == 1 else 2), _Basic(b, b, 1))
            self.add_module(f"layer{number}", blocks)
        self.fc = nn.Linear(8 * features, 1000)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        maps = []
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
            maps.append(x)
        return maps


@pytest.fixture(scope="module")
def published() -> Published:
    torch.manual_seed(4)
    network = Published(FEATURES)
    with torch.no_grad():  # running averages that are not those of a fresh network
        network.train()(torch.randn(16, 3, 64, 64))
    for name, count in network.named_buffers():
        if name.endswith("num_batches_tracked"):
            count.fill_(375_000)  # as of a network that has been trained for long
    return network.eval()


@pytest.fixture(scope="module")
def file(published: Published, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backbone") / "resnet18.safetensors"
    save_file(published.state_dict(), path)
    return path


def test_a_grey_image_has_the_published_networks_features(published: Published) -> None:
    network = ResNet18(features=FEATURES)
    head = network.head.weight.clone()
    fill(network, published.state_dict(), gain=3.0)
    film = torch.randn(2, 1, 64, 64) / 3
    with torch.no_grad():
        ours, theirs = network.eval()(film)[0], published(3 * film.expand(-1, 3, -1, -1))
    for mine, known in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, known, atol=1e-5 * float(known.abs().max()))
    assert torch.equal(network.head.weight, head)


def test_other_weights_are_refused_and_change_nothing(published: Published) -> None:
    network = ResNet18(features=FEATURES)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = published.state_dict()
    with pytest.raises(ValueError, match=r"1 of ResNet-18's tensors are missing, layer3.0.conv1.weight among them"):
        fill(network, {name: tensor for name, tensor in state.items() if name != "layer3.0.conv1.weight"})
    with pytest.raises(ValueError, match=r"conv1.weight \(16, 3, 7, 7\) among them; the network's first stage has 8"):
        fill(network, Published(16).state_dict())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_patch_memory_takes_it_as_it_is(
    file: Path,
    published: Published,
    normals: list[Film],
    incoming: list[Film],
    finder: CrossFittedLungs,
    tmp_path: Path,
) -> None:
    detector = PatchMemory(size=32, features=FEATURES, memory=16)
    detector.fit(normals, finder=finder, training=QUICK, backbone=file)
    assert detector.history is None
    assert torch.equal(
        detector.classifier.state_dict()["stages.3.1.layers.4.bias"], published.state_dict()["layer4.1.bn2.bias"]
    )
    assert detector.config.backbone == hashlib.sha256(file.read_bytes()).hexdigest()
    card = save(detector, tmp_path / "model")
    assert card.config["backbone"] == detector.config.backbone  # what it began with is told
    again = load(tmp_path / "model")
    one, two = next(detector.score(incoming[:1])), next(again.score(incoming[:1]))
    assert isinstance(one, Finding) and isinstance(two, Finding) and one.score == two.score
    with pytest.raises(FitError, match="takes its backbone as it is, and has no epochs to choose from"):
        PatchMemory(size=32, features=FEATURES).fit(
            normals, finder=finder, training=QUICK, backbone=file, unlabelled=normals[:4]
        )


def test_anatpaste_goes_on_from_it(file: Path, normals: list[Film], finder: CrossFittedLungs) -> None:
    begun, plain = (AnatPaste(size=32, features=FEATURES) for _ in range(2))
    begun.fit(normals, finder=finder, training=QUICK, backbone=file)
    plain.fit(normals, finder=finder, training=QUICK)
    first = ResNet18(features=FEATURES)
    fill(first, load_file(file), gain=3.0)
    name = "stages.1.0.layers.0.weight"
    start, mine, other = (one.state_dict()[name] for one in (first, begun.classifier, plain.classifier))
    assert begun.history is not None and 0 < float((mine - start).norm()) < 0.5 * float((other - start).norm())


def test_the_teacher_is_the_backbone(file: Path, normals: list[Film], finder: CrossFittedLungs) -> None:
    detector = StudentTeacher(size=32, features=FEATURES).fit(normals, finder=finder, training=QUICK, backbone=file)
    first = ResNet18(features=FEATURES)
    fill(first, load_file(file), gain=3.0)
    name = "stages.2.1.layers.3.weight"
    assert torch.equal(detector.classifier.state_dict()[name], first.state_dict()[name])
    assert detector.history is not None and not torch.equal(
        detector.student.state_dict()[name], first.state_dict()[name]
    )


def test_mistakes_are_told(file: Path, normals: list[Film], finder: CrossFittedLungs, tmp_path: Path) -> None:
    with pytest.raises(FitError, match=r"pca takes no backbone\. anatpaste, patch-memory, student-teacher and"):
        Pca(size=32, components=4).fit(normals, finder=finder, backbone=file)
    with pytest.raises(FitError, match=r"nothing.safetensors cannot be read"):
        AnatPaste(size=32).fit(normals, finder=finder, backbone=tmp_path / "nothing.safetensors")
    (tmp_path / "pickle.pt").write_bytes(b"\x80\x02 not tensors")
    with pytest.raises(FitError, match=r"pickle.pt contains more than tensors"):
        AnatPaste(size=32).fit(normals, finder=finder, backbone=tmp_path / "pickle.pt")
    with pytest.raises(FitError, match=r"first stage has 16 channels. Give ResNet-18's weights in torchvision's names"):
        PatchMemory(size=32, features=16).fit(normals, finder=finder, training=QUICK, backbone=file)
    with pytest.raises(FitError, match=r"another SHA-256 than method.backbone"):
        PatchMemory(size=32, features=FEATURES, backbone="0" * 64).fit(normals, finder=finder, backbone=file)
    with pytest.raises(FitError, match=r"is to begin with weights of SHA-256 0000"):
        PatchMemory(size=32, features=FEATURES, backbone="0" * 64).fit(normals, finder=finder, training=QUICK)
    with pytest.raises(RecipeError, match=r"backbone"):
        PatchMemory(size=32, backbone="resnet18.safetensors")
