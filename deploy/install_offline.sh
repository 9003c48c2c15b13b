#!/usr/bin/env bash
# Installs unseen, its server and its models from the wheels in this script's folder into a new virtual environment; uses
# no network. pip installs only wheels whose SHA-256 is in requirements.txt.
#   ./install.sh "/opt/unseen-$(cat VERSION)"          PYTHON=python3.12 takes another Python
# Research use only. Not a medical device. Not for diagnosis.
set -eu
target=${1:?a folder for the virtual environment, such as /opt/unseen-1.0}
here=$(cd "$(dirname "$0")" && pwd)
(cd "$here" && sha256sum --check --quiet --strict SHA256SUMS) || {
    echo "install.sh: a file differs from SHA256SUMS. Copy the whole folder again." >&2
    exit 2
}
if [ -e "$target" ]; then
    echo "install.sh: $target is there already. Give each version a folder of its own." >&2
    exit 2
fi
trap 'rm -rf "$target"' EXIT # nothing half installed is left
"${PYTHON:-python3}" -m venv "$target"
PIP_FIND_LINKS="$here" "$target/bin/python" -m pip install --quiet --no-index --only-binary :all: --require-hashes \
    --requirement "$here/requirements.txt"
trap - EXIT
"$target/bin/unseen" --version
