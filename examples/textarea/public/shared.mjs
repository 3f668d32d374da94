// A text that others edit too. It knows of a connection only what it is handed: send(message) for an edit, and the calls
// below for what comes back. At most one edit is on its way; what is written meanwhile follows when that is acked.

import { apply, difference, transform } from "./edits.mjs";

export class SharedText {
	revision = 0;
	sent = null; // the edit that the server has not acked, made for `revision`
	sentText = ""; // the server's text as of `revision`, with that edit applied
	text = ""; // what is seen here: that, and what was written since

	constructor({ text, revision }, send) {
		Object.assign(this, { text, revision, send, sentText: text });
	}

	get isSaved() {
		return this.sent === null && this.text === this.sentText;
	}

	// The text was changed here.
	write(text) {
		this.text = text;
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
		const written = difference(this.sentText, this.text) ?? [];

		this.#follow(revision);
		if (this.sent !== null)
			[edit, this.sent] = transform(edit, this.sent);
		this.sentText = apply(this.sentText, edit);
		[edit] = transform(edit, written);
		this.text = apply(this.text, edit);
		return edit;
	}

	#follow(revision) {
		if (revision !== this.revision + 1)
			throw new RangeError(`revision ${revision} after ${this.revision}`);
		this.revision = revision;
	}

	#sendNext() {
		if (this.sent !== null)
			return;
		this.sent = difference(this.sentText, this.text);
		this.sentText = this.text;
		if (this.sent !== null)
			this.send({ revision: this.revision, edit: this.sent });
	}
}
