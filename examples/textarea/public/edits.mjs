// Edits of a text, as textarea.c has them: [5, "abc", -2] keeps 5 characters, inserts abc, deletes 2, and keeps the
// rest. A character is a code point, so that an edit never parts the two halves of one. Nothing here knows of pages.

const isText = (part) => typeof part === "string";
const length = (text) => [...text].length;

// Appends a part; one that says the same as the one before is added to it.
function add(edit, part) {
	const last = edit.at(-1);
	const isSame = isText(part) ? isText(last) : !isText(last) && Math.sign(last) === Math.sign(part);

	if (last !== undefined && isSame)
		edit[edit.length - 1] += part;
	else if (part !== 0 && part !== "")
		edit.push(part);
}

// Takes n characters off the first part, all of it or its beginning.
function take(parts, n) {
	const [first] = parts;

	if (isText(first))
		parts[0] = [...first].slice(n).join("");
	else if (first !== undefined)
		parts[0] -= Math.sign(first) * n;
	if (parts[0] === "" || parts[0] === 0)
		parts.shift();
}

// The edit that makes `after` of `before`, null when they are the same. A text area changes in one place at a time.
export function difference(before, after) {
	const a = [...before];
	const b = [...after];
	const edit = [];
	let start = 0;
	let end = 0;

	while (start < a.length && start < b.length && a[start] === b[start])
		start++;
	while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
		end++;
	add(edit, start);
	add(edit, b.slice(start, b.length - end).join(""));
	add(edit, -(a.length - start - end));
	return before === after ? null : edit;
}

export function apply(text, edit) {
	const before = [...text];
	let at = 0;
	let after = "";

	for (const part of edit) {
		if (isText(part)) {
			after += part;
			continue;
		}
		if (part > 0)
			after += before.slice(at, at + part).join("");
		at += Math.abs(part);
	}
	if (at > before.length)
		throw new RangeError("the edit goes beyond the end of the text");
	return after + before.slice(at).join("");
}

// Two edits of one text become [theirs after ours, ours after theirs]: applying ours and then the first, or theirs and
// then the second, makes the same text. Of two insertions in one place theirs, which the server had first, stands first.
export function transform(theirs, ours) {
	const [after, before] = [[], []];
	const [t, o] = [[...theirs], [...ours]]; // what is left of them

	while (t.length > 0 || o.length > 0) {
		if (t.length > 0 && isText(t[0])) {
			add(before, length(t[0]));
			add(after, t.shift());
		} else if (o.length > 0 && isText(o[0])) {
			add(after, length(o[0]));
			add(before, o.shift());
		} else {
			const [one, other] = [t[0] ?? Infinity, o[0] ?? Infinity]; // beyond its end an edit keeps all
			const n = Math.min(Math.abs(one), Math.abs(other));

			if (other > 0)
				add(after, Math.sign(one) * n);
			if (one > 0)
				add(before, Math.sign(other) * n);
			take(t, n);
			take(o, n);
		}
	}
	return [after, before];
}

// One edit that does what `first` and then `second` do.
export function compose(first, second) {
	const edit = [];
	const [f, s] = [[...first], [...second]]; // what is left of them

	while (f.length > 0 || s.length > 0) {
		if (s.length > 0 && isText(s[0])) {
			add(edit, s.shift());
		} else if (f.length > 0 && f[0] < 0) {
			add(edit, f.shift());
		} else {
			const [one, other] = [f[0] ?? Infinity, s[0] ?? Infinity];
			const n = Math.min(isText(one) ? length(one) : one, Math.abs(other));

			if (!isText(one))
				add(edit, Math.sign(other) * n);
			else if (other > 0)
				add(edit, [...one].slice(0, n).join(""));
			take(f, n);
			take(s, n);
		}
	}
	return edit;
}

// Where a caret at code point `at` is after the edit.
export function move(at, edit) {
	let seen = 0; // of the old text
	let moved = at;

	for (const part of edit) {
		if (seen >= at)
			break;
		if (isText(part))
			moved += length(part);
		else if (part < 0)
			moved -= Math.min(-part, at - seen);
		if (!isText(part))
			seen += Math.abs(part);
	}
	return moved;
}
