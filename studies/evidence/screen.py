"""First screen of an evidence page: one figure, a list of conclusions, one small table; the rest is folded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from studies.pages.cells import table
from unseen.artifacts.files import write_text
from unseen.artifacts.research_only import LIMITS

IMAGES = "images/evidence"


@dataclass(frozen=True)
class Answer:
    """The page's line in the overview: its question, the answer with its figure, how to print it and when it was."""

    question: str
    answer: str
    command: str
    date: str


@dataclass(frozen=True)
class SectionAnswer:
    """The line in the overview of one section of a page: what the link says, the section's anchor, and the answer."""

    title: str
    anchor: str
    answer: Answer


@dataclass(frozen=True)
class Screen:
    """The first screen of one page.

    Args:
        page: the file below docs, without its ending.
        figure: the SVG.
        alt: what the figure shows, for those who do not see it.
        sentences: the conclusion, in plain words.
        head, lines: the table, the best row first.
        notes: what the table needs to be read.
        answer: the line in the overview.
        sections: further lines in the overview, of sections of the page.
    """

    page: str
    figure: str
    alt: str
    sentences: Sequence[str]
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    notes: Sequence[str]
    answer: Answer
    sections: Sequence[SectionAnswer] = ()

    @property
    def image(self) -> str:
        """The figure's file below docs."""
        return f"{IMAGES}/{self.page}.svg"

    def blocks(self) -> list[str]:
        """Return the screen as blocks of Markdown, in this order: figure, conclusion, table, notes."""
        return [
            f"![{self.alt}]({self.image})",
            bullets(self.sentences),
            table(self.head, self.lines),
            *self.notes,
        ]

    def write(self, docs: Path) -> Path:
        """Write the figure below `docs`; returns its path."""
        path = docs / self.image
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, self.figure)
        return path


def bullets(sentences: Iterable[str]) -> str:
    """Return sentences as a list in Markdown.

    >>> bullets(["One.", "Two."])
    '- One.\n- Two.'
    """
    return "\n".join(f"- {sentence}" for sentence in sentences)


def best_first(lines: Iterable[Sequence[str]], *, word: str = "best") -> list[list[str]]:
    """Return the same lines with the first one in bold: the best. `word` says so behind its name.

    >>> best_first([["`pca`", "0.8"], ["`dct`", "0.7"]])
    [['**`pca`** (best)', '**0.8**'], ['`dct`', '0.7']]
    """
    first, *others = (list(line) for line in lines)
    marked = [f"**{first[0]}** ({word})", *(f"**{cell}**" if cell not in {"", "–"} else cell for cell in first[1:])]
    return [marked, *others]


def rendered(command: str, source: str) -> str:
    """Return the line that names the command and source of a page's figures, and the limits of their use."""
    return f"*Rendered by `{command}` from `{source}`, which hold every figure. {LIMITS}*"


def folded(blocks: Iterable[str]) -> list[str]:
    """Sections (`## …`) with what is below each heading folded; what stands before the first heading stays."""
    kept: list[str] = []
    inside: list[str] = []

    def close() -> None:
        if inside:
            words = (
                "Show the table and its notes"
                if any("\n|---" in one or "| ---" in one for one in inside)
                else "Show the text"
            )
            kept.append(f'<details markdown="1"><summary>{words}</summary>')
            kept.extend(inside)
            kept.append("</details>")
            inside.clear()

    opened = False
    for block in blocks:
        if block.startswith("## "):
            close()
            opened = True
            kept.append(block)
        elif opened:
            inside.append(block)
        else:
            kept.append(block)
    close()
    return kept
