"""Rows of a CSV file with commas, semicolons or tabs: each with the number of its line, in bounded memory.

Columns are separated by commas, semicolons or tabs: the header decides. A line or a row has at most 2^20 characters, so
that a file without line ends is refused and not loaded whole.
"""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from unseen.data.cells import plain_cell
from unseen.data.source_errors import ManifestError

ROW_LIMIT = 2**20
"""Characters of a row."""
COLUMN_LIMIT = 4096
"""Columns of a table."""
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # bytes that `surrogateescape` kept
_SEPARATORS = ",;\t"
"""Spreadsheets write semicolons where the comma is the decimal mark."""
_QUOTED = re.compile('"[^"]*"?')
_UTF16 = ("\udcff\udcfe", "\udcfe\udcff")


def open_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file, header included; memory does not grow with the file.

    Args:
        path: the CSV file in UTF-8, with or without a byte order mark.

    Yields:
        The number of the line on which the row begins, from 1, and the row's cells. Lines without a filled cell give no
        row, the first line excepted.

    Raises:
        ManifestError: the file cannot be read, is no UTF-8 text or no CSV, or a row exceeds `ROW_LIMIT`.

    Example:
        >>> import tempfile
        >>> table = Path(tempfile.mkdtemp()) / "table.csv"
        >>> _ = table.write_text('file,note\\na.png,"two\\nlines"\\n\\nb.png,one\\n')
        >>> list(open_rows(table))
        [(1, ['file', 'note']), (2, ['a.png', 'two\\nlines']), (5, ['b.png', 'one'])]
    """
    try:
        if path.exists() and not path.is_file():
            raise ManifestError(f"{path}: this is no regular file. Copy its content into a file.")
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            yield from text_rows(text, path)
    except OSError as error:
        raise ManifestError(
            f"{path}: the file cannot be read ({error.strerror or error}). Check the path and its permissions."
        ) from error


def open_table(path: Path) -> tuple[list[str], Iterator[dict[str, str]]]:
    """Return the columns of a CSV file, and its rows by column; a short row lacks its last columns.

    Args:
        path: the CSV file, as for `open_rows`.

    Returns:
        The columns' names without surrounding spaces, and the rows.

    Raises:
        ManifestError: as `open_rows`; or the file has no columns, one twice, or a row longer than the header.

    Example:
        >>> import tempfile
        >>> table = Path(tempfile.mkdtemp()) / "table.csv"
        >>> _ = table.write_text("file, fold\\na.png,0\\n")
        >>> columns, rows = open_table(table)
        >>> columns, list(rows)
        (['file', 'fold'], [{'file': 'a.png', 'fold': '0'}])
    """
    rows = open_rows(path)
    columns = [name.strip() for name in next(rows, (1, []))[1]]
    check_columns(columns, path)
    return columns, _by_column(rows, columns, path)


def _by_column(rows: Iterator[tuple[int, list[str]]], columns: list[str], path: Path) -> Iterator[dict[str, str]]:
    for number, row in rows:
        if len(row) > len(columns):
            raise ManifestError(
                f"{path}, line {number}: {len(row)} cells under {len(columns)} columns. Quote cells with separators."
            )
        yield dict(zip(columns, row, strict=False))


def text_rows(text: TextIO, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a text that was decoded with `errors="surrogateescape"`, as `open_rows` does."""
    lines = _Lines(text, path)
    header = list(itertools.islice(lines, 1))
    reader = csv.reader(itertools.chain(header, lines), delimiter=_separator("".join(header)), strict=True)
    begins = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reaches = f" in the row that ends on line {lines.number}" if lines.number > begins else ""
            raise ManifestError(
                f"{path}, line {begins}: not valid CSV ({error}{reaches}). Check the quotes on line {begins}."
            ) from error
        if any(row) or begins == 1:
            yield begins, [plain_cell(cell) for cell in row]
        begins = lines.begin_row()


def _separator(header: str) -> str:
    """Return the separator that occurs most often in the header, outside quotes.

    >>> _separator("file,label"), _separator('file;label;"a, b, c and d"'), _separator("file")
    (',', ';', ',')
    """
    return max(_SEPARATORS, key=_QUOTED.sub("", header).count)


class _Lines(Iterator[str]):
    """The lines of a text, each checked, with the number of characters since the row began."""

    def __init__(self, text: TextIO, path: Path) -> None:
        self.number = 0
        self._text = text
        self._path = path
        self._row = 0

    def begin_row(self) -> int:
        """Return the number of the line that comes next."""
        self._row = 0
        return self.number + 1

    def __next__(self) -> str:
        line = self._text.readline(ROW_LIMIT + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._row += len(line)
        if self.number == 1 and line.startswith(_UTF16):
            raise ManifestError(f"{self._path}: the file is UTF-16, not UTF-8. Save it as CSV in UTF-8.")
        if bad := _NOT_UTF8.search(line):
            raise ManifestError(
                f"{self._path}, line {self.number}: the file is not UTF-8 (byte {ord(bad.group()) - 0xDC00:#04x}). "
                "Save it as CSV in UTF-8."
            )
        if "\0" in line:
            raise ManifestError(
                f"{self._path}, line {self.number}: the file holds a zero byte, so it is not text. "
                "Save it as CSV in UTF-8."
            )
        if self._row > ROW_LIMIT:
            raise ManifestError(
                f"{self._path}, line {self.number}: a row has more than {ROW_LIMIT:,} characters. "
                "Check the quotes and the line ends."
            )
        return line


def check_columns(header: Sequence[str], path: Path) -> None:
    """Raise ManifestError where a table has no columns, too many, or one twice."""
    if not any(header):
        raise ManifestError(
            f"{path}: the file is empty, or its first line is. The first line must name the columns, at least `file`."
        )
    if len(header) > COLUMN_LIMIT:
        raise ManifestError(
            f"{path}: there are {len(header):,} columns, the limit is {COLUMN_LIMIT:,}. "
            "Keep the columns about the films, and check the line ends."
        )
    for name, times in Counter(header).items():
        if name and times > 1:
            raise ManifestError(f"{path}: the column `{name}` is there {times} times. Keep one of them.")
