#!/usr/bin/env bash
# The checks of the source text: .clang-format for C, shellcheck for the scripts. Covers what git tracks and what it
# would track.
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"
cd "$ROOT"

passed=0 failed=0

# check NAME COMMAND... : one case; what it says stands behind its name.
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		say "FAIL: lint/$name"
		say "$output"
	fi
}

# One line per file; what differs is better seen after clang-format -i. One process for each file, as they end with the first
# that differs; as many at a time as there are processors.
format_of() {
	# shellcheck disable=SC2016 # for the inner shell
	printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" sh -c 'clang-format --dry-run -Werror "$1" 2>/dev/null || { echo "not formatted: $1" && exit 1; }' sh
}

# A checkout of another user is read as well: the tests may run as root.
sources() { git -c safe.directory="$ROOT" ls-files -z --cached --others --exclude-standard; }

mapfile -d '' files < <(sources)
c_files=() scripts=()
for f in "${files[@]}"; do
	[ -f "$f" ] || continue # deleted, not yet committed
	case ${f##*/} in
	*.c | *.h) c_files+=("$f") ;;
	*.sh) scripts+=("$f") ;;
	*.*) ;;
	*) ! head -n 1 "$f" | grep -qaE '^#!.*[ /](ba)?sh( |$)' || scripts+=("$f") ;;
	esac
done

check format format_of "${c_files[@]}"
check shellcheck shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
say "cases: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
