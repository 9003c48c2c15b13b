"""Figures of a benchmark as a file of results holds them: with the day, the machine and the limits of use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import described
from unseen.artifacts.files import write_text
from unseen.artifacts.research_only import LIMITS


def record(**figures: Any) -> dict[str, Any]:  # Any: JSON
    """Return figures with the day, the machine and the limits."""
    return {"date": datetime.now(UTC).date().isoformat(), "machine": described(), **figures, "limits": LIMITS}


def as_json(figures: Mapping[str, Any]) -> str:  # Any: JSON
    """Return the text of a file of results."""
    return json.dumps(figures, indent=1, ensure_ascii=False) + "\n"


def show(figures: Mapping[str, Any], keep: Path | None) -> None:  # Any: JSON
    """Print the figures of a benchmark as JSON, and write them to the file `keep` if one is given."""
    text = as_json(figures)
    print(text, end="")
    if keep is not None:
        write_text(keep, text)
