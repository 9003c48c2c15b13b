#!/usr/bin/env bash
# The three wheels on other Pythons: the quick start, a score, the server's commands. Each Python has an environment of
# its own below build/pythons, which is kept between runs.
#   deploy/try_pythons.sh python3.12 python3.13       after `make dist`; `make pythons` calls it
set -eu
cd "$(dirname "$0")/.."
library=$(ls "$PWD"/dist/unseen-*.whl) models=$(ls "$PWD"/dist/unseen_models-*.whl) server=$(ls "$PWD"/dist/unseen_server-*.whl)
film=$PWD/tests/detectors/shipped_films/phantom-twin-31-0-nodule.png
for python in "$@"; do
    version=$("$python" -c 'import platform; print(platform.python_version())')
    folder=$PWD/build/pythons/$version
    [ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --no-compile --constraint constraints.txt torch==2.13.0
    "$folder/bin/python" -m pip install --quiet --no-compile --force-reinstall --no-deps "$library" "$models" "$server"
    "$folder/bin/python" -m pip install --quiet --no-compile --constraint constraints.txt "$library[train]" "$models" "$server"
    .venv/bin/python -c 'from tests.docs.blocks import quick_start; print(quick_start())' >"$folder/quick_start.py"
    (
        cd "$folder"
        bin/python -m unseen --version
        bin/python quick_start.py
        bin/python -m unseen score models/pca "$film"
        bin/python -m unseen serve --help
        bin/python -m unseen demo --help
    ) >"$folder/printed.txt"
    echo "Python $version: $(head -1 "$folder/printed.txt"), torch $("$folder/bin/python" -c 'import torch; print(torch.__version__)'), quick start and score done"
done
