"""A reconstructor to a bundle, and back: its weights, its settings, and the process that it has learnt under."""

from __future__ import annotations

import warnings
from pathlib import Path

from torch import Tensor

from unseen import __version__
from unseen.artifacts import bundle
from unseen.artifacts.recipe import validated
from unseen.artifacts.registry import Registry
from unseen.reconstruction import RECONSTRUCTORS
from unseen.reconstruction.process_card import PREFIX, NotDescribed, described, rebuilt
from unseen.reconstruction.reconstructor import Reconstructor

_REGISTRY = Registry(room="reconstruction", kind="reconstructor", names=RECONSTRUCTORS)
_WEIGHTS = "reconstructor"  # what the names of its tensors begin with


def save(
    f: Reconstructor,
    folder: Path | str,
    *,
    recipe_digest: str | None = None,
    metrics: dict[str, object] | None = None,
    data: str = "",
    licence: str = "",
) -> bundle.Card:
    """Write f as a bundle at `folder` (whole or not at all) and return its card.

    Args:
        f: trained by `learn`.
        folder: the bundle's own.
        recipe_digest: of the recipe that it was trained by, if any.
        metrics: what an evaluation found.
        data: which measurements it has learnt from, and where they are from.
        licence: what the weights may be used for.

    Raises:
        ValueError: f has not been trained, or holds a network of one's own, which a card cannot describe.
        BundleError: the folder holds something else.

    Warns:
        UserWarning: the process holds an operator, a link or a noise of one's own; the bundle is written without it.
    """
    if not f.trained_on or f.process is None:
        raise ValueError(f"this {f.key} has not been trained: there is nothing to save")
    if not f.can_be_saved:
        raise ValueError(
            f"this {f.key} holds a network of your own, which no card can describe. Keep its f.state_dict() with your "
            "code, or let learn(network=None) make the network."
        )
    tensors: dict[str, Tensor] = {f"{_WEIGHTS}.{name}": tensor for name, tensor in f.state_dict().items()}
    table: dict[str, object] | None = None
    try:
        table, of_process = described(f.process)
        tensors |= of_process
    except NotDescribed as reason:
        warnings.warn(f"The bundle at {folder} is written without its process: {reason}", stacklevel=2)
    card = bundle.Card(
        kind="reconstruction",
        name=f.key,
        config=f.config.model_dump(mode="json"),
        process=table,
        recipe_digest=recipe_digest,
        training_films=list(f.training_digests),
        facts={} if f.history is None else {"training_seconds": round(f.history.seconds, 3)},
        trained_on=f.trained_on,
        metrics=metrics or {},
        data=data,
        licence=licence,
        version=__version__,
    )
    f.card = bundle.save(folder, tensors, card)
    return f.card


def load(folder: Path | str) -> Reconstructor:
    """Read a reconstructor back, in eval mode, on the CPU; `f.process` is what it has learnt under, `f.card` its card.

    `f.process` is None where the bundle was written without it.

    Raises:
        BundleError: naming the file, the cause and the cure.
    """
    read = bundle.load(folder)
    card = read.card
    if card.kind != "reconstruction":
        raise bundle.BundleError(
            f"{folder}: holds a {card.kind} model, not one that reconstructs. Give a bundle that "
            "`unseen.reconstruction.save` wrote."
        )
    kind: type[Reconstructor] = _REGISTRY.load(card.name)
    f = kind(validated(card.config, kind.Config, where="config"))
    weights = {name: t for name, t in read.tensors.items() if not name.startswith(f"{PREFIX}.")}
    try:
        f.load_state_dict({name.removeprefix(f"{_WEIGHTS}."): tensor for name, tensor in weights.items()}, strict=True)
    except RuntimeError as error:
        raise bundle.BundleError(
            f"{read.folder}: the weights do not fit {card.name} as its card describes it ({error}). "
            "Copy the whole bundle again."
        ) from error
    if card.process is not None:
        try:
            f.process = rebuilt(card.process, read.tensors)
        except (ValueError, LookupError, TypeError, RuntimeError) as error:
            raise bundle.BundleError(
                f"{read.folder}: its process cannot be made anew ({error}). Copy the bundle again, or update unseen."
            ) from error
    f.trained_on, f.training_digests, f.card = card.trained_on, tuple(card.training_films), card
    return f.eval()
