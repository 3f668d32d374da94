/*
 * stoa_plain.h - part of stoa.h: the functions behind its macros, and the table that they call through.
 *
 * For bindings: a module in another language exports `const int stoa_module_abi` with the value STOA_ABI and
 * `void stoa_module_setup(const struct stoa_host *host, struct stoa_app *app)`, keeps `host` and calls its functions.
 * Two take a va_list (format, log_line); pass "%s" and one text. A list's first item is the event's name or the message
 * where the function has one; it is passed beside it only to be type-checked. An ack is built by stoa_ack_of_() or
 * comes from defer() or asked().
 */
#ifndef STOA_PLAIN_H
#define STOA_PLAIN_H

#include <stdarg.h>

/*
 * The host's functions, each of them what stoa.h says of the function with its name (those whose names a module's
 * other headers may have for macros are called give_up, fail_event, log_line and sleep_ms). It lives as long as the module is
 * loaded. Fields are never moved or taken out while `abi` stays the same; new ones come at the end, so `size` tells
 * what is there.
 */
struct stoa_host {
	int abi;     /* STOA_ABI */
	size_t size; /* of this struct, in bytes */
	void (*give_up)(struct stoa_app *app, const char *why);

	void (*on)(struct stoa_app *app, const char *nsp, const char *event, stoa_fn *fn, void *ctx);
	void (*use)(struct stoa_app *app, const char *nsp, stoa_fn *fn, void *ctx);
	void (*on_error)(struct stoa_app *app, const char *nsp, stoa_fn *fn, void *ctx);
	void (*on_server)(struct stoa_app *app, const char *event, stoa_fn *fn, void *ctx);
	void (*every)(struct stoa_app *app, const char *name, int64_t ms, stoa_fn *fn, void *ctx);
	const char *(*option)(struct stoa_app *app, const char *name, const char *otherwise);

	void *(*ctx)(struct stoa_event *ev);
	const char *(*sid)(struct stoa_event *ev);
	const char *(*nsp)(struct stoa_event *ev);
	const char *(*name)(struct stoa_event *ev);
	struct stoa_value (*args)(struct stoa_event *ev);
	const char *(*reason)(struct stoa_event *ev);
	int (*status)(struct stoa_event *ev);
	const char *(*error)(struct stoa_event *ev);
	int (*attempt)(struct stoa_event *ev);
	const char *(*query)(struct stoa_event *ev, const char *name);
	const char *(*header)(struct stoa_event *ev, const char *name);
	const char *(*cookie)(struct stoa_event *ev, const char *name);
	const char *(*address)(struct stoa_event *ev);
	const char *(*transport)(struct stoa_event *ev);
	struct stoa_value (*auth)(struct stoa_event *ev);

	int (*unpack)(struct stoa_event *ev, struct stoa_slots slots);
	int (*read)(struct stoa_value v, struct stoa_slot slot);
	enum stoa_type (*type)(struct stoa_value v);
	size_t (*count)(struct stoa_value v);
	struct stoa_value (*at)(struct stoa_value v, size_t i);
	const char *(*key)(struct stoa_value v, size_t i);
	struct stoa_value (*get)(struct stoa_value v, const char *key);
	const char *(*to_json)(struct stoa_value v);
	struct stoa_value *(*keep)(struct stoa_value v);

	struct stoa_value (*null)(void);
	struct stoa_value (*boolean)(bool b);
	struct stoa_value (*integer)(int64_t i);
	struct stoa_value (*uinteger)(uint64_t u);
	struct stoa_value (*number)(double f);
	struct stoa_value (*text)(const char *text);
	struct stoa_value (*borrow)(
		const char *text); /* as text, for a list: `text` must live until the call with it */
	struct stoa_value (*bytes)(const void *at, size_t size);
	struct stoa_value (*json)(const char *json);
	struct stoa_value (*spread)(struct stoa_value array);
	struct stoa_value (*object)(struct stoa_list list); /* key, value, key, value, .. */
	struct stoa_value (*array)(struct stoa_list list);
	const char *(*format)(const char *format, va_list args)STOA_PRINTF_(1, 0);
	struct stoa_value *(*list)(void);
	struct stoa_value *(*dict)(void);
	int (*append)(struct stoa_value *list, struct stoa_value v);
	int (*put)(struct stoa_value *dict, const char *key, struct stoa_value v);

	int (*emit)(struct stoa_target to, const char *event, struct stoa_list list);
	void (*defer)(struct stoa_event *ev, struct stoa_ack *taken);
	int (*ack)(struct stoa_ack ack, struct stoa_list list);
	int (*fail_event)(struct stoa_event *ev, const char *message, struct stoa_list list);
	int (*join_room)(struct stoa_target to, const char *room);
	int (*leave_room)(struct stoa_target to, const char *room);
	int (*disconnect)(struct stoa_target to, bool transport);
	struct stoa_value (*rooms)(struct stoa_event *ev);

	int (*call)(struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event,
		struct stoa_list list);
	bool (*next)(struct stoa_event *ev);
	int64_t (*after)(struct stoa_event *ev, int64_t ms, stoa_fn *fn, void *ctx);
	void (*cancel)(struct stoa_event *ev, int64_t timer);
	void (*log_line)(struct stoa_event *ev, enum stoa_level level, const char *format, va_list args)
		STOA_PRINTF_(3, 0);
	int (*set_header)(struct stoa_event *ev, const char *name, const char *value, bool session);
	void (*one_process)(struct stoa_app *app, const char *nsp);
	struct stoa_value (*session)(struct stoa_event *ev);
	int (*session_put)(struct stoa_event *ev, const char *key, struct stoa_value v);
	int (*fetch_sockets)(struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx);
	int (*server_side_emit)(struct stoa_event *ev, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event,
		struct stoa_list list);
	struct stoa_value (*missing)(struct stoa_event *ev);
	int (*start_background_task)(struct stoa_event *ev, stoa_fn *work, stoa_fn *done, void *ctx);
	int (*sleep_ms)(struct stoa_event *ev, int64_t ms);
	void (*asked)(struct stoa_event *ev, struct stoa_ack *ack);
	size_t (*answers)(struct stoa_event *ev);
	int64_t (*option_int)(struct stoa_app *app, const char *name, int64_t otherwise, int64_t min, int64_t max);
	struct stoa_value (*claims)(struct stoa_event *ev);
	bool (*recovered)(struct stoa_event *ev);
};

/* The module's own copy of the pointer, shared by its files and nobody else; STOA_APP defines it. */
STOA_HIDDEN_ extern const struct stoa_host *stoa_host_;

/* What a slot is; `size_` is said where it has a meaning. */
enum stoa_slot_kind {
	STOA_SLOT_KEY,    /* as_.key: the key of the next slot in a list for STOA_SLOT_FIELDS */
	STOA_SLOT_TEXT,   /* const char * */
	STOA_SLOT_BOOL,   /* bool */
	STOA_SLOT_DOUBLE, /* double */
	STOA_SLOT_INT,    /* a signed type of size_ bytes: 1, 2, 4, 8 */
	STOA_SLOT_UINT,   /* the same, unsigned */
	STOA_SLOT_BYTES,  /* struct stoa_bytes */
	STOA_SLOT_VALUE,  /* struct stoa_value */
	STOA_SLOT_FIELDS  /* an object: as_.slots are size_ slots, key and place in turn */
};
enum { STOA_SLOT_OPTIONAL = 1 }; /* in flags_ */

/* What an ack is: words_[0]. */
enum stoa_ack_kind {
	STOA_ACK_NONE,  /* nobody asked: answering it does nothing */
	STOA_ACK_EVENT, /* the event's own: words_[1] is the event's address */
	STOA_ACK_LATER, /* taken out: words_[1] is its number */
	STOA_ACK_SPENT, /* was answered or taken out before */
	STOA_ACK_FULL   /* too many are taken out */
};

/* --- Setting up --------------------------------------------------------------------------------------------------- */

static inline void stoa_on(struct stoa_app *app, const char *namespace_, const char *event, stoa_fn *fn, void *ctx)
{
	stoa_host_->on(app, namespace_, event, fn, ctx);
}
static inline void stoa_on_namespace(
	struct stoa_app *app, const char *namespace_, const struct stoa_handler *table, void *ctx)
{
	for (; table->event; table++)
		stoa_host_->on(app, namespace_, table->event, table->fn, ctx);
}
static inline void stoa_use(struct stoa_app *app, const char *namespace_, stoa_fn *fn, void *ctx)
{
	stoa_host_->use(app, namespace_, fn, ctx);
}
static inline void stoa_on_error(struct stoa_app *app, const char *namespace_, stoa_fn *fn, void *ctx)
{
	stoa_host_->on_error(app, namespace_, fn, ctx);
}
static inline void stoa_on_server(struct stoa_app *app, const char *event, stoa_fn *fn, void *ctx)
{
	stoa_host_->on_server(app, event, fn, ctx);
}
static inline void stoa_every(struct stoa_app *app, const char *name, int64_t ms, stoa_fn *fn, void *ctx)
{
	stoa_host_->every(app, name, ms, fn, ctx);
}
static inline void stoa_one_process(struct stoa_app *app, const char *namespace_)
{
	stoa_host_->one_process(app, namespace_);
}
static inline const char *stoa_option(struct stoa_app *app, const char *name, const char *otherwise)
{
	return stoa_host_->option(app, name, otherwise);
}
static inline int64_t stoa_option_int(
	struct stoa_app *app, const char *name, int64_t otherwise, int64_t min, int64_t max)
{
	return stoa_host_->option_int(app, name, otherwise, min, max);
}
static inline void stoa_abort(struct stoa_app *app, const char *why)
{
	stoa_host_->give_up(app, why);
}

/* --- What happened ------------------------------------------------------------------------------------------------ */

static inline void *stoa_ctx(struct stoa_event *ev)
{
	return stoa_host_->ctx(ev);
}
static inline const char *stoa_sid(struct stoa_event *ev)
{
	return stoa_host_->sid(ev);
}
static inline const char *stoa_namespace(struct stoa_event *ev)
{
	return stoa_host_->nsp(ev);
}
static inline const char *stoa_name(struct stoa_event *ev)
{
	return stoa_host_->name(ev);
}
static inline struct stoa_value stoa_args(struct stoa_event *ev)
{
	return stoa_host_->args(ev);
}
static inline struct stoa_value stoa_arg(struct stoa_event *ev, size_t i)
{
	return stoa_host_->at(stoa_host_->args(ev), i);
}
static inline const char *stoa_reason(struct stoa_event *ev)
{
	return stoa_host_->reason(ev);
}
static inline int stoa_status(struct stoa_event *ev)
{
	return stoa_host_->status(ev);
}
static inline const char *stoa_error(struct stoa_event *ev)
{
	return stoa_host_->error(ev);
}
static inline int stoa_attempt(struct stoa_event *ev)
{
	return stoa_host_->attempt(ev);
}
static inline const char *stoa_query(struct stoa_event *ev, const char *name)
{
	return stoa_host_->query(ev, name);
}
static inline const char *stoa_header(struct stoa_event *ev, const char *name)
{
	return stoa_host_->header(ev, name);
}
static inline const char *stoa_cookie(struct stoa_event *ev, const char *name)
{
	return stoa_host_->cookie(ev, name);
}
static inline const char *stoa_address(struct stoa_event *ev)
{
	return stoa_host_->address(ev);
}
static inline const char *stoa_transport(struct stoa_event *ev)
{
	return stoa_host_->transport(ev);
}
static inline bool stoa_recovered(struct stoa_event *ev)
{
	return stoa_host_->recovered(ev);
}
static inline struct stoa_value stoa_auth(struct stoa_event *ev)
{
	return stoa_host_->auth(ev);
}
static inline struct stoa_value stoa_claims(struct stoa_event *ev)
{
	return stoa_host_->claims(ev);
}

/* --- Reading values ----------------------------------------------------------------------------------------------- */

STOA_MUST_ static inline int stoa_unpack_(struct stoa_event *ev, struct stoa_slots slots)
{
	return stoa_host_->unpack(ev, slots);
}
STOA_MUST_ static inline int stoa_read_(struct stoa_value v, struct stoa_slot slot)
{
	return stoa_host_->read(v, slot);
}
static inline enum stoa_type stoa_type(struct stoa_value v)
{
	return stoa_host_->type(v);
}
static inline size_t stoa_size(struct stoa_value v)
{
	return stoa_host_->count(v);
}
static inline struct stoa_value stoa_at(struct stoa_value v, size_t i)
{
	return stoa_host_->at(v, i);
}
static inline const char *stoa_key(struct stoa_value v, size_t i)
{
	return stoa_host_->key(v, i);
}
static inline struct stoa_value stoa_get(struct stoa_value v, const char *key)
{
	return stoa_host_->get(v, key);
}
static inline const char *stoa_to_json(struct stoa_value v)
{
	return stoa_host_->to_json(v);
}
static inline struct stoa_value *stoa_keep(struct stoa_value v)
{
	return stoa_host_->keep(v);
}

static inline struct stoa_slot stoa_slot_(enum stoa_slot_kind kind, size_t size, void *place)
{
	return (struct stoa_slot){ .kind_ = (uint32_t)kind, .size_ = size, .as_.place = place };
}
static inline struct stoa_slot stoa_slot_key_(const char *key)
{
	return (struct stoa_slot){ .kind_ = STOA_SLOT_KEY, .as_.key = key };
}
static inline struct stoa_slot stoa_fields_(struct stoa_slots slots, size_t paired)
{
	(void)paired; /* checked while compiling */
	return (struct stoa_slot){ .kind_ = STOA_SLOT_FIELDS, .size_ = slots.size, .as_.slots = slots.at };
}
static inline struct stoa_slot stoa_optional_(struct stoa_slot slot)
{
	slot.flags_ |= STOA_SLOT_OPTIONAL;
	return slot;
}
/* clang-format off */
static inline struct stoa_slot stoa_slot_text_(const char **p) { return stoa_slot_(STOA_SLOT_TEXT, 0, p); }
static inline struct stoa_slot stoa_slot_bool_(bool *p) { return stoa_slot_(STOA_SLOT_BOOL, 0, p); }
static inline struct stoa_slot stoa_slot_double_(double *p) { return stoa_slot_(STOA_SLOT_DOUBLE, 0, p); }
static inline struct stoa_slot stoa_slot_schar_(signed char *p) { return stoa_slot_(STOA_SLOT_INT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_short_(short *p) { return stoa_slot_(STOA_SLOT_INT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_int_(int *p) { return stoa_slot_(STOA_SLOT_INT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_long_(long *p) { return stoa_slot_(STOA_SLOT_INT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_llong_(long long *p) { return stoa_slot_(STOA_SLOT_INT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_uchar_(unsigned char *p) { return stoa_slot_(STOA_SLOT_UINT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_ushort_(unsigned short *p) { return stoa_slot_(STOA_SLOT_UINT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_uint_(unsigned *p) { return stoa_slot_(STOA_SLOT_UINT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_ulong_(unsigned long *p) { return stoa_slot_(STOA_SLOT_UINT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_ullong_(unsigned long long *p) { return stoa_slot_(STOA_SLOT_UINT, sizeof(*p), p); }
static inline struct stoa_slot stoa_slot_bytes_(struct stoa_bytes *p) { return stoa_slot_(STOA_SLOT_BYTES, 0, p); }
static inline struct stoa_slot stoa_slot_value_(struct stoa_value *p) { return stoa_slot_(STOA_SLOT_VALUE, 0, p); }
/* clang-format on */

/* --- Building values ---------------------------------------------------------------------------------------------- */

static inline struct stoa_value stoa_bool(bool b)
{
	return stoa_host_->boolean(b);
}
static inline struct stoa_value stoa_text(const char *text)
{
	return stoa_host_->text(text);
}
static inline struct stoa_value stoa_bytes(const void *at, size_t size)
{
	return stoa_host_->bytes(at, size);
}
static inline struct stoa_value stoa_json(const char *json)
{
	return stoa_host_->json(json);
}
static inline struct stoa_value stoa_spread(struct stoa_value array)
{
	return stoa_host_->spread(array);
}
static inline struct stoa_value stoa_borrow_(const char *text)
{
	return stoa_host_->borrow(text);
}
static inline struct stoa_value stoa_int_(int64_t i)
{
	return stoa_host_->integer(i);
}
static inline struct stoa_value stoa_uint_(uint64_t u)
{
	return stoa_host_->uinteger(u);
}
static inline struct stoa_value stoa_float_(double f)
{
	return stoa_host_->number(f);
}
/* Of NULL only: another void * does not compile. */
static inline struct stoa_value stoa_null_(const void *nothing)
{
	(void)nothing;
	return stoa_host_->null();
}
static inline struct stoa_value stoa_object_(struct stoa_list list, size_t paired)
{
	(void)paired; /* checked while compiling */
	return stoa_host_->object(list);
}
static inline struct stoa_value stoa_array_(struct stoa_list list)
{
	return stoa_host_->array(list);
}
static inline const char *stoa_format(const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = stoa_host_->format(format, args);
	va_end(args);
	return text;
}
static inline struct stoa_value *stoa_list(void)
{
	return stoa_host_->list();
}
static inline struct stoa_value *stoa_dict(void)
{
	return stoa_host_->dict();
}
static inline int stoa_append_(struct stoa_value *list, struct stoa_value v)
{
	return stoa_host_->append(list, v);
}
static inline int stoa_put_(struct stoa_value *dict, const char *key, struct stoa_value v)
{
	return stoa_host_->put(dict, key, v);
}

/* --- Doing -------------------------------------------------------------------------------------------------------- */

static inline int stoa_emit_(struct stoa_target to, const char *event, struct stoa_list list)
{
	return stoa_host_->emit(to, event, list);
}
static inline struct stoa_ack stoa_ack_of_(struct stoa_event *ev)
{
	return (struct stoa_ack){ { STOA_ACK_EVENT, (uint64_t)(uintptr_t)ev } };
}
static inline struct stoa_ack stoa_defer(struct stoa_event *ev)
{
	struct stoa_ack taken;

	stoa_host_->defer(ev, &taken);
	return taken;
}
static inline struct stoa_ack stoa_asked(struct stoa_event *ev)
{
	struct stoa_ack ack;

	stoa_host_->asked(ev, &ack);
	return ack;
}
static inline int stoa_ack_(struct stoa_ack ack, struct stoa_list list)
{
	return stoa_host_->ack(ack, list);
}
static inline int stoa_fail_(struct stoa_event *ev, const char *message, struct stoa_list list)
{
	return stoa_host_->fail_event(ev, message, list);
}
static inline int stoa_set_header(struct stoa_event *ev, const char *name, const char *value)
{
	return stoa_host_->set_header(ev, name, value, false);
}
static inline int stoa_set_session_header(struct stoa_event *ev, const char *name, const char *value)
{
	return stoa_host_->set_header(ev, name, value, true);
}
static inline int stoa_join_room_(struct stoa_target to, const char *room)
{
	return stoa_host_->join_room(to, room);
}
static inline int stoa_leave_room_(struct stoa_target to, const char *room)
{
	return stoa_host_->leave_room(to, room);
}
static inline int stoa_disconnect_(struct stoa_target to, bool transport)
{
	return stoa_host_->disconnect(to, transport);
}
static inline struct stoa_value stoa_rooms(struct stoa_event *ev)
{
	return stoa_host_->rooms(ev);
}
static inline struct stoa_value stoa_session(struct stoa_event *ev)
{
	return stoa_host_->session(ev);
}
static inline int stoa_session_put_(struct stoa_event *ev, const char *key, struct stoa_value v)
{
	return stoa_host_->session_put(ev, key, v);
}

/* --- Asking, and later -------------------------------------------------------------------------------------------- */

static inline int stoa_call_(
	struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event, struct stoa_list list)
{
	return stoa_host_->call(to, timeout_ms, fn, ctx, event, list);
}
static inline int stoa_fetch_sockets_(struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx)
{
	return stoa_host_->fetch_sockets(to, timeout_ms, fn, ctx);
}
static inline int stoa_server_side_emit_(
	struct stoa_event *ev, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event, struct stoa_list list)
{
	return stoa_host_->server_side_emit(ev, timeout_ms, fn, ctx, event, list);
}
static inline bool stoa_next(struct stoa_event *ev)
{
	return stoa_host_->next(ev);
}
static inline size_t stoa_answers(struct stoa_event *ev)
{
	return stoa_host_->answers(ev);
}
static inline struct stoa_value stoa_missing(struct stoa_event *ev)
{
	return stoa_host_->missing(ev);
}
static inline int64_t stoa_after(struct stoa_event *ev, int64_t ms, stoa_fn *fn, void *ctx)
{
	return stoa_host_->after(ev, ms, fn, ctx);
}
static inline void stoa_cancel(struct stoa_event *ev, int64_t timer)
{
	stoa_host_->cancel(ev, timer);
}
static inline int stoa_start_background_task(struct stoa_event *ev, stoa_fn *work, stoa_fn *done, void *ctx)
{
	return stoa_host_->start_background_task(ev, work, done, ctx);
}
static inline int stoa_sleep(struct stoa_event *ev, int64_t ms)
{
	return stoa_host_->sleep_ms(ev, ms);
}

static inline void stoa_log(struct stoa_event *ev, enum stoa_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	stoa_host_->log_line(ev, level, format, args);
	va_end(args);
}

/* What is what it is already, for the rows of _Generic. */
static inline struct stoa_value stoa_same_(struct stoa_value v)
{
	return v;
}
static inline struct stoa_slot stoa_slot_same_(struct stoa_slot s)
{
	return s;
}
static inline struct stoa_ack stoa_ack_same_(struct stoa_ack a)
{
	return a;
}
static inline struct stoa_target stoa_target_same_(struct stoa_target t)
{
	return t;
}
static inline struct stoa_target stoa_sender_(struct stoa_event *ev)
{
	return (struct stoa_target){ .from = ev };
}
static inline const char *stoa_name_same_(const char *name)
{
	return name;
}

#endif
