# `make help` lists what there is. Everything that a fresh Debian 12 with the Swift toolchain lacks, `make setup` installs.
.DEFAULT_GOAL := help
SHELL := /bin/sh

.PHONY: help setup setup-spark build dist test verify chaos soak worlds fuzz mutants demo bench lint format clean

# For `make worlds`: so many random worlds, from the seed SEED on.
WORLDS ?= 2000000
SEED ?= 1
# For `make fuzz`.
SECONDS ?= 60
# For `make soak`.
MINUTES ?= 60

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing on this machine (Debian packages, DuckDB); a moment when nothing is
	@scripts/setup.sh

setup-spark: ## install Spark, for `"engine": "spark"`, from PyPI, and what it needs
	@scripts/setup.sh spark

build: setup ## build .build/release/weir and weir-supervise
	@scripts/build.sh

dist: build ## an archive and a package for Debian, in dist/, with their checksums
	@scripts/setup.sh dist
	@scripts/dist.sh

test: setup lint ## the deterministic test suite, 8 minutes at most
	@scripts/test.sh

verify: setup ## the slower checks with real parts: the demo, the README's commands, the tutorial, a terminal, shells, a mail system, a benchmark
	@scripts/setup.sh verify
	@scripts/verify.sh

chaos: build ## kill it in every way that can be thought of, over and over; minutes
	@Tests/Chaos/chaos.py

soak: build ## an hour of mixed load on one daemon, MINUTES=60: what must not grow does not
	@Benchmarks/soak.py --minutes $(MINUTES)

worlds: setup ## play random worlds through the scheduler, WORLDS=2000000 from SEED=1 on; an hour or two
	@case "$(WORLDS) $(SEED)" in *[!0-9\ ]* | " "* | *" ") echo "worlds: WORLDS and SEED must be numbers, such as WORLDS=5000 SEED=7" >&2; exit 2; esac
	@WEIR_SIMULATE_WORLDS=$(WORLDS) WEIR_SIMULATE_SEED=$(SEED) scripts/test.sh --filter '^SimulationTests[.]SimulationTests/'

fuzz: setup ## give the readers of what comes from outside anything at all, SECONDS=60 for each; libFuzzer
	@scripts/fuzz.py --seconds $(SECONDS)

mutants: setup ## break Weir in eleven plausible ways, and see the tests notice each; minutes
	@scripts/mutants.py

demo: build ## a week of generated logs through the lake: backfill, report, query
	@scripts/demo.sh

bench: build ## measure against this machine's own limits; prints JSON; half an hour
	@scripts/build.sh -c release --static-swift-stdlib --product core-bench
	@Benchmarks/bench.py --core .build/release/core-bench
	@Benchmarks/growth.py
	@Benchmarks/scale.py
	@Benchmarks/store.py
	@Benchmarks/lake.py

lint: ## formatting, the direction of imports, links and tables of the documentation, and whether the mutants still fit
	@swift format lint --strict --parallel --recursive Sources Tests Benchmarks Package.swift
	@scripts/check-imports.sh
	@scripts/check-docs.sh
	@scripts/check-links.py
	@scripts/check-kinds-docs.py
	@scripts/check-messages.py
	@scripts/mutants.py --check

format: ## format all Swift files in place
	@swift format --in-place --parallel --recursive Sources Tests Benchmarks Package.swift

clean: ## remove what was built; state/ and .tools/ stay
	@rm -rf .build dist
