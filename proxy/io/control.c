/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/base/json.h"
#include "proxy/engine/words.h"
#include "proxy/io/control_request.h"
#include "proxy/io/control_socket.h"
#include "proxy/io/decision_json.h"
#include "proxy/io/trace.h"

/* What one event may do before the packets have their turn again. */
#define ACCEPTS_PER_EVENT 8
#define LINES_PER_EVENT   16
#define LOOKS_PER_EVENT   128
/* No descriptors or no memory: how long until the next try. */
#define ACCEPT_PAUSE_S 1.

/* Everything here comes after what the packets need. */
#define PRIORITY EV_MINPRI

struct client {
	struct ag_control *control;
	int fd;
	struct ev_io readable;
	struct ev_io writable;
	char in[AG_CONTROL_LINE_MAX];
	size_t in_len;
	char *out; /* an answer, or a piece of trace */
	size_t out_len;
	size_t out_at;
	bool ended;      /* the client says no more */
	bool closing;    /* close when `out` is written */
	uint64_t at_us;  /* of the last sign of life */
	uint64_t reload; /* reading that is waited for; 0: none */
	bool watching;
	uint64_t next; /* decision to be told */
	struct ag_ruleset *filter;
	struct ag_match_state *match;
};

struct ag_control {
	struct ag_control_config config;
	struct ev_loop *loop;
	struct ag_listener listener;
	struct ag_control_group group;
	struct ev_io acceptable;
	struct ev_timer pause;
	struct ag_trace *trace;
	struct client *client[AG_CONTROL_CLIENTS]; /* NULL: free */
	size_t clients;
	size_t watchers;
	uint64_t lost;
};

/* ---- A client ---- */

static void stop_watching(struct client *client)
{
	if (client->watching)
		client->control->watchers--;
	client->watching = false;
	ag_ruleset_free(client->filter);
	client->filter = NULL;
	ag_match_state_free(client->match);
	client->match = NULL;
}

static void free_client(struct client *client)
{
	struct ag_control *control = client->control;

	for (size_t i = 0; i < AG_CONTROL_CLIENTS; i++) {
		if (control->client[i] == client)
			control->client[i] = NULL;
	}
	control->clients--;
	ev_io_stop(control->loop, &client->readable);
	ev_io_stop(control->loop, &client->writable);
	stop_watching(client);
	close(client->fd);
	free(client->out);
	free(client);
}

/** Text that is being put together for a client. */
struct draft {
	char *text;
	size_t len;
	FILE *out;
};

static int draft_begin(struct draft *draft)
{
	*draft = (struct draft){ .text = NULL };
	draft->out = open_memstream(&draft->text, &draft->len);
	return draft->out ? 0 : -ENOMEM;
}

/* Hand it to the client. @return: 0 or -ENOMEM */
static int draft_end(struct draft *draft, struct client *client)
{
	if (fclose(draft->out) != 0) {
		free(draft->text);
		return -ENOMEM;
	}
	client->out = draft->text;
	client->out_len = draft->len;
	client->out_at = 0;
	return 0;
}

/* There is nothing to be said. */
static int draft_drop(struct draft *draft)
{
	(void)fclose(draft->out);
	free(draft->text);
	return 0;
}

static void release_out(struct client *client)
{
	free(client->out);
	client->out = NULL;
	client->out_len = 0;
	client->out_at = 0;
}

/* ---- Trace ---- */

/* Seconds since 1970 of a time of the engine's. */
static uint64_t wall_time_us(uint64_t time_us)
{
	return ag_wall_us() - (ag_now_us() - time_us);
}

static void put_decision(const struct ag_decision *decision, FILE *out)
{
	struct ag_json json = ag_json_begin(out);
	char text[128];

	ag_json_string(&json, "event", "decision");
	ag_json_seconds(&json, "time", wall_time_us(decision->now_us));
	ag_json_number(&json, "link_handle", decision->link->handle);
	ag_decision_json(&json, decision);
	ag_words_verdict(decision, text, sizeof(text));
	ag_json_string(&json, "decision", text);
	ag_json_end(&json);
}

static void put_lost(uint64_t count, FILE *out)
{
	struct ag_json json = ag_json_begin(out);

	ag_json_string(&json, "event", "lost");
	ag_json_number(&json, "lost", count);
	ag_json_end(&json);
}

static bool passes(struct client *client, uint64_t at)
{
	const struct ag_subject *subject;
	size_t position = 0;

	if (!client->filter)
		return true;
	subject = ag_trace_subject(client->control->trace, at);
	return subject && ag_rules_next(client->filter, subject, client->match, &position);
}

/* Lines for what the client has not seen. */
static void put_trace(struct client *client, FILE *out)
{
	struct ag_control *control = client->control;
	uint64_t first = ag_trace_first(control->trace);
	unsigned int lines = 0;

	if (client->next < first) {
		put_lost(first - client->next, out);
		control->lost += first - client->next;
		client->next = first;
	}
	for (unsigned int looks = 0; looks < LOOKS_PER_EVENT && lines < LINES_PER_EVENT &&
				     client->next < ag_trace_end(control->trace);
	     looks++, client->next++) {
		if (!passes(client, client->next))
			continue;
		put_decision(ag_trace_at(control->trace, client->next), out);
		lines++;
	}
}

static bool has_trace(const struct client *client)
{
	return client->watching && client->next < ag_trace_end(client->control->trace);
}

static int write_trace(struct client *client)
{
	struct draft draft;

	if (draft_begin(&draft) < 0)
		return -ENOMEM;
	put_trace(client, draft.out);
	return draft_end(&draft, client);
}

static void wake_watchers(struct ag_control *control)
{
	for (size_t i = 0; control->watchers > 0 && i < AG_CONTROL_CLIENTS; i++) {
		struct client *client = control->client[i];

		if (client && client->watching)
			ev_io_start(control->loop, &client->writable);
	}
}

void ag_control_tap(void *user, const struct ag_decision *decision)
{
	struct ag_control *control = user;

	ag_trace_put(control->trace, decision);
	wake_watchers(control);
}

void ag_control_pass(void *user, const struct ag_passed *passed)
{
	struct ag_control *control = user;

	ag_trace_pass(control->trace, passed);
	wake_watchers(control);
}

/* ---- Requests ---- */

static int begin_watching(struct client *client, struct ag_control_watch *watch)
{
	struct ag_control *control = client->control;

	client->filter = ag_take(watch->filter);
	if (ag_match_state_new(client->filter, 0, &client->match))
		return -ENOMEM;
	client->next = watch->from_start ? ag_trace_first(control->trace)
					 : ag_trace_end(control->trace);
	client->watching = true;
	control->watchers++;
	return 0;
}

static struct ag_control_asked asked_by(const struct client *client)
{
	const struct ag_control *control = client->control;

	return (struct ag_control_asked){
		.host = &control->config.host,
		.clients = control->clients,
		.watchers = control->watchers,
		.lost = control->lost,
		.is_owner = ag_control_is_owner(client->readable.fd),
		.watchers_full = control->watchers >= AG_CONTROL_WATCHERS,
	};
}

/* @return: 0 or -ENOMEM */
static int answer_line(struct client *client, const char *line, size_t len)
{
	struct ag_control_asked asked = asked_by(client);
	struct ag_control_watch watch = { .wanted = false };
	struct draft draft;
	int r = draft_begin(&draft);

	if (r < 0)
		return r;
	ag_control_answer(&asked, line, len, draft.out, &watch);
	client->reload = watch.reload;
	r = watch.reload ? draft_drop(&draft) : draft_end(&draft, client);
	if (r == 0 && watch.wanted)
		r = begin_watching(client, &watch);
	ag_ruleset_free(watch.filter);
	return r;
}

/* The last thing that is said to a client. */
static int answer_error(struct client *client, const char *message)
{
	struct draft draft;

	if (draft_begin(&draft) < 0)
		return -ENOMEM;
	ag_control_error(draft.out, "syntax", message);
	client->closing = true;
	client->in_len = 0;
	return draft_end(&draft, client);
}

/* The next whole line, if there is one. @return: 0 or -ENOMEM */
static int take_line(struct client *client)
{
	char *end = memchr(client->in, '\n', client->in_len);
	size_t len;
	int r;

	if (!end && client->in_len == sizeof(client->in))
		return answer_error(client, "a request is longer than 8191 octets");
	if (!end && client->ended && client->in_len > 0)
		return answer_error(client, "the connection ended within a request");
	if (!end)
		return 0;
	len = (size_t)(end - client->in);
	r = answer_line(client, client->in, len);
	client->in_len -= len + 1;
	memmove(client->in, end + 1, client->in_len);
	if (client->watching)
		client->in_len = 0;
	return r;
}

/* ---- Moving ---- */

/* @return: 0 (written, or it has to wait) or negative: the client has gone */
static int send_out(struct client *client)
{
	ssize_t n = send(client->fd, client->out + client->out_at, client->out_len - client->out_at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	client->out_at += (size_t)n;
	if (client->out_at == client->out_len)
		release_out(client);
	return 0;
}

/* Find something to say where nothing is being said. @return: 0 or -ENOMEM */
static int find_out(struct client *client)
{
	if (client->out || client->closing || client->reload)
		return 0;
	if (client->watching)
		return has_trace(client) ? write_trace(client) : 0;
	return take_line(client);
}

static bool is_done(const struct client *client)
{
	if (client->out || client->reload)
		return false;
	return client->closing || (client->ended && client->in_len == 0 && !client->watching);
}

/* Which events it is to be asked again for. */
static void settle(struct client *client)
{
	struct ev_loop *loop = client->control->loop;
	bool more = client->out || has_trace(client) || client->closing ||
		    (!client->reload && (memchr(client->in, '\n', client->in_len) ||
					 (client->ended && !client->watching)));

	if (more)
		ev_io_start(loop, &client->writable);
	else
		ev_io_stop(loop, &client->writable);
	if (!client->ended && client->in_len < sizeof(client->in) && (client->watching || !more))
		ev_io_start(loop, &client->readable);
	else
		ev_io_stop(loop, &client->readable);
}

/* One step: make something to say, say as much of it as is taken. */
static void step(struct client *client)
{
	int r = find_out(client);

	if (r == 0 && client->out)
		r = send_out(client);
	if (r < 0 || is_done(client))
		free_client(client);
	else
		settle(client);
}

static void on_writable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	step(watcher->data);
}

static void on_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct client *client = watcher->data;
	ssize_t n = recv(client->fd, client->in + client->in_len,
			 sizeof(client->in) - client->in_len, MSG_DONTWAIT);
	bool nothing = n < 0 && (errno == EAGAIN || errno == EINTR);

	(void)loop;
	(void)events;
	/* a watcher has nothing more to ask; when it goes it goes */
	if ((n < 0 && !nothing) || (n == 0 && client->watching)) {
		free_client(client);
		return;
	}
	client->at_us = ag_now_us();
	client->ended = n == 0;
	if (n > 0 && !client->watching)
		client->in_len += (size_t)n;
	step(client);
}

void ag_control_reloaded(struct ag_control *control, uint64_t number, int result, const char *text)
{
	for (size_t i = 0; i < AG_CONTROL_CLIENTS; i++) {
		struct client *client = control->client[i];
		struct ag_control_asked asked;
		struct draft draft;

		if (!client || !client->reload || client->reload > number)
			continue;
		client->reload = 0;
		client->closing = draft_begin(&draft) < 0;
		if (!client->closing) {
			asked = asked_by(client);
			ag_control_answer_reload(&asked, result, text, draft.out);
			client->closing = draft_end(&draft, client) < 0;
		}
		ev_io_start(control->loop, &client->writable);
	}
}

/* ---- Connections ---- */

/* There is always one: not all clients may watch. */
static void evict_silent(struct ag_control *control)
{
	struct client *oldest = NULL;

	for (size_t i = 0; i < AG_CONTROL_CLIENTS; i++) {
		struct client *client = control->client[i];

		if (client && !client->watching && (!oldest || client->at_us < oldest->at_us))
			oldest = client;
	}
	if (oldest)
		free_client(oldest);
}

/* There is one. */
static struct client **free_slot(struct ag_control *control)
{
	struct client **slot = control->client;

	while (*slot)
		slot++;
	return slot;
}

static void add_client(struct ag_control *control, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return;
	}
	if (control->clients == AG_CONTROL_CLIENTS)
		evict_silent(control);
	client->control = control;
	client->fd = fd;
	client->at_us = ag_now_us();
	ev_io_init(&client->readable, on_readable, fd, EV_READ);
	ev_io_init(&client->writable, on_writable, fd, EV_WRITE);
	ev_set_priority(&client->readable, PRIORITY);
	ev_set_priority(&client->writable, PRIORITY);
	client->readable.data = client;
	client->writable.data = client;
	*free_slot(control) = client;
	control->clients++;
	ev_io_start(control->loop, &client->readable);
}

static void on_acceptable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct ag_control *control = watcher->data;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		int fd = accept4(control->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR))
			return;
		if (fd < 0) {
			/* it would be ready again at once, and fail again */
			ev_io_stop(loop, &control->acceptable);
			ev_timer_set(&control->pause, ACCEPT_PAUSE_S, 0.);
			ev_timer_start(loop, &control->pause);
			return;
		}
		if (ag_control_may_ask(fd, &control->group))
			add_client(control, fd);
		else
			close(fd);
	}
}

static void on_pause_ended(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct ag_control *control = timer->data;

	(void)events;
	ev_io_start(loop, &control->acceptable);
}

/* ---- The whole ---- */

static void start(struct ag_control *control)
{
	ev_io_init(&control->acceptable, on_acceptable, control->listener.fd, EV_READ);
	ev_set_priority(&control->acceptable, PRIORITY);
	control->acceptable.data = control;
	ev_timer_init(&control->pause, on_pause_ended, 0., 0.);
	control->pause.data = control;
	ev_io_start(control->loop, &control->acceptable);
}

int ag_control_new(const struct ag_control_config *config, struct ev_loop *loop, char why[256],
		   struct ag_control **out)
{
	struct ag_control *control = calloc(1, sizeof(*control));
	int r = -ENOMEM;

	if (control && ag_trace_new(&control->trace) == 0) {
		control->config = *config;
		control->loop = loop;
		r = ag_control_listen(config->path, config->group, &control->listener,
				      &control->group, why);
	} else {
		snprintf(why, 256, "out of memory");
	}
	if (r < 0) {
		if (control)
			ag_trace_free(control->trace);
		free(control);
		return r;
	}
	start(control);
	*out = control;
	return 0;
}

void ag_control_free(struct ag_control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < AG_CONTROL_CLIENTS; i++) {
		if (control->client[i])
			free_client(control->client[i]);
	}
	ev_io_stop(control->loop, &control->acceptable);
	ev_timer_stop(control->loop, &control->pause);
	ag_listener_close(&control->listener, control->config.path);
	ag_trace_free(control->trace);
	free(control);
}
