"""MkDocs hook: the gallery. Each `examples/*.py` is run while the docs are built, and its page shows its words, its
code, what it printed, the figure it drew and the time it took; an example that fails fails the build.

An example draws one figure, a PNG, into the folder where it runs.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import multiprocessing
import os
import resource
import runpy
import sys
import tempfile
import traceback
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
SERVES = ROOT / "examples" / "pacs_demo.py"  # it draws nothing, needs an archive, and serves until it is ended
EXAMPLES = sorted(set((ROOT / "examples").glob("*.py")) - {SERVES})
WHOLE = os.environ.get("UNSEEN_DOCS_WHOLE", "true") == "true"
RUN = EXAMPLES if WHOLE else [ROOT / "examples" / "get_started.py"]  # others have their pages without what they print
NOTICE = "*Research use only. Not a medical device. Not for diagnosis.*"
_made: dict[Path, tuple[str, Path, float]] = {}  # once a build, also under `serve`


def run(example: Path) -> tuple[str, Path, float]:
    """Run an example; return its printed text, its figure, and its seconds of processor time without the imports.

    The example runs in a fork of this process, so the packages that all examples share are imported once.
    """
    if example not in _made:
        for package in ("matplotlib.pyplot", "torch", "torch._dynamo", "unseen"):
            importlib.import_module(package)
        folder = Path(tempfile.mkdtemp(prefix="gallery-"))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        child = multiprocessing.get_context("fork").Process(target=_execute, args=(example, folder))
        child.start()
        child.join()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        drawn = list(folder.glob("*.png"))
        if child.exitcode or len(drawn) != 1:
            raise PluginError(
                f"{example.name}: exit status {child.exitcode}, {len(drawn)} images drawn:\n"
                f"{(folder / 'printed').read_text(encoding='utf-8')[-4000:]}"
            )
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        _made[example] = (folder / "printed").read_text(encoding="utf-8"), drawn[0], seconds
    return _made[example]


def _execute(example: Path, folder: Path) -> None:
    """Run the example in `folder` as `python EXAMPLE` would, on one core; what it prints goes to the file `printed`."""
    import matplotlib
    import torch

    os.chdir(folder)
    sys.argv = [str(example)]
    matplotlib.use("Agg")
    torch.set_num_threads(1)
    with open("printed", "w", encoding="utf-8") as printed, contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(str(example), run_name="__main__")
        except BaseException:
            traceback.print_exc(file=printed)
            raise


def page(example: Path) -> str:
    """The Markdown of an example's page."""
    source = example.read_text(encoding="utf-8")
    tree = ast.parse(source)
    title, _, words = (ast.get_docstring(tree) or example.stem).partition("\n")
    code = "\n".join(source.splitlines()[tree.body[0].end_lineno :]).strip()
    parts = [f"# {title.rstrip('.')}", words.strip(), f"```python\n{code}\n```"]
    if example in RUN:
        printed, figure, seconds = run(example)
        parts.insert(2, f"![{title}]({figure.name})")
        parts += [f"It prints:\n\n```text\n{printed.rstrip()}\n```"] if printed.strip() else []
        took = f"{seconds:.0f} s of one core when this page was built, without imports."
        parts.append(f"`python examples/{example.name}`: {took}")
    return "\n\n".join([*parts, f"{NOTICE}\n"])


def index() -> str:
    """The Markdown of the gallery's first page."""
    rows = ["# Gallery", f"Each figure was drawn, by the code beside it, when these pages were built. {NOTICE}"]
    for example in EXAMPLES:
        title = (ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        rows.append(f"## [{title.rstrip('.')}]({example.stem}.md)")
        if example in RUN:
            rows.append(f"[![{title}]({run(example)[1].name})]({example.stem}.md)")
    return "\n\n".join(rows) + "\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    files.append(File.generated(config, "gallery/index.md", content=index()))
    for example in EXAMPLES:
        files.append(File.generated(config, f"gallery/{example.stem}.md", content=page(example)))
    for example in RUN:
        figure = run(example)[1]
        files.append(File.generated(config, f"gallery/{figure.name}", content=figure.read_bytes()))
    return files
