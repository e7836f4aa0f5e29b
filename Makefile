# `make up` and `make test` need Python 3.11 or later and nothing else of ours.
# What needs a shell is exec'd, so that a signal to make reaches the command itself.

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --no-input
UV := .cache/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help up test faults bench check format lock sbom audit clean

help:
	@echo "make up      install what is missing, start everything, stay in the foreground"
	@echo "make test    run all tests: unit, integration, end to end"
	@echo "make faults  kill, stop, cut and corrupt what runs; FAULTS='--seeds 20' for a long run"
	@echo "make bench   measure beside what people would use instead; BENCH=--full for the long runs"
	@echo "make check   format, lint, types, imports, schemas, names, docs; under 30 seconds"
	@echo "make format  put the code into its format"
	@echo "make lock    resolve the Python packages and Kafka's jars anew"
	@echo "make sbom    write verdicts.cdx.json, a CycloneDX list of the Python packages"
	@echo "make audit   compare the Python packages with known advisories; needs the network"
	@echo "make clean   remove what was installed; the data folder stays"

up: $(VENV)/.installed
	@exec $(VENV)/bin/verdicts up --with-parent

# Half of most tests is waiting, so two share the processors; faults have them for themselves.
# RERUNS is for machines that others share and stall: so often a test that fails is tried again.
# Each is named, with its traceback.
RERUNS := 0

test: $(VENV)/.testable
	@exec $(VENV)/bin/python tests/harness/chromium.py
	@exec $(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 15 --reruns $(RERUNS) --rerun-show-tracebacks -raR --ignore tests/faults
	@exec $(VENV)/bin/python -m pytest --durations 15 --reruns $(RERUNS) --rerun-show-tracebacks -raR tests/faults

faults: $(VENV)/.testable
	@exec $(VENV)/bin/python -m pytest tests/faults tests/infra/cli/content --every-fault --hypothesis-profile thorough $(FAULTS)

bench: $(VENV)/.testable .cache/bench/.installed
	@exec $(VENV)/bin/python -m tests.bench $(BENCH)

check: $(VENV)/.testable
	@exec $(VENV)/bin/ruff format --check --quiet .
	@exec $(VENV)/bin/ruff check --quiet .
	@exec $(VENV)/bin/lint-imports --no-logo
	@exec $(VENV)/bin/python -m schemas.avro.compatibility
	@exec $(VENV)/bin/mypy
	@exec $(VENV)/bin/python -m pytest -q tests/house tests/infra/docs tests/infra/cli/test_help.py tests/faults/test_proofs.py -k "not without_a_safeguard"

format: $(VENV)/.testable
	@exec $(VENV)/bin/ruff format .
	@exec $(VENV)/bin/ruff check --fix .

lock: $(UV) $(VENV)/.testable
	@exec $(COMPILE) pyproject.toml --extra tracing --group build -o requirements.txt
	@exec $(COMPILE) --group dev -c requirements.txt -o tests/requirements.txt
	@exec $(COMPILE) tests/bench/requirements.in -o tests/bench/requirements.txt
	@exec $(COMPILE) infra/deploy/audit/requirements.in -o infra/deploy/audit/requirements.txt
	@exec $(VENV)/bin/python -m infra.embedded.kafka.jars

sbom: .cache/audit/.installed
	@exec .cache/audit/bin/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible -o verdicts.cdx.json requirements.txt

# Advisories are on the network alone. Without it the sentence says so, and the exit status is 2.
audit: .cache/audit/.installed
	@.cache/audit/bin/pip-audit --require-hashes --disable-pip --progress-spinner off -r requirements.txt >.cache/audit/report 2>&1; \
	status=$$?; \
	if grep -q '^requests\.exceptions\|ConnectionError\|ServiceError' .cache/audit/report; then \
		echo "The advisories of PyPI cannot be reached, so nothing was compared; try again with a network." >&2; \
		exit 2; \
	fi; \
	cat .cache/audit/report; exit $$status

clean:
	rm -rf $(VENV) .cache verdicts.cdx.json *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# Each stamp says: this step is done for these files. A start that finds all of them does nothing.

$(VENV)/.made:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec $$python -m venv $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 or later with its venv module is needed; install it (on Debian: apt-get install python3-venv) and try again." >&2; \
	exit 1
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.txt pyproject.toml
	@echo "Installing the Python packages. This happens once."
	@exec $(PIP) install --require-hashes -r requirements.txt
	@exec $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.testable: $(VENV)/.installed tests/requirements.txt
	@echo "Installing what the tests need. This happens once."
	@exec $(PIP) install --require-hashes -r tests/requirements.txt
	@touch $@

# What the benchmarks hold against us: Quix Streams wants a Kafka client other than ours.
.cache/bench/.installed: $(VENV)/.made tests/bench/requirements.txt
	@echo "Installing what the benchmarks compare with. This happens once."
	@exec $(VENV)/bin/python -m venv .cache/bench
	@exec .cache/bench/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes -r tests/bench/requirements.txt
	@touch $@

.cache/audit/.installed: $(VENV)/.made infra/deploy/audit/requirements.txt
	@echo "Installing what lists and audits the packages. This happens once."
	@exec $(VENV)/bin/python -m venv .cache/audit
	@exec .cache/audit/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes -r infra/deploy/audit/requirements.txt
	@touch $@

$(UV):
	@exec python3 -m venv .cache/uv
	@exec .cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
