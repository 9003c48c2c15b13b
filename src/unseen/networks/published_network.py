"""Networks with published weights: names in the file, their prefixes, missing or unexpected ones, shapes, loading.

Our networks bear the names of one publisher. Other publishers' names are translated first, by each network's own
`translated`.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

_PREFIXES = ("module.", "backbone.", "model.", "encoder_q.", "dinov2.", "dinov2_with_registers.")
_NAMED = 3  # names in a message


def without_prefix(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Remove prefixes that all names have in common, such as those of a parallel training.

    >>> list(without_prefix({"module.conv1.weight": torch.zeros(1), "module.fc.bias": torch.zeros(1)}))
    ['conv1.weight', 'fc.bias']
    """
    found = dict(weights)
    while prefix := next((one for one in _PREFIXES if found and all(name.startswith(one) for name in found)), None):
        found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return found


def shapes_of(build: Callable[[], nn.Module]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's tensors by name, without memory for them; counts of batches are left out."""
    return dict(_shapes_of(build))


@functools.cache
def _shapes_of(build: Callable[[], nn.Module]) -> Mapping[str, tuple[int, ...]]:
    """Return the same, made once: a network of a hundred layers takes a tenth of a second."""
    with torch.device("meta"):
        state = build().state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items() if not name.endswith("num_batches_tracked")}


def check(
    weights: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]], *, ignored: Iterable[str], network: str
) -> None:
    """Check names and shapes of a file's tensors.

    Args:
        weights: tensors by the network's names.
        expected: shapes by name; see `shapes_of`.
        ignored: beginnings of names of which the network makes no use, such as a classifier's.
        network: the network's name, for the message.

    Raises:
        ValueError: tensors are missing, unexpected or of other shapes.

    Example:
        >>> check({"a": torch.zeros(2)}, {"a": (3,), "b": (1,)}, ignored=(), network="A network")
        Traceback (most recent call last):
            ...
        ValueError: These are not the weights of A network: 1 of 2 tensors are missing (b); 1 tensors have another \
shape (a: seen 2, needs 3).
    """
    skipped = tuple(ignored)
    missing = [name for name in expected if name not in weights]
    unexpected = [
        name
        for name in weights
        if name not in expected and not name.startswith(skipped) and not name.endswith("num_batches_tracked")
    ]
    wrong = [
        f"{name}: seen {_size(tuple(weights[name].shape))}, needs {_size(shape)}"
        for name, shape in expected.items()
        if name in weights and tuple(weights[name].shape) != shape
    ]
    faults = [
        *([f"{len(missing)} of {len(expected)} tensors are missing ({_some(missing)})"] if missing else []),
        *([f"{len(unexpected)} tensors are unexpected ({_some(unexpected)})"] if unexpected else []),
        *([f"{len(wrong)} tensors have another shape ({_some(wrong)})"] if wrong else []),
    ]
    if faults:
        raise ValueError(f"These are not the weights of {network}: {'; '.join(faults)}.")


def load(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy checked weights into a network, as float32; tensors of blocks that it does not have are left out."""
    network.load_state_dict(
        {name: weights[name].to(tensor) if name in weights else tensor for name, tensor in network.state_dict().items()}
    )


class PublishedNetwork(nn.Module):
    """Base of the networks whose weights are published, by the publishers' names.

    Attributes:
        title: the network's name in messages.
        ignored: beginnings of the names of tensors that the network does not use.
    """

    title: ClassVar[str]
    ignored: ClassVar[tuple[str, ...]]

    def fill(self, published: Mapping[str, Tensor]) -> None:
        """Load published weights.

        Raises:
            ValueError: the weights are of another network.
        """
        load(self, self.checked(published))

    @classmethod
    def checked(cls, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors by this network's names.

        Raises:
            ValueError: the weights are of another network.
        """
        weights = cls.translated(published)
        check(weights, cls.expected(weights), ignored=cls.ignored, network=cls.title)
        return weights

    @classmethod
    def expected(cls, weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
        """Return the shapes that a file must have; `weights` decide where a network takes any number."""
        return shapes_of(cls)

    @classmethod
    def translated(cls, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors by this network's names."""
        return without_prefix(published)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one number"
