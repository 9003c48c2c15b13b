"""Patterns of the single-pixel camera by name, without torch, so that forms import their default quickly."""

from typing import Final, Literal

Patterns = Literal["hadamard", "scrambled", "bernoulli"]
DEFAULT_PATTERNS: Final = "hadamard"
