"""Bundles: a trained model in ``weights.safetensors`` and ``card.json``, and what a wrong model name is offered.

The card describes the weights and holds their SHA-256. Loading checks size and digest before it parses anything.
No pickle is written, and none is ever opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unseen.artifacts.card import FORMAT, Card, Kind, plain_numbers
from unseen.artifacts.errors import UserError
from unseen.artifacts.files import clear_leftovers, leftovers, replacing_folder, write_bytes
from unseen.artifacts.installed_models import located, models_of_films, shipped
from unseen.artifacts.installing import install_command
from unseen.artifacts.model_digest import altered_parts, digest_of_parts, part_digests, strict_json
from unseen.artifacts.recipe import RecipeError, validated

if TYPE_CHECKING:
    from torch import Tensor

_WEIGHTS = "weights.safetensors"
_CARD = "card.json"


_NAMES: Final[Mapping[Kind, str]] = {
    "detector": "a detector",
    "lungs": "a lung finder",
    "reconstruction": "one that reconstructs",
    "generator": "a generator",
}
_SINCE_FORMAT_2 = {"normal_scores", "normal_folds", "digests", "digest"}

_CARD_BYTES = 64 << 20  # 10,000 training digests are 0.7 MB; more than this is no card


class BundleError(UserError, ValueError):
    """A bundle that cannot be used: which file, why, and what to do."""


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle.

    Args:
        card: what is known of the weights.
        tensors: the weights by name, on the CPU.
        folder: where it lies.

    >>> load("models/pca").card.name
    'pca'
    """

    card: Card
    tensors: Mapping[str, Tensor]
    folder: Path


def save(folder: Path | str, tensors: Mapping[str, Tensor], card: Card) -> Card:
    """Write a bundle; the folder appears whole or not at all, and an earlier bundle there is replaced.

    Args:
        folder: the bundle's own folder.
        tensors: by name; any device and layout.
        card: as far as the caller knows it.

    Returns:
        the card as written, with size, digest and time.

    Raises:
        BundleError: the folder exists and is not a bundle's.
    """
    folder = Path(folder)
    check_free(folder)
    weights = weights_of(tensors)
    card = card.model_copy(
        update={
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
            "weights_bytes": len(weights),
            "created": card.created or datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
    card = _with_digests(card)
    with replacing_folder(folder) as temporary:
        write_bytes(temporary / _WEIGHTS, weights)
        write_bytes(temporary / _CARD, (card.model_dump_json(indent=2) + "\n").encode())
    clear_leftovers(folder)  # of an earlier save that was killed; not before this one has succeeded
    return card


def _with_digests(card: Card) -> Card:
    parts = part_digests(card)
    return card.model_copy(update={"digests": parts, "digest": digest_of_parts(parts)})


def weights_of(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the bytes of a bundle's weights file; a card's ``weights_sha256`` is theirs."""
    from safetensors.torch import save as to_bytes

    # clone: safetensors refuses tensors that share memory, as views of one array do
    return to_bytes({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})


def check_free(folder: Path) -> None:
    """Raise BundleError unless ``folder`` is free or holds a bundle that may be replaced.

    Call it before a long training.

    Raises:
        BundleError: the folder holds something else.
    """
    if folder.is_file():
        raise BundleError(f"{folder}: is a file. Give the bundle a folder of its own.")
    own = {_WEIGHTS, _CARD, *(left.name for left in leftovers(folder / _CARD))}  # of a killed `annotate`
    strangers = [] if not folder.exists() else sorted({p.name for p in folder.iterdir()} - own)
    if strangers:
        raise BundleError(
            f"{folder}: holds other files ({', '.join(strangers[:3])}), which saving would remove. "
            "Give the bundle a folder of its own."
        )


def annotate(folder: Path, *, metrics: Mapping[str, object]) -> Card:
    """Write what an evaluation has found into the card of the bundle at ``folder``; the weights stay as they are.

    Raises:
        BundleError: there is no sound bundle.
    """
    update = {"metrics": plain_numbers(metrics), "adjustment": None}
    card = load(folder).card.model_copy(update=update)
    write_bytes(folder / _CARD, (card.model_dump_json(indent=2) + "\n").encode())
    return card


def add_normal_scores(folder: Path, scores: Sequence[float], *, folds: int) -> Card:
    """Write the training normals' scores into the card of the bundle at `folder`; its digest is another one then.

    Args:
        folder: the bundle.
        scores: each by a detector that did not learn from that film's patient.
        folds: the number of these detectors.

    Returns:
        The card as written.

    Raises:
        BundleError: there is no sound bundle.
    """
    update = {"normal_scores": sorted(scores), "normal_folds": folds}
    card = _with_digests(load(folder).card.model_copy(update=update))
    write_bytes(folder / _CARD, (card.model_dump_json(indent=2) + "\n").encode())
    return card


def load(folder: Path | str, *wanted: Kind) -> Bundle:
    """Read a bundle back: size, then digest, then tensors.

    Args:
        folder: the bundle's folder, or the name of an installed model, such as "models/pca".
        wanted: types of model that the caller can use; the message offers these. All if none.

    Raises:
        BundleError: naming the file, the cause and the cure; also for a model of another type.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    given, folder = folder, _found(folder, wanted)
    card = _wanted(_card(folder / _CARD), given, wanted)
    path = folder / _WEIGHTS
    try:
        seen_bytes = path.stat().st_size
        if seen_bytes != card.weights_bytes:
            raise BundleError(
                f"{path}: {seen_bytes} bytes, but its card states {card.weights_bytes}: truncated or replaced. "
                "Copy the bundle again, or train the model again."
            )
        weights = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}). Copy the whole folder again.") from error
    seen = hashlib.sha256(weights).hexdigest()
    if seen != card.weights_sha256:
        raise BundleError(
            f"{path}: SHA-256 is {seen[:16]}…, but its card states {card.weights_sha256[:16]}…: altered since it was "
            "written. Copy the bundle again, or train the model again."
        )
    try:
        tensors: dict[str, Tensor] = from_bytes(weights)
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: a dtype that torch lacks
        raise BundleError(f"{path}: not a safetensors file ({error}). No other format is opened.") from error
    return Bundle(card=card, tensors=tensors, folder=folder)


def card_of(folder: Path | str, *wanted: Kind) -> Card:
    """Read the card of a bundle; the weights are not opened.

    Args:
        folder: the bundle's folder, or the name of a model of unseen-models, such as "models/pca".
        wanted: types of model that the caller can use; the message offers these. All if none.

    Returns:
        The card, upgraded to the present format and checked.

    Raises:
        BundleError: there is no bundle, its card cannot be read, or it is of another type. The message names the file,
            the cause and the remedy.

    Example:
        >>> card_of("models/pca").kind
        'detector'
    """
    return _wanted(_card(_found(folder, wanted) / _CARD), folder, wanted)


def _wanted(card: Card, folder: Path | str, wanted: Collection[Kind]) -> Card:
    """Return the card if it is of a type that the caller can use; else raise BundleError."""
    if not wanted or card.kind in wanted:
        return card
    finder = " A lung finder goes with `finder=` of a training." if card.kind == "lungs" else ""
    others = " or ".join(_NAMES[kind] for kind in wanted)
    raise BundleError(f"{folder}: holds a {card.kind} model, not {others}. {offer(*wanted)}{finder}")


def _found(folder: Path | str, wanted: Collection[Kind]) -> Path:
    """Return the place of the bundle called ``folder``; raise BundleError where there is none."""
    folder = located(Path(folder))
    if not folder.is_dir() or (not (folder / _CARD).exists() and not (folder / _WEIGHTS).exists()):
        raise BundleError(
            f"{folder}: not a bundle. A bundle is a folder with {_CARD} and {_WEIGHTS}; pickles (.pt, .pth, .pkl) are "
            f"never opened. {offer(*wanted)}"
        )
    return folder


def offer(*wanted: Kind) -> str:
    """Return the sentence that names the bundles that can be given.

    Args:
        wanted: types of model that the caller can use. All if none; otherwise an installed model whose card cannot be
            read is left out.

    Example:
        >>> offer("generator")
        'Give the folder that `unseen prior train` wrote.'
    """
    writer = "unseen prior train" if set(wanted) == {"generator"} else "unseen train"
    installed = ", ".join(str(name) for name in shipped() if not wanted or _kind(name) in wanted)
    others = f", or one of {installed}" if installed else ""
    of_films = not wanted or bool({"detector", "lungs"} & set(wanted))
    missing = of_films and models_of_films() is None
    install = install_command("unseen-models")
    more = f". Models of films are a package of their own: {install}" if missing else ""
    return f"Give the folder that `{writer}` wrote{others}{more}."


def _kind(folder: Path) -> Kind | None:
    """Return the type of a model; None where its card cannot be read."""
    try:
        return card_of(folder).kind
    except BundleError:
        return None


def upgrade(table: dict[str, object]) -> dict[str, object]:
    """Return a card of any earlier format as one of format `FORMAT`.

    Format 2 added the training normals' scores and the digests; a card of format 1 has none of them.

    Example:
        >>> upgrade({"format": 1, "kind": "detector"})
        {'format': 2, 'kind': 'detector'}
    """
    return table | {"format": FORMAT}


def _card(path: Path) -> Card:
    """Return the card at ``path``, upgraded and checked."""
    try:
        if path.stat().st_size > _CARD_BYTES:
            raise BundleError(f"{path}: {path.stat().st_size} bytes is no card. Copy the bundle again.")
        table = strict_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}). Copy the whole folder again.") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: not JSON ({error}). Copy the bundle again.") from error
    if not isinstance(table, dict):
        raise BundleError(f"{path}: not a card: an object was expected. Copy the bundle again.")
    number = table.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise BundleError(f"{path}: format is {number!r}; a whole number from 1 was expected. Copy the bundle again.")
    if number > FORMAT:
        raise BundleError(f"{path}: format {number}, but this version reads up to {FORMAT}. Update unseen.")
    if number == 1 and (newer := sorted(_SINCE_FORMAT_2 & table.keys())):
        raise BundleError(
            f"{path}: format is 1, which has no {newer[0]}: altered since it was written. Copy the bundle again."
        )
    try:
        card = validated(upgrade(table), Card)
    except RecipeError as error:
        problems = "; ".join(str(error).splitlines())
        raise BundleError(f"{path}: {problems}. Copy the bundle again, or train the model again.") from error
    found = _with_digests(card)
    if number > 1 and (card.digests, card.digest) != (found.digests, found.digest):
        parts = ", ".join(altered_parts(found.digests, card.digests)) or "digest"
        raise BundleError(
            f"{path}: altered since it was written: {parts}. Copy the bundle again, or train the model again."
        )
    return found
