"""Griffe extension: docstrings keep, on the reference pages, the layout that they have in the source.

Lines aligned in columns (`name   what it is`) become plain-text blocks, which Markdown would run together; `Example:`
becomes the section `Examples:`, so that its doctest is set as code.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

ALIGNED = re.compile(r"^\S+(?:[ ,]+\S+){0,3}?\s{2,}\S")


class DocstringLayout(griffe.Extension):
    """Lays out each docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring:
            obj.docstring.value = laid_out(obj.docstring.value)


def laid_out(text: str) -> str:
    """`text` with its aligned paragraphs fenced.

    >>> print(laid_out("Say.\\n\\nimage  float32\\nbox    its part"))
    Say.
    <BLANKLINE>
    ```text
    image  float32
    box    its part
    ```
    """
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n\n".join(
        f"```text\n{paragraph}\n```" if not paragraph.startswith((">>>", " ")) and is_aligned(paragraph) else paragraph
        for paragraph in paragraphs
    )


def is_aligned(paragraph: str) -> bool:
    """Whether the first line, not indented, has a column gap: `name   what it is`."""
    return bool(ALIGNED.match(paragraph.splitlines()[0])) if paragraph.strip() else False
