/*
 * fuzz_wire_python.c - what is decoded of Python's messages is what clients can be sent, and encodes to what is decoded
 * as the same again. The first byte picks the form that is written (1, 4) and how lists without a flag are read (2).
 */
#include "json.h"
#include "wire_python.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_text_of(struct stoa_value v)
{
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf text = BUF_INIT;

	require(json_encode(&text, v, &blobs) == 0);
	json_blobs_fini(&blobs);
	buf_fini(&text);
}

static void try(struct slice payload, const struct wire_rules *rules, enum wire_python_form form)
{
	bool pickled = payload.size && payload.at[0] != '{';
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct wire_rules wide = *rules;
	struct wire_python m;
	int error;

	if (wire_python_decode(&arena, payload, rules, &m) == NULL) {
		if (m.method == WIRE_PYTHON_EMIT)
			require_text_of(m.data);
		if (m.method == WIRE_PYTHON_CALLBACK)
			require_text_of(m.args);
		error = wire_python_encode(&once, &arena, &m, form);
		require(error == 0 || (error == -EINVAL && once.size == 0));
		wide.max_bytes = SIZE_MAX;
		wide.max_depth += 2;
		wide.pickle.max_depth += 4;
		/* A pickle may hold what looks like a placeholder beside real binary. */
		if (error == 0 && wire_python_decode(&arena, buf_slice(&once), &wide, &m) != NULL)
			require(pickled);
		else if (error == 0 && !pickled) {
			require(wire_python_encode(&twice, &arena, &m, form) == 0);
			require(slice_equal(buf_slice(&once), buf_slice(&twice)));
		}
	}
	arena_fini(&arena);
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_rules rules = WIRE_RULES;
	enum wire_python_form form;

	if (size == 0)
		return 0;
	rules.python_list_is_args = (data[0] & 2) != 0;
	form = data[0] & 1 ? WIRE_PYTHON_LIST : data[0] & 4 ? WIRE_PYTHON_PICKLE : WIRE_PYTHON_ANY;
	try(slice_of(data + 1, size - 1), &rules, form);
	return 0;
}
