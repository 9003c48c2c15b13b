"""The settings of a class as a Markdown table, from its pydantic model: name, type, default, range, unit, meaning.

A field's meaning is its description, or the docstring below it; its unit is `json_schema_extra={"unit": "pixels"}`.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

COLUMNS = ("Setting", "Type", "Default", "Range", "Unit", "Meaning")
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def settings_of(kind: object) -> type[BaseModel] | None:
    """Return the model of a class's settings: itself, or its `Config`; None where it has none."""
    for model in (kind, getattr(kind, "Config", None)):
        if isinstance(model, type) and issubclass(model, BaseModel):
            return model
    return None


def table(model: type[BaseModel], described: Mapping[str, str]) -> str:
    """The Markdown table of a model's fields, "" where it has none; `described` stands in for missing descriptions."""
    rows = [
        (
            f"`{name}`",
            f"`{type_of(field.annotation)}`",
            f"`{default}`" if (default := default_of(field)) else "required",
            range_of(field),
            unit_of(field) or "–",
            " ".join((meaning_of(model, name) or described.get(name, "")).split()),
        )
        for name, field in model.model_fields.items()
    ]
    if not rows:
        return ""
    return "\n".join("| " + " | ".join(map(cell, row)) + " |" for row in (COLUMNS, ("---",) * len(COLUMNS), *rows))


def meaning_of(model: type[BaseModel], name: str) -> str:
    """Return the description of a field, or of the field that it replaces in a base; "" where none has one."""
    bases = (base for base in model.__mro__ if issubclass(base, BaseModel))
    fields = (base.model_fields[name] for base in bases if name in base.model_fields)
    return next((field.description for field in fields if field.description), "")


def cell(words: str) -> str:
    """`words` as a cell of a table, on one line: a bar within backquotes parts no cells, and would keep its backslash.

    >>> print(cell("`int | None`, |x|"))
    `int | None`, \\|x\\|
    """
    parts = " ".join(words.split()).split("`")
    return "`".join(part if i % 2 else part.replace("|", "\\|") for i, part in enumerate(parts))


def type_of(annotation: Any) -> str:
    """Return the type as one writes it.

    >>> type_of(int | None), type_of(tuple[int, ...]), type_of(typing.Literal["a", "b"])
    ('int | None', 'tuple[int, ...]', "'a' | 'b'")
    """
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return type_of(typing.get_args(annotation)[0])
    if origin is typing.Literal:
        return " | ".join(map(repr, typing.get_args(annotation)))
    if origin in (typing.Union, types.UnionType):
        return " | ".join(type_of(part) for part in typing.get_args(annotation))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(type_of(part) for part in typing.get_args(annotation))}]"
    if annotation is type(None):
        return "None"
    return "..." if annotation is Ellipsis else getattr(annotation, "__name__", str(annotation))


def default_of(field: FieldInfo) -> str:
    """Return the default as Python; "" where there is none."""
    if field.default_factory is not None:
        return repr(field.get_default(call_default_factory=True, validated_data={}))
    if field.default is PydanticUndefined:
        return ""
    return f"{field.default!r}"


def range_of(field: FieldInfo) -> str:
    """Return the permitted values of a setting: an interval, a pattern, a least or greatest length.

    >>> from pydantic import Field
    >>> range_of(Field(ge=1, le=9)), range_of(Field(gt=0)), range_of(Field(gt=0, lt=1)), range_of(Field())
    ('1 to 9', '> 0', '> 0, < 1', 'any')
    """
    found: dict[str, Any] = {}
    for constraint in field.metadata:
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern"):
            value = getattr(constraint, name, None)
            if value is not None:
                found[name] = value
    words = []
    if "ge" in found and "le" in found:
        words.append(f"{_number(found.pop('ge'))} to {_number(found.pop('le'))}")
    words += [f"{sign} {_number(found[name])}" for name, sign in BOUNDS.items() if name in found]
    if "min_length" in found:
        words.append(f"at least {found['min_length']} long")
    if "max_length" in found:
        words.append(f"at most {found['max_length']} long")
    if "pattern" in found:
        words.append(f"`{found['pattern']}`")
    if not words:
        kind = field.annotation
        listed = typing.get_origin(kind) is typing.Literal or kind is bool
        return "as listed" if listed and kind is not bool else "True, False" if kind is bool else "any"
    return ", ".join(words)


def _number(value: float) -> str:
    for power in (31, 63):
        if value == 2**power:
            return f"2^{power}"
    return f"{value:,}" if isinstance(value, int) else re.sub(r"e([+-])0?", r"e\1", f"{value:g}")


def unit_of(field: FieldInfo) -> str:
    """Return the field's unit, "" where it has none."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""
