# The verbs of this repository; `make help` lists them. Needs Python 3.11 or newer, make and git; everything else is
# installed into .venv from requirements/*.lock, once. PYTHON=/path/to/python chooses another interpreter.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_NO_PROGRESS := 1
MAKEFLAGS += --no-print-directory
# Set in many images of containers; every program that is started would compile all it imports, a third of its time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types bench docs setup setup-demo wheel lock vendor clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: setup-demo ## audit a simulated AWS account and write its reports
	@$(BIN)/auditor demo

test: lint ## all that must hold: lint, types, import contracts, tests
	@types=$$(mktemp); trap 'rm -f $$types' EXIT; \
	  $(BIN)/mypy >$$types 2>&1 & mypy=$$!; \
	  $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder; tests=$$?; \
	  wait $$mypy; typed=$$?; cat $$types; \
	  [ $$tests -eq 0 ] && [ $$typed -eq 0 ]

lint: setup ## ruff and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: setup ## mypy, strict
	@$(BIN)/mypy

bench: setup ## run the benchmarks; each prints its ratios
	@$(BIN)/python -m benchmarks

docs: setup ## write the generated pages of docs/
	@$(BIN)/python docs/generate.py

wheel: setup ## build the wheel and the source distribution into dist/
	@$(BIN)/hatchling build

# The table library that goes into every compliance report; versions and digest stand in reports/vendor/README.md, too.
VENDORED := @tanstack/table-core@9.3.1 @tanstack/virtual-core@3.19.11 @tanstack/store@0.11.2 esbuild@0.28.2

vendor: ## make reports/vendor/tanstack.js anew; needs npm
	@folder=$$(mktemp -d) && cp reports/vendor/tanstack.entry.js $$folder && npm --prefix $$folder install --silent $(VENDORED) \
	  && (cd $$folder && node_modules/.bin/esbuild tanstack.entry.js --bundle --minify --format=iife --global-name=TanStack \
	    --target=es2020 --define:process.env.NODE_ENV='"production"' --log-level=error --outfile=tanstack.js) \
	  && cp $$folder/tanstack.js reports/vendor/ && rm -r $$folder && sha256sum reports/vendor/tanstack.js

clean: ## remove .venv, caches and build output
	rm -rf $(VENV) dist build .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment -------------------------------------------------------------------------------------------------
# A stamp in .venv says what is installed, so a second run installs nothing. demo.lock is a subset of dev.lock: whoever
# has the latter needs no demo set-up.

setup: $(VENV)/dev.stamp $(VENV)/self.stamp ## everything a developer needs, in .venv

setup-demo: $(if $(wildcard $(VENV)/dev.stamp),$(VENV)/dev.stamp,$(VENV)/demo.stamp) $(VENV)/self.stamp ## what the demo needs, in .venv

# uv installs in a sixth of pip's time but reads no pip.conf: where only pip knows the mirror, pip does the work.
$(VENV)/%.stamp: requirements/%.lock $(VENV)/uv.stamp
	@echo "Installing requirements/$*.lock into $(VENV) (once)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $< \
	  || { echo "uv could not; trying pip"; $(BIN)/python -m pip install --quiet --require-hashes -r $<; }
	@touch $@

$(VENV)/uv.stamp: requirements/setup.lock
	@python=$$(for candidate in $(or $(PYTHON),python3.11 python3); do $$candidate -c \
	  'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$candidate && break; done); \
	[ -n "$$python" ] || { echo "No Python 3.11 or newer with its venv module found as" \
	  "$(or $(PYTHON),python3.11 or python3): install it, or say make PYTHON=/path/to/python" >&2; exit 2; }; \
	echo "Creating $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/self.stamp: pyproject.toml | $(VENV)/uv.stamp
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline -e .
	@touch $@

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

lock: $(VENV)/uv.stamp ## bring requirements/*.lock to the newest releases
	@$(LOCK) pyproject.toml --upgrade --extra demo --extra formats --extra parquet --extra postgres --group dev -o requirements/dev.lock
	@$(LOCK) pyproject.toml -c requirements/dev.lock --extra demo --group build -o requirements/demo.lock
	@$(LOCK) -c requirements/dev.lock --group setup -o requirements/setup.lock
