#!/usr/bin/env bash
# Fetches the stock Socket.IO client for browsers, as released on npm, into $STOA_DEPS/client (default build/deps).
# It is never committed. npm checks the package against the registry's integrity value; we hold it to a known one.
# Beside each file lie its compressed variants, which the gateway sends to who takes them: .br, .gz and .zz (deflate).
#
#   deploy/client.sh             fetch what is missing
#   deploy/client.sh --current   only say, by the exit code, whether nothing is missing
set -euo pipefail
. "$(dirname "$0")/lib.sh"

VERSION=4.8.4
SHA512=ef08ca02f55760e26c6e65209166e784f0f86c5a64aab511d3ef973a3a46166a83aaca95d4223ddd54eb69e1312f1a63c44aab5a016849166ed628632d67e400
BUNDLES=(socket.io.js socket.io.min.js socket.io.esm.min.js socket.io.msgpack.min.js)

link=$DEPS/client
target=client-$VERSION

case ${1-} in
--current) [ "$(readlink "$link")" = "$target" ] && [ -f "$DEPS/$target/${BUNDLES[-1]}.map.zz" ]; exit ;;
'') ;;
*) die "usage: ${0##*/} [--current]" ;;
esac

mkdir -p "$DEPS"
exec 9>"$DEPS/.lock"
flock 9
tmp=$(mktemp -d "$DEPS/client-tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
(cd "$tmp" && npm pack --silent "socket.io-client@$VERSION")
printf '%s  %s\n' "$SHA512" "$tmp/socket.io-client-$VERSION.tgz" | sha512sum --check --status ||
	die "the package socket.io-client $VERSION is not the one we know"
tar -xzf "$tmp/socket.io-client-$VERSION.tgz" -C "$tmp"
mkdir "$tmp/out"
for f in "${BUNDLES[@]}"; do
	cp "$tmp/package/dist/$f" "$tmp/package/dist/$f.map" "$tmp/out/"
done
cp "$tmp/package/LICENSE" "$tmp/out/"
node - "$tmp"/out/*.js "$tmp"/out/*.map <<'EOF'
const { readFileSync, writeFileSync } = require('node:fs');
const { brotliCompressSync, constants, deflateSync, gzipSync } = require('node:zlib');

for (const file of process.argv.slice(2)) {
	const bytes = readFileSync(file);
	writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
	writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
	writeFileSync(`${file}.zz`, deflateSync(bytes, { level: 9 }));
}
EOF
chmod 755 "$tmp/out"
rm -rf "${DEPS:?}/$target" && mv "$tmp/out" "$DEPS/$target"
ln -sfn "$target" "$link.new" && mv -T "$link.new" "$link"
