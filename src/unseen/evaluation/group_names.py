"""Names of groups in a report: a source with the name of a fixed key gets a word before it, as in "source all"."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def group_names(values: Iterable[str], reserved: Collection[str], *, what: str = "source") -> dict[str, str]:
    """Return the name of each value, such as a source, among the keys of a report; no two names are equal.

    Args:
        values: the values, such as the sources of a table; "" is "no source".
        reserved: other keys of the report. A value with such a name has `what` before its name.
        what: word for the values.

    Returns:
        The names by value, in the order of the values.

    Example:
        >>> group_names(["", "all", "ward"], {"all"})
        {'': 'no source', 'all': 'source all', 'ward': 'ward'}
        >>> group_names(["all", "source all"], {"all"})
        {'all': 'source source all', 'source all': 'source all'}
    """
    listed = list(values)
    names = {value: value for value in listed if value and value not in reserved}
    taken = {*reserved, *names}
    for value in listed:
        name = value or f"no {what}"
        while value not in names and name in taken:
            name = f"{what} {name}"
        taken.add(names.setdefault(value, name))
    return {value: names[value] for value in listed}
