#!/usr/bin/env bash
# Measures stoa-gateway beside other servers of the same application (README.md).
set -euo pipefail
. "$(dirname "$0")/../../deploy/lib.sh"

usage() {
	cat <<-END
		Usage: tests/bench/run.sh [OPTION]...
		Measure stoa-gateway beside other servers. Nothing else should run on the machine meanwhile.

		  --quick          small sizes and short runs, beside bare and node alone: about a minute
		  --only NAMES     only these scenarios, with commas; --list prints them
		  --peers NAMES    only beside these: bare, node, bun, flask; none for stoa alone
		  --repeat N       how often each is measured (5; --quick 1); medians are printed
		  --add            beside the runs that result.json has, not in their place
		  --out DIR        where result.json and the plots go (build/bench; --quick build/bench/quick)
		  --docs           then 100,000 clients (crowd.mjs) and the flame graphs (flame.mjs), and all of it into
		                   docs/performance.md (docs.mjs)
		  --list           print the scenarios
		  --help           print this

		With STOA_BIN=DIR the programs there are measured, and nothing is built.
	END
}

quick='' peers=bare,node,bun,flask docs='' out=$ROOT/build/bench arguments=()
while [ $# -gt 0 ]; do
	case $1 in
	--help | -h) usage && exit ;;
	--list) exec node "$ROOT/tests/bench/bench.mjs" --list ;;
	--quick) quick=1 peers=bare,node ;;
	--docs) docs=1 && shift && continue ;;
	--add) ;;
	--only | --peers | --repeat | --out)
		[ $# -ge 2 ] || die "$1 needs a value; see --help"
		[ "$1" != --peers ] || peers=$2
		[ "$1" != --out ] || out=$2
		arguments+=("$1") && shift
		;;
	*) die "unknown argument $1; see --help" ;;
	esac
	arguments+=("$1") && shift
done
[ -z "$docs" ] || [ -z "$quick" ] || die "--docs is of a full run; see --help"

# npm_packages DIR : as its lock file says.
npm_packages() {
	[ -f "$1/node_modules/.stoa-lock" ] && cmp -s "$1/package-lock.json" "$1/node_modules/.stoa-lock" && return
	step "npm-${1##*/}" "Installing npm packages in ${1#"$ROOT/"}" npm_ci "$1"
}

npm_ci() {
	cd "$1" && npm ci --no-audit --no-fund && cp package-lock.json node_modules/.stoa-lock
}

if [ -z "${STOA_BIN:-}" ]; then
	packages=("${BUILD_PACKAGES[@]}" redis-server)
	[[ $peers != *flask* ]] || packages+=("${BENCH_PACKAGES[@]}")
	[ -z "$docs" ] || packages+=(linux-perf)
	set_up "${packages[@]}"
	build release
	[[ $peers != *node* ]] || npm_packages "$ROOT/tests/e2e"
	[[ $peers != *bun* ]] || npm_packages "$ROOT/tests/bench/peers"
	export STOA_BIN=$ROOT/build/release/bin
fi
bench=$ROOT/tests/bench
[ -n "$docs" ] || exec node "$bench/bench.mjs" "${arguments[@]}"
# What one of these could not do leaves the page as it was there; the others are not lost for it.
failed=''
node "$bench/bench.mjs" "${arguments[@]}" || failed=1
node "$bench/crowd.mjs" --out "$out/crowd" || failed=1
node "$bench/flame.mjs" --out "$out/flame" || failed=1
node "$bench/docs.mjs" "$out" || failed=1
[ -z "$failed" ]
