/* entries.c - the table of entries under way: by id in their partition, by client in the intake. */
#include <stdlib.h>

#include "alloc.h"
#include "intake_internal.h"

void id_set(struct id *id, struct slice text)
{
	id->size = (uint8_t)(text.size < ID_MAX ? text.size : 0);
	if (id->size)
		memcpy(id->text, text.at, id->size);
}

static struct slice copy_of(struct slice bytes)
{
	char *at = malloc(bytes.size + 1);

	if (at == NULL)
		return slice_of(NULL, 0);
	if (bytes.size)
		memcpy(at, bytes.at, bytes.size);
	at[bytes.size] = '\0';
	return slice_of(at, bytes.size);
}

static void free_slice(struct slice *s)
{
	free((void *)(uintptr_t)s->at);
	*s = slice_of(NULL, 0);
}

struct entry *entry_new(struct part *p, const struct streams_entry *from)
{
	struct entry *e = must_alloc(sizeof(*e));

	*e = (struct entry){ .in = p->in, .part = p, .deliveries = from->deliveries, .born_look = p->look };
	e->job = (struct job){ .number = ++p->in->next_job,
		.partition = p->number,
		.slot = p->slot,
		.id = copy_of(from->id),
		.record = copy_of(from->record) };
	if (e->job.id.at == NULL || e->job.record.at == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		free_slice(&e->job.id);
		free_slice(&e->job.record);
		free(e);
		return NULL;
	}
	e->by_id.key = e->job.id;
	map_add(&p->by_id, &e->by_id);
	TAILQ_INSERT_TAIL(&p->entries, e, in_part);
	e->is_listed = true;
	return e;
}

struct entry *entry_find(const struct part *p, struct slice id)
{
	struct map_node *node = map_find(&p->by_id, id);

	return node ? map_item(node, struct entry, by_id) : NULL;
}

struct entry *entry_of_client(const struct intake *in, struct slice sid)
{
	struct map_node *node = sid.size ? map_find(&in->clients, sid) : NULL;

	return node ? map_item(node, struct entry, by_client) : NULL;
}

void entry_set_client(struct entry *e)
{
	e->by_client.key = e->sid;
	map_add(&e->in->clients, &e->by_client);
	e->has_client = true;
}

/* What is read of the record, in one piece that outlives it. */
bool entry_note(struct entry *e, const struct event_record *r)
{
	size_t size = r->node.size + r->nsp.size + r->sid.size;
	char *at = e->memory = malloc(size + 1);
	const struct slice from[] = { r->node, r->nsp, r->sid };
	struct slice *const to[] = { &e->node, &e->nsp, &e->sid };

	if (at == NULL)
		return false;
	for (size_t i = 0; i < 3; i++) {
		*to[i] = slice_of(at, from[i].size);
		if (from[i].size)
			memcpy(at, from[i].at, from[i].size);
		at += from[i].size;
	}
	e->kind = r->kind;
	e->n = r->n;
	e->state_n = r->state_n;
	e->has_state = r->has_state;
	e->at_ms = r->at_ms;
	e->is_read = true;
	return true;
}

bool entry_set_state(struct entry *e, struct slice client)
{
	free_slice(&e->state);
	e->state = copy_of(client);
	e->job.client = e->state;
	return e->state.at != NULL;
}

bool entry_set_batch(struct entry *e, struct slice batch)
{
	entry_drop_batch(e);
	e->batch = copy_of(batch);
	if (e->batch.at == NULL)
		return false;
	e->in->unconfirmed += e->batch.size + sizeof(*e);
	return true;
}

void entry_drop_batch(struct entry *e)
{
	if (e->batch.at == NULL)
		return;
	e->in->unconfirmed -= e->batch.size + sizeof(*e);
	free_slice(&e->batch);
}

void entry_drop_job(struct entry *e)
{
	free_slice(&e->job.record);
	free_slice(&e->state);
	e->job.client = e->state;
}

static void entry_free(struct entry *e)
{
	entry_drop_batch(e);
	entry_drop_job(e);
	free_slice(&e->job.id);
	buf_fini(&e->backtrace);
	free(e->memory);
	free(e);
}

bool entry_in_work(const struct entry *e)
{
	return e->phase == ENTRY_FETCHING || e->phase == ENTRY_GIVEN || e->phase == ENTRY_TAKING;
}

/* The one place that changes it: credit is counted by it. */
void entry_enter(struct entry *e, enum entry_phase phase)
{
	bool was = e->entered && entry_in_work(e), is;

	e->phase = phase;
	e->entered = true;
	is = entry_in_work(e);
	if (was == is)
		return;
	e->in->slots[e->job.slot].in_work += is ? 1U : -1U;
	e->in->in_work += is ? 1 : (size_t)-1;
}

void entry_set_slot(struct entry *e, unsigned slot)
{
	if (e->entered && entry_in_work(e)) {
		e->in->slots[e->job.slot].in_work--;
		e->in->slots[slot].in_work++;
	}
	e->job.slot = slot;
}

static void unlist(struct entry *e)
{
	if (!e->is_listed)
		return;
	e->is_listed = false;
	map_remove(&e->part->by_id, &e->by_id);
	TAILQ_REMOVE(&e->part->entries, e, in_part);
	if (e->has_client)
		map_remove(&e->in->clients, &e->by_client);
	e->has_client = false;
}

void entry_over(struct entry *e)
{
	if (e->entered && entry_in_work(e))
		entry_enter(e, ENTRY_PUBLISHED);
	unlist(e);
	e->is_over = true;
	if (e->asked == 0)
		entry_free(e);
	else
		TAILQ_INSERT_TAIL(&e->in->finished, e, in_part);
}

bool entry_answered(struct entry *e)
{
	e->asked--;
	if (!e->is_over)
		return true;
	if (e->asked == 0) {
		TAILQ_REMOVE(&e->in->finished, e, in_part);
		entry_free(e);
	}
	return false;
}

void entries_fini(struct intake *in, struct part *parts)
{
	struct entry *e;

	for (unsigned i = 0; i < in->config.partitions; i++)
		while ((e = TAILQ_FIRST(&parts[i].entries))) {
			unlist(e);
			entry_free(e);
		}
	while ((e = TAILQ_FIRST(&in->finished))) {
		TAILQ_REMOVE(&in->finished, e, in_part);
		entry_free(e);
	}
}
