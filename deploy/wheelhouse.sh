#!/usr/bin/env bash
# All wheels of an installation without a network, their SHA-256 sums, and the script that installs them.
#   deploy/wheelhouse.sh dist/wheelhouse serve,pacs        after `make dist`; `make wheelhouse` calls it
# The wheels are for the Python and the system that run this script. Where pip's settings have no index with a CPU build
# of torch, the wheelhouse holds the CUDA build and its libraries, some gigabytes.
set -eu
cd "$(dirname "$0")/.."
out=${1:?a folder for the wheels} extras=${2:?extras, such as serve,pacs}
python=${PYTHON:-.venv/bin/python}
wheel=$(ls dist/unseen-*.whl)
mkdir -p "$out"
rm -f "$out"/*.whl
"$python" -m pip wheel --quiet --constraint constraints.txt --wheel-dir "$out" torch==2.13.0 "$wheel[$extras]"
cp deploy/install_offline.sh "$out/install.sh"
echo "unseen[$extras]" >"$out/requirements.txt"
(cd "$out" && sha256sum ./*.whl requirements.txt install.sh >SHA256SUMS)
echo "$out: $(ls "$out"/*.whl | wc -l) wheels, $(du -sm "$out" | cut -f1) MB. Copy the folder, then: $out/install.sh /opt/unseen"
