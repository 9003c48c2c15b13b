"""Reads a Containerfile: its stages, with their instructions in order; one that it does not know is an error.

Variables are those of ENV and ARG, as `$NAME` and `${NAME}`; of other shapes it knows only the exec form (a JSON list)
and the shell form.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

KNOWN = ("FROM", "ARG", "ENV", "COPY", "RUN", "USER", "EXPOSE", "HEALTHCHECK", "VOLUME", "ENTRYPOINT", "CMD")


@dataclass(frozen=True)
class Instruction:
    """`line`: where it begins, from 1; `options`: `--from=build` and the like."""

    name: str
    line: int
    options: Mapping[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """The exec form's words, or the shell form's as a shell's words."""
        if self.text.startswith("["):
            return [str(word) for word in json.loads(self.text)]
        return shlex.split(self.text) if self.name != "RUN" else ["/bin/sh", "-c", self.text]

    @property
    def command(self) -> list[str]:
        """Return the command line: the exec form unchanged, the shell form with a shell."""
        return self.words if self.text.startswith("[") else ["/bin/sh", "-c", self.text]


@dataclass
class Stage:
    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, name: str) -> list[Instruction]:
        return [one for one in self.instructions if one.name == name]


def stages(text: str) -> list[Stage]:
    """Raises ValueError, naming the line, for an instruction that is unknown or stands before the first FROM."""
    found: list[Stage] = []
    for one in _instructions(text):
        if one.name not in KNOWN:
            raise ValueError(f"line {one.line}: {one.name} is no instruction that this reader knows")
        if one.name == "FROM":
            base, *named = one.text.split()
            if named and named[0].upper() != "AS":
                raise ValueError(f"line {one.line}: FROM {one.text}: not FROM IMAGE AS NAME")
            found.append(Stage(base, named[1] if named else ""))
        elif not found:
            raise ValueError(f"line {one.line}: {one.name} before the first FROM")
        else:
            found[-1].instructions.append(one)
    return found


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """Raises KeyError for a variable that neither ENV nor ARG has set."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: variables[found.group(1) or found.group(2)], text)


def _instructions(text: str) -> Iterator[Instruction]:
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        start, gathered = number, []
        while True:
            line = lines[number].strip()
            number += 1
            if line.startswith("#") or not line:  # a comment may stand among continued lines
                if not gathered:
                    break
            else:
                gathered.append(line.removesuffix("\\").strip())
                if not line.endswith("\\"):
                    break
            if number == len(lines):
                raise ValueError(f"line {start + 1}: the file ends within an instruction")
        if gathered:
            name, _, rest = " ".join(gathered).partition(" ")
            options = {}
            while option := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
                options[option.group(1)] = option.group(2)
                rest = rest[option.end() :]
            yield Instruction(name.upper(), start + 1, options, rest.strip())
