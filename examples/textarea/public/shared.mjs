// A text that others edit too. It knows of a connection only what it is handed: send(message) for an edit, and the calls
// below for what comes back. At most one edit is on its way; what is written meanwhile follows when that is acked.

import { apply, compose, difference, transform } from "./edits.mjs";

export class SharedText {
	sent = null; // the edit that the server has not acked yet, null when there is none
	written = null; // what was written since

	// `text` is what is seen here: the server's of `revision`, with what was sent and written.
	constructor({ text, revision }, send) {
		Object.assign(this, { text, revision, send });
	}

	get isSaved() {
		return this.sent === null && this.written === null;
	}

	// The text was changed here.
	write(text) {
		const edit = difference(this.text, text);

		if (edit === null)
			return;
		this.text = text;
		this.written = compose(this.written ?? [], edit);
		this.#sendNext();
	}

	// The server has applied what was sent, as `revision`.
	acked(revision) {
		this.#follow(revision);
		this.sent = null;
		this.#sendNext();
	}

	// Somebody else's edit made `revision`. Returns it as it applies to the text that is seen here.
	received(edit, revision) {
		this.#follow(revision);
		if (this.sent !== null)
			[edit, this.sent] = transform(edit, this.sent);
		if (this.written !== null)
			[edit, this.written] = transform(edit, this.written);
		this.text = apply(this.text, edit);
		return edit;
	}

	#follow(revision) {
		if (revision !== this.revision + 1)
			throw new RangeError(`revision ${revision} after ${this.revision}`);
		this.revision = revision;
	}

	#sendNext() {
		if (this.sent !== null || this.written === null)
			return;
		[this.sent, this.written] = [this.written, null];
		this.send({ revision: this.revision, edit: this.sent });
	}
}
