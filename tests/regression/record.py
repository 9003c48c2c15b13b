"""Command that records surfaces again: `python -m tests.regression.record [NAME …]`; without a name, all of them."""

from __future__ import annotations

import sys

from tests.regression.places import RECORDED, projects

sys.path += [str(folder) for folder in projects()[1:]]  # `tests` of the other projects, as pytest finds them

from tests.regression.surfaces import SURFACES


def main(names: list[str]) -> None:
    """Write the recorded files of these surfaces."""
    if unknown := set(names) - set(SURFACES):
        sys.exit(f"{', '.join(sorted(unknown))}: unknown. Give names among {', '.join(SURFACES)}.")
    for name in names or SURFACES:
        for file, content in SURFACES[name]().items():
            path = RECORDED / file
            changed = not path.exists() or path.read_text(encoding="utf-8") != content
            path.write_text(content, encoding="utf-8")
            print(f"{name}: {path.name} {'changed' if changed else 'is as it was'}")


if __name__ == "__main__":
    main(sys.argv[1:])
