"""A generator to a bundle, and back: its networks, its settings, and the digests of what it has learnt from."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from unseen import __version__
from unseen.artifacts import bundle
from unseen.artifacts.card import Card
from unseen.artifacts.recipe import validated
from unseen.priors import GENERATORS
from unseen.priors.generator import Generator
from unseen.priors.trained import TrainedGenerator

_WEIGHTS = "generator"  # what the names of its tensors begin with


def save(
    G: Generator,
    folder: Path | str,
    *,
    recipe_digest: str | None = None,
    metrics: Mapping[str, object] | None = None,
    data: str = "",
    licence: str = "",
) -> Card:
    """Write G as a bundle at `folder` (whole or not at all) and return its card.

    Args:
        G: a generator of `GENERATORS`, trained by its `fit`.
        folder: the bundle's own.
        recipe_digest: of the recipe that it was trained by, if any.
        metrics: what an evaluation found.
        data: which images it has learnt from, and where they are from.
        licence: what the weights may be used for.

    Raises:
        ValueError: G has not been trained, or is none of `GENERATORS`, which a card cannot describe.
        BundleError: the folder holds something else.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from unseen.priors import AE
        >>> from unseen.training import Training
        >>> images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> G = AE(latent=2, features=4).fit(images, training=Training(epochs=1, batch_size=8, device="cpu"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     card = save(G, f"{folder}/ae")
        ...     again = load(f"{folder}/ae")
        >>> torch.equal(again.encode(images), G.encode(images))
        True
    """
    if not isinstance(G, TrainedGenerator):
        raise ValueError(
            f"a {type(G).__name__} is none of {', '.join(GENERATORS)}, and no card can describe it. Keep its "
            "state_dict() with your code, and wrap it again."
        )
    if not G.trained_on:
        raise ValueError(f"this {G.key} has not been trained: there is nothing to save")
    tensors: dict[str, Tensor] = {f"{_WEIGHTS}.{name}": tensor for name, tensor in G.state_dict().items()}
    card = Card(
        kind="generator",
        name=G.key,
        config=G.config.model_dump(mode="json"),
        recipe_digest=recipe_digest,
        training_films=list(G.training_digests),
        facts={} if G.history is None else G.history.card_facts(),
        trained_on=G.trained_on,
        metrics=dict(metrics or {}),
        data=data,
        licence=licence,
        version=__version__,
    )
    G.card = bundle.save(folder, tensors, card)
    return G.card


def load(folder: Path | str) -> TrainedGenerator:
    """Read a generator back, in eval mode, on the CPU; its card is `G.card`; see `save`.

    Args:
        folder: the bundle's own.

    Raises:
        BundleError: naming the file, the cause and the cure.
        UnknownName: it is of a kind that this version does not know.

    Example:
        >>> from unseen.artifacts import BundleError
        >>> try:
        ...     load("models/pca")
        ... except BundleError as error:
        ...     print(str(error)[:53])
        models/pca: holds a detector model, not a generator.
    """
    read = bundle.load(folder, "generator")
    card = read.card
    kind: type[TrainedGenerator] = GENERATORS.load(card.name)
    try:
        G = kind(validated(card.config, kind.Config, where="config"))
        G.load_state_dict(
            {name.removeprefix(f"{_WEIGHTS}."): tensor for name, tensor in read.tensors.items()}, strict=True
        )
    except (RuntimeError, ValueError) as error:
        raise bundle.BundleError(
            f"{read.folder}: the weights do not fit {card.name} as its card describes it ({error}). "
            "Copy the whole bundle again."
        ) from error
    G.trained_on, G.training_digests, G.card = card.trained_on, tuple(card.training_films), card
    return G.eval()
