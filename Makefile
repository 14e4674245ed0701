# GuildNet: `make up` and `make test` do everything from a fresh machine; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Under a name of its own: a recipe line that names MAKE is run by `make -n`, too.
THIS_MAKE := $(MAKE)
LOCAL := $(PY) -m guildnet_local
APT_PACKAGES := tools/src/guildnet_local/machine/packages.txt
REGISTRY_APT_PACKAGES := tools/src/guildnet_local/registry/packages.txt
TEST_APT_PACKAGES := tests/packages.txt
PYTHON_IS_NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "GuildNet needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 2; }
PROJECTS := libs/guildnet services/api services/proxy services/operator tools cli

# Which cluster `up` uses: `bare` (made here, in namespaces of its own), `kind` (made in Docker), or `context:NAME` of
# the kubeconfig.
CLUSTER ?= bare
export CLUSTER

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z0-9% -]+:.*## / {printf "  \033[36mmake %-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- set-up ---------------------------------------------------------------------------------------------------------

$(VENV)/.ready: requirements/uv.txt requirements/dev.txt $(PROJECTS:%=%/pyproject.toml)
	@$(PYTHON_IS_NEW_ENOUGH)
	@echo "installing the Python packages into $(VENV) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(VENV)/bin/uv pip install --quiet --require-hashes -r requirements/dev.txt
	@$(VENV)/bin/uv pip install --quiet --no-deps --no-build-isolation $(PROJECTS:%=-e %)
	@touch $@

.PHONY: setup
setup: setup-up test-packages ## the Python environment and the Debian packages, those of the tests included

# What `up` needs: a browser and its libraries, which only tests use, would be most of the packages.
.PHONY: setup-up packages builder-packages test-packages
setup-up: $(VENV)/.ready $(if $(filter context:%,$(CLUSTER)),builder-packages,$(if $(filter-out kind,$(CLUSTER)),packages))
packages:
	@tools/install-packages $(APT_PACKAGES)
builder-packages:
	@command -v skopeo >/dev/null || tools/install-packages $(REGISTRY_APT_PACKAGES)
	@docker info >/dev/null 2>&1 || podman info >/dev/null 2>&1 || tools/install-packages $(APT_PACKAGES)
# After the others: two installations at once would wait for apt's lock and fail.
test-packages: packages
	@tools/install-packages $(TEST_APT_PACKAGES)

# ---- the local cluster ----------------------------------------------------------------------------------------------

.PHONY: up down status logs url token kubeconfig kubectl helm tailnet image images load dev
# Compilers start first; `setup-up` runs beside them.
up: ## a local cluster with GuildNet, a test tailnet and a JupyterLab workspace (ONLY=cluster|tailnet|chart: so far)
	@$(PYTHON_IS_NEW_ENOUGH)
	@GUILDNET_STARTED=$$(date +%s.%N) PYTHONPATH=tools/src $(PYTHON) -m guildnet_local.prepare $(THIS_MAKE) $(PY) $(if $(ONLY),--only=$(ONLY))
down: $(VENV)/.ready ## remove the local cluster and everything `up` made
	@$(LOCAL) down
status: $(VENV)/.ready ## what runs
	@$(LOCAL) status
logs: $(VENV)/.ready ## the logs of the cluster's programs (COMPONENT=name, FOLLOW=1)
	@$(LOCAL) logs $(COMPONENT) $(if $(FOLLOW),--follow)
url: $(VENV)/.ready ## the login URL usable from this host
	@$(LOCAL) url
token: $(VENV)/.ready ## a bearer token with full rights on the install
	@$(LOCAL) token
kubeconfig: $(VENV)/.ready ## the path of an admin kubeconfig usable from this host
	@$(LOCAL) kubeconfig
kubectl helm: $(VENV)/.ready ## of the local cluster: make kubectl ARGS="get ws -A" (or .venv/bin/kubectl get ws -A)
	@$(LOCAL) $@ $(ARGS)
image: setup-up ## build an image that `up` does not need, and offer it: make image NAME=code-server
	@$(LOCAL) image $(or $(NAME),$(error say which: make image NAME=code-server))
# Where docker or podman answers, only skopeo is installed.
images: $(VENV)/.ready builder-packages ## build and push what an install needs: make images REGISTRY=registry.example.com/team
	@$(LOCAL) images
load: $(VENV)/.ready ## an image of yours into the local cluster: make load IMAGE=my-app:1, or IMAGE=my-app.tar
	@command -v skopeo >/dev/null || tools/install-packages $(REGISTRY_APT_PACKAGES)
	@$(LOCAL) load
dev: setup-up ## work on the sources: the local cluster runs this checkout's ui, services and libs until Ctrl-C
	@$(LOCAL) dev
tailnet: $(VENV)/.ready ## one line of JSON: a second device on the test tailnet to browse from
	@$(LOCAL) tailnet

# ---- tests ----------------------------------------------------------------------------------------------------------

.PHONY: test test-unit test-integration test-crash test-e2e lint
test: ## everything: lint, unit, integration, UI, the local cluster and the browser
	@started=$$(date +%s.%N); $(MAKE) --no-print-directory setup && GUILDNET_TEST_STARTED=$$started $(PY) tests/run.py all
test-unit: $(VENV)/.ready ## values and functions: no sockets, seconds
	@$(PY) tests/run.py unit
test-integration: setup ## real sockets, Redis and kube-apiserver
	@$(PY) tests/run.py integration
test-crash: setup ## every crash plan of the operator: each kind of fault at each of its writes
	@PYTHONPATH=.:tests $(PY) -m proofs.crash --all
test-e2e: setup ## the whole local cluster and a real browser
	@$(PY) tests/run.py e2e
lint: $(VENV)/.ready ## ruff, mypy strict, import contracts, generated files, chart, UI
	@$(PY) tests/run.py lint

.PHONY: cli
cli: $(VENV)/.ready ## the command line as one file for any Python 3.11 or newer, a wheel, and its man page, in cli/dist
	@tools/build-cli $(VENV)

.PHONY: bench
bench: setup ## measure the proxy against peers (QUICK=1: the short form; RECORD=1: add it to docs/benchmarks.md)
	@PYTHONPATH=.:tests $(PY) -m proofs.bench $(if $(QUICK),--quick) $(if $(RECORD),--record)

.PHONY: ui-shots
ui-shots: setup ## pictures of every page of the web interface, both themes and a telephone's width (ONLY="list new")
	@PYTHONPATH=tests $(PY) -m support.ui_shots $(ONLY)

.PHONY: mutants
mutants: $(VENV)/.ready ## small wrong changes that a unit test has to notice (ALL=1: every one; MODULES="a.b c.d")
	@PYTHONPATH=.:tests $(PY) -m proofs.mutants $(if $(ALL),--all) $(MODULES)

show-%: setup ## prove one promise: prints its figure last, exits non-zero when missed
	@PYTHONPATH=.:tests $(PY) -m proofs $*

# ---- keeping house --------------------------------------------------------------------------------------------------

.PHONY: format generate requirements clean
format: $(VENV)/.ready ## ruff's formatter and safe fixes
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .
generate: $(VENV)/.ready ## files made from other files: the chart's CRDs and README
	@$(PY) -m guildnet_chart all
requirements: ## compile what the pyproject.toml files name into hashed requirements
	@tools/compile-requirements
clean: ## what builds left in the checkout (the caches outside stay)
	@rm -rf $(VENV) ui/node_modules ui/dist cli/dist test-results .mypy_cache .ruff_cache .pytest_cache
