"""Acknowledgements of HL7 version 2 messages (HL7 v2.5.1, section 2.9.2): the answer to a message, as bytes."""

from __future__ import annotations

import re
import secrets
from datetime import datetime


def control_id(content: bytes) -> str:
    """MSH-10 of what may be no message, for the acknowledgement; "" where there is none."""
    header = content.split(b"\r", 1)[0].decode("latin-1")
    fields = header.split(header[3:4] or "|")
    return fields[9][:199] if header.startswith("MSH") and len(fields) > 9 else ""


def acknowledgement(content: bytes, *, code: str, sentence: str, application: str, now: datetime) -> bytes:
    """Return the answer to a message, even to one that is none.

    Args:
        code: AA: taken, and durable; AE: not taken, its content is at fault; AR: not taken, for another reason.
        sentence: for whoever reads the sender's log.
    """
    header = content.split(b"\r", 1)[0].decode("latin-1")
    fields = header.split(header[3:4] or "|") if header.startswith("MSH") else []
    fields += [""] * (12 - len(fields))
    event = re.sub(r"[^A-Z0-9]", "", fields[8].split("^")[1][:5] if "^" in fields[8] else "")
    version = fields[11] if re.fullmatch(r"2\.\d(\.\d)?", fields[11]) else "2.5"
    kind = "^".join(filter(None, ("ACK", event, "ACK")))
    stamp = now.strftime("%Y%m%d%H%M%S+0000")
    processing = fields[10] if fields[10] in ("P", "D", "T") else "P"
    ours = (stamp, "", kind, f"{stamp[:14]}{secrets.token_hex(3)}", processing, version)
    lines = [
        "|".join(("MSH", "^~\\&", _escaped(application), "", _plain(fields[2]), _plain(fields[3]), *ours)),
        "|".join(("MSA", code, _plain(control_id(content)), _escaped(sentence))),
    ]
    return ("\r".join(lines) + "\r").encode("ascii", "replace")


def _plain(text: str) -> str:
    """Return a field of the sender's, to be repeated: printable ASCII, and no field separator of ours."""
    return "".join(letter if " " <= letter <= "~" and letter != "|" else "?" for letter in text[:199])


def _escaped(text: str) -> str:
    table = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
    return "".join(table.get(letter, letter) for letter in " ".join(text.split()))
