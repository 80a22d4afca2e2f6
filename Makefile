# make setup   environment in .venv from the pinned requirements (quick when nothing changed)
# make test    the whole suite
# make demo    twelve robots form the letter R, one process each; results in out/demo
# make train   the shipped policy again, from nothing
# make docs    the reference of commands in docs/commands.md, from their --help
# make lint    ruff, mypy, import-linter
# make clean   remove caches and builds (environments, runs and out stay)
#
# PYTHON=/path/to/python3.11 names the interpreter, VENV=folder another environment.
# PIP_FLAGS goes to pip. Where pip would fetch torch's CUDA build, this takes the CPU one, about 1.5 GB less:
#   make setup PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3.11
VENV ?= .venv
PIP_FLAGS ?=
PYTEST_FLAGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.muster-ready
BUILD_FILES := $(wildcard ros2_ws/src/*/setup.py ros2_ws/src/*/pyproject.toml \
                          sim/pyproject.toml prompts/pyproject.toml training/pyproject.toml hardware/pyproject.toml)
SHIPPED_POLICY := ros2_ws/src/muster_core/muster_core/policies/shipped.onnx
SHIPPED_RUN := runs/shipped

.PHONY: setup test demo train docs lint clean

setup: $(READY)

$(READY): requirements.txt $(BUILD_FILES)
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: no '$(PYTHON)' here; install Python 3.11, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "error: '$(PYTHON)' is not Python 3.11, which the pinned versions and PyBullet's wheels are for" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -r requirements.txt
	touch $(READY)

test: setup
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

demo: setup
	$(BIN)/muster-demo

train: setup
	@test ! -e $(SHIPPED_RUN) || { \
	  echo "error: $(SHIPPED_RUN) exists; move it away, or name another: make train SHIPPED_RUN=runs/again" >&2; exit 2; }
	$(BIN)/muster-train lamarl --robots 30 10 60 --rounds 150 --hidden 256 --threads 1 \
	  --evaluate-every 10 --run $(SHIPPED_RUN)
	$(BIN)/muster-export $(SHIPPED_RUN) -o $(SHIPPED_POLICY)

docs: setup
	$(BIN)/python docs/reference.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache build log install
	rm -rf ros2_ws/build ros2_ws/install ros2_ws/log ros2_ws/src/*/build ros2_ws/src/*/*.egg-info */build */*.egg-info
	find ros2_ws sim prompts training hardware tests -name __pycache__ -type d -prune -exec rm -rf {} +
