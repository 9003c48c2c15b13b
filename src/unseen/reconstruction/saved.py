"""Save a reconstructor as a bundle, and load it."""

from pathlib import Path

from torch import nn

from unseen.artifacts import bundle
from unseen.artifacts.card import Card
from unseen.artifacts.recipe import validated
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.reconstruction import RECONSTRUCTORS
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.process_card import PREFIX, rebuilt
from unseen.reconstruction.reconstructor import OWN_NETWORK, WEIGHTS, Reconstructor

save = Reconstructor.save
"""f.save(folder, …), as a function of f."""


def load(
    folder: Path | str, *, network: nn.Module | None = None, process: Measurement | Operator | None = None
) -> Reconstructor:
    """Read a reconstructor back, in eval mode, on the CPU; `f.process` is what it has learnt under, `f.card` its card.

    Args:
        folder: the bundle's.
        network: where f holds a network of your own, one made as that was: it gets the weights.
        process: in the place of the bundle's, which has none where a part of it was not registered.

    Raises:
        BundleError: naming the file, the cause and the cure.

    >>> import tempfile
    >>> import torch
    >>> from unseen.physics import Identity
    >>> from unseen.reconstruction import ArtifactRemoval
    >>> f = ArtifactRemoval(features=4)
    >>> f.process = Measurement(Identity((1, 16, 16)))
    >>> f.trained_on = "cpu"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     card = f.save(f"{folder}/f")
    ...     again = load(f"{folder}/f")
    >>> again.config.features
    4
    """
    read = bundle.load(folder, "reconstruction")
    card = read.card
    f = _made(card, network, folder)
    weights = {name: t for name, t in read.tensors.items() if not name.startswith(f"{PREFIX}.")}
    try:
        f.load_state_dict({name.removeprefix(f"{WEIGHTS}."): tensor for name, tensor in weights.items()}, strict=True)
    except RuntimeError as error:
        cure = "Copy the whole bundle again." if network is None else "Make the network as it was made for training."
        raise bundle.BundleError(
            f"{read.folder}: the weights do not fit {card.name} as its card describes it ({error}). {cure}"
        ) from error
    if process is not None:
        f.process = Measurement.of(process)
    elif card.process is not None:
        try:
            f.process = f.learnt_process = rebuilt(card.process, read.tensors)
        except (ValueError, LookupError, TypeError, RuntimeError) as error:
            raise bundle.BundleError(
                f"{read.folder}: its process cannot be rebuilt ({error}). Register the parts that are your own, give "
                "process=…, copy the bundle again, or update unseen."
            ) from error
    f.trained_on, f.training_digests, f.card = card.trained_on, tuple(card.training_films), card
    f.training_images = tuple(card.training_images)
    return f.eval()


def _made(card: Card, network: nn.Module | None, folder: Path | str) -> Reconstructor:
    kind: type[Reconstructor] = RECONSTRUCTORS.load(card.name)
    own = card.config.get(OWN_NETWORK)
    settings = {name: value for name, value in card.config.items() if name != OWN_NETWORK}
    if own is None and network is None:
        return kind(validated(settings, kind.Config, where="config"))
    if own is None:
        raise bundle.BundleError(f"{folder}: holds its own network; leave network=… out.")
    if network is None:
        raise bundle.BundleError(
            f"{folder}: holds the weights of a network of your own ({own}), which no card can describe. Give one made "
            "in the same way: load(folder, network=…), or --network package.module:Class on the command line."
        )
    return ArtifactRemoval(validated(settings, ArtifactRemoval.Config, where="config"), network=network)
