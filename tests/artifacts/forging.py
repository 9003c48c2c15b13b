"""A bundle whose card was changed by somebody who also computes its digests anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unseen.artifacts.card import Card
from unseen.artifacts.model_digest import digest_of_parts, part_digests


def forge(bundle: Path, card: Mapping[str, Any]) -> None:
    """Write this card into the bundle, with digests that fit its fields."""
    body = {key: value for key, value in card.items() if key not in ("digests", "digest")}
    parts = part_digests(Card.model_validate(body))
    (bundle / "card.json").write_text(json.dumps(body | {"digests": parts, "digest": digest_of_parts(parts)}))
