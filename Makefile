# Two commands. `make signoff` sets up what is needed and plays the main job; `make test` sets up the same and runs the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: signoff test setup
signoff: setup
	$(BIN)/signoff run --config fixtures/reference/signoff.toml --profile smoke

test: setup
	$(BIN)/tox

setup: $(VENV)/.ready
	@$(BIN)/signoff lab install >/dev/null

# The environment is complete when the stamp is there; one that was interrupted is made again.
$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'signoff: Python 3.11 or newer with its venv module is needed (Debian: python3.11-venv); found '"$$($(PYTHON) --version 2>&1)." >&2; \
	  echo '         Give another with: make PYTHON=python3.11. For the servers: Rust 1.84, Go 1.23, pkg-config and the OpenSSL headers.' >&2; \
	  exit 4; }
	@echo 'signoff: setting up the environment from requirements.lock (once; about a minute)' >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
