"""Published weights of ResNet-18 for films: learnt from colour photographs, in torchvision's names.

    conv1, bn1 → stem;  layer1 … layer4 → stages (conv1, bn1, conv2, bn2 → layers; downsample → shortcut);  fc is left

A film has one channel where a photograph has three: a grey photograph is the same in all three, so the first kernels
are summed over them, and nothing is lost. Photographs are given to the network with a standard deviation of one; `gain`
times a film's image has one too, and is folded into the same kernels.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from unseen.networks.resnet import ResNet18

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
    """Map torchvision's names to the names of a `ResNet18`'s own tensors, without the head's."""
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
