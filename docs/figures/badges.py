"""The README's badges, from `pyproject.toml`: nothing is fetched from elsewhere to show them.

python docs/figures/badges.py          writes docs/images/badges/*.svg
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

DOCS = Path(__file__).parents[1]
BADGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{left}: {right}">
<rect width="{split}" height="20" fill="#555"/><rect x="{split}" width="{rest}" height="20" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="6" y="14">{left}</text><text x="{text}" y="14">{right}</text></g></svg>
"""
LETTER = 7.2  # width of a letter, pixels


def main() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tried = [line.rsplit(" ", 1)[1] for line in project["classifiers"] if "Python :: 3." in line]
    (DOCS / "images" / "badges").mkdir(parents=True, exist_ok=True)
    draw("python", "python", ", ".join(tried), "#2b6cb0")
    draw("licence", "licence", "Apache-2.0", "#2f855a")
    draw("status", "status", "research use only", "#9c4221")


def draw(name: str, left: str, right: str, colour: str) -> None:
    split, rest = (round(LETTER * len(text)) + 12 for text in (left, right))
    svg = BADGE.format(
        width=split + rest,
        split=split,
        rest=rest,
        colour=colour,
        text=split + 6,
        left=escape(left),
        right=escape(right),
    )
    (DOCS / "images" / "badges" / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
