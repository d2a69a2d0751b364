/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/cmd/ask.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/control_socket.h"
#include "proxy/io/fd.h"

static const char suffix[] = ".sock";

/* ---- The command line ---- */

static const struct ag_ask_option *find_option(const struct ag_ask_option *rows, const char *name,
					       size_t len)
{
	for (; rows && rows->name; rows++) {
		if (strlen(rows->name) == len && strncmp(rows->name, name, len) == 0)
			return rows;
	}
	return NULL;
}

/* @at: index of the option in argv; moved on when its value is the next argument */
static int take_option(struct ag_ask *ask, const struct ag_ask_option *extra, int argc, char **argv,
		       int *at)
{
	const struct ag_ask_option common[] = {
		{ "--json", &ask->json, NULL },
		{ "--help", &ask->help, NULL },
		{ "--control", NULL, &ask->control },
		{ NULL, NULL, NULL },
	};
	const char *equals = strchr(argv[*at], '=');
	size_t len = equals ? (size_t)(equals - argv[*at]) : strlen(argv[*at]);
	const struct ag_ask_option *option = find_option(common, argv[*at], len);

	if (!option)
		option = find_option(extra, argv[*at], len);
	if (!option || (option->flag && equals))
		return ag_usage_error(ask->command,
				      "no option `%s' is known; `attgate help %s' lists "
				      "them",
				      argv[*at], ask->command->name);
	if (option->flag) {
		*option->flag = true;
		return AG_EXIT_OK;
	}
	if (!equals && *at + 1 >= argc)
		return ag_usage_error(ask->command, "%s needs a value", option->name);
	*option->value = equals ? equals + 1 : argv[++*at];
	return AG_EXIT_OK;
}

int ag_ask_parse(struct ag_ask *ask, const struct ag_command *command, int argc, char **argv,
		 const struct ag_ask_option *extra)
{
	ask->command = command;
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-') {
			int status = take_option(ask, extra, argc, argv, &i);

			if (status != AG_EXIT_OK)
				return status;
		} else if (ask->controller) {
			return ag_usage_error(command, "`%s' is too much; one controller is asked",
					      argv[i]);
		} else {
			ask->controller = argv[i];
		}
	}
	if (ask->controller && ask->control)
		return ag_usage_error(command, "a controller or --control, not both");
	if (ask->controller && strchr(ask->controller, '/'))
		return ag_usage_error(command,
				      "`%s' is no controller; a socket is named by --control",
				      ask->controller);
	if (ask->help)
		fputs(command->usage, stdout);
	return AG_EXIT_OK;
}

void ag_ask_clear(struct ag_ask *ask)
{
	if (ask->stream)
		fclose(ask->stream);
	free(ask->line);
	*ask = (struct ag_ask){ .command = NULL };
}

/* ---- Finding whom to ask ---- */

static int complain(const struct ag_ask *ask, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int complain(const struct ag_ask *ask, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "attgate %s: ", ask->command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return AG_EXIT_FAILURE;
}

static int is_socket(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > sizeof(suffix) - 1 &&
	       strcmp(entry->d_name + len - (sizeof(suffix) - 1), suffix) == 0;
}

static void free_entries(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

static void print_names(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", entries[i]->d_name);
	fputc('\n', stderr);
}

/* The one socket that there is. @path: NULL when out of memory */
static int find_only(const struct ag_ask *ask, char **path)
{
	struct dirent **entries = NULL;
	int count = scandir(AG_CONTROL_DIR, &entries, is_socket, alphasort);
	int status = AG_EXIT_OK;

	if (count < 0 && errno != ENOENT)
		return complain(ask, "%s: %s", AG_CONTROL_DIR, strerror(errno));
	for (int i = 0; i < count; i++)
		entries[i]->d_name[strlen(entries[i]->d_name) - (sizeof(suffix) - 1)] = '\0';
	if (count <= 0) {
		status = complain(ask,
				  "no attgate runs: there is no socket in %s; `systemctl start "
				  "attgate@hci0', or --control PATH",
				  AG_CONTROL_DIR);
	} else if (count > 1) {
		fprintf(stderr, "attgate %s: name one of the controllers: ", ask->command->name);
		print_names(entries, count);
		status = AG_EXIT_FAILURE;
	} else {
		*path = ag_control_path(entries[0]->d_name);
	}
	free_entries(entries, count);
	return status;
}

static int choose_path(const struct ag_ask *ask, char **path)
{
	int status = AG_EXIT_OK;

	if (ask->control)
		*path = strdup(ask->control);
	else if (ask->controller)
		*path = ag_control_path(ask->controller);
	else
		status = find_only(ask, path);
	return status == AG_EXIT_OK && !*path ? complain(ask, "out of memory") : status;
}

static int say_unreachable(const struct ag_ask *ask, const char *path, int error)
{
	if (error == EACCES || error == EPERM)
		return complain(ask,
				"no permission to use %s: only root, its owner and the "
				"members of --control-group may",
				path);
	if (error != ENOENT && error != ECONNREFUSED)
		return complain(ask, "%s: %s", path, strerror(error));
	if (ask->controller)
		return complain(ask, "no attgate runs for %s: nobody listens at %s",
				ask->controller, path);
	return complain(ask, "no attgate runs: nobody listens at %s", path);
}

static int open_stream(struct ag_ask *ask, const char *path)
{
	ag_cleanup(ag_fd_cleanup) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return complain(ask, "%s: too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    !(ask->stream = fdopen(fd, "r+")))
		return say_unreachable(ask, path, errno);
	(void)ag_fd_take(&fd);
	return AG_EXIT_OK;
}

/* ---- Asking ---- */

int ag_ask_next(struct ag_ask *ask, json_t **reply)
{
	json_error_t error;
	json_t *json;

	if (getline(&ask->line, &ask->size, ask->stream) <= 0)
		return AG_EXIT_FAILURE;
	json = json_loads(ask->line, 0, &error);
	if (!json)
		return complain(ask, "the answer is not understood: %s", error.text);
	*reply = json;
	return AG_EXIT_OK;
}

/* Diagnostics of a filter have several lines. */
static int say_refused(const struct ag_ask *ask, const json_t *reply)
{
	const char *message = ag_reply_string(reply, "message");
	size_t len = strlen(message);

	while (len > 0 && message[len - 1] == '\n')
		len--;
	return complain(ask, "%.*s", (int)len, message);
}

int ag_ask(struct ag_ask *ask, const char *request, json_t **reply)
{
	ag_cleanup(ag_json_cleanup) json_t *json = NULL;
	ag_autofree char *path = NULL;
	int status = choose_path(ask, &path);

	if (status == AG_EXIT_OK)
		status = open_stream(ask, path);
	if (status != AG_EXIT_OK)
		return status;
	/* who may not ask is told so by a closed connection, not by a signal */
	signal(SIGPIPE, SIG_IGN);
	fprintf(ask->stream, "%s\n", request);
	(void)fflush(ask->stream);
	signal(SIGPIPE, SIG_DFL);
	if (ag_ask_next(ask, &json) != AG_EXIT_OK)
		return complain(ask,
				"%s: no answer; only root, its owner and the members of "
				"--control-group may ask",
				path);
	if (ag_reply_member(json, "error"))
		return say_refused(ask, json);
	*reply = ag_take(json);
	return AG_EXIT_OK;
}

/* ---- Reading answers ---- */

const json_t *ag_reply_member(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

unsigned long long ag_reply_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (unsigned long long)value : 0;
}

double ag_reply_real(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

const char *ag_reply_string(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

void ag_words_time(double seconds, char out[32])
{
	unsigned long long whole = seconds > 0 ? (unsigned long long)seconds : 0;

	if (seconds < 0.001)
		snprintf(out, 32, "%.0f us", seconds * 1e6);
	else if (seconds < 1)
		snprintf(out, 32, "%.1f ms", seconds * 1e3);
	else if (seconds < 60)
		snprintf(out, 32, "%.1f s", seconds);
	else if (whole < 3600)
		snprintf(out, 32, "%llu min %llu s", whole / 60, whole % 60);
	else if (whole < 86400)
		snprintf(out, 32, "%llu h %llu min", whole / 3600, whole / 60 % 60);
	else
		snprintf(out, 32, "%llu d %llu h", whole / 86400, whole / 3600 % 24);
}
