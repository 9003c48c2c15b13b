#!/usr/bin/env bash
# .venv-peers: deepinv and ASTRA for `make bench-imaging` and `studies.against_deepinv`, beside the project's environment
# and never in it: left to itself, pip would replace torch by a build with gigabytes of GPU libraries.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
[ -x .venv-peers/bin/python ] || "$python" -m venv .venv-peers
pip=(.venv-peers/bin/python -m pip install --quiet)
"${pip[@]}" torch==2.13.0
"${pip[@]}" --no-deps -r benchmarks/peers.txt
# torchvision's own operators are compiled for another torch; deepinv needs its transforms alone, which are Python.
site=$(.venv-peers/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
: >"$site/torchvision/_meta_registrations.py"
.venv-peers/bin/python -c 'import deepinv, torch; print("peers: deepinv", deepinv.__version__, "on torch", torch.__version__)'
