# Everything that a person or a build machine needs: `make run`, `make test`.
# Both set up .venv (Python 3.11 or newer) on first use, and again when pyproject.toml changes.

BIN := .venv/bin
# Where Qt draws when there is no screen; one thread a process, because the tests use their own processes.
HEADLESS := QT_QPA_PLATFORM=offscreen
PICTURE := out/demo.png
WORKERS ?= 2

.PHONY: help run test lint docs installer bench fuzz format clean

help:
	@echo "make run      set up, then open the demo case (without a display: render it to $(PICTURE))"
	@echo "make test     set up, then lint, types, import contracts and all tests"
	@echo "make lint     the same without the tests"
	@echo "make format   let ruff arrange the code"
	@echo "make docs     the site of docs/ in out/site"
	@echo "make installer  the program as one folder that needs no Python, in dist/whyslice"
	@echo "make bench    side by side with peers"
	@echo "make fuzz     5,000 damaged files for every reader; finds go to out/fuzz"
	@echo "make clean    remove caches and outputs (keeps .venv)"

run:
	@.ci/prepare run
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; then \
		exec $(BIN)/whyslice view $(ARGS); \
	else \
		mkdir -p $(dir $(PICTURE)) && rm -f $(PICTURE) && \
		$(HEADLESS) $(BIN)/whyslice view $(ARGS) --screenshot $(PICTURE) --exit && test -s $(PICTURE) && \
		echo "There is no display here; a picture of the window is in $(CURDIR)/$(PICTURE)"; \
	fi

test: lint
	OMP_NUM_THREADS=1 $(HEADLESS) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint:
	@.ci/prepare test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format:
	@.ci/prepare test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs:
	@.ci/prepare test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "The site begins at $(CURDIR)/out/site/index.html"

installer:
	@.ci/prepare installer
	$(BIN)/python -m PyInstaller --noconfirm --log-level WARN build_installer.spec
	$(HEADLESS) dist/whyslice/whyslice self-test
	@du -sh dist/whyslice

bench:
	@.ci/prepare test
	$(HEADLESS) $(BIN)/python -m benchmarks $(ARGS)

fuzz:
	@.ci/prepare test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.imaging.fuzz --jobs $(WORKERS) $(ARGS)

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name .venv -prune -o -type d -name __pycache__ -exec rm -rf {} +
