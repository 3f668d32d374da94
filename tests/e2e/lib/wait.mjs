// Waiting: always for something, never longer than a deadline, and saying what did not come.

// It ends a test that hangs; how fast something is, it does not judge. A busy machine may stand still for seconds.
export const PATIENCE_MS = 45_000;

export class Timeout extends Error {}

// `promise`, or an error when it takes too long. `detail()` may add what is known to the message.
export async function deadline(promise, what, detail = () => '', ms = PATIENCE_MS) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Timeout(`waited ${ms} ms in vain for ${what}\n${detail()}`)), ms);
	});

	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

// Asks again until `ask` returns something truthy, for states that nothing announces.
export async function eventually(what, ask) {
	const end = Date.now() + PATIENCE_MS;

	for (;;) {
		const answer = await ask();
		if (answer)
			return answer;
		if (Date.now() > end)
			throw new Timeout(`waited ${PATIENCE_MS} ms in vain for ${what}`);
		await delay(20);
	}
}

// Lets time pass where time itself is what is tested.
export function delay(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

// What arrives, in order, to be taken by who waits: take(matches) resolves with the first item that matches.
export class Inbox {
	items = [];
	#waiting = [];
	#failure = null;

	put(item) {
		const i = this.#waiting.findIndex((w) => w.matches(item));

		if (i < 0)
			this.items.push(item);
		else
			this.#waiting.splice(i, 1)[0].resolve(item);
	}

	// Nothing more will come.
	end(error) {
		this.#failure ??= error;
		for (const w of this.#waiting.splice(0))
			w.reject(this.#failure);
	}

	take(matches = () => true, what = 'something to arrive') {
		const i = this.items.findIndex(matches);

		if (i >= 0)
			return Promise.resolve(this.items.splice(i, 1)[0]);
		if (this.#failure !== null)
			return Promise.reject(new Error(`${what}: ${this.#failure.message}`));
		let waiter;
		const arrived = new Promise((resolve, reject) => {
			waiter = { matches, resolve, reject };
			this.#waiting.push(waiter);
		});
		return deadline(arrived, what, () => `arrived meanwhile: ${show(this.items)}`).finally(() => {
			this.#waiting = this.#waiting.filter((w) => w !== waiter);
		});
	}
}

function show(items) {
	try {
		return JSON.stringify(items).slice(0, 1000);
	} catch {
		return `${items.length} items`;
	}
}
