# make demo   nodes and wallets on this machine, harmed and healed: the story, with checks and a report
# make test   all tests that need nothing foreign
# make check  format, lint, types, architecture and the quick tests: before every commit
# make docs   the guide as pages
# make compiled   axon's own modules compiled by mypyc, in place: needs a C compiler
# make interop bench bench-peers attack spof sim soak fuzz mutate: see CONTRIBUTING.md

# Python 3.11, 3.12 or 3.13: python3 if it is one of them, else the newest of them that is found.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(firstword $(foreach each,python3 python3.13 python3.12 python3.11,\
  $(shell $(each) -c '$(SUITABLE)' 2>/dev/null && echo $(each))))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
FOREIGN := .cache/interop
PROGRAMS := $(wildcard tests/interop/programs/*.txt)
BTCLIB := 2026.10.25

SEED ?= 0..199
NODES ?= 20
MINUTES ?= 10
KILLS ?= 1000
TARGET ?= full-node
SECONDS ?= 60
SAMPLE ?= 500
ROOMS ?= chain,mempool,p2p,wallet,lab
JOBS ?= 2

.PHONY: demo test check interop bench bench-peers attack spof sim soak fuzz mutate docs setup picture clean

demo: setup
	@$(BIN)/python -m compiling --if-possible
	@$(BIN)/axon demo

test: setup
	$(BIN)/pytest -q -n 3 --dist loadgroup -m "not interop and not slow"

check: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest -q -n 2 -m "not interop and not slow and not process and not long"

# make test, make sim and all else run on it from then on, until a source changes.
.PHONY: compiled
compiled: setup
	$(BIN)/python -m compiling

interop: setup $(FOREIGN)/ray/tried $(FOREIGN)/ready $(FOREIGN)/electrum/ready $(FOREIGN)/btclib/tried $(PROGRAMS:tests/interop/%.txt=$(FOREIGN)/%/ready)
	$(BIN)/pytest -q -rs -m interop tests/interop

bench: setup
	$(BIN)/python -m bench

# Beside other programs: bitcoind is taken from the PATH, the others where make interop put them.
bench-peers: setup
	$(BIN)/python -m bench.peers

attack: setup
	$(BIN)/python -m attacks

spof: setup
	$(BIN)/python -m bench.verdict

sim: setup
	$(BIN)/axon sim --seeds $(SEED) --nodes $(NODES) --jobs $(JOBS)
	$(BIN)/axon sim --wallet --seeds $(SEED) --jobs $(JOBS)

soak: setup
	$(BIN)/pytest -q -m slow tests
	$(BIN)/python -m tests.process.soak --minutes $(MINUTES)
	$(BIN)/python -m tests.process.paykills --kills $(KILLS)

# Without atheris (no wheel for this Python or system) the inputs are mutated blindly.
fuzz: setup
	@$(BIN)/python -c 'import atheris' 2>/dev/null || \
	  $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[fuzz]' || true
	@$(BIN)/python -m fuzz $(TARGET) --seconds $(SECONDS)

# SEED is a number here: one sample. It goes on where it was stopped.
mutate: setup
	@$(BIN)/python -c 'import cosmic_ray' 2>/dev/null || \
	  $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[mutation]'
	@nice -n 10 $(BIN)/python -m mutation --sample $(SAMPLE) --seed $(firstword $(subst ., ,$(SEED))) --rooms $(ROOMS)

# The guide as pages that need no network, in .cache/site; a dead link is an error.
docs: setup
	@$(BIN)/python -c 'import material' 2>/dev/null || \
	  $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build -q
	@echo "The guide is in .cache/site/index.html"

# The picture in docs/architecture.md, drawn from the imports of the code.
picture: setup
	$(BIN)/python docs/draw_rooms.py > docs/rooms.svg

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(SUITABLE)' || \
	  { echo "axon needs Python 3.11, 3.12 or 3.13; make PYTHON=... names one" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# Without npm nothing is marked as done, so that a later run installs what this one could not.
$(FOREIGN)/ready: tests/interop/package.json tests/interop/package-lock.json
	@mkdir -p $(FOREIGN)
	@cp tests/interop/package.json tests/interop/package-lock.json $(FOREIGN)/
	@if command -v npm >/dev/null; then \
	  cd $(FOREIGN) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch ready; \
	else echo "npm is not installed: the tests against its packages (tests/interop/package.json) will be skipped"; fi

# Programs in Python that others wrote, each file's in an environment of its own.
$(FOREIGN)/programs/%/ready: tests/interop/programs/%.txt | $(READY)
	@$(PYTHON) -m venv --without-pip $(@D)
	@if $(BIN)/pip --python $(@D) install -q --disable-pip-version-check --no-deps -r $<; then touch $@; \
	else echo "$* could not be installed: the tests against it will be skipped"; fi

# The Electrum wallet, where none is installed: on Debian and what is made of it, without root.
$(FOREIGN)/electrum/ready: tests/interop/fetchelectrum
	@if command -v electrum >/dev/null; then :; \
	elif rm -rf $(@D) && tests/interop/fetchelectrum $(@D); then touch $@; \
	else echo "electrum could not be fetched: the tests against it will be skipped"; fi

# Ray, beside axon, whose code runs on its workers.
$(FOREIGN)/ray/tried: $(READY)
	@mkdir -p $(@D)
	@if $(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[ray]'; then touch $@; \
	else echo "ray could not be installed: the tests with it will be skipped"; fi

# btclib-node needs a Python that axon does not know yet.
$(FOREIGN)/btclib/tried:
	@mkdir -p $(dir $@)
	@if command -v python3.14 >/dev/null; then \
	  python3.14 -m venv $(FOREIGN)/btclib && \
	  $(FOREIGN)/btclib/bin/pip install -q --disable-pip-version-check btclib-node==$(BTCLIB) && touch $@; \
	else echo "python3.14 is not installed: the tests against btclib-node will be skipped"; fi

clean:
	rm -rf $(VENV) .cache build dist src/*.egg-info src/axon/_compiled
