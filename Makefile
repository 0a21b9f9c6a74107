# Two commands: `make demo` (classification, a few minutes) and `make test` (detection and segmentation too, the whole suite). `make docs` builds the site.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CONSTRAINTS := constraints.txt
CLS := $(VENV)/.classification
DET := $(VENV)/.detection
# And what a test frees is kept for the next, as mmkd_ext.engine.memory does in training.
ONE_THREAD := OMP_NUM_THREADS=1 MALLOC_TRIM_THRESHOLD_=536870912 MALLOC_MMAP_THRESHOLD_=33554432

.PHONY: demo test test-fast test-inductor test-zoo docs format lint types clean

demo: $(CLS)
	$(BIN)/python -u tools/demo.py --out work_dirs/demo

# A process per core, and in each one thread: the tests' tensors are small.
test: $(DET) lint types
	$(ONE_THREAD) $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

test-fast: $(DET)
	$(ONE_THREAD) $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal -m 'not slow and not zoo and not inductor'

# Every distiller by torch.compile's own back end, which compiles C++: minutes.
test-inductor: $(DET)
	$(ONE_THREAD) $(BIN)/python -m pytest -m inductor

# Every family of mmpretrain's and of mmdet's zoo and every module of timm: minutes.
test-zoo: $(DET)
	$(ONE_THREAD) $(BIN)/python -m pytest -m zoo

# mmcv first and alone: where torch is absent from its build environment it installs without ops, in seconds.
$(CLS): setup.py $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -c $(CONSTRAINTS) pip 'setuptools>=80' wheel
	$(PIP) install -c $(CONSTRAINTS) torch torchvision
	$(BIN)/python -c 'import mmcv' 2>/dev/null || MMCV_WITH_OPS=0 $(PIP) install -c $(CONSTRAINTS) onedl-mmcv
	$(PIP) install -c $(CONSTRAINTS) -e '.[cls]'
	touch $@

$(DET): $(CLS) tools/install_mmcv.sh
	$(PIP) install -c $(CONSTRAINTS) -e '.[cls,det,seg,dev]'
	tools/install_mmcv.sh $(BIN)/python
	touch $@

# Every warning is an error. The commands of the pages are run; a page that did not change is not read again.
docs: $(DET)
	$(ONE_THREAD) $(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

format:
	$(BIN)/ruff format mmkd_ext tools tests
	$(BIN)/ruff check --fix .

lint:
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build *.egg-info work_dirs/demo docs/_build docs/api/generated
