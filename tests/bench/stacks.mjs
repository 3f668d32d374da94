// Stacks that were sampled: what perf script prints -> how often each was met -> a flame graph as SVG, and the functions that
// have most.

const WIDTH = 1160, ROW = 17, TOP = 58, MARGIN = 12, CHARACTER = 6.4;
const LEAST = 0.003; // of all samples

// A frame is a function's name and where it is: in the kernel, in libevent, or in the gateway and what else it calls.
const KERNEL = ' [k]', LIBEVENT = ' [e]';
const isKernel = (frame) => frame.endsWith(KERNEL);
const nameOf = (frame) => frame.replace(/ \[[ke]\]$/, '');

// `	    ffffffff8163859d kmem_cache_alloc_noprof+0x14d ([kernel.kallsyms])`
function frameOf(line) {
	const [, symbol, where] = line.match(/^\s+[0-9a-f]+ (.*) \(([^()]*(?:\([^()]*\))?[^()]*)\)$/) ?? [];
	const name = symbol?.replace(/\+0x[0-9a-f]+$/, '').replace(/\.(constprop|part|isra|cold)(\.\d+)?/g, '');

	if (name === undefined || name === '[unknown]' && !/\.so|stoa/.test(where))
		return null;
	const known = name === '[unknown]' ? `[${where.split('/').at(-1)}]` : name;
	if (/^\[(kernel|guest)|\.ko\]$/.test(where))
		return known + KERNEL;
	return where.includes('libevent') ? known + LIBEVENT : known;
}

// `lines` of perf script: a line for each sample, its frames, innermost first, and an empty line.
export async function collapse(lines) {
	const stacks = new Map();
	let frames = [];

	function add() {
		if (frames.length) {
			const stack = frames.reverse().join(';');

			stacks.set(stack, (stacks.get(stack) ?? 0) + 1);
		}
		frames = [];
	}
	for await (const line of lines) {
		const frame = line.trim() && frameOf(line);

		if (line.trim() === '')
			add();
		else if (frame && !/^(_start|__libc_start_main.*|__libc_start_call_main)$/.test(frame))
			frames.push(frame.replaceAll(';', ','));
	}
	add();
	return stacks;
}

// By what a function does itself: {samples, kernel: the share of samples in it, top: [{name, where, share}]}.
export function topOf(stacks, most = 10) {
	const own = new Map();
	let samples = 0, kernel = 0;

	for (const [stack, n] of stacks) {
		const frame = stack.slice(stack.lastIndexOf(';') + 1);

		own.set(frame, (own.get(frame) ?? 0) + n);
		samples += n;
		kernel += isKernel(frame) ? n : 0;
	}
	const top = [...own].sort(([, x], [, y]) => y - x).slice(0, most)
		.map(([frame, n]) => ({ name: nameOf(frame), where: isKernel(frame) ? 'kernel' : 'user', share: n / samples }));

	return { samples, kernel: kernel / samples, top };
}

// --- The picture

function tree(stacks) {
	const root = { n: 0, children: new Map() };

	for (const [stack, n] of stacks) {
		let node = root;

		root.n += n;
		for (const frame of stack.split(';')) {
			if (!node.children.has(frame))
				node.children.set(frame, { frame, n: 0, children: new Map() });
			node = node.children.get(frame);
			node.n += n;
		}
	}
	return root;
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

// Neighbours of the same kind are told apart by one of three shades.
function kindOf(frame) {
	const shade = [...frame].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) >>> 0, 7) % 3;

	if (isKernel(frame))
		return `k${shade}`;
	return frame.endsWith(LIBEVENT) || /^(_?lws_|rops_|user_callback_)/.test(frame) ? `l${shade}` : `u${shade}`;
}

// The widest first, so that what matters is at the left.
function place(root) {
	const boxes = [], scale = (WIDTH - 2 * MARGIN) / root.n;
	let depth = 0;

	function walk(node, x, level) {
		let at = x;

		for (const child of [...node.children.values()].sort((a, b) => b.n - a.n)) {
			if (child.n < LEAST * root.n)
				continue;
			boxes.push({ frame: child.frame, share: child.n / root.n, x: at, width: child.n * scale, level });
			depth = Math.max(depth, level);
			walk(child, at, level + 1);
			at += child.n * scale;
		}
	}
	walk(root, MARGIN, 0);
	return { boxes, depth };
}

function box({ frame, share, x, width, level }, height) {
	const y = height - MARGIN - 20 - (level + 1) * ROW, name = nameOf(frame);
	const fits = Math.floor((width - 6) / CHARACTER);
	const label = fits < 3 ? '' : name.length <= fits ? name : `${name.slice(0, fits - 1)}…`;
	const title = `<title>${escaped(name)}${isKernel(frame) ? ' (kernel)' : ''}: ${(share * 100).toFixed(1)} %</title>`;
	const text = label && `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escaped(label)}</text>`;

	return `<g>${title}<rect class="${kindOf(frame)}" x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.5, width - 0.5).toFixed(1)}" height="${ROW - 1}"/>${text}</g>`;
}

const COLOURS = { k: ['#e8a87c', '#e39b6b', '#edb48d'], u: ['#6cc3a0', '#5cb892', '#7fcdae'], l: ['#9db4d0', '#8fa8c7', '#acc0d8'] };
const CLASSES = Object.entries(COLOURS).flatMap(([kind, shades]) => shades.map((colour, i) => `.${kind}${i}{fill:${colour}}`)).join('');
const LEGEND = [['u0', 'the gateway, and what it calls in libc'], ['l0', 'libwebsockets, libevent'], ['k0', 'the kernel']];

export function picture(stacks, { title, subtitle }) {
	const { boxes, depth } = place(tree(stacks));
	const height = TOP + (depth + 1) * ROW + 2 * MARGIN + 20;
	let x = MARGIN;
	const legend = LEGEND.map(([kind, text]) => {
		const part = `<rect class="${kind}" x="${x}" y="${height - MARGIN - 11}" width="11" height="11" rx="2"/><text class="faint" x="${x + 16}" y="${height - MARGIN - 1.5}">${text}</text>`;

		x += 40 + text.length * 6.2;
		return part;
	});

	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">
<style>.page{fill:#ffffff}.ink{fill:#1f2933}.faint{fill:#5f6b7a}g text{fill:#14202b}${CLASSES}@media (prefers-color-scheme: dark){.page{fill:#0d1117}.ink{fill:#e6edf3}.faint{fill:#9198a1}}</style>
<rect class="page" width="100%" height="100%" rx="6"/>
<text class="ink" x="${MARGIN}" y="26" font-size="16" font-weight="600">${escaped(title)}</text>
<text class="faint" x="${MARGIN}" y="45" font-size="12">${escaped(subtitle)}</text>
${boxes.map((b) => box(b, height)).join('\n')}
${legend.join('\n')}
</svg>
`;
}
