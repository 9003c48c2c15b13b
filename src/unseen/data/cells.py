"""Text cells of CSV files, safe to open in a spreadsheet.

A spreadsheet takes a cell that begins with ``= + - @``, a tab, a carriage return or a line feed for a formula, and some
take the full-width forms of these characters, too. A formula can call other programs or send cells elsewhere. Such a
text gets an apostrophe before it; a number stays as it is.
`plain_cell` removes the apostrophe again, so that a file that was written here reads back exactly.

Source: OWASP, CSV Injection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import polars as pl

_BEGINS: Final = r"[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]"  # the last four: full-width = + - @
_FORMULA: Final = re.compile(f"'*{_BEGINS}")
_QUOTED: Final = re.compile(f"'+{_BEGINS}")
_NUMBER: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|nan)")
_Value = TypeVar("_Value")


def safe_cell(text: str) -> str:
    """Return a text as a CSV cell that no spreadsheet takes for a formula.

    Args:
        text: what the cell is to show.

    Returns:
        The text, after an apostrophe where it would begin a formula.

    Example:
        >>> safe_cell("=1+1"), safe_cell("-0.5"), safe_cell("ward"), safe_cell("'=1+1")
        ("'=1+1", '-0.5', 'ward', "''=1+1")
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def safe_row(cells: Sequence[_Value]) -> list[_Value | str]:
    """Return the cells of a row, each text safe; values of other types as they are.

    Args:
        cells: the row's values.

    Returns:
        The cells, for a CSV writer.

    Example:
        >>> safe_row(["@ward", -1.5, None])
        ["'@ward", -1.5, None]
    """
    return [safe_cell(cell) if isinstance(cell, str) else cell for cell in cells]


def plain_cell(cell: str) -> str:
    """Return the text of a cell that `safe_cell` wrote.

    Args:
        cell: the cell as it stands in the file.

    Returns:
        The text without the apostrophe that `safe_cell` added.

    Example:
        >>> plain_cell("'=1+1"), plain_cell("-0.5"), plain_cell("'tis")
        ('=1+1', '-0.5', "'tis")
    """
    return cell[1:] if _QUOTED.match(cell) else cell


def safe_table(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table whose texts and column names are safe in a CSV file; columns of other types are as they are.

    Args:
        table: any table.

    Returns:
        The table, for `write_csv`.

    Example:
        >>> import polars as pl
        >>> safe_table(pl.DataFrame({"source": ["=1+1"], "score": [-0.5]})).rows()
        [("'=1+1", -0.5)]
    """
    import polars as pl

    names = {name: safe_cell(name) for name in table.columns}
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    safe = [
        pl.when(
            pl.col(name).str.contains(f"^(?:{_FORMULA.pattern})")
            & ~pl.col(name).str.contains(f"^(?:{_NUMBER.pattern})$")
        )
        .then(pl.concat_str(pl.lit("'"), pl.col(name)))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    ]
    return table.with_columns(safe).rename({old: new for old, new in names.items() if old != new})
