#!/usr/bin/env bash
# .venv-anomalib: anomalib for `python -m studies.detectors --only anomalib`, in an environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
[ -x .venv-anomalib/bin/python ] || "$python" -m venv .venv-anomalib
pip=(.venv-anomalib/bin/python -m pip install --quiet)
"${pip[@]}" torch==2.13.0
"${pip[@]}" --no-deps -r benchmarks/peers_anomalib.txt
# torchvision's own operators are compiled for another torch; anomalib needs its transforms alone, which are Python.
site=$(.venv-anomalib/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
: >"$site/torchvision/_meta_registrations.py"
.venv-anomalib/bin/python -W ignore -c 'import anomalib, torch; print("peers: anomalib", anomalib.__version__, "on torch", torch.__version__)'
