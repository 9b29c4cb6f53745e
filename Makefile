# For people: each target is thin; CMake does the work (cmake --list-presets).
LISTEN ?= 127.0.0.1:8421

help:
	@echo "make run     install what is missing, build, start the daemon, run the demo suite"
	@echo "make test    install what is missing, build with sanitizers, run every test"
	@echo "make build   the release: build/release/tidemark"
	@echo "make bench-tracer  what the instrument costs, in one run"
	@echo "make check   formatting, static analysis, JavaScript types"
	@echo "make deps    install the Debian packages that are missing"
	@echo "make clean   remove what was built"

deps:
	@cmake/deps.sh

build: deps
	cmake --preset release
	cmake --build --preset release

run: build
	build/release/tidemark serve --demo --listen $(LISTEN)

test: deps
	cmake --workflow --preset debug

bench-tracer: build
	python3 bench/tracer.py --probe build/release/tidemark-probe --dump build/release/tidemark-dump

check: deps
	@cmake/check.sh

clean:
	rm -rf build node_modules

.PHONY: help deps build run test bench-tracer check clean
