"""Table of one row, put between two markers of a page whose other text is not rendered."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from studies.pages.cells import put_between
from studies.row_files import read_row


def render_row(
    parser: argparse.ArgumentParser,
    given: argparse.Namespace,
    name: str,
    markers: tuple[str, str],
    as_markdown: Callable[[Mapping[str, Any]], str],  # Any: JSON
) -> None:
    """Put the table of the committed row into the page `given.render`.

    Args:
        parser: Ends the program where the row is missing.
        given: Its arguments; `rows` is the folder of rows.
        name: Name of the row.
        markers: Before and after the table, in the page.
        as_markdown: Returns the table of a row.
    """
    row = read_row(name, given.rows)
    if row is None:
        parser.error(f'no row "{name}" in {given.rows}; run the command without --render first')
    put_between(given.render, *markers, as_markdown(row))
    print("rendered", given.render)
