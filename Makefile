# Start with `make demo` or `make test`. Each installs what is missing first; a second run installs nothing.

# The interpreter that .venv is made from. 3.10 to 3.13: the versions that the lock files hold.
PYTHON ?= python3
# CPU=1: CPU builds of PyTorch, under 1 GB instead of 6, from PyTorch's own index or from CPU_INDEX=https://...
CPU ?=
CPU_INDEX ?=
# The package's, the archive's and the image's.
VERSION := $(shell sed -n 's/^version = //p' setup.cfg)

VENV := .venv/bin
ARCHIVE := model_store/cochl-sense.mar
MODEL ?= model/model.pt2
# MODEL may be a name of importers/published.py, fetched and imported once; CHECKPOINTS: another place with its files.
MODEL_FILE := $(if $(wildcard $(MODEL))$(findstring /,$(MODEL))$(filter %.pt2,$(MODEL)),$(MODEL),build/models/$(MODEL).pt2)
CHECKPOINTS ?=
# One resolution for all supported Pythons, with hashes, and nothing about where the packages came from.
COMPILE := $(VENV)/uv pip compile --quiet --no-config --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DELETE_ON_ERROR:
.PHONY: help demo serve sagemaker test test-code test-servers test-fast test-sdk test-pythons lint archive image image-test benchmark model lock \
	soak fuzz audit sbom coverage settings setup setup-dev clean FORCE

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup archive  ## Install what is missing, start TorchServe, tag samples/demo.mp3 (FILE=...), show the tags, stop
	@$(VENV)/python -m scripts.demo "$${FILE:-samples/demo.mp3}"

serve: setup archive  ## The same server in the foreground on 127.0.0.1:8080 (PORT=...), until Ctrl-C
	@$(VENV)/python -m scripts.serve --port $(or $(PORT),8080)

sagemaker: setup-dev archive  ## A SageMaker on this machine: endpoints, S3 and transform jobs behind one URL (PORT=4566), until Ctrl-C
	@$(VENV)/python -m local_sagemaker --port $(or $(PORT),4566)

# Servers mostly wait, so the tests that start them run beside the others.
test: lint  ## Install what is missing, check style and types, run every test
	@$(MAKE) --no-print-directory --jobs 2 --keep-going test-code test-servers

test-code:
	@$(VENV)/python -m pytest tests/unit tests/integration

test-servers:
	@$(VENV)/python -m pytest tests/e2e

test-fast: setup-dev  ## The tests that need no server and no minutes
	@$(VENV)/python -m pytest tests/unit -m "not slow"

# Each version of the SDK has an environment of its own, since both have one name.
test-sdk: setup-dev  ## The examples with the SageMaker Python SDK, 2.x and 3.x, installed in build/sdk (0.8 GB)
	@$(MAKE) --no-print-directory build/sdk/2.installed build/sdk/3.installed
	@$(VENV)/python -m pytest tests/sdk

build/sdk/%.installed: tests/sdk/requirements-%.txt
	@$(VENV)/uv venv --quiet --clear --python "$$(readlink -f $(VENV)/python)" build/sdk/$*
	@$(VENV)/uv pip install --quiet --python build/sdk/$*/bin/python --requirements $<
	@touch $@

test-pythons: setup-dev  ## The same on another supported Python, through uv (PYTHONS="3.10 3.13"; 5 GB of disk each)
	@$(VENV)/python -m scripts.try_pythons $(PYTHONS)

fuzz: setup-dev  ## Try mutated files in a watched decoder (MINUTES=30, SEED=0; GUIDED=1: our own readers, by coverage)
	@$(VENV)/python -m tests.fuzz --minutes $(or $(MINUTES),30) --seed $(or $(SEED),0) $(if $(GUIDED),--guided)

soak: setup-dev archive  ## Load the server for a while (MINUTES=30), or kill its processes (KILLS=200); writes docs/record/soak.md
	@$(VENV)/python -m tests.soak $(if $(KILLS),--kills $(KILLS)) $(if $(MINUTES),--minutes $(MINUTES))

audit: setup-dev  ## Ask PyPI for known weaknesses of what requirements.lock pins (needs the network)
	@$(VENV)/uv tool run pip-audit==2.10.1 --strict --disable-pip --require-hashes --progress-spinner off \
		-r requirements.lock || { echo "audit: weaknesses were found, or PyPI could not be asked (above)" >&2; exit 1; }

sbom: setup-dev  ## List the parts in build/sbom/: Python packages (CycloneDX) and this machine's Debian packages
	@mkdir -p build/sbom
	@$(VENV)/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements --output-reproducible \
		--output-file build/sbom/python.cdx.json requirements.lock
	@dpkg-query --show > build/sbom/debian.tsv
	@echo "sbom: wrote build/sbom/python.cdx.json and build/sbom/debian.tsv"

coverage: setup-dev  ## Measure which branches of handler/wire and handler/audio the tests reach (10 min)
	@$(VENV)/coverage erase
	@$(VENV)/coverage run -m pytest tests/unit/handler/wire
	@$(VENV)/coverage run -m pytest tests/unit/handler/audio
	@$(VENV)/coverage run -m pytest tests/unit/handler/test_tagger.py tests/integration/test_handler.py \
		tests/integration/test_edges.py tests/integration/test_formats_agree.py
	@$(VENV)/coverage combine --quiet
	@$(VENV)/coverage report

lint: setup-dev  ## Check style (ruff) and types (mypy)
	@$(VENV)/ruff check --quiet --output-format concise .
	@$(VENV)/ruff format --quiet --check .
	@$(VENV)/mypy

archive: $(ARCHIVE)  ## Write model_store/cochl-sense.mar and model_store/model.tar.gz (MODEL=...)

image: $(MODEL)  ## Build the SageMaker container with Docker (needs a daemon)
	docker build --build-arg VERSION=$(VERSION) --tag cochl-sense .

image-test: setup-dev $(MODEL)  ## Build it with buildah on a bare Debian, run the tests against it (root, 15 min)
	@$(VENV)/python -m tests.container.image build --version $(VERSION)
	@$(VENV)/python -m pytest tests/container tests/e2e/test_sagemaker_*.py --container-command \
		"$(VENV)/python -m tests.container.image run {env} --model {model}"

benchmark: setup-dev $(MODEL)  ## Measure speed and memory beside limits and rivals; writes docs/benchmarks.md (14 min; QUICK=1: 3)
	@$(VENV)/python -m benchmarks --model $(MODEL) $(if $(QUICK),--quick)

model: setup-dev  ## Train the bundled model again, from sound fonts and voices to model/model.pt2 (root, hours)
	@$(VENV)/python -m training

lock: setup-dev  ## Resolve requirements*.in anew into the lock files
	$(COMPILE) --upgrade --output-file requirements.lock requirements.in
	$(COMPILE) --upgrade --constraints requirements.lock --output-file requirements-dev.lock \
		requirements.in requirements-dev.in

settings: setup  ## Write the settings' documentation in the code into docs/tuning.md
	@$(VENV)/python -m scripts.settings_page

clean:  ## Remove everything that the other targets made, .venv too
	rm -rf .venv build client/build client/*.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find model_store -mindepth 1 ! -name .gitkeep -delete

# Both compare the lock file with what was installed last, and return at once if nothing changed.
setup:
	@$(CHECK_PYTHON)
	@$(SET_UP) requirements.lock

setup-dev:
	@$(CHECK_PYTHON)
	@$(SET_UP) requirements-dev.lock

SET_UP = $(PYTHON) scripts/set_up.py $(if $(filter 1,$(CPU)),--cpu) $(if $(CPU_INDEX),--cpu-index "$(CPU_INDEX)")

CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || \
	{ echo "set-up: $(PYTHON) is not Python 3.10 to 3.13: install one (apt-get install python3), \
	or name one: make PYTHON=python3.12" >&2; exit 1; }

# Rewritten only if its content changes: a removed module or another MODEL makes the archive stale, too.
HANDLER := $(sort $(wildcard handler/*.py handler/*/*.py))
build/archive-inputs: FORCE
	@mkdir -p build
	@echo "$(MODEL_FILE) $(HANDLER)" | cmp -s - $@ || echo "$(MODEL_FILE) $(HANDLER)" > $@
FORCE:

# An imported model is made anew where the importers changed, from what lies in the user's cache. AST needs transformers.
build/models/%.pt2: $(wildcard importers/*.py catalogue/*.py catalogue/*.json) | $(if $(filter ast,$(MODEL)),setup-dev,setup)
	@$(VENV)/python -m importers fetch $* --output $@ $(if $(CHECKPOINTS),--from $(CHECKPOINTS))

$(ARCHIVE): build_mar.sh model-config.yaml setup.cfg build/archive-inputs $(HANDLER) \
		$(if $(filter build/models/%,$(MODEL_FILE)),$(MODEL_FILE),$(wildcard $(MODEL_FILE))) | setup
	@./build_mar.sh --model $(MODEL_FILE)
