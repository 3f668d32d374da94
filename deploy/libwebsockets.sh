#!/usr/bin/env bash
# Builds libwebsockets from Debian's own source package, with libevent as its loop and our patches applied.
#
# Debian's binary package knows no libevent loop, and a gateway has one loop for everything. The result is a static
# library in $STOA_DEPS/lws-KEY (default build/deps), reached through the link $STOA_DEPS/libwebsockets. KEY covers
# this script and the patches, so a second run does nothing and a changed patch builds anew.
#
#   deploy/libwebsockets.sh             build what is missing
#   deploy/libwebsockets.sh --current   only say, by the exit code, whether nothing is missing
set -euo pipefail
. "$(dirname "$0")/lib.sh"

UPSTREAM=4.1.6
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
PATCHES=$ROOT/deploy/patches/libwebsockets

shopt -s nullglob
key=$(cat "$0" "$PATCHES"/*.patch | sha256sum | cut -c1-12)
prefix=$DEPS/lws-$key
link=$DEPS/libwebsockets
sources=$DEPS/src

is_current() { [ -f "$prefix/STOA" ] && [ "$(readlink "$link")" = "lws-$key" ]; }

# Writes into directory $1 the machine's own Debian entries as source entries. Entries that name another keyring than
# Debian's are not Debian's; those that name none are held to Debian's here. Nothing of the system is changed.
private_source_lists() {
	local f
	for f in /etc/apt/sources.list.d/*.sources; do
		awk -v keyring="$KEYRING" '
			function flush() {
				if (body != "" && binary && !off && (signed == "" || signed == keyring))
					printf "Types: deb-src\nSigned-By: %s\n%s\n", keyring, body
				body = signed = field = ""; binary = off = 0
			}
			/^#/ { next }
			/^[ \t]*$/ { flush(); next }
			/^[^ \t]/ { field = tolower($1) }
			field == "types:" { binary = 1; next }
			field == "signed-by:" { signed = signed ($1 == "Signed-By:" ? $2 : $1); next }
			field == "enabled:" { off = tolower($2) == "no"; next }
			field ~ /^(uris|suites|components|check-valid-until):$/ { body = body $0 "\n" }
			END { flush() }' "$f" >"$1/$(basename "$f")"
	done
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -e "$f" ] || continue
		awk -v keyring="$KEYRING" '
			$1 == "deb" || $1 == "deb-src" {
				line = $0; options = ""
				sub(/^[ \t]*deb(-src)?[ \t]+/, "", line)
				if (match(line, /^\[[^]]*\][ \t]*/)) {
					options = substr(line, 1, RLENGTH); line = substr(line, RLENGTH + 1)
				}
				if (options ~ /signed-by=/ && index(options, "signed-by=" keyring) == 0) next
				valid = options ~ /check-valid-until=no/ ? " check-valid-until=no" : ""
				printf "deb-src [signed-by=%s%s] %s\n", keyring, valid, line
			}' "$f" | sort -u >"$1/$(basename "$f")"
	done
	grep -qs deb-src "$1"/* || die "none of this machine's package sources is Debian's own, so there is no source package"
}

# The source package, its origin checked by apt: signed index, index names the hashes. Kept, so that a changed patch
# needs no network.
download() {
	local tmp version apt
	! compgen -G "$sources/libwebsockets_$UPSTREAM-*.dsc" >/dev/null || return 0
	tmp=$(mktemp -d)
	# shellcheck disable=SC2064 # the value of now is meant
	trap "rm -rf '$tmp'" EXIT
	chmod 755 "$tmp" # apt fetches as its own user
	mkdir -p "$tmp/list.d" "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/src"
	[ "$(id -u)" -ne 0 ] || chown _apt "$tmp/src"
	private_source_lists "$tmp/list.d"
	apt=(-q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$tmp/list.d" -o Dir::State::Lists="$tmp/lists"
		-o Dir::Cache="$tmp/cache" -o Acquire::Languages=none -o APT::Get::AllowUnauthenticated=false)
	apt-get "${apt[@]}" update
	version=$(apt-cache "${apt[@]}" showsrc --only-source libwebsockets |
		sed -n "s/^Version: \($UPSTREAM-.*\)/\1/p" | sort -V | tail -n 1)
	[ -n "$version" ] || die "Debian's package sources on this machine offer no libwebsockets $UPSTREAM"
	(cd "$tmp/src" && apt-get "${apt[@]}" source --download-only --only-source "libwebsockets=$version")
	rm -rf "$sources" "$sources.new"
	mkdir "$sources.new"
	cp "$tmp/src"/libwebsockets_* "$sources.new/"
	mv "$sources.new" "$sources"
}

compile() {
	local work=$DEPS/lws-work patch
	# What we do not use and every connection would have room for: 220 bytes of it.
	local unused=(-DLWS_WITHOUT_CLIENT=ON -DLWS_WITH_UDP=OFF -DLWS_ROLE_RAW_FILE=OFF -DLWS_WITH_FILE_OPS=OFF
		-DLWS_WITH_HTTP_BASIC_AUTH=OFF -DLWS_WITH_SYS_SMD=OFF -DLWS_WITH_SYS_STATE=OFF -DLWS_WITH_LEJP=OFF
		-DLWS_WITH_SSL=OFF)
	rm -rf "$work" "$prefix.new"
	dpkg-source --no-copy -x "$sources"/libwebsockets_"$UPSTREAM"-*.dsc "$work"
	for patch in "$PATCHES"/*.patch; do
		patch -d "$work" -p1 --fuzz=0 <"$patch"
	done
	# Its build asks git what it is; it is not a part of the checkout that it lies in.
	export GIT_CEILING_DIRECTORIES=$DEPS
	cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_INSTALL_PREFIX="$prefix" \
		-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_FLAGS_RELWITHDEBINFO='-O2 -g -DNDEBUG' -DDISABLE_WERROR=ON \
		-DLWS_WITH_LIBEVENT=ON -DLWS_WITH_EVLIB_PLUGINS=OFF -DLWS_WITH_SHARED=OFF -DLWS_WITH_STATIC=ON \
		-DLWS_WITHOUT_TESTAPPS=ON -DLWS_WITHOUT_EXTENSIONS=ON -DLWS_WITH_ZLIB=OFF -DLWS_IPV6=ON \
		-DLWS_UNIX_SOCK=ON -DLWS_WITH_HTTP2=OFF -DLWS_MAX_SMP=1 \
		"${unused[@]}"
	cmake --build "$work/build"
	cmake --install "$work/build" --prefix "$prefix.new"
	grep -q '^#define LWS_WITH_LIBEVENT$' "$prefix.new/include/lws_config.h" || die "libwebsockets came out without libevent"
	# The mark comes last: a prefix without it was interrupted.
	basename "$sources"/libwebsockets_*.dsc .dsc >"$prefix.new/STOA"
	rm -rf "$prefix" && mv "$prefix.new" "$prefix"
	rm -rf "$work"
}

case ${1-} in
--current) is_current; exit ;;
'') ;;
*) die "usage: ${0##*/} [--current]" ;;
esac

mkdir -p "$DEPS"
exec 9>"$DEPS/.lock"
flock 9 # deploy/run.sh and tests/run.sh may run side by side
if ! [ -f "$prefix/STOA" ]; then
	download
	compile
fi
ln -sfn "lws-$key" "$link.new" && mv -T "$link.new" "$link"
