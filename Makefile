# Everything a person types. Knows which program does it, not how.

.DEFAULT_GOAL := help
.PHONY: help run demo test test-nightly test-rehearsals test-postgres test-monitoring test-chaos test-fresh-clone test-stress test-pythons record-release check dashboards bench lock clean

# Relative and quoted throughout: the checkout's path may hold spaces.
PY := .venv/bin/python
INSTALL := python="$$(sh ops/launcher/find_python.sh)" && exec "$$python" ops/launcher/bootstrap.py

run: ## Install, migrate and start everything; Ctrl-C stops it
	@$(INSTALL) requirements.lock -m ops.launcher

demo: ## A scripted conversation against the running system
	@$(INSTALL) requirements.lock -m ops.demo $(ARGS)

test: ## The default test suite
	@$(INSTALL) requirements-dev.lock -m pytest -m "not fresh_clone and not chaos and not monitoring and not rehearsal" $(ARGS)

test-postgres: ## The suites of the turn, the mirror, archives and personal data again, on PostgreSQL (needs its server installed)
	@$(INSTALL) requirements-dev.lock
	@TEST_ON_POSTGRES=1 $(PY) -m pytest -m "not fresh_clone and not chaos and not monitoring and not rehearsal" tests/api tests/archive tests/memory tests/personal_data tests/test_costs.py tests/test_sweep.py \
		--ignore tests/memory/test_pii.py --ignore tests/memory/test_pii_properties.py $(ARGS)

test-monitoring: ## Alert rules, Alertmanager's and Prometheus's files (needs promtool and amtool installed)
	@$(INSTALL) requirements-dev.lock -m pytest -m monitoring $(ARGS)

test-rehearsals: ## Drills on broken products, runbooks typed into running systems, kills at every step (minutes)
	@$(INSTALL) requirements-dev.lock -m pytest -m rehearsal $(ARGS)

test-nightly: ## The guard's scripts against their model, 10,000 sequences (minutes)
	@$(INSTALL) requirements-dev.lock
	@GUARD_SEQUENCES=10000 $(PY) -m pytest --timeout 3600 tests/memory/test_guard_model.py $(ARGS)

test-chaos: ## Many seeded runs with kills and faults (minutes; needs PostgreSQL's server installed)
	@$(INSTALL) requirements-dev.lock -m pytest -m chaos $(ARGS)

test-pythons: ## The heart of the suite on Python 3.11 to 3.13, as far as they are installed (minutes)
	@$(INSTALL) requirements-dev.lock
	@sh tests/deploy/pythons.sh

record-release: ## Write down what this release leaves in queues and tables, for the tests of the next (needs PostgreSQL's server)
	@$(INSTALL) requirements-dev.lock -m tests.deploy.record_release

test-stress: ## Many users at once against real web processes (a minute)
	@$(INSTALL) requirements-dev.lock -m pytest tests/stress_test_concurrent.py -s $(ARGS)

test-fresh-clone: ## Clone, install, run, chat, stop: the whole way from nothing (minutes)
	@$(INSTALL) requirements-dev.lock -m pytest -m fresh_clone -s $(ARGS)

check: ## Linters, types, import contracts, Django's checks; all of them, whatever fails
	@$(INSTALL) requirements-dev.lock
	@failed=; \
	step() { printf '== %s\n' "$$*"; "$$@" || failed="$$failed  $$*\n"; }; \
	step $(PY) -m ruff check .; \
	step $(PY) -m ruff format --check .; \
	step $(PY) -m mypy; \
	step .venv/bin/lint-imports; \
	step $(PY) manage.py check --fail-level WARNING; \
	step $(PY) manage.py makemigrations --check --dry-run; \
	if [ -n "$$failed" ]; then printf "Failed:\n$$failed" >&2; exit 1; fi

dashboards: ## Build grafana/dashboards anew
	@$(INSTALL) requirements-dev.lock -m grafana.build_dashboard

bench: ## Measurements; PART=name for one of them
	@$(INSTALL) requirements-dev.lock -m ops.bench $(PART)

lock: ## Resolve the dependencies of pyproject.toml anew into both lock files
	@python="$$(sh ops/launcher/find_python.sh)" && "$$python" -m venv .local/uv && .local/uv/bin/python -m pip install --quiet uv
	@$(COMPILE) --output-file requirements.lock pyproject.toml
	@$(COMPILE) --all-extras --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

COMPILE := .local/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(UPGRADE)

clean: ## Remove caches; state in .local and the environment in .venv stay
	@find . \( -path ./.venv -o -path ./.local -o -path ./.git \) -prune -o -type d \
		\( -name __pycache__ -o -name '.*_cache' -o -name .hypothesis -o -name '*.egg-info' \) -prune -exec rm -rf {} +

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name what; do printf '%-24s %s\n' "$$name" "$$what"; done
