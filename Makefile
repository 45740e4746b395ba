# Every target does its own set-up and can be run on a fresh clone. See README.md.

.DEFAULT_GOAL := help
.PHONY: help setup build test fuzz soak oracle demo bench dev asan format lint clean

help: ## show this list
	@echo "Mayfly: targets of this Makefile"
	@sed -n 's/^\([a-z]*\): ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 15

setup: ## install what the build needs: Debian packages, the sysroot, npm packages
	@scripts/setup

build: ## build/mayfly, optimised, without tests
	@scripts/setup
	@scripts/build release product

test: ## set up, build with all tests, run every test; last line "N passed, N failed"
	@scripts/setup
	@scripts/build release all
	@scripts/run-tests release

soak: ## set up, build, and let 20,000 sandboxes end in every way: is anything of them left?
	@scripts/setup
	@scripts/build release product
	@tests/soak/run

fuzz: ## set up, build with libFuzzer, and fuzz what reads hostile bytes, a minute for each target
	@scripts/setup
	@scripts/fuzz

oracle: ## set up, build, and hold tests/conformance against npm workerd: do both runtimes agree?
	@scripts/setup
	@scripts/build release product
	@tests/oracle/run

demo: ## set up, build, and watch a shop's chatbot run programs that a model wrote
	@scripts/setup
	@scripts/build release product
	@examples/support-chatbot/demo

bench: ## set up, build, and measure Mayfly beside other systems on this machine
	@scripts/setup
	@scripts/build release product
	@bench/run

dev: ## build the dev preset: quick to build, easy to debug
	@scripts/setup
	@scripts/build dev all

asan: ## build and run the C++ tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/setup
	@scripts/build asan all
	@scripts/run-tests asan

format: ## rewrite the C++ sources in the project's format
	@scripts/format

lint: ## check format, headers, C++ and TypeScript, and the rules of the repository
	@scripts/setup
	@scripts/lint

clean: ## remove what was built here (the sysroot, shared by clones, stays)
	rm -rf build compile_commands.json
