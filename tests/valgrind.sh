#!/usr/bin/env bash
# Runs tests of a release build under valgrind: every error, leak and descriptor that stays open is a failure.
#
#   tests/valgrind.sh units BUILD       the Check programs
#   tests/valgrind.sh websocket BUILD   end to end: eio-echo
#   tests/valgrind.sh gateway BUILD     end to end: stoa-gateway
#
# The last line says: cases: N passed, N failed, N skipped.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# http1: natively a few seconds, here more than a minute: every truncation of every head. redis-server: real servers and
# TLS handshakes against real time; what it runs is here as redis, redis-commands and redis-subscriber. streams-redis-server:
# real servers too; streams-redis, streams-answers and streams-sim are here. intake-world: some hundred worlds, minutes here;
# intake, intake-leases and intake-lost run the same code. date: every eleventh day of ten thousand years; json, msgpack and
# value have some.
SLOW=' http1 redis-server streams-redis-server intake-world date '

[ $# -eq 2 ] || { printf 'usage: %s units|websocket|gateway BUILD\n' "${0##*/}" >&2 && exit 2; }
part=$1
build=$(cd "$2" && pwd)
work=$build/valgrind/$part
rm -rf "$work"
mkdir -p "$work/bin" "$work/logs"
command -v valgrind >/dev/null || { printf 'valgrind is not installed\n' >&2 && exit 1; }
valgrind=(valgrind -q --leak-check=full --track-fds=yes --error-exitcode=99)

# log_is_clean FILE : no report, and no descriptor but those that the program was started with.
log_is_clean() {
	! grep -qE '^==[0-9]+== (Invalid|Conditional|Use of|Mismatched|Syscall|Source and|Process terminating|[0-9,]+ (\([^)]*\) )?bytes in .* lost)' "$1" &&
		! grep -A 1 -E '^==[0-9]+== Open ' "$1" | grep -qE '^==[0-9]+== +(at|by) 0x'
}

# Check's own file descriptors and lists are open at the end, so here only valgrind's verdict counts; the programs look
# for descriptors that a test leaves open themselves.
run_units() {
	local program name failed=0 passed=0
	for program in "$build"/bin/test-*; do
		name=${program##*/test-}
		if [[ $SLOW = *" $name "* ]] || ! is_check_program "$program"; then
			continue
		fi
		# From the folder of the modules: the examples' tests open theirs by name.
		if (cd "$build/apps" && CK_FORK=no "${valgrind[@]}" --log-file="$work/logs/$name" "$program") \
			>"$work/$name.out" 2>&1 </dev/null; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			printf 'FAIL: %s\n' "$name"
			tail -n 5 "$work/$name.out"
			head -n 60 "$work/logs/$name"
		fi
	done
	printf 'cases: %d passed, %d failed, 0 skipped\n' "$passed" "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

is_check_program() { grep -qa srunner_run_tagged "$1"; }

# Programs of the same name, each the real one under valgrind. exec: signals and /proc see the process itself.
wrap() {
	local program
	for program in eio-echo stoa-gateway; do
		cat >"$work/bin/$program" <<-END
			#!/bin/sh
			exec ${valgrind[*]} '--log-file=$work/logs/$program.%p' '$build/bin/$program' "\$@"
		END
		chmod +x "$work/bin/$program"
	done
}

# run_e2e FILE... : their cases, and one more for each process.
run_e2e() {
	local log status=0 failed=0 passed=0
	wrap
	# Told that it is the slow build, the tests have more patience and smaller sizes.
	(cd "$HERE/e2e" && STOA_BIN=$work/bin STOA_APPS=$build/apps STOA_BUILD=dev node run.mjs "$@") || status=1
	for log in "$work"/logs/*; do
		if log_is_clean "$log"; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			printf 'FAIL: a process under valgrind: %s\n' "${log##*/}"
			head -n 60 "$log"
		fi
	done
	printf 'cases: %d passed, %d failed, 0 skipped\n' "$passed" "$failed"
	[ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

case $part in
units) run_units ;;
websocket) run_e2e websocket-{handshake,frames,messages,close}.test.mjs ;;
gateway) run_e2e conformance.test.mjs protocol.test.mjs ;;
*) printf '%s: no such part: %s\n' "${0##*/}" "$part" >&2 && exit 2 ;;
esac
