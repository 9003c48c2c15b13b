# unseen: the few commands. Each makes the virtual environment .venv first when it is absent or out of date.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DEMO_STAMP := .venv/.installed-for-demo
FOR_DEMO := -e ".[train]" -e ./server -e ./models
FOR_TESTS := -e ".[train,features,dicom-lossless,imaging,ismrmrd,nufft,openvino,onnx,tensorboard,plots,cluster,dev,docs]" -e "./server[pacs,oidc,postgres]" -e ./models
PROJECTS := pyproject.toml server/pyproject.toml models/pyproject.toml constraints.txt
WORKERS ?= 4
DEMO_ARGS ?=

# The films that results and some tests are about: $UNSEEN_DATA, else ../shared/data where that folder is.
ifndef UNSEEN_DATA
ifneq ($(wildcard ../shared/data/.),)
export UNSEEN_DATA := $(abspath ../shared/data)
endif
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NO_MKDOCS_2_WARNING := 1
# many processes are started, and each would compile the same modules anew
unexport PYTHONDONTWRITEBYTECODE

# One thread a worker: WORKERS processes run at a time, four on two cores, since servers and browsers are waited for.
# The workers, and the doctests, are forks of one process that has imported torch and the tests: pytest otherwise.
FORKED := env OMP_NUM_THREADS=1 $(BIN)/python -m tests.forked_workers
SPREAD := -n $(WORKERS) --dist worksteal
PYTEST := $(FORKED) $(SPREAD)

.PHONY: help help-all demo test test-library test-server suite quick coverage steady repeat results results-thesis results-noise results-screening results-imaging results-priors results-detectors results-lungs bench bench-imaging bench-pages bench-pacs bench-scale bench-archive bench-long-list sizing bench-priors gpu-pack gpu-queue gpu-merge pacs-demo peers peers-anomalib dist wheelhouse pythons docs screenshots nightly lint format parts clean

help:
	@echo "make demo          train, score and report on simulated films, then the reader's page (DEMO_ARGS are passed on)"
	@echo "make quick         unit tests, for use while you work"
	@echo "make test          every check: lint, types, tests, doctests, docs; what CI runs"
	@echo "make test-library  the tests of the library (src/unseen) alone"
	@echo "make test-server   the tests of the server (server/src/unseen_server) alone"
	@echo "make lint          ruff, mypy, import-linter, words, types of the JavaScript"
	@echo "make format        rewrite the layout of the sources"
	@echo "make docs          build the documentation into site/"
	@echo "make nightly       long forms and repetitions of tests, about two hours"
	@echo "make dist          wheels and source archives of the three packages, into dist/"
	@echo "make help-all      all other targets: results, benchmarks, GPU queue, releases"

# Targets of studies, benchmarks and releases.
help-all: help
	@echo "make coverage          branches that the tests of screening and worklist reach, docs/coverage.md"
	@echo "make steady            tests on other instructions, with two threads and under load (TESTS=tests/physics)"
	@echo "make repeat            chosen tests TIMES times each under load (TESTS=server/tests/pacs/test_node.py TIMES=200 SELECT=stop)"
	@echo "make results           train and evaluate the recipes on real films, render docs/results.md (long)"
	@echo "make results-thesis    the thesis's protocol, docs/results-thesis.md (many hours; resumable)"
	@echo "make results-noise     two recipes under added noise, docs/results-thesis.md (hours; resumable)"
	@echo "make results-screening the guarantee in simulated hospitals, and on real films, docs/results-screening.md"
	@echo "make results-imaging   imaging from measurements alone on real data, docs/results-imaging.md (many hours; resumable)"
	@echo "make results-priors    generators as priors against TV, on digits, shapes and MR slices, docs/results-priors.md (hours; resumable)"
	@echo "make results-detectors every detector on equal terms, docs/results-detectors.md (a day; resumable)"
	@echo "make results-lungs     outlines of lung finders, and lesions kept inside them, docs/results-lungs.md (half an hour)"
	@echo "make gpu-pack          data of the queue for a machine with a GPU, into gpu-pack/ (ROW=thesis/ganomaly)"
	@echo "make gpu-queue         rows of the queue on a GPU for ten minutes, into OUT (ROW=, DEVICE=, STOP_AFTER= seconds; resumable)"
	@echo "make gpu-merge         rows and runs that gpu-queue returned, from OUT into the results and the runs"
	@echo "make bench             a training step, a film's score and a screened film, docs/speed.md (under ten minutes)"
	@echo "make bench-imaging     imaging beside deepinv, ASTRA, scikit-image and SciPy, docs/speed-imaging.md (some minutes)"
	@echo "make bench-pages       pages of lists of 10,000 and 1,000,000 studies, from film to film, films dropped on Live, docs/speed-list.md"
	@echo "make bench-pacs        films into the DICOM node beside Orthanc and pynetdicom, results out, docs/speed-pacs.md (some minutes)"
	@echo "make bench-scale       results written per second, an archive's films per second, bytes per film: docs/scale.md (some minutes)"
	@echo "make bench-long-list   a page of 50 of ten million studies on PostgreSQL, and a search by accession number"
	@echo "make sizing            cores, disk and hours of a hospital, a country and an archive, from measured times, docs/scale.md"
	@echo "make bench-archive     films of an archive per second, this version and an earlier one in turns, docs/scale.md (half an hour)"
	@echo "make pacs-demo         an archive, the DICOM node and the worklist, with phantoms (needs Orthanc)"
	@echo "make bench-priors      the search over latents in one batch beside the loop (half an hour, the loop is slow)"
	@echo "make peers             deepinv and ASTRA, into .venv-peers, for make bench-imaging and python -m studies.against_deepinv (1.7 GB)"
	@echo "make peers-anomalib    anomalib, into .venv-anomalib, for its rows in docs/results-detectors.md alone (2 GB)"
	@echo "make wheelhouse        all wheels of an installation without a network, into dist/wheelhouse (EXTRAS=dicom-lossless SERVER_EXTRAS=pacs)"
	@echo "make pythons           the wheel's quick start on PYTHONS, each in an environment of its own (gigabytes; PYTHONS=python3.12)"
	@echo "make screenshots       every page of the reader's page, light and dark, and OHIF with a report, into docs/images/pages"

# Where everything is installed, the demo takes that; else only what it needs.
demo: $(if $(wildcard $(STAMP)),$(STAMP),$(DEMO_STAMP))
	$(BIN)/unseen demo $(DEMO_ARGS)

test:
	@$(MAKE) --no-print-directory -j2 $(STAMP) parts
	@$(MAKE) --no-print-directory -j2 lint suite
	@echo "make test: all passed"
	@echo "what make installed: $$(cat $(STAMP)); system programs: $$(cat .venv/.parts 2>/dev/null || echo none, all were there)"

# `make test` runs lint beside it: the tests have waits in them
suite: $(STAMP)
	@echo "films: $${UNSEEN_DATA:-none; the tests on real films are skipped (they fail where CI is set)}"
	UNSEEN_COSTS=build/test-costs.json $(FORKED) --doctests src server/src -- $(SPREAD) -m "not nightly"

# Tests of the library, with those of all three packages and of the docs; and tests of the server.
test-library: $(STAMP)
	$(PYTEST) -m "not nightly" tests

test-server: $(STAMP)
	$(PYTEST) -m "not nightly" server/tests

quick: $(STAMP)
	$(PYTEST) -m "not slow and not nightly" --timeout 60

# Branches that the tests reach, processes that they start included; TESTS=tests for all of the package (long).
TESTS ?= tests/screening server/tests/worklist server/tests/web/test_activating.py server/tests/web/test_turing.py tests/cli/test_calibrate.py
coverage: $(STAMP)
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -n $(WORKERS) --dist worksteal -m "not nightly" $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet -o .coverage-report.json
	$(BIN)/python docs/coverage_page.py .coverage-report.json $(TESTS)

# What a processor's rounding, its threads or its load decides fails in one of these four. TESTS: what is run.
STEADY_TESTS := $(if $(filter command line environment,$(origin TESTS)),$(TESTS),tests/physics)
BUSY = trap 'kill $$(jobs -p)' EXIT; trap 'exit 1' INT TERM; \
	for i in 1 2; do timeout 86400 sh -c 'while :; do :; done' >/dev/null 2>&1 & done;
STEADY := $(BIN)/python -m pytest -n 2 --dist worksteal -m "not nightly"

steady: $(STAMP)
	OMP_NUM_THREADS=2 $(STEADY) $(STEADY_TESTS)
	OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=AVX2 $(STEADY) $(STEADY_TESTS)
	OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_CBWR=COMPATIBLE $(STEADY) $(STEADY_TESTS)
	@$(BUSY) OMP_NUM_THREADS=1 $(STEADY) $(STEADY_TESTS)

# Chosen tests, one after the other, TIMES times each, with two busy loops next to them. TESTS: files, or single tests
# by their whole names. SELECT: an expression that chooses among them, as for pytest -k.
TIMES ?= 200
SELECT ?=
repeat: $(STAMP)
	@test "$(origin TESTS)" != file || { echo "Say which tests: make repeat TESTS=server/tests/pacs/test_node.py TIMES=200"; exit 2; }
	@$(BUSY) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "not nightly" -p tests.repeated --times $(TIMES) -k "$(SELECT)" $(TESTS)

results: $(STAMP)
	$(BIN)/python -m studies

# Hours: may be stopped (Ctrl-C) and said again, and goes on. The settings keep memory that each step needs again.
results-thesis: $(STAMP)
	MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 THP_MEM_ALLOC_ENABLE=1 \
		$(BIN)/python -m studies --only thesis
	$(BIN)/python -m studies.figures.thesis_curves
	$(BIN)/python -m studies.figures.thesis_rates_and_losses

# Hours: finished trainings are found again.
results-noise: $(STAMP)
	$(BIN)/python -m studies --only noise

results-screening: $(STAMP)
	$(BIN)/python -m studies --only screening
	$(BIN)/python -m studies.gate_table
	$(BIN)/python -m studies.gate_table --render docs/theory/gate.md
	$(BIN)/python -m studies.gate_rules
	$(BIN)/python -m studies.gate_rules --render docs/theory/gate.md
	$(BIN)/python -m studies.gate_causes
	$(BIN)/python -m studies.gate_causes --render docs/theory/gate.md
	$(BIN)/python -m studies.grey_scale --model models/pca --kept runs/grey-scale-pca.jsonl
	$(BIN)/python -m studies.grey_scale --render docs/theory/grey-scale.md

# Hours: may be stopped (Ctrl-C) and said again, and goes on; a row is written after each arm. Settings as above.
results-imaging: $(STAMP)
	MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 THP_MEM_ALLOC_ENABLE=1 OMP_NUM_THREADS=1 \
		$(BIN)/python -m studies.imaging

# Hours, most of them the generators' trainings: may be stopped (Ctrl-C) and said again, and goes on.
results-priors: $(STAMP)
	MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 THP_MEM_ALLOC_ENABLE=1 OMP_NUM_THREADS=1 \
		$(BIN)/python -m studies.priors
	$(BIN)/python -m studies.figures.priors_curves

# A day: may be stopped (Ctrl-C) and said again, and goes on; a row is written as soon as it is there.
results-detectors: $(STAMP)
	MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 THP_MEM_ALLOC_ENABLE=1 OMP_NUM_THREADS=1 \
		$(BIN)/python -m studies.detectors

# Half an hour: trained finders are found again.
results-lungs: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m studies.lung_finder

# ROW: a recipe of the queue, or several; none: all. See docs/how-to/gpu.md.
ROW ?=
DEVICE ?= auto
OUT ?= gpu-out
# Seconds; empty: the defaults of studies/gpu_queue/slot.py.
CHECKPOINT_EVERY ?=
STOP_AFTER ?=
gpu-pack: $(STAMP)
	$(BIN)/python -m studies.gpu_queue pack $(ROW)

gpu-queue: $(STAMP)
	$(BIN)/python -m studies.gpu_queue run $(ROW) --device $(DEVICE) --out $(OUT) \
		$(if $(CHECKPOINT_EVERY),--checkpoint-every $(CHECKPOINT_EVERY)) $(if $(STOP_AFTER),--stop-after $(STOP_AFTER))

gpu-merge: $(STAMP)
	$(BIN)/python -m studies.gpu_queue merge $(OUT)

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# One core; best on a machine that does nothing else. Without make peers, deepinv and ASTRA are left out.
bench-imaging: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.imaging --history studies/results/bench-history.jsonl

bench-pages: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.reading --studies 10000 --readers 1 --side 2750 --look 3 --drops 1 \
		--keep studies/results/reading-large.json
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.live --keep studies/results/live.json
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.worklist_pages

# Best with nothing else running: the workers and the database server share the cores.
bench-scale: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.result_writes
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.archive --films 100 --side 2048 --part-size 5 --keep
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.stored_bytes
	$(BIN)/python -m benchmarks.sizing --inputs

# A list of ten million studies on PostgreSQL: 20 GB of disk while it runs, and a quarter of an hour or more.
bench-long-list: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.long_list

# Reads what bench-scale and bench-pacs have kept; the same inputs give the same tables.
sizing: $(STAMP)
	$(BIN)/python -m benchmarks.sizing

# Best with nothing else running. BEFORE: the version to compare with.
BEFORE ?= cb4539e
bench-archive: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.archive_before --before $(BEFORE) --keep

# Best with nothing else running: senders, node, archive and worker share the cores.
bench-pacs: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.pacs

pacs-demo: $(STAMP)
	$(BIN)/python deploy/pacs_demo.py

bench-priors: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.priors --recipe priors/mnist-vae

peers:
	PYTHON=$(PYTHON) benchmarks/peers.sh

peers-anomalib:
	PYTHON=$(PYTHON) benchmarks/peers_anomalib.sh

# The wheel is built from the source archive, so that both hold the same.
dist: $(STAMP)
	rm -rf dist
	for project in . server models; do $(BIN)/python -m build --no-isolation --outdir dist $$project; done
	$(BIN)/python deploy/sbom.py dist
	@cd dist && sha256sum unseen* > SHA256SUMS && cat SHA256SUMS
	deploy/try_wheels.sh dist

# Extras of the library, and of the server
EXTRAS ?= train,openvino,dicom-lossless,imaging,ismrmrd,nufft,features
SERVER_EXTRAS ?= pacs,oidc,postgres
wheelhouse:
	PYTHON=$(PYTHON) deploy/wheelhouse.sh dist/wheelhouse "$(EXTRAS)" "$(SERVER_EXTRAS)"

PYTHONS ?= python3.11 python3.12 python3.13
pythons: dist
	deploy/try_pythons.sh $(PYTHONS)

docs: $(STAMP)
	$(BIN)/mkdocs build --strict
	@echo "docs: site/index.html"

screenshots: $(STAMP)
	UNSEEN_SCREENSHOTS=docs/images/pages $(BIN)/python -m pytest -m nightly server/tests/browser/test_pages_look.py
	UNSEEN_SCREENSHOTS=docs/images/pages $(BIN)/python -m pytest server/tests/browser/test_ohif.py

nightly: $(STAMP)
	UNSEEN_SOAK=studies/results/soak.json $(PYTEST) -m nightly --timeout 2700
	$(BIN)/python -m docs.reliability_page

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.repository.words
	$(BIN)/python -m tests.repository.first_lines
	web-types/check

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

parts:
	@.ci/parts

clean:
	rm -rf site dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# torch goes first, pinned. The package index's own build for Linux brings gigabytes of CUDA libraries; PIP_FIND_LINKS or
# PIP_EXTRA_INDEX_URL can name a place with the CPU build. pip would compile on one core. For tests all
# modules are compiled on all cores; the demo compiles those that it imports, which takes 150 MB less. Some packages hold
# a file of another Python's syntax, which nobody imports.
# $(call installed,TARGETS,FOR): TARGETS into .venv, and the stamp $@
define installed
@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"unseen needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Say make PYTHON=/path/to/python3.11.")'
@test -x $(BIN)/python || { echo "making .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv .venv; }
@echo "installing into .venv: torch, then the three packages with what $(2) needs (constraints.txt; a few minutes the first time)"
$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt pip torch==2.13.0 hatchling editables
$(BIN)/python -m pip install --quiet --no-compile --no-build-isolation -c constraints.txt $(1)
@echo "$$($(BIN)/python -m pip list --format=freeze 2>/dev/null | wc -l) Python packages into .venv, as pinned in constraints.txt" > $@
@echo "installed: $$(cat $@)"
endef

$(STAMP): $(PROJECTS)
	$(call installed,$(FOR_TESTS),every test)
	@$(BIN)/python -m compileall -q -j 0 .venv/lib src server/src >/dev/null 2>&1 || true

$(DEMO_STAMP): $(PROJECTS)
	$(call installed,$(FOR_DEMO),the demo)
