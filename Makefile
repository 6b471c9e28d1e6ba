# Everything here needs Go and make, and the Go module proxy for the tools,
# which are pinned here and kept by Go's build cache. `make` alone explains.

BUF         := github.com/bufbuild/buf/cmd/buf@v1.75.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
VULN_DB     := https://vuln.go.dev

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION)
# Donors have all of these.
PLATFORMS := linux-arm64 darwin-arm64 windows-amd64
# The race detector needs cgo and a C compiler.
RACE     := $(shell test "$$(go env CGO_ENABLED)" = 1 && command -v "$$(go env CC)" >/dev/null 2>&1 && echo -race)
EXAMPLES := wordcount mandelbrot
EXAMPLES_C    := linecount
EXAMPLES_RUST := bytecount
# Where the modules of these two go, if not beside their source.
OUT      :=

# Its tests measure how fast lines are, so no other package's run beside them.
ALONE    := coordinator/keeper

.DEFAULT_GOAL := help
.PHONY: help browser routers page-pictures bench-failures build examples runtimes runtime-js demo bench bench-sandbox bench-trust bench-swarm bench-home bench-doors bench-scale test determinism fmt vet lint proto proto-check notices notices-check vuln cross check clean bench-python

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# No cgo, so that the binary is static and runs on any Linux of its kind.
build: ## build bin/anthill
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/anthill .

examples: $(EXAMPLES:%=example-%) $(EXAMPLES_C:%=example-c-%) $(EXAMPLES_RUST:%=example-rust-%) ## build the examples' guests, examples/NAME/NAME.wasm; those in C and Rust if clang and rustc can

example-%:
	CGO_ENABLED=0 GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -ldflags='-s -w' \
		-o examples/$*/$*.wasm ./examples/$*/guest

# These compilers are optional: without them there are still the examples in Go.
CLANG_WASI := clang --target=wasm32-wasi --sysroot=/usr

example-c-%:
	@if echo 'int main(void) { return 0; }' | $(CLANG_WASI) -x c -o /dev/null - 2>/dev/null; then \
		set -x; $(CLANG_WASI) -O2 -Wall -Wextra -o $(or $(OUT),examples/$*)/$*.wasm examples/$*/main.c; \
	else echo 'make examples: no clang for wasm32-wasi, so no $*; for it install clang lld wasi-libc libclang-rt-dev-wasm32 (Debian)'; fi

# A rustc that came with rustup may hide a distribution's, which has the target.
example-rust-%:
	@IFS=:; for dir in $$PATH; do for target in wasm32-wasip1 wasm32-wasi; do \
		if libs=$$("$$dir/rustc" --print target-libdir --target $$target 2>/dev/null) && test -d "$$libs"; then \
			set -x; "$$dir/rustc" --target $$target -C opt-level=3 -C strip=symbols -o $(or $(OUT),examples/$*)/$*.wasm examples/$*/main.rs; { exit; } 2>/dev/null; \
		fi; done; done; \
	echo 'make examples: no rustc for wasm32-wasip1, so no $*; for it: rustup target add wasm32-wasip1, or install rustc libstd-rust-dev-wasm32 (Debian)'

runtimes: runtime-js ## build the interpreters that are ours, runtimes/NAME/NAME.wasm (JavaScript)

# A module of its own, so that nobody who imports the SDK gets an interpreter with it.
JS := $(CURDIR)/runtimes/js/js.wasm
runtime-js:
	cd runtimes/js && CGO_ENABLED=0 GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -ldflags='-s -w' -o $(JS) .

demo: build examples ## a grid on this machine: a job, a liar, a killed leader (ARGS=...)
	bin/anthill demo $(ARGS)

bench: ## measure tasks/s and failover (ARGS=-json)
	go run ./internal/lab/bench $(ARGS)

bench-sandbox: ## what the sandbox costs against wazero alone and native programs (ARGS="[--json] [--guests sieve,json] [--rounds 3]")
	go run ./internal/lab/bench/sandbox $(ARGS)

# Takes long: each of its 336 figures is a job or more played through.
bench-trust: ## print what liars get past each policy, and plot it (ARGS="-seeds 5", or -adversaries)
	go run ./internal/lab/bench/trust -plot docs/trust.png $(ARGS)

bench-swarm: ## one blob from one seed to many peers over slow uplinks; needs root and iproute2 (ARGS="--peers 8 --size 64MiB --uplink 32mbit [--kill 3] [--liars 1]")
	go run ./internal/lab/bench/swarm $(ARGS)

bench-home: build ## what routers cost between homes of all kinds, and whole jobs; needs root, iproute2 and nftables (ARGS="[--json] [--only pairs,job] [--tries 100]"; 40 minutes of falling asleep: ARGS="--only sleeps")
	go run ./internal/lab/bench/home $(ARGS)

bench-python: ## what the grid costs a Python function (PYTHON=python.wasm)
	go run ./internal/lab/bench/python $(PYTHON)

# 117 tasks, of which every seventh gives a result.
bench-failures: ## run 100 failed tasks of a job on this machine, each exactly as it ran on the grid: all must end alike
	ANTHILL_DESK=117 go test ./internal/cli/e2e -run TestOnYourDesk -count 1 -v

page-pictures: browser example-mandelbrot ## take the pictures of docs/page.md, of a job on a grid made for it
	go run ./internal/lab/pictures -o docs

# The release before, v0.1.0. A clone that was cut short does not have it.
BEFORE := b304da8
.PHONY: upgrade-test
upgrade-test: ## take a grid of the release before to this one under load, half back and forth, with the leader killed in between
	@git cat-file -e $(BEFORE)^{commit} 2>/dev/null || { echo 'make upgrade-test: skipped: this clone does not have the release before, $(BEFORE); for it: git fetch --unshallow --tags'; exit 0; }; \
	dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && mkdir "$$dir/src" && git archive $(BEFORE) | tar -x -C "$$dir/src" && \
	(cd "$$dir/src" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=v0.1.0' -o "$$dir/anthill" .) && \
	ANTHILL_BEFORE="$$dir/anthill" go test ./internal/cli/e2e -run 'TestUpgrade$$' -count 1 -v

bench-scale: ## what three real coordinators carry, with many fake workers in one process or with real ones (ARGS="--workers 200 --slots 5 --tasks 100000 [--backlog N] [--real] [--json]")
	go run ./internal/lab/bench/scale $(ARGS)

bench-doors: ## attack a grid as strangers and submitters can, and measure what that costs it (ARGS=--json)
	go run ./internal/lab/bench/doors $(ARGS)

# The tests of the page say so and skip where there is no browser.
browser: ## the browser that looks at the page in tests (installed if root on Debian)
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	$(call debian,chromium); command -v chromium >/dev/null || \
	echo 'make browser: no Chromium, so tests that look at the page are skipped; for it install chromium (Debian)'

routers: ## what tests make routers of, in network namespaces (installed if root on Debian)
	@have() { command -v nft >/dev/null && command -v ip >/dev/null && command -v miniupnpd >/dev/null; }; \
	have || { $(call debian,nftables iproute2 miniupnpd-nftables); }; \
	have || echo 'make routers: no nft, ip or miniupnpd, so tests behind routers are skipped; for them install nftables, iproute2 and miniupnpd-nftables (Debian)'

# Installs packages where it may, and says nothing where it may not.
debian = test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update && apt-get install -y --no-install-recommends $(1)

test: ## run all tests, with the race detector where there is a C compiler
ifeq ($(RACE),)
	@echo 'make test: no C compiler, so no race detector; for it install gcc (Debian: apt-get install gcc libc6-dev; macOS: xcode-select --install)'
endif
	go test $(RACE) -timeout 15m $$(go list ./... | grep -v '/$(ALONE)$$')
	go test $(RACE) -timeout 15m ./$(ALONE)

# The emulator is for the same test on arm64; without it that part is left out.
determinism: ## run guests on several engines, and on arm64 in an emulator (installed if root on Debian): their bytes must be equal
	@command -v qemu-aarch64-static >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		apt-get update && apt-get install -y --no-install-recommends qemu-user-static; } || true
	ANTHILL_EMULATE_ALL=1 go test ./worker/sandbox -run TestDeterminism -count 1 -v

fmt: ## fail if a file is not as gofmt writes it
	@files=$$(gofmt -l $$(go list -f '{{.Dir}}' ./...)); test -z "$$files" || \
		{ echo "not formatted; run: gofmt -w" $$files; exit 1; }

vet: ## go vet
	go vet ./...

lint: fmt vet ## gofmt, go vet, staticcheck and buf lint
	go run $(STATICCHECK) ./...
	cd proto && go run $(BUF) lint

proto: ## generate the Go code of proto/
	cd proto && go run $(BUF) generate

proto-check: ## fail if the generated code is not that of the .proto files
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	(cd proto && go run $(BUF) generate -o "$$fresh") && \
	for file in $$(cd proto && find . -name '*.pb.go') $$(cd "$$fresh" && find . -name '*.pb.go'); do \
		diff -u "proto/$$file" "$$fresh/$$file" || \
		{ echo "proto/$$file is not what its .proto says; run: make proto, and commit the result"; exit 1; }; \
	done

cross: $(PLATFORMS:%=cross-%) ## build and vet for the other platforms of donors

# Vet compiles the tests as well, and with -trimpath it shares the build's cache.
cross-%: export GOOS = $(firstword $(subst -, ,$*))
cross-%: export GOARCH = $(lastword $(subst -, ,$*))
cross-%: export CGO_ENABLED = 0
cross-%:
	go build -trimpath -o /dev/null .
	go vet -trimpath ./...

notices: ## write THIRD_PARTY.md: what is compiled into the binary, and its licences
	go run ./internal/lab/notices

notices-check: ## fail if THIRD_PARTY.md is not what is compiled in
	go run ./internal/lab/notices -check

# The database is on the net: where it cannot be reached nothing is said of the modules.
vuln: ## look up known vulnerabilities of what is compiled in, where the database can be reached
	@if curl -sfm 10 -o /dev/null $(VULN_DB)/index/db.json 2>/dev/null; then \
		go run $(GOVULNCHECK) -db $(VULN_DB) .; \
	else echo 'make vuln: skipped: $(VULN_DB) cannot be reached from here, so known vulnerabilities were NOT looked up'; fi

check: lint proto-check notices-check vuln cross browser routers test ## everything that .ci/run checks

clean: ## remove what was built
	rm -rf bin $(foreach name,$(EXAMPLES) $(EXAMPLES_C) $(EXAMPLES_RUST),examples/$(name)/$(name).wasm)
