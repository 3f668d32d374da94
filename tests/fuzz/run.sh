#!/usr/bin/env bash
# Runs libFuzzer targets of a build of the preset `fuzz`. tests/run.sh does so for ten seconds each.
#
# New inputs land in INTO/corpus/TARGET and are the start of the next run; tests/fuzz/corpus is only read. What a target
# fails on is kept in build/fuzz/findings, also over later runs.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

usage() {
	cat <<-END
		Usage: tests/fuzz/run.sh [OPTION]... [TARGET]...
		Run libFuzzer targets, all of them when none is named, and say what each has done.

		  --seconds N   how long each runs (10)
		  --jobs N      how many run at a time (2)
		  --every N     say how far each is every N seconds (never)
		  --build DIR   the build of the preset fuzz (build/fuzz)
		  --into DIR    inputs that were found, logs and the file summary (DIR/run of the build); kept for the next run
		  --fresh       empty that first
		  --help        print this

		The last line says: cases: N passed, N failed, N skipped.
	END
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

seconds=10 jobs=2 every=0 build=$ROOT/build/fuzz into='' fresh='' targets=()
while [ $# -gt 0 ]; do
	case $1 in
	--seconds | --jobs | --every | --build | --into)
		[ $# -ge 2 ] || die "$1 needs a value; see --help"
		declare "${1#--}=$2"
		shift 2
		;;
	--fresh) fresh=1 && shift ;;
	--help | -h) usage && exit ;;
	-*) die "unknown option $1; see --help" ;;
	*) targets+=("$1") && shift ;;
	esac
done
[[ "$seconds $jobs $every" =~ ^[0-9]+\ [0-9]+\ [0-9]+$ ]] || die "--seconds, --jobs and --every take whole numbers"
[ -r "$build/fuzz-targets" ] || die "no fuzz build in $build: cmake --preset fuzz && cmake --build --preset fuzz -t fuzzers"
[ ${#targets[@]} -gt 0 ] || mapfile -t targets <"$build/fuzz-targets"
into=${into:-$build/run}
findings=$build/findings
[ -z "$fresh" ] || rm -rf "$into"
mkdir -p "$into" "$findings"

# number_in FILE NAME : one of the numbers that libFuzzer writes at its end.
number_in() { sed -n "s/^stat::$2: *//p" "$1"; }

# The last line of a log that says how far it is: cov is branches seen, ft features, corp inputs kept.
progress_in() { grep -aoE 'cov: [0-9]+ ft: [0-9]+ corp: [^ ]+' "$1" | tail -n 1 || true; }

# watch PID LOG NAME : says how far it is, until the process has ended.
watch() {
	[ "$every" -gt 0 ] || return 0
	while ! timeout "$every" tail --pid="$1" -f /dev/null; do
		printf '%-12s %s\n' "$3" "$(progress_in "$2")"
	done
}

# fuzz NAME : the exit status of the target, or of what it lacks.
fuzz() {
	local name=$1 log=$into/$1.log corpus=$into/corpus/$1
	[ -x "$build/bin/fuzz-$name" ] || { say_to "$log" "there is no target $name in $build" && return 1; }
	[ -s "$HERE/$name.dict" ] || { say_to "$log" "there is no dictionary tests/fuzz/$name.dict" && return 1; }
	[ -d "$HERE/corpus/$name" ] || { say_to "$log" "there is no corpus tests/fuzz/corpus/$name" && return 1; }
	mkdir -p "$corpus"
	# The first folder is written to, the second is not.
	nice -n 10 "$build/bin/fuzz-$name" -max_total_time="$seconds" -dict="$HERE/$name.dict" -print_final_stats=1 \
		-timeout=60 -rss_limit_mb=2048 -artifact_prefix="$findings/$name-" "$corpus" "$HERE/corpus/$name" \
		>"$log" 2>&1 </dev/null
}

say_to() { printf '%s\n' "$2" >"$1"; }

# fuzz_and_tell NAME : one line of result, also into INTO/NAME.result.
fuzz_and_tell() {
	local name=$1 log=$into/$1.log status=0 runs
	: >"$log"
	fuzz "$name" &
	watch $! "$log" "$name"
	wait $! || status=$?
	runs=$(number_in "$log" number_of_executed_units)
	if [ "$status" -eq 0 ] && [ -n "$runs" ]; then
		printf 'ok %-12s %10d runs, %s, slowest %s s, peak %s MB\n' "$name" "$runs" "$(progress_in "$log")" \
			"$(number_in "$log" slowest_unit_time_sec)" "$(number_in "$log" peak_rss_mb)" >"$into/$name.result"
	else
		{
			printf 'FAIL: fuzz/%s: status %d after %s runs; the whole log is %s\n' "$name" "$status" "${runs:-no}" "$log"
			grep -aE '^(SUMMARY|artifact_prefix)|Test unit written|runtime error|no (target|dictionary|corpus)' "$log" || true
		} >"$into/$name.result"
	fi
	cat "$into/$name.result"
}

for name in "${targets[@]}"; do
	rm -f "$into/$name.result"
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	fuzz_and_tell "$name" &
done
wait

passed=0 failed=0
: >"$into/summary"
for name in "${targets[@]}"; do
	if grep -q '^ok ' "$into/$name.result"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	cat "$into/$name.result" >>"$into/summary"
done
printf 'cases: %d passed, %d failed, 0 skipped\n' "$passed" "$failed" | tee -a "$into/summary"
[ "$failed" -eq 0 ]
