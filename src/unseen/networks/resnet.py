"""ResNet-18: the network, its published weights for grey films, and its strided 1×1 convolution.

A 1×1 convolution with a stride, which first leaves out the pixels that the stride passes over.

`nn.Conv2d(…, 1, stride)` computes the same. But its backward pass, in oneDNN on channels-last tensors with fewer than
eight channels (a block of the processor's), writes past its workspace: gradients of the weights that are a fifth off,
or a crash. Source: oneDNN's issue 6035, open in version 3.12, which PyTorch 2.13 brings.

ResNet-18: an image to features and one number.

Source: He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, table 1, 18 layers.

ResNet-18's weights as others publish them, for films: learnt from colour photographs, in torchvision's names.

    conv1, bn1 → stem;  layer1 … layer4 → stages (conv1, bn1, conv2, bn2 → layers; downsample → shortcut);  fc is left

A film has one channel where a photograph has three: a grey photograph is the same in all three, so the first kernels
are summed over them, and nothing is lost. Photographs are given to the network with a standard deviation of one; `gain`
times a film's image has one too, and is folded into the same kernels.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class PointwiseConv2d(nn.Conv2d):
    """(batch, inputs, height, width) → (batch, outputs, ⌈height / every⌉, ⌈width / every⌉), without a bias.

    >>> import torch
    >>> PointwiseConv2d(3, 8, 2)(torch.zeros(1, 3, 5, 4)).shape
    torch.Size([1, 8, 3, 2])
    """

    def __init__(self, inputs: int, outputs: int, every: int) -> None:
        super().__init__(inputs, outputs, 1, bias=False)
        self.every = every

    def forward(self, input: Tensor) -> Tensor:  # nn.Conv2d's name
        made: Tensor = super().forward(input[:, :, :: self.every, :: self.every])
        return made


class ResNet18(nn.Module):
    """(batch, channels, height, width) → (maps of every stage, embedding (batch, 8·features), logit (batch,)).

    Stage i has `features`·2^i channels and 4·2^i times fewer pixels a side.

    Args:
        features: channels of the first stage; 64 in the paper.
        channels: channels of an image.

    >>> maps, embedding, logit = ResNet18(features=8)(torch.zeros(2, 1, 64, 64))
    >>> [tuple(one.shape[1:]) for one in maps], embedding.shape, logit.shape
    ([(8, 16, 16), (16, 8, 8), (32, 4, 4), (64, 2, 2)], torch.Size([2, 64]), torch.Size([2]))
    """

    def __init__(self, *, features: int = 64, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, features, 7, 2, 3, bias=False),
            nn.BatchNorm2d(features),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        widths = [features * 2**stage for stage in range(4)]
        before = [features, *widths[:-1]]
        self.stages = nn.ModuleList(
            nn.Sequential(_Block(a, b, stride=1 if a == b else 2), _Block(b, b))
            for a, b in zip(before, widths, strict=True)
        )
        self.head = nn.Linear(widths[-1], 1)

    @property
    def batches(self) -> Tensor:
        """How many batches it has been trained on, a whole number."""
        counted: Tensor = self.stem.get_submodule("1").get_buffer("num_batches_tracked")
        return counted

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        x = self.stem(x)
        maps: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        embedding = x.mean(dim=(2, 3))
        return maps, embedding, self.head(embedding)[:, 0]


class _Block(nn.Module):
    """relu(shortcut(x) + conv(relu(conv(x)))), each convolution followed by BatchNorm."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(PointwiseConv2d(inputs, outputs, stride), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = torch.relu(self.shortcut(x) + self.layers(x))
        return made


_PLACES = {"conv1": "0", "bn1": "1", "conv2": "3", "bn2": "4"}


def fill(network: ResNet18, weights: Mapping[str, Tensor], *, gain: float = 1.0) -> None:
    """Put the weights into the network, its head apart.

    Raises ValueError, saying which, for weights that are missing or of another shape.

    >>> network = ResNet18(features=8)
    >>> fill(network, {})
    Traceback (most recent call last):
        ...
    ValueError: 100 of ResNet-18's tensors are missing, conv1.weight among them
    """
    own = network.state_dict()
    found, missing, wrong = {}, [], []
    for name, place in published_places(own).items():
        if name.endswith("num_batches_tracked"):  # a count, by which a learner here knows how far it is
            continue
        if name not in weights:
            missing.append(name)
            continue
        given = weights[name].to(own[place])
        if name == "conv1.weight" and given.ndim == 4:
            given = gain * given.sum(dim=1, keepdim=True)
        if given.shape != own[place].shape:
            wrong.append(f"{name} {tuple(weights[name].shape)}")
        found[place] = given
    if missing:
        raise ValueError(f"{len(missing)} of ResNet-18's tensors are missing, {missing[0]} among them")
    if wrong:
        raise ValueError(
            f"{len(wrong)} tensors are of another shape, {wrong[0]} among them; the network's first stage has "
            f"{own['stem.0.weight'].shape[0]} channels"
        )
    network.load_state_dict(own | found)


def published_places(own: Mapping[str, Tensor]) -> dict[str, str]:
    """By torchvision's names the names of a `ResNet18`'s own tensors, but for the head's."""
    names = {}
    for place in own:
        stem = re.fullmatch(r"stem\.([01])\.(\w+)", place)
        block = re.fullmatch(r"stages\.(\d)\.(\d)\.(layers|shortcut)\.(\d)\.(\w+)", place)
        if stem:
            names[f"{('conv1', 'bn1')[int(stem[1])]}.{stem[2]}"] = place
        elif block:
            stage, number, part, at, what = block.groups()
            inner = f"downsample.{at}" if part == "shortcut" else next(k for k, v in _PLACES.items() if v == at)
            names[f"layer{int(stage) + 1}.{number}.{inner}.{what}"] = place
    return names
