"""The digest of a model: SHA-256 over everything that computes its scores and decides which films it refuses.

Each part of a card has a digest of its own, so that an error names what was altered; the model's digest covers them
all. A policy holds both, and a screener rejects it for any other model. `OUTSIDE` are the card's other fields: they
describe the model and compute nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from unseen.artifacts.card import Card

COVERED: Final = (
    "kind", "name", "config", "view", "finder", "gate", "process", "facts", "training_films", "normal_scores",
    "normal_folds",
)  # fmt: skip
"""The card's fields that the digest covers, next to the weights and the runtime."""
OUTSIDE: Final = (
    "format", "recipe_digest", "training_images", "weights_bytes", "trained_on", "metrics", "adjustment", "data",
    "licence", "limits", "version", "created", "digest", "digests",
)  # fmt: skip
"""The card's fields that the digest does not cover; `digest` and `digests` are the digest itself."""


def canonical_json(table: object) -> bytes:
    """Write a JSON value in the one form that is hashed: keys in order, no spaces, no NaN and no infinity.

    Args:
        table: what `json.dumps` takes.

    Returns:
        UTF-8 bytes.

    Raises:
        ValueError: a number is not finite.

    Example:
        >>> canonical_json({"b": 1, "a": [1.5]})
        b'{"a":[1.5],"b":1}'
    """
    return json.dumps(table, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def part_digests(card: Card, *, runtime: str = "torch") -> dict[str, str]:
    """Compute the digest of each part of a model.

    Args:
        card: the model's card; its `weights_sha256` stands for the weights.
        runtime: what computes the scores, "torch" or "openvino".

    Returns:
        By part's name, 64 hexadecimal digits: the fields of `COVERED`, "weights" and "runtime".

    Example:
        >>> from unseen.artifacts import card_of
        >>> sorted(part_digests(card_of("models/pca")))[:3]
        ['config', 'facts', 'finder']
    """
    table = card.model_dump(mode="json", include=set(COVERED))
    parts = {name: _sha256(value) for name, value in table.items()}
    return parts | {"weights": card.weights_sha256, "runtime": _sha256(runtime)}


def digest_of_parts(parts: Mapping[str, str]) -> str:
    """Compute a model's digest from those of its parts.

    Args:
        parts: what `part_digests` returns.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> digest_of_parts({"weights": "ab", "gate": "cd"}) == digest_of_parts({"gate": "cd", "weights": "ab"})
        True
    """
    return _sha256(dict(parts))


def altered_parts(seen: Mapping[str, str], stated: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the parts that differ or that one of the two lacks, in order.

    Example:
        >>> altered_parts({"gate": "a", "view": "b"}, {"gate": "a", "view": "c", "config": "d"})
        ('config', 'view')
    """
    return tuple(sorted(name for name in {*seen, *stated} if seen.get(name) != stated.get(name)))


def strict_json(text: str) -> object:
    """Read JSON in which each number is finite.

    Args:
        text: the document.

    Returns:
        The value.

    Raises:
        ValueError: no JSON, or it holds NaN, Infinity or a number beyond float64.

    Example:
        >>> strict_json('{"blur": NaN}')
        Traceback (most recent call last):
            ...
        ValueError: NaN is no finite number
    """
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


def _finite(text: str) -> float:
    number = float(text)
    return number if abs(number) != float("inf") else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no finite number")


def _sha256(value: object) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
