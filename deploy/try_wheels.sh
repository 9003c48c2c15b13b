#!/usr/bin/env bash
# Tries the wheels of a folder as their users install them: the library alone, with the models, then with the server.
#   deploy/try_wheels.sh dist       PYTHON=python3.12 takes another Python; `make dist` calls it
# Each step also checks that the packages of the next step are absent. The environment is temporary. Its size is that of
# a demonstration's environment; the target is 1300 MB with the CPU build of torch.
# Research use only. Not a medical device. Not for diagnosis.
set -eu -o pipefail
cd "$(dirname "$0")/.."
dist=$(cd "${1:?a folder with the three wheels, such as dist}" && pwd)
here=$PWD
film=$here/tests/detectors/shipped_films/phantom-twin-31-0-nodule.png
library=$(ls "$dist"/unseen-*.whl) models=$(ls "$dist"/unseen_models-*.whl) server=$(ls "$dist"/unseen_server-*.whl)
work=$(mktemp -d)
serving=
trap '[ -z "$serving" ] || kill "$serving" 2>/dev/null || true; rm -rf "$work"' EXIT
unset PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1

failed() {
    echo "try_wheels.sh: $*" >&2
    exit 1
}
installed() { # PACKAGE…
    "$work/env/bin/python" -m pip install --quiet --no-compile --constraint constraints.txt "$@"
    "$work/env/bin/python" -m pip check >"$work/check.txt" || failed "$(cat "$work/check.txt")"
}
absent() { # MODULE…
    local found
    found=$("$work/env/bin/python" -c \
        'import importlib.util, sys; print(*filter(importlib.util.find_spec, sys.argv[1:]))' "$@")
    [ -z "$found" ] || failed "installed, and not needed: $found"
}
unseen() { (cd "$work" && env/bin/unseen "$@"); }
refused() { # SENTENCE WORDS…: the command ends with status 2 and one sentence that contains SENTENCE
    local sentence=$1 status=0
    shift
    unseen "$@" >"$work/refused.txt" 2>&1 || status=$?
    [ "$status" = 2 ] || failed "unseen $*: status $status, expected 2: $(cat "$work/refused.txt")"
    tr '\n' ' ' <"$work/refused.txt" | grep -qF "$sentence" || failed "unseen $*: $(cat "$work/refused.txt")"
    ! grep -q Traceback "$work/refused.txt" || failed "unseen $*: $(cat "$work/refused.txt")"
}

"${PYTHON:-python3}" deploy/wheel_contents.py "$library" "$models" "$server"
"${PYTHON:-python3}" -c 'import re, sys; print(re.search(r"^```python\n(.*?)^```$", open(sys.argv[1], encoding="utf-8").read(), re.M | re.S)[1])' \
    README.md >"$work/quick_start.py"
"${PYTHON:-python3}" -m venv "$work/env"
"$work/env/bin/python" -m pip install --quiet --no-compile --constraint constraints.txt torch==2.13.0

# The library alone: its phantom screener runs the quick start, with a percentile for each film.
installed "$library"
absent unseen_models unseen_server fastapi starlette uvicorn sqlalchemy alembic argon2 lightning_fabric
unseen --version
unseen --help >"$work/help.txt"
(cd "$work" && env/bin/python quick_start.py) >"$work/scores.txt"
[ "$(grep -c '^abnormal .* higher than' "$work/scores.txt")" = 4 ] || failed "quick start: $(cat "$work/scores.txt")"
refused "pip install unseen-server" serve --folder list
refused "pip install unseen-server" demo --out demo
refused "pip install unseen-models" score models/pca "$film"
[ ! -e "$work/list" ] && [ ! -e "$work/demo" ] || failed "a refused command made a folder"
echo "the library alone: quick start done, $(du -sm "$work/env" | cut -f1) MB"

# With the models.
installed "$models"
absent unseen_server fastapi starlette uvicorn sqlalchemy alembic argon2 lightning_fabric
unseen score models/pca "$film" >"$work/score.txt" 2>"$work/score.log" || failed "$(cat "$work/score.log")"
# models/pca has learnt from real films, and its gate refuses a phantom; the score is shown all the same
grep -qE '^(refused \()?[0-9]+\.[0-9]+' "$work/score.txt" || failed "unseen score: $(cat "$work/score.txt")"
(cd "$work" && env/bin/python -) >"$work/scores.txt" <<'PYTHON' || failed "a detector with the lung finder: $(cat "$work/scores.txt")"
"""Train with the lung finder of the models, as README shows for films of one's own, and score four films."""
import unseen as un

detector = un.detectors.Pca(size=64).fit(un.data.phantoms.normals(64, seed=1, size=128), finder="models/lungs")
print(*(f"{finding.score:.4f}" for finding in detector.score(un.data.phantoms.twins(2, seed=2, size=128))), sep="\n")
PYTHON
[ "$(grep -cE '^[0-9]+\.[0-9]+$' "$work/scores.txt")" = 4 ] || failed "scores: $(cat "$work/scores.txt")"
refused "pip install unseen-server" serve --folder list
echo "with the models: a film scored $(cut -f1 "$work/score.txt"), $(du -sm "$work/env" | cut -f1) MB"

# With the server.
installed "$server"
absent lightning_fabric highdicom pynetdicom authlib psycopg
refused 'pip install "unseen[train]"' demo --out demo
refused 'pip install "unseen-server[pacs]"' pacs --config none.toml --folder list
(cd "$work" && exec env/bin/unseen serve --folder list --model models/pca --port 0) >"$work/serve.log" 2>&1 &
serving=$!
"$work/env/bin/python" - "$work/serve.log" "$serving" <<'PYTHON' || failed "unseen serve: $(cat "$work/serve.log")"
"""Ask the server for its readiness, as soon as its log names its address, until it is ready."""
import json, os, pathlib, re, sys, time, urllib.error, urllib.request

end = time.monotonic() + 300
while True:
    os.kill(int(sys.argv[2]), 0)  # it runs
    named = re.search(r"http://127\.0\.0\.1:\d+", pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        if named:
            with urllib.request.urlopen(f"{named[0]}/api/v1/health/ready", timeout=10) as answer:
                sys.exit(0 if answer.status == 200 else 1)
    except urllib.error.HTTPError as error:  # 503: a worker is still loading its model
        last = error.read().decode()
    except urllib.error.URLError as error:
        last = str(error)
    else:
        last = "no address in the log"
    if time.monotonic() > end:
        sys.exit(f"not ready after 300 s: {last}")
    time.sleep(0.5)
PYTHON
kill -TERM "$serving"
status=0
wait "$serving" || status=$?
serving=
[ "$status" = 0 ] || failed "unseen serve: status $status after SIGTERM: $(cat "$work/serve.log")"
echo "with the server: it was ready and stopped by SIGTERM, $(du -sm "$work/env" | cut -f1) MB"

# What a demonstration needs, by the names that were extras of the library alone before.
installed "$library[train,serve]"
unseen demo --help >"$work/help.txt"
unseen pacs --help >"$work/help.txt"
echo "with all that a demonstration needs: $(du -sm "$work/env" | cut -f1) MB, $("$work/env/bin/python" -m pip list --format=freeze | wc -l) packages"
