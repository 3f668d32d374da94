#!/usr/bin/env bash
# Debian packages of a release build: stoa-gateway, stoa-broker, stoa-tools, libstoa-emitter0, libstoa-dev.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

usage() {
	cat <<-END
		Usage: deploy/package.sh [OPTION]...
		Make Debian packages of Stoa, in build/packages.

		  --build DIR   of this build, which is there and is a release build (default: build/release, which is built first)
		  --output DIR  write them there (default build/packages); what is in it is removed
		  --help        print this

		Installed are packages that are missing, as deploy/run.sh does. What the steps print is in build/logs.
	END
}

build='' output=$ROOT/build/packages
while [ $# -gt 0 ]; do
	case $1 in
	--build=* | --output=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
	--build | --output)
		[ $# -ge 2 ] || die "$1 needs a folder; see --help"
		if [ "$1" = --build ]; then build=$2; else output=$2; fi
		shift 2
		;;
	--help | -h) usage && exit ;;
	*) die "unknown argument $1; see --help" ;;
	esac
done

# The value of a variable in the build's cache.
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

check_build() {
	[ -f "$build/CMakeCache.txt" ] || die "there is no build in $build"
	if [ "$(cached CMAKE_BUILD_TYPE)" != Release ] || [ -n "$(cached STOA_SANITIZE)" ]; then
		die "$build is no release build"
	fi
	[ "$(cached CMAKE_PROJECT_VERSION)" = "$(dpkg-parsechangelog -l "$ROOT/deploy/debian/changelog" -S Version)" ] ||
		die "deploy/debian/changelog and CMakeLists.txt name different versions"
}

# debian/ as dpkg-buildpackage wants it: the files of deploy/debian, and the units under the packages' names.
stage() {
	local debian=$output/stage/debian package
	rm -rf "$output"
	mkdir -p "$output/stage"
	cp -r "$ROOT/deploy/debian" "$debian"
	cp "$ROOT"/deploy/systemd/*.service "$debian"
	for package in stoa-gateway stoa-broker; do
		cp "$ROOT/deploy/systemd/stoa.sysusers" "$debian/$package.sysusers"
	done
}

make_packages() {
	cd "$output/stage" || return 1
	STOA_BUILD=$build dpkg-buildpackage --build=binary --unsigned-source --unsigned-changes
	cd "$output" && rm -r stage
}

if [ -z "$build" ]; then
	set_up "${BUILD_PACKAGES[@]}" "${PACKAGE_PACKAGES[@]}"
	build=$ROOT/build/release
	build release
fi
mkdir -p "$LOGS"
build=$(realpath -m "$build") output=$(realpath -m "$output")
check_build
stage
step packages "Making packages" make_packages
ls "$output"/*.deb
