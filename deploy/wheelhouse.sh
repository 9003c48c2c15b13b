#!/usr/bin/env bash
# All wheels of an installation without a network, the requirements with their SHA-256 sums, the scripts of a server,
# the units, and the example of a proxy.
#   deploy/wheelhouse.sh dist/wheelhouse train,openvino pacs,oidc       PYTHON=python3.12 takes another Python
# It holds the library with the first extras, the server with the second ones (either may be ""), and the models. The
# wheels are for the Python and the system that run this script; it needs no other package of this checkout. Where pip's
# settings have no index with a CPU build of torch, the wheelhouse holds the CUDA build and its libraries, some gigabytes.
set -eu
cd "$(dirname "$0")/.."
out=${1:?a folder for the wheels}
library=${2:+[$2]} server=${3:+[$3]} # extras in brackets
mkdir -p "$out"
rm -f "$out"/*.whl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work"
"$work/bin/python" -m pip wheel --quiet --constraint constraints.txt --wheel-dir "$out" torch==2.13.0 \
    "$PWD$library" "$PWD/server$server" "$PWD/models"
cp deploy/install_offline.sh "$out/install.sh"
cp deploy/systemd/*.service deploy/systemd/*.timer deploy/unseen-site deploy/nginx.conf "$out"
"$work/bin/python" -c 'import pathlib, sys; print(next(pathlib.Path(sys.argv[1]).glob("unseen-*.whl")).name.split("-")[1])' \
    "$out" >"$out/VERSION"
"$work/bin/python" deploy/hashed_requirements.py "$out"
(cd "$out" && sha256sum ./*.whl requirements.txt VERSION install.sh unseen-site nginx.conf ./*.service ./*.timer >SHA256SUMS)
echo "$out: $(ls "$out"/*.whl | wc -l) wheels, $(du -sm "$out" | cut -f1) MB. Copy the folder, then: $out/install.sh /opt/unseen-$(cat "$out/VERSION")"
echo "SHA-256 of SHA256SUMS: $(sha256sum <"$out/SHA256SUMS" | cut -d ' ' -f 1). Compare it on the server before the installation."
