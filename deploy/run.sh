#!/usr/bin/env bash
# From a fresh checkout on Debian 12 to a running chat: installs what is missing, builds, and starts one gateway.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

usage() {
	cat <<-END
		Usage: deploy/run.sh [OPTION]...
		Build Stoa and run an example on this machine, at http://127.0.0.1:5000 unless told otherwise.

		  --port N      listen on this port of 127.0.0.1 (default 5000)
		  --app NAME    run examples/NAME (default chat)
		  --build-only  install, fetch and build, then stop
		  --help        print this

		Ctrl-C ends it. What the steps print is in build/logs.
	END
}

port=5000 app=chat build_only=
while [ $# -gt 0 ]; do
	case $1 in
	--port=* | --app=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
	--port | --app)
		[ $# -ge 2 ] || die "$1 needs a value; see --help"
		if [ "$1" = --port ]; then port=$2; else app=$2; fi
		shift 2
		;;
	--build-only) build_only=1 && shift ;;
	--help | -h) usage && exit ;;
	*) die "unknown argument $1; see --help" ;;
	esac
done
if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then
	die "--port takes a number from 1 to 65535, not $port"
fi
if ! [[ $app =~ ^[A-Za-z0-9_-]+$ ]] || ! [ -d "$ROOT/examples/$app" ]; then
	die "there is no example $app; there are: $(cd "$ROOT/examples" && echo */ | tr -d /)"
fi

answers() { (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

set_up "${BUILD_PACKAGES[@]}"
build release
[ -z "$build_only" ] || exit 0

! answers || die "port $port is in use; choose another with --port N"
module=$ROOT/build/release/apps/$app.so
[ -f "$module" ] || die "examples/$app has no module $app.so"
args=(--app "$module" --listen "127.0.0.1:$port" --client-dir "$DEPS/client")
[ ! -d "$ROOT/examples/$app/public" ] || args+=(--public "$ROOT/examples/$app/public")

# The gateway takes this shell's place, so that Ctrl-C and the exit status are its own. Left behind is one that says
# when the port answers; $$ is then the gateway.
(
	while kill -0 $$ 2>/dev/null; do
		if answers; then
			say "Stoa is at http://127.0.0.1:$port, running $app; Ctrl-C ends it."
			exit
		fi
		sleep 0.05
	done
) &
exec "$ROOT/build/release/bin/stoa-gateway" "${args[@]}"
