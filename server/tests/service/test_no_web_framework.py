"""The service knows nothing of HTTP: it loads where no web framework is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import unseen_server.service

LOAD = """
import importlib, sys

class Barred:
    def find_spec(self, name, path=None, target=None):
        missing = {"fastapi", "starlette", "uvicorn", "h11", "python_multipart"}
        if name.split(".")[0] in missing or name == "unseen_server.web":
            raise ImportError(name)

sys.meta_path.insert(0, Barred())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_the_service_loads_without_a_web_framework() -> None:
    folder = Path(unseen_server.service.__file__).parent
    modules = sorted(f"unseen_server.service.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__")
    assert "unseen_server.service.watched_folder" in modules
    done = subprocess.run([sys.executable, "-c", LOAD, *modules], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
