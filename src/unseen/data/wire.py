"""The messages between the reader and its child: a length, a JSON object, and for a picture its integers. Never pickle.

A request is one frame. A reply is one frame; when it holds a shape, height × width integers of its dtype follow.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from unseen.data.picture import Integers, Limits, Picture

LENGTH = struct.Struct(">I")
MAX_FRAME = 1 << 20  # bytes; a path is at most a few thousand
_FACTS = tuple(field.name for field in fields(Picture) if field.name != "pixels")

Message = Mapping[str, Any]  # JSON: the values' types differ from key to key


def frame(message: Message) -> bytes:
    """`message` as bytes: its length (4 bytes, big endian) and itself in JSON (ASCII).

    >>> frame({"mask": False})
    b'\\x00\\x00\\x00\\x0f{"mask": false}'
    """
    body = json.dumps(message).encode("ascii")
    return LENGTH.pack(len(body)) + body


def facts(picture: Picture) -> Message:
    """The reply that goes before the integers of `picture`."""
    return {name: getattr(picture, name) for name in _FACTS} | {
        "shape": list(picture.pixels.shape),
        "dtype": picture.pixels.dtype.name,
    }


def empty_pixels(reply: Message, *, limits: Limits) -> Integers:
    """Where the integers that follow `reply` go. A child that was taken over could claim anything, so the claim is
    checked.

    Raises:
        ValueError: the shape or the type is not one that a child may send.
    """
    height, width = (int(side) for side in reply["shape"])
    if min(height, width) < 1 or height * width > limits.max_pixels:
        raise ValueError(f"the child announced {height}×{width} pixels")
    if reply["dtype"] not in ("uint8", "uint16"):
        raise ValueError(f"the child announced pixels of type {reply['dtype']!r}")
    if reply["dtype"] == "uint8":
        return np.empty((height, width), np.uint8)
    return np.empty((height, width), np.uint16)


def octets(pixels: Integers) -> memoryview:
    """The bytes of contiguous `pixels`, not copied."""
    return pixels.data.cast("B")


def picture(reply: Message, pixels: Integers) -> Picture:
    """The picture of which `reply` holds the facts."""
    return Picture(pixels=pixels, **{name: reply[name] for name in _FACTS})
