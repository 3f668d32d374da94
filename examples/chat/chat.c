/*
 * chat.c - rooms, as taught: people give a name, join a room, and talk to whoever is in it.
 *
 *	client sends                   everyone in the room gets
 *	join  {room}                   join   "NAME joined the room"
 *	leave {room}                   leave  "NAME left the room"
 *	chat  {message, room}          chat   message
 *
 * The name comes with the connection: io({ auth: { name: "Ada" } }). With the application's option `users`
 * (--set users=ada:secret,bob:..) only those come in, each by the password: io({ auth: { name, password } }).
 */
#include <stoa.h>

#include <stdbool.h>
#include <string.h>

static const char *users; /* "name:password,name:password"; NULL: any name comes in */

/* What the client said when it connected is there in every later event, so that nothing need be remembered here. */
static const char *name_of(struct stoa_event *ev)
{
	const char *name = "";

	if (stoa_read(stoa_auth(ev), stoa_fields("name", &name)) < 0 || *name == '\0')
		return "Someone";
	return name;
}

/* Is `given` the `size` bytes at `right`? How long it takes tells nothing of where it goes wrong. */
static bool is_same(const char *given, const char *right, size_t size)
{
	size_t length = strlen(given);
	unsigned char difference = length != size;

	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char)(given[i] ^ right[i < size ? i : 0]);
	return difference == 0;
}

/* Is name:password among the users? All are looked at, whichever fits. Passwords in the clear on a command line do for an
 * example; a real application keeps hashes made for passwords (argon2, scrypt) in a store. */
static bool may_enter(const char *name, const char *password)
{
	bool found = false;

	for (const char *user = users; *user != '\0';) {
		size_t size = strcspn(user, ","), name_size = strcspn(user, ":,");
		const char *secret = user + name_size + 1; /* not there, and not looked at, when the `:` is not */
		bool has_both = name_size > 0 && name_size < size;
		bool is_name = has_both && is_same(name, user, name_size);
		bool is_secret = has_both && is_same(password, secret, (size_t)(user + size - secret));

		found = found || (is_name && is_secret);
		user += size + (user[size] == ',');
	}
	return found;
}

static int on_connect(struct stoa_event *ev)
{
	const char *password = "";

	if (users != NULL && (stoa_read(stoa_auth(ev), stoa_fields("password", stoa_optional(&password))) < 0 ||
				     !may_enter(name_of(ev), password)))
		return stoa_fail(ev, "unknown name or wrong password");
	stoa_log(ev, STOA_INFO, "%s connected by %s", name_of(ev), stoa_transport(ev));
	return 0;
}

static int on_disconnect(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "%s disconnected: %s", name_of(ev), stoa_reason(ev));
	return 0;
}

static int on_join(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, stoa_fields("room", &room)) < 0)
		return STOA_EINPUT;
	stoa_join_room(ev, room);
	return stoa_emit(stoa_to(ev, room), "join", stoa_format("%s joined the room", name_of(ev)));
}

static int on_leave(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, stoa_fields("room", &room)) < 0)
		return STOA_EINPUT;
	stoa_leave_room(ev, room);
	return stoa_emit(stoa_to(ev, room), "leave", stoa_format("%s left the room", name_of(ev)));
}

static int on_chat(struct stoa_event *ev)
{
	struct stoa_value message;
	const char *room;

	if (stoa_unpack(ev, stoa_fields("message", &message, "room", &room)) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, room), "chat", message);
}

STOA_APP(app)
{
	users = stoa_option(app, "users", NULL);
	stoa_on(app, "/", "connect", on_connect, NULL);
	stoa_on(app, "/", "disconnect", on_disconnect, NULL);
	stoa_on(app, "/", "join", on_join, NULL);
	stoa_on(app, "/", "leave", on_leave, NULL);
	stoa_on(app, "/", "chat", on_chat, NULL);
}
