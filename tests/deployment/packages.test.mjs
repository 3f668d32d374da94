// The Debian packages: made of the build that is tested, judged by lintian, unpacked into a folder, and used from there.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before, describe } from 'node:test';
import { connect } from '../e2e/lib/client.mjs';
import { BIN } from '../e2e/lib/gateway.mjs';
import { environment, portIn, Program } from '../e2e/lib/program.mjs';
import { deployed, read, tool } from './tools.mjs';

const BUILD = path.join(BIN, '..');
const PACKAGES = ['libstoa-dev', 'libstoa-emitter0', 'stoa-broker', 'stoa-gateway', 'stoa-tools'];
// There is no address that mail could be sent to; `make` runs as whoever runs the tests.
const LINTIAN = ['--allow-root', '--tag-display-limit', '0', '--suppress-tags', 'bogus-mail-host,bogus-mail-host-in-debian-changelog'];

let dir, root;
const deb = (name) => path.join(dir, readdirSync(dir).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb')));
const inRoot = (...names) => path.join(root, ...names);

async function succeeds(command, args, options) {
	const { code, output } = await tool(command, args, options);

	assert.equal(code, 0, `${command} ${args.join(' ')}:\n${output}`);
	return output;
}

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), 'stoa-packages-'));
	// Debug symbols take half of the time, and nobody looks at them here.
	await succeeds(deployed('package.sh'), ['--build', BUILD, '--output', dir], { env: { DEB_BUILD_OPTIONS: 'noautodbgsym' } });
	root = path.join(dir, 'root');
	for (const name of PACKAGES)
		await succeeds('dpkg', ['-x', deb(name), root]);
});
after(() => dir && rmSync(dir, { recursive: true }));

// A program of the packages, run where they are unpacked.
class Unpacked extends Program {
	static async start(args) {
		const g = new Unpacked();

		g.spawnAt(inRoot('usr/bin/stoa-gateway'), args);
		const line = await g.line(/ listening /);
		g.port = portIn(line, 'addr');
		g.url = `http://127.0.0.1:${g.port}`;
		return g;
	}

	spawnAt(file, args) {
		this.spawn(path.relative(BIN, file), args);
	}
}

describe('packages', () => {
	test('there are five, of this version, and lintian finds nothing wrong', async () => {
		const version = /project\(stoa VERSION (\S+)/.exec(read('CMakeLists.txt'))[1];

		assert.deepEqual(readdirSync(dir).filter((file) => file.endsWith('.deb')).map((file) => file.split('_').slice(0, 2)).sort(), PACKAGES.map((name) => [name, version]));
		assert.equal(await succeeds('lintian', [...LINTIAN, '--fail-on', 'error,warning', path.join(dir, readdirSync(dir).find((file) => file.endsWith('.changes')))]), '');
	});

	test('what lies where', () => {
		const files = [
			'usr/bin/stoa', 'usr/bin/stoa-broker', 'usr/bin/stoa-gateway', 'etc/stoa/gateway.conf', 'etc/stoa/broker.conf', 'etc/default/stoa-gateway',
			'lib/systemd/system/stoa-gateway.service', 'lib/systemd/system/stoa-gateway@.service', 'lib/systemd/system/stoa-broker.service',
			'usr/share/man/man8/stoa-gateway.8.gz', 'usr/share/man/man8/stoa-broker.8.gz', 'usr/share/man/man1/stoa.1.gz', 'usr/share/man/man5/stoa.conf.5.gz',
			'usr/share/bash-completion/completions/stoa', 'usr/share/zsh/vendor-completions/_stoa', 'usr/share/fish/vendor_completions.d/stoa.fish',
			'usr/share/stoa/client/socket.io.min.js.br', 'usr/share/stoa/chat/index.html', 'usr/lib/stoa/chat.so', 'usr/include/stoa.h',
			'usr/share/pkgconfig/stoa.pc', 'usr/share/doc/libstoa-dev/docs/guide.md', 'usr/share/doc/libstoa-dev/examples/chat.c',
			'usr/share/doc/libstoa-dev/monitoring/alerts.yml', 'usr/lib/libstoa-emitter.so.0', 'usr/lib/libstoa-test.so.0',
		];

		assert.deepEqual(files.filter((file) => !existsSync(inRoot(file))), []);
		for (const unit of ['stoa-gateway.service', 'stoa-gateway@.service', 'stoa-broker.service'])
			assert.equal(readFileSync(inRoot('lib/systemd/system', unit), 'utf8'), read('deploy/systemd', unit));
	});

	test('configuration is kept over an upgrade, and a broker waits to be started', async () => {
		for (const name of ['gateway', 'broker']) {
			const conffiles = await succeeds('dpkg-deb', ['--info', deb(`stoa-${name}`), 'conffiles']);
			const postinst = await succeeds('dpkg-deb', ['--info', deb(`stoa-${name}`), 'postinst']);

			assert.deepEqual(conffiles.trim().split('\n').sort(), [`/etc/default/stoa-${name}`, `/etc/stoa/${name}.conf`]);
			assert.equal(/_dh_action=start\n/.test(postinst), name === 'gateway'); // an upgrade restarts both
			assert.match(postinst, /systemd-sysusers/);
		}
	});

	test('the services\' user is made from what the packages say', async () => {
		const made = path.join(dir, 'users');

		mkdirSync(path.join(made, 'etc'), { recursive: true });
		await succeeds('systemd-sysusers', [`--root=${made}`, ...['gateway', 'broker'].map((name) => inRoot(`usr/lib/sysusers.d/stoa-${name}.conf`))]);
		assert.match(readFileSync(path.join(made, 'etc/passwd'), 'utf8'), /^stoa:.*:\/usr\/sbin\/nologin$/m);
	});

	test('programs need nothing but what the packages depend on', async () => {
		for (const program of ['stoa', 'stoa-gateway', 'stoa-broker']) {
			const needed = await succeeds('ldd', [inRoot('usr/bin', program)]);

			assert.doesNotMatch(needed, /not found|websockets|\/build\//, program);
			assert.doesNotMatch(await succeeds('readelf', ['-d', inRoot('usr/bin', program)]), /R(UN)?PATH/, program);
		}
		assert.match(await succeeds('dpkg-deb', ['--field', deb('stoa-gateway'), 'Depends']), /libevent-2\.1-7.*libhiredis0\.14.*libssl3/);
	});
});

describe('unpacked', () => {
	test('the gateway runs with its own configuration: the chat, its pages, the client', async (t) => {
		// The same but for where it was unpacked, and for ports that are free.
		const config = path.join(dir, 'gateway.conf');
		writeFileSync(config, readFileSync(inRoot('etc/stoa/gateway.conf'), 'utf8').replaceAll(' = /usr/', ` = ${root}/usr/`).replaceAll(/(listen = 127\.0\.0\.1):\d+/g, '$1:0'));
		const g = await Unpacked.start(['--config', config, '--shutdown-timeout', '500ms']);

		t.after(() => g.stop());
		assert.match(await (await fetch(g.url)).text(), /socket\.io/);
		assert.equal((await fetch(`${g.url}/socket.io/socket.io.min.js`)).status, 200);
		const socket = await connect(t, g.url, { auth: { name: 'a package' } });
		assert.equal(socket.connected, true);
	});

	test('the broker\'s configuration is read; what is missing in it is the application', async () => {
		const { code, output } = await tool(inRoot('usr/bin/stoa-broker'), ['--config', inRoot('etc/stoa/broker.conf'), '--check-config'], { env: Object.fromEntries(Object.keys(process.env).filter((name) => name.startsWith('STOA_')).map((name) => [name, ''])) });

		assert.equal(code, 2, output);
		assert.match(output, /--app/);
	});

	test('the first module of the README is built against it, and runs', async (t) => {
		const source = /```c readme\/join\n([^]*?)```/.exec(read('README.md'))[1];
		const env = { PKG_CONFIG_PATH: inRoot('usr/share/pkgconfig') };
		const flags = (await succeeds('pkg-config', ['--cflags', '--libs', 'stoa'], { env })).trim().split(/\s+/);
		const module = path.join(dir, 'join.so');

		assert.ok(flags.some((flag) => flag.startsWith('-I') && path.resolve(flag.slice(2)) === inRoot('usr/include')), flags.join(' '));
		writeFileSync(path.join(dir, 'join.c'), source);
		await succeeds('cc', ['-Wall', '-Werror', '-shared', '-fPIC', '-o', module, path.join(dir, 'join.c'), ...flags]);
		const g = await Unpacked.start(['--app', module, '--listen', '127.0.0.1:0', '--shutdown-timeout', '500ms']);
		t.after(() => g.stop());
		const socket = await connect(t, g.url);
		const said = new Promise((resolve) => socket.once('message', resolve));
		socket.emit('join', { username: 'Ada', room: 'a' });
		assert.equal(await said, 'Ada has entered the room.');
	});

	test('a program is linked with the emitter, and finds it', async () => {
		const env = { PKG_CONFIG_PATH: inRoot('usr/share/pkgconfig') };
		const flags = (await succeeds('pkg-config', ['--cflags', '--libs', 'stoa-emitter'], { env })).trim().split(/\s+/);

		await succeeds('cc', ['-o', path.join(dir, 'emitter'), deployed('../examples/emitter/emitter.c'), ...flags]);
		assert.match(await succeeds('ldd', [path.join(dir, 'emitter')]), /libstoa-emitter\.so\.0 => .*root\/usr/);
	});
});

describe('cmake --install elsewhere', () => {
	test('units name the programs where they are', async () => {
		const prefix = path.join(dir, 'prefix');

		await succeeds('cmake', ['--install', BUILD, '--prefix', prefix], { env: environment({}) });
		assert.match(readFileSync(path.join(prefix, 'lib/systemd/system/stoa-gateway.service'), 'utf8'), new RegExp(`^ExecStart=${prefix}/bin/stoa-gateway$`, 'm'));
		for (const file of ['bin/stoa', 'etc/stoa/gateway.conf', 'share/man/man5/stoa.conf.5', 'lib/stoa/chat.so'])
			assert.ok(existsSync(path.join(prefix, file)), file);
	});
});
