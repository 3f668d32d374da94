// The page: the text area on one side, the connection on the other, a SharedText between them.

import { move } from "./edits.mjs";
import { SharedText } from "./shared.mjs";

const at = (id) => document.getElementById(id);
const area = at("text");
const socket = io();
let room = "";
let shared = null; // null until the server has sent the text
let waiting = []; // what arrived while a word is being composed (an input method, a phone's keyboard)
let isComposing = false;

function showState(state, text) {
	at("status").dataset.state = state;
	at("status").textContent = text;
	area.readOnly = state !== "connected";
}

function showSaved() {
	at("saved").textContent = shared === null ? "" : shared.isSaved ? `Revision ${shared.revision}, all sent` : "Sending…";
}

// --- The text area

// A lone half of a character cannot be sent, and neither can the character 0.
function written() {
	return area.value.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\0/g, "\ufffd");
}

// Carets count halves of characters, edits count characters.
function moveCaret(text, caret, edit, after) {
	const moved = move([...text.slice(0, caret)].length, edit);

	return [...after].slice(0, moved).join("").length;
}

function showEdit(before, edit) {
	const caret = [area.selectionStart, area.selectionEnd].map((at) => moveCaret(before, at, edit, shared.text));
	const scroll = area.scrollTop;

	area.value = shared.text;
	area.setSelectionRange(...caret, area.selectionDirection);
	area.scrollTop = scroll;
}

area.addEventListener("input", () => {
	if (isComposing || shared === null)
		return;
	shared.write(written());
	showSaved();
});
area.addEventListener("compositionstart", () => { isComposing = true; });
area.addEventListener("compositionend", () => {
	isComposing = false;
	if (shared === null)
		return;
	shared.write(written());
	for (const happen of waiting.splice(0))
		happen();
	showSaved();
});

// Acks and edits keep their order, and wait for the end of a composed word together.
function inTurn(happen) {
	const mine = shared;
	const guarded = () => {
		if (shared === mine && mine !== null)
			attempt(happen);
	};

	if (isComposing)
		waiting.push(guarded);
	else
		guarded();
	showSaved();
}

function attempt(happen) {
	try {
		happen();
	} catch (error) {
		openText(`Out of step with the server (${error.message}). The text was loaded again.`);
	}
}

// --- The connection

function sendEdit(message) {
	socket.emit("edit", message, (answer) => inTurn(() => {
		if (answer.error !== undefined)
			openText(`Your last change was refused: ${answer.error}. The text was loaded again.`);
		else
			shared.acked(answer.revision);
	}));
}

function openText(problem = "") {
	shared = null;
	waiting = [];
	at("problem").textContent = problem;
	showState("connecting", "Opening…");
	showSaved();
	const asked = room;
	socket.emit("open", { room }, (answer) => {
		if (asked !== room)
			return;
		if (answer.error !== undefined) {
			showState("offline", "Not open");
			at("problem").textContent = `The text could not be opened: ${answer.error}`;
			return;
		}
		shared = new SharedText(answer, sendEdit);
		area.value = shared.text;
		showState("connected", "Connected");
		showSaved();
	});
}

socket.on("connect", () => openText());
socket.on("edit", ({ edit, revision }) => inTurn(() => {
	const before = shared.text;

	showEdit(before, shared.received(edit, revision));
}));
socket.on("people", ({ count }) => {
	at("people").textContent = count === 1 ? "Only you are here" : `${count} people are here`;
});
socket.on("disconnect", () => {
	const wasSaved = shared === null || shared.isSaved;

	shared = null; // what others write meanwhile comes with the next "open"
	showState(socket.active ? "connecting" : "offline", socket.active ? "Connection lost. Reconnecting…" : "Disconnected");
	if (!wasSaved)
		at("problem").textContent = "What you wrote last may not have arrived.";
});
socket.on("connect_error", (error) => showState(socket.active ? "connecting" : "offline", socket.active ? "Reconnecting…" : `Refused: ${error.message}`));

// --- Which text: a link carries its name, http://host/#notes

function chooseRoom() {
	try {
		room = decodeURIComponent(location.hash.slice(1)).trim() || "notes";
	} catch {
		room = "notes";
	}
	at("room").value = room;
	at("title").textContent = room;
	document.title = `${room} · Stoa text`;
}

at("open").addEventListener("submit", (event) => {
	event.preventDefault();
	location.hash = encodeURIComponent(at("room").value.trim());
	area.focus();
});
window.addEventListener("hashchange", () => {
	chooseRoom();
	if (socket.connected)
		openText();
});
chooseRoom();
