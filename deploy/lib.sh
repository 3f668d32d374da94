# shellcheck shell=bash
# What deploy/run.sh and tests/run.sh share: where things are, how a step is reported, and the set-up of a machine.
# Sourced, never run. Every function either succeeds or ends the script with one sentence that says what to do.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
DEPS=$(realpath -m "${STOA_DEPS:-$ROOT/build/deps}")
LOGS=$ROOT/build/logs

# The Debian packages, all of them, in one place.
# shellcheck disable=SC2034 # for those who source this
BUILD_PACKAGES=(
	gcc libc6-dev cmake ninja-build pkg-config
	libevent-dev libhiredis-dev libinih-dev uthash-dev libmsgpack-dev libssl-dev liburing-dev zlib1g-dev
	check # a build includes the unit tests
	dpkg-dev libcap-dev ca-certificates # these build libwebsockets from Debian's source package
)
# shellcheck disable=SC2034
PACKAGE_PACKAGES=(debhelper)
# shellcheck disable=SC2034
TEST_PACKAGES=(
	debhelper lintian # these make and judge the packages
	clang clang-format libclang-rt-14-dev llvm valgrind shellcheck doxygen
	redis-server openssl haproxy nginx-light
	mandoc groff-base zsh fish # what reads man pages and completions
	systemd strace # what reads the units, and sees the system calls that they have to allow
	prometheus python3-yaml # what reads the dashboard's queries, the alerts and the manifests
	curl git chromium python3 python3-socketio python3-msgpack python3-flask-socketio python3-redis python3-websocket python3-requests python3-aiohttp
)

# shellcheck disable=SC2034
BENCH_PACKAGES=(python3-flask-socketio python3-gevent python3-gevent-websocket python3-redis)

say() { printf '%s\n' "$*"; }

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# step NAME TEXT COMMAND... : one line for the reader, everything else into build/logs/NAME.log.
step() {
	local name=$1 text=$2 log=$LOGS/$1.log
	shift 2
	say "$text"
	# In a subshell, so that a die inside ends only the step and its sentence is seen.
	if ! ("$@") >"$log" 2>&1 </dev/null; then
		tail -n 30 "$log" >&2
		die "$name failed; the full output is in build/logs/$name.log"
	fi
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "installing packages needs root or sudo; as root run: $*"
	fi
}

# The packages among "$@" that dpkg does not know as installed, one per line.
missing_packages() {
	local have
	have=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p') || true
	printf '%s\n' "$@" | grep -Fvx -f <(printf '%s\n' "$have") || true
}

install_packages() {
	local missing
	command -v dpkg-query >/dev/null || die "this needs Debian 12: there is no dpkg-query here"
	mapfile -t missing < <(missing_packages "$@")
	# Node.js may also come from elsewhere, and then Debian's npm would not install beside it.
	command -v node >/dev/null || missing+=(nodejs)
	command -v npm >/dev/null || missing+=(npm)
	[ ${#missing[@]} -gt 0 ] || return 0
	# Ask for the password, if there is one to ask for, where it can be seen: the steps below write to a log.
	[ "$(id -u)" -eq 0 ] || ! command -v sudo >/dev/null || sudo -v || die "sudo was refused"
	step apt-update "Updating the package lists" as_root apt-get -o DPkg::Lock::Timeout=120 update
	step apt-install "Installing ${missing[*]}" without_services env DEBIAN_FRONTEND=noninteractive \
		apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${missing[@]}"
}

# without_services COMMAND... : as root; packages that it installs do not start their servers, since tests start their own
# (policy-rc.d is how Debian lets one say so). What the machine's owner has said there stays.
without_services() {
	# shellcheck disable=SC2016 # for the inner shell
	as_root sh -c '
		policy=/usr/sbin/policy-rc.d made=
		[ -e "$policy" ] || { printf "#!/bin/sh\nexit 101\n" >"$policy" && chmod 755 "$policy" && made=1; }
		"$@"
		status=$?
		[ -z "$made" ] || rm -f "$policy"
		exit "$status"' sh "$@"
}

# Everything a build needs: packages, libwebsockets, the client bundle. Leaves nothing changed when nothing is missing.
set_up() {
	if ! mkdir -p "$LOGS" "$DEPS" 2>/dev/null || ! [ -w "$LOGS" ] || ! [ -w "$DEPS" ]; then
		die "cannot write to $LOGS or $DEPS; after a run as another user: sudo chown -R $(id -un) build"
	fi
	install_packages "$@"
	"$ROOT/deploy/libwebsockets.sh" --current ||
		step libwebsockets "Building libwebsockets from Debian's source package" "$ROOT/deploy/libwebsockets.sh"
	"$ROOT/deploy/client.sh" --current || step client "Fetching the Socket.IO client" "$ROOT/deploy/client.sh"
}

# build PRESET [TARGET] : configures when needed and builds; ninja does nothing when nothing changed.
build() {
	step "build-$1" "Building $1" build_preset "$@"
}

build_preset() {
	cd "$ROOT" || return 1
	cmake --preset "$1" -DSTOA_LWS_ROOT="$DEPS/libwebsockets" && cmake --build --preset "$1" --target "${2:-all}"
}
