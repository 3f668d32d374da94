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
		  --out DIR        where result.json and the plots go (build/bench)
		  --list           print the scenarios
		  --help           print this

		With STOA_BIN=DIR the programs there are measured, and nothing is built.
	END
}

quick='' peers=bare,node,bun,flask
for argument in "$@"; do
	case $argument in
	--help | -h) usage && exit ;;
	--quick) quick=1 ;;
	esac
done
[ -z "$quick" ] || peers=bare,node
for ((i = 1; i <= $#; i++)); do
	[ "${!i}" != --peers ] || { next=$((i + 1)) && peers=${!next:-}; }
done

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
	set_up "${packages[@]}"
	build release
	[[ $peers != *node* ]] || npm_packages "$ROOT/tests/e2e"
	[[ $peers != *bun* ]] || npm_packages "$ROOT/tests/bench/peers"
	export STOA_BIN=$ROOT/build/release/bin
fi
exec node "$ROOT/tests/bench/bench.mjs" "$@"
