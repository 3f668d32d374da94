#!/usr/bin/env bash
# Everything that is tested, from a fresh checkout: sets the machine up as deploy/run.sh does, builds dev and release,
# runs both builds' tests, the fuzz targets, and the checks of the source text.
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"

usage() {
	cat <<-END
		Usage: tests/run.sh [OPTION]...
		Run the tests. The last line says: N passed, N failed, N skipped.

		  --preset NAME  only this build (dev, release or fuzz); may be given more than once
		  -R REGEX       only tests whose name matches, as ctest means it; without fuzzing, which has none
		  --long         run each fuzz target for half an hour instead of ten seconds; a million sessions for memory
		  --build-only   install, fetch and build, then stop
		  --help         print this
	END
}

presets=() filter=() build_only='' fuzz_seconds=10
while [ $# -gt 0 ]; do
	case $1 in
	--preset=*) set -- --preset "${1#*=}" "${@:2}" ;;
	--preset | -R)
		[ $# -ge 2 ] || die "$1 needs a value; see --help"
		if [ "$1" = --preset ]; then presets+=("$2"); else filter=(-R "$2"); fi
		shift 2
		;;
	--long) fuzz_seconds=1800 && export STOA_LONG=1 && shift ;;
	--build-only) build_only=1 && shift ;;
	--help | -h) usage && exit ;;
	*) die "unknown argument $1; see --help" ;;
	esac
done
if [ ${#presets[@]} -eq 0 ]; then
	presets=(dev release)
	[ ${#filter[@]} -gt 0 ] || presets+=(fuzz)
fi
for preset in "${presets[@]}"; do
	[[ $preset =~ ^(dev|release|fuzz)$ ]] || die "--preset takes dev, release or fuzz, not $preset"
done

# The packages from npm that the end-to-end tests need, installed anew when their lock file has changed.
install_npm_packages() {
	local e2e=$ROOT/tests/e2e
	[ -f "$e2e/package-lock.json" ] || return 0
	cmp -s "$e2e/package-lock.json" "$e2e/node_modules/.stoa-lock" ||
		step npm "Installing the tests' npm packages" npm_ci "$e2e"
}

npm_ci() {
	cd "$1" && npm ci --no-audit --no-fund && cp package-lock.json node_modules/.stoa-lock
}

# run_ctest PRESET : its results go to a file; 0 also when tests failed, which the counts tell.
run_ctest() {
	local results=$LOGS/junit-$1.xml
	rm -f "$results"
	say "Testing $1"
	# Two for each processor, as most wait most of the time; those that compute count as two (PROCESSORS).
	# Passing tests' output is kept too: it has their counts and the reasons of their skips. Of a long one the middle goes, as
	# its counts stand at the end.
	ctest --test-dir "$ROOT/build/$1" --output-on-failure --output-junit "$results" --parallel "$((2 * $(nproc)))" \
		--test-output-size-passed 1048576 --test-output-size-failed 1048576 --test-output-truncation middle \
		"${filter[@]}" </dev/null | tee "$LOGS/ctest-$1.log" || true
	[ -f "$results" ] || die "ctest of $1 left no results"
	files+=("$results")
}

# Each fuzz target for a while, always from the corpus alone when it is short: then it does not depend on the runs
# before it. A long one goes on where the last one was.
run_fuzz() {
	local results=$LOGS/fuzz.log options=(--into "$ROOT/build/fuzz/short" --fresh)
	[ "$fuzz_seconds" -le 60 ] || options=(--into "$ROOT/build/fuzz/long" --every 60)
	say "Fuzzing, $fuzz_seconds seconds for each target"
	"$ROOT/tests/fuzz/run.sh" --seconds "$fuzz_seconds" --jobs "$(nproc)" "${options[@]}" </dev/null |
		tee "$results" || true
	files+=("$results")
}

set_up "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
install_npm_packages
for preset in "${presets[@]}"; do
	if [ "$preset" = fuzz ]; then build fuzz fuzzers; else build "$preset"; fi
done
[ -z "$build_only" ] || exit 0

files=()
if [ ${#filter[@]} -eq 0 ]; then
	say "Checking the source text"
	"$ROOT/tests/lint.sh" >"$LOGS/lint.log" 2>&1 </dev/null || tail -n 30 "$LOGS/lint.log"
	files+=("$LOGS/lint.log")
fi
for preset in "${presets[@]}"; do
	if [ "$preset" = fuzz ]; then run_fuzz; else run_ctest "$preset"; fi
done
/usr/bin/python3 "$ROOT/tests/counts.py" "${files[@]}"
