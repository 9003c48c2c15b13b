"""`web-types/api.d.ts`: the types of the server's API and of the pages' elements, for the check of the JavaScript.

    python web-types/generate.py            prints the file
    python web-types/generate.py --write    writes it

Types of requests and responses come from the OpenAPI description, types of elements from the ids in the templates.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unseen_server.web.app import create_app
from unseen_server.worklist.store import Store

FILE = Path(__file__).with_name("api.d.ts")
TEMPLATES = Path(__file__).parents[1] / "server" / "src" / "unseen_server" / "web" / "templates"
ROOT = "/api/v1"
HEAD = """\
// Written by web-types/generate.py from the server's OpenAPI description and the templates. Do not edit it:
// run `python web-types/generate.py --write`.
"""
PRIMITIVES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
REFERENCE = "#/components/schemas/"
TAG = re.compile(r"<([a-z][a-z0-9]*)((?:[^<>]|<[^<>]*>)*?)\sid=\"([a-z][a-z0-9-]*)\"", re.DOTALL)

Schema = dict[str, Any]  # Any: JSON


def description() -> Schema:
    """The OpenAPI description of a server over an empty worklist."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "worklist") as store:
        return create_app(store).openapi()


def name_of(schema: str) -> str:
    """A schema's name as a TypeScript identifier: `unseen__web__monitoring__Share` becomes MonitoringShare."""
    module, _, last = schema.rpartition("__")
    prefix = "".join(part.capitalize() for part in module.rpartition("__")[2].split("_"))
    return prefix + last.replace("-", "")


def references(schema: Any) -> Iterator[str]:
    """The schemas that a schema names, directly."""
    if isinstance(schema, dict):
        if isinstance(found := schema.get("$ref"), str):
            yield found.removeprefix(REFERENCE)
        for part in schema.values():
            yield from references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from references(part)


def reached(schemas: Schema, start: Any) -> set[str]:
    """All schemas that `start` leads to."""
    found: set[str] = set()
    waiting = list(references(start))
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting.extend(references(schemas[name]))
    return found


def typed(schema: Schema, *, sent: bool) -> str:
    """A schema as a TypeScript type; `sent`: a page sends it, so what has a default may be missing."""
    if "$ref" in schema:
        return name_of(schema["$ref"].removeprefix(REFERENCE))
    if "const" in schema:
        return literal(schema["const"])
    if "enum" in schema:
        return " | ".join(map(literal, schema["enum"]))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(typed(one, sent=sent) for one in schema[several]))
    if "prefixItems" in schema:
        return f"[{', '.join(typed(one, sent=sent) for one in schema['prefixItems'])}]"
    kind = schema.get("type")
    if kind == "array":
        return f"{'readonly ' if sent else ''}({typed(schema.get('items', {}), sent=sent)})[]"
    if kind == "object":
        return record(schema, sent=sent)
    return PRIMITIVES.get(kind or "", "unknown")


def literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def record(schema: Schema, *, sent: bool) -> str:
    further = schema.get("additionalProperties")
    if "properties" not in schema:
        return f"Record<string, {typed(further, sent=sent) if isinstance(further, dict) else 'unknown'}>"
    needed = schema.get("required", [])
    fields = (
        f"{name}{'?' if sent and name not in needed else ''}: {typed(one, sent=sent)}"
        for name, one in schema["properties"].items()
    )
    return "{ " + "; ".join(fields) + " }"


def json_of(content: Schema) -> Schema | None:
    return content.get("content", {}).get("application/json", {}).get("schema")


def operations(document: Schema) -> Iterator[tuple[str, Schema | None, list[Schema | None]]]:
    """`("POST /studies/{study}/report", body, responses)`; None for what is not JSON."""
    for path, methods in document["paths"].items():
        if not path.startswith(ROOT):  # for DICOM systems, not for pages
            continue
        for method, one in methods.items():
            good = [json_of(answer) for code, answer in one["responses"].items() if code.startswith("2")]
            yield f"{method.upper()} {path.removeprefix(ROOT)}", json_of(one.get("requestBody", {})), good


def elements() -> dict[str, set[str]]:
    """The tags that an id has in the templates."""
    found: dict[str, set[str]] = {}
    for path in sorted(TEMPLATES.glob("*.j2")):
        for tag, _, identity in TAG.findall(path.read_text(encoding="utf-8")):
            found.setdefault(identity, set()).add(tag)
    return found


def rendered(document: Schema) -> str:
    schemas = document["components"]["schemas"]
    listed = list(operations(document))
    answered = reached(schemas, [good for _, _, good in listed])
    asked = reached(schemas, [body for _, body, _ in listed])
    lines = [HEAD, "declare namespace Api {"]
    for name in sorted(answered | asked, key=name_of):
        words = schemas[name].get("description", "").split("\n")[0]
        if words:
            lines.append(f"  /** {words.replace('*/', '* /')} */")
        sent = name in asked and name not in answered
        lines.append(f"  type {name_of(name)} = {typed(schemas[name], sent=sent)};")
    lines += ["", "  interface Operations {"]
    for key, body, good in listed:
        answer = " | ".join(dict.fromkeys("null" if one is None else typed(one, sent=False) for one in good))
        lines.append(
            f'    "{key}": {{ body: {typed(body, sent=True) if body else "undefined"}; response: {answer or "null"} }};'
        )
    lines += ["  }", "", "  /** The tag, or tags, of each id in the templates. */", "  interface Elements {"]
    lines += [f'    "{one}": {" | ".join(map(literal, sorted(tags)))};' for one, tags in sorted(elements().items())]
    return "\n".join([*lines, "  }", "}", ""])


if __name__ == "__main__":
    text = rendered(description())
    if "--write" in sys.argv[1:]:
        FILE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
