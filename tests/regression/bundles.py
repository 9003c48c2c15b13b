"""Bundles of earlier versions, shipped ones and test files: keys of the card, tensors, digest of the weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.regression.places import files


def bundles() -> dict[str, Any]:  # Any: JSON
    """Return each bundle by its folder's name."""
    found: dict[str, Any] = {}
    for card in files("/card.json", "src", "tests"):
        assert card.parent.name not in found, f"two bundles are called {card.parent.name}"
        weights = card.with_name("weights.safetensors")
        found[card.parent.name] = {
            "card": keys(json.loads(card.read_text(encoding="utf-8"))),
            "tensors": _tensors(weights),
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        }
    return dict(sorted(found.items()))


def recipes() -> dict[str, str]:
    """Return the digest of each shipped and each study's recipe file by its name.

    A shipped recipe of the same name as a study's has "unseen:" before it.
    """
    found: dict[str, str] = {}
    for path in sorted(files(".toml", "src", "studies"), key=lambda path: "studies" not in path.parts):
        if "recipes" in path.parts:
            name = "/".join(path.parts[len(path.parts) - path.parts[::-1].index("recipes") :])
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if found.get(name, digest) != digest:
                name = f"unseen:{name}"
            assert found.setdefault(name, digest) == digest, f"two recipes are called {name}"
    return dict(sorted(found.items()))


def keys(value: Any) -> Any:
    """Return a JSON value's keys, with the type in place of each value."""
    if isinstance(value, dict):
        return {name: keys(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return [keys(value[0])] if value else []
    return type(value).__name__


def _tensors(weights: Path) -> dict[str, str]:
    """Return name, type and shape of each tensor: the header of a safetensors file is JSON behind its length."""
    with weights.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    header.pop("__metadata__", None)
    return {name: f"{one['dtype']} {one['shape']}" for name, one in sorted(header.items())}
