/* nodes.c - see nodes.h. */
#include "nodes.h"

#include <stdlib.h>

#include "alloc.h"
#include "json.h"

/* --- Saying ------------------------------------------------------------------------------------------------------- */

static void put_text(struct buf *to, const char *key, const char *text)
{
	buf_printf(to, ",\"%s\":", key);
	json_encode_text(to, slice_str(text));
}

static void put_head(struct buf *to, const char *type, const struct node_self *self)
{
	buf_printf(to, "{\"v\":1,\"type\":\"%s\"", type);
	put_text(to, "uid", self->uid);
	put_text(to, "node", self->id);
}

void nodes_put_beat(struct buf *to, const struct node_self *self)
{
	put_head(to, "beat", self);
	put_text(to, "name", self->name);
	put_text(to, "address", self->address);
	if (self->draining)
		buf_add_str(to, ",\"draining\":true");
	buf_printf(
		to, ",\"clients\":%lld,\"age\":%lld,\"namespaces\":", (long long)self->clients, (long long)self->age_s);
	if (self->n_namespaces > NODE_NAMESPACES_MAX) {
		buf_add_str(to, "null}");
		return;
	}
	buf_add_char(to, '[');
	for (size_t i = 0; i < self->n_namespaces; i++) {
		if (i)
			buf_add_char(to, ',');
		json_encode_text(to, self->namespaces[i]);
	}
	buf_add_str(to, "]}");
}

void nodes_put_bye(struct buf *to, const struct node_self *self)
{
	put_head(to, "bye", self);
	buf_add_char(to, '}');
}

struct slice nodes_who(void)
{
	return SLICE("{\"v\":1,\"type\":\"who\"}");
}

/* --- The table ---------------------------------------------------------------------------------------------------- */

void nodes_init(struct nodes *all, int64_t lost_ms)
{
	*all = (struct nodes){ .lost_ms = lost_ms };
}

static void node_free(struct node *n)
{
	if (n)
		free(n->namespaces);
	free(n);
}

/* The one that was last taken out lives until the next call. */
static void take(struct nodes *all, struct node *n)
{
	map_remove(&all->by_uid, &n->by_uid);
	node_free(all->taken);
	all->taken = n;
}

void nodes_fini(struct nodes *all)
{
	struct map_node *at, *next;

	map_foreach(&all->by_uid, at, next) take(all, map_item(at, struct node, by_uid));
	node_free(all->taken);
	all->taken = NULL;
}

const struct node *nodes_take_lost(struct nodes *all, int64_t now_ms)
{
	struct map_node *at, *next;

	map_foreach(&all->by_uid, at, next)
	{
		struct node *n = map_item(at, struct node, by_uid);

		if (now_ms - n->heard_ms < all->lost_ms)
			continue;
		take(all, n);
		return n;
	}
	return NULL;
}

void nodes_forgive(struct nodes *all, int64_t now_ms)
{
	struct map_node *at, *next;

	map_foreach(&all->by_uid, at, next) map_item(at, struct node, by_uid)->heard_ms = now_ms;
}

const struct node *nodes_find(const struct nodes *all, struct slice id)
{
	struct map_node *at, *next;
	const struct node *found = NULL, *n;

	map_foreach(&all->by_uid, at, next)
	{
		n = map_item(at, struct node, by_uid);
		/* Of a node that was started anew with its old name the newer one. */
		if (slice_equal(slice_str(n->id), id) && (found == NULL || n->heard_ms > found->heard_ms))
			found = n;
	}
	return found;
}

bool node_has_namespace(const struct node *n, struct slice nsp)
{
	bool has = n->any_namespace;

	for (size_t i = 0; i < n->n_namespaces && !has; i++)
		has = slice_equal(n->namespaces[i], nsp);
	return has;
}

size_t nodes_count(const struct nodes *all)
{
	return map_count(&all->by_uid);
}

/* --- Hearing ------------------------------------------------------------------------------------------------------ */

/* A member that is text of `min` to `max` bytes without a NUL. */
static bool read_text(struct stoa_value message, const char *key, size_t min, size_t max, struct slice *text)
{
	struct stoa_value v = value_get(message, slice_str(key));

	*text = v.kind_ == VALUE_TEXT ? value_slice(v) : slice_of(NULL, 0);
	return v.kind_ == VALUE_TEXT && text->size >= min && text->size <= max && slice_find(*text, '\0') == text->size;
}

static void copy(char *to, struct slice text)
{
	if (text.size)
		memcpy(to, text.at, text.size);
	to[text.size] = '\0';
}

/* One block: the slices, then what they point to. */
static bool copy_namespaces(struct node *n, struct stoa_value list)
{
	size_t bytes = list.size_ * sizeof(struct slice);
	struct slice *names;
	char *text;

	for (size_t i = 0; i < list.size_; i++) {
		if (value_at(list, i).kind_ != VALUE_TEXT)
			return false;
		bytes += value_slice(value_at(list, i)).size;
	}
	names = must_alloc(bytes ? bytes : 1);
	text = (char *)(names + list.size_);
	for (size_t i = 0; i < list.size_; i++) {
		struct slice name = value_slice(value_at(list, i));

		if (name.size)
			memcpy(text, name.at, name.size);
		names[i] = slice_of(text, name.size);
		text += name.size;
	}
	free(n->namespaces);
	n->namespaces = names;
	n->n_namespaces = list.size_;
	n->any_namespace = false;
	return true;
}

/* As many, and as long, as are worth keeping. */
static bool can_be_kept(struct stoa_value list)
{
	size_t bytes = 0;

	for (size_t i = 0; i < list.size_ && i <= NODE_NAMESPACES_MAX; i++)
		bytes += value_slice(value_at(list, i)).size;
	return list.size_ <= NODE_NAMESPACES_MAX && bytes <= NODE_NAMESPACES_BYTES;
}

static bool read_namespaces(struct node *n, struct stoa_value v)
{
	if (v.kind_ == VALUE_ARRAY && can_be_kept(v))
		return copy_namespaces(n, v);
	free(n->namespaces);
	n->namespaces = NULL;
	n->n_namespaces = 0;
	n->any_namespace = true;
	return v.kind_ == VALUE_NULL || v.kind_ == VALUE_ARRAY;
}

static bool read_beat(struct node *n, struct stoa_value message)
{
	struct stoa_value clients = value_get(message, SLICE("clients"));
	struct stoa_value draining = value_get(message, SLICE("draining"));
	struct slice name, address;

	if (!read_text(message, "name", 0, NODE_NAME_MAX, &name) ||
		!read_text(message, "address", 0, NODE_ADDRESS_MAX, &address) || clients.kind_ != VALUE_INT)
		return false;
	copy(n->name, name);
	copy(n->address, address);
	n->clients = clients.as_.i;
	n->draining = draining.kind_ == VALUE_BOOL && draining.as_.i;
	return read_namespaces(n, value_get(message, SLICE("namespaces")));
}

struct heard {
	struct slice type, uid, id;
};

static enum nodes_news heard_beat(
	struct nodes *all, int64_t now_ms, const struct heard *h, struct stoa_value message, struct node **node)
{
	struct map_node *at = map_find(&all->by_uid, h->uid);
	struct node *n = at ? map_item(at, struct node, by_uid) : NULL;

	if (n == NULL && map_count(&all->by_uid) >= NODES_MAX)
		return NODES_FULL;
	if (n == NULL) {
		n = must_alloc(sizeof(*n));
		copy(n->uid, h->uid);
		n->by_uid.key = slice_str(n->uid);
	}
	if (!read_beat(n, message)) {
		if (at == NULL)
			node_free(n);
		return NODES_MALFORMED;
	}
	copy(n->id, h->id);
	n->heard_ms = now_ms;
	*node = n;
	if (at == NULL)
		map_add(&all->by_uid, &n->by_uid);
	return at ? NODES_OLD : NODES_NEW;
}

static enum nodes_news heard_bye(struct nodes *all, int64_t now_ms, const struct heard *h, struct node **node)
{
	struct map_node *at = map_find(&all->by_uid, h->uid);

	if (at == NULL)
		return NODES_OLD;
	*node = map_item(at, struct node, by_uid);
	(*node)->heard_ms = now_ms;
	take(all, *node);
	return NODES_GONE;
}

static enum nodes_news heard(
	struct nodes *all, int64_t now_ms, const struct node_self *self, struct stoa_value message, struct node **node)
{
	struct stoa_value version = value_get(message, SLICE("v"));
	enum nodes_news news;
	struct heard h;

	if (version.kind_ != VALUE_INT || version.as_.i != 1 || !read_text(message, "type", 1, 16, &h.type))
		return NODES_MALFORMED;
	if (slice_equal(h.type, SLICE("who")))
		return NODES_ASKED;
	if (!read_text(message, "uid", NODE_UID_SIZE, NODE_UID_SIZE, &h.uid) ||
		!read_text(message, "node", NODE_ID_SIZE, NODE_ID_SIZE, &h.id))
		return NODES_MALFORMED;
	if (slice_equal(h.uid, slice_str(self->uid)))
		return NODES_OWN;
	if (slice_equal(h.type, SLICE("bye")))
		return heard_bye(all, now_ms, &h, node);
	if (!slice_equal(h.type, SLICE("beat")))
		return NODES_MALFORMED;
	news = heard_beat(all, now_ms, &h, message, node);
	if ((news == NODES_NEW || news == NODES_OLD) && slice_equal(h.id, slice_str(self->id)))
		return NODES_CONFLICT;
	return news;
}

enum nodes_news nodes_heard(
	struct nodes *all, int64_t now_ms, const struct node_self *self, struct slice message, const struct node **node)
{
	static const struct json_rules rules = { .max_depth = 8, .blobs = JSON_NO_BLOBS };
	struct arena arena = { .limit_bytes = 1 << 20 };
	enum nodes_news news = NODES_MALFORMED;
	struct node *about = NULL;
	unsigned flags;

	if (json_check(message, &rules, &flags) == NULL)
		news = heard(all, now_ms, self, json_decode(&arena, message, NULL, 0), &about);
	arena_fini(&arena);
	*node = about;
	return news;
}
