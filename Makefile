# For people: each target is thin; CMake does the work (cmake --list-presets).
MAKEFLAGS += --no-print-directory
LISTEN ?= 127.0.0.1:8421

help:
	@echo "make run     install what is missing, build, start the daemon, run the demo suite"
	@echo "make test    install what is missing, build with sanitizers, run every test"
	@echo "make build   the release: build/release/tidemark"
	@echo "make check   formatting, static analysis, JavaScript types"
	@echo "make bench-tracer        what the instrument costs, in one run"
	@echo "make bench-converters    the converters against marshal, pickle and C++"
	@echo "make bench-stats         how often change points are right on made-up series, and what they cost"
	@echo "make bench-verdict       how often verdicts and leaks are right on made-up samples"
	@echo "make bench-history       histories of 5,000 commits x 10 Pythons x 12 scenarios: what they cost"
	@echo "make bench-ui            how fast the dashboard is, in headless Chromium"
	@echo "make bench-http          requests a second against a constant from memory and nginx"
	@echo "make pictures            the pictures of README and docs, from what this machine measures, or URL=... shows"
	@echo "make deps    install the Debian packages that are missing, for all of these"
	@echo "make clean   remove what was built"

deps:
	@cmake/deps.sh

build:
	@cmake/deps.sh run
	cmake --preset release
	cmake --build --preset release

run: build
	build/release/tidemark serve --demo --listen $(LISTEN)

test:
	@cmake/deps.sh run test
	cmake --workflow --preset debug

# What the instrument costs a measured program.
bench-tracer: build
	python3 bench/tracer.py --tidemark build/release/tidemark --probe build/release/tidemark-probe --dump build/release/tidemark-dump

# Compares with marshal, pickle and a plain C++ implementation; some twenty minutes. See --help for parts.
bench-converters:
	@cmake/deps.sh run
	python3 bench/converters.py $(BENCH)

# The committed seeds; build/release/bench-stats --series 10000 --seed 1000000 gives the rates of docs/STATISTICS.md.
bench-stats: build
	cmake --build --preset release --target bench-stats
	@mkdir -p bench/results
	build/release/bench-stats --json bench/results/stats.json

bench-verdict: build
	cmake --build --preset release --target bench-verdict
	@mkdir -p bench/results
	build/release/bench-verdict --json bench/results/verdict.json

# A made-up database of 5,000 commits x 10 Pythons x 12 scenarios x 3 samples in build/history; see bench/history_database.c.
history-database: build
	cmake --build --preset release --target bench-history-database
	@mkdir -p build/history
	test -e build/history/tidemark.db || build/release/bench-history-database build/history/tidemark.db
	python3 bench/history_repository.py build/history/tidemark.db build/history/repo

bench-history: history-database
	cmake --build --preset release --target bench-history
	@mkdir -p bench/results
	build/release/bench-history build/history/tidemark.db --json bench/results/history.json

# Headless Chromium on a copy of that history, to which runs of many events are added once; ONLY=run measures a part.
bench-ui: history-database
	@cmake/deps.sh run test
	cmake --build --preset release --target bench-ui-run
	@mkdir -p build/bench/ui
	test -e build/bench/ui/tidemark.db || cp --reflink=auto build/history/tidemark.db build/bench/ui/tidemark.db
	node bench/ui.mjs $(if $(ONLY),--only $(ONLY))

# From a daemon that runs, or from one that measures first (an hour); ONLY=overview,runs takes some of them.
pictures: build
	@cmake/deps.sh run test
	node tests/browser/pictures.mjs $(if $(URL),--url=$(URL)) $(if $(ONLY),--only=$(ONLY))

# Against the same libmicrohttpd with a constant and nginx with a file; needs wrk and nginx (purpose bench).
bench-http: history-database
	@cmake/deps.sh bench
	cmake --build --preset release --target bench-http-constant bench-ui-run
	python3 bench/http_rates.py --tidemark build/release/tidemark --constant build/release/bench-http-constant \
	    --run build/release/bench-ui-run --history build/history/tidemark.db

check:
	@cmake/deps.sh run check
	@cmake/check.sh

clean:
	rm -rf build node_modules

.PHONY: help deps build run test bench-tracer bench-converters bench-stats bench-verdict history-database bench-history bench-ui bench-http pictures check clean
