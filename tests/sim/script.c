/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/attributes.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "tests/sim/hci.h"
#include "tests/sim/host.h"
#include "tests/sim/middle.h"

enum { CID_ATT = 4, CID_SMP = 6, CID_HCI = 0, MAX_SEEN = 400, MAX_TEXT = 64 * 1024 };

/* Something that came out: a PDU with its channel, or (CID_HCI) a packet. */
struct seen {
	uint16_t cid;
	uint16_t handle;
	size_t len;
	uint8_t data[AG_SIM_PDU_MAX];
};

struct run {
	struct ag_sim_report report;
	struct ag_random random;
	enum ag_sim_chunks chunks;
	unsigned int line; /* for messages, from 1 */
	bool raw;
	bool replay;
	bool started;
	bool holding;
	uint64_t now_us;
	uint16_t handle;
	uint16_t acl_max[2];
	uint64_t early_us;
	struct ag_engine *engine;
	struct ag_sim_middle middle;
	struct ag_ruleset *rules;
	struct ag_attributes *kept; /* map of the peer that was saved last */
	uint64_t kept_peer;
	struct ag_sim_host host;
	struct ag_sim_controller controller;
	struct {
		struct seen *list;
		size_t first, count;
	} seen[2]; /* by enum ag_side */
};

/* ---- Text ---- */

/* The next word of a line; the line goes on behind it. Empty at the end. */
static char *word(char **line)
{
	char *start;

	while (**line == ' ' || **line == '\t')
		(*line)++;
	start = *line;
	while (**line && **line != ' ' && **line != '\t')
		(*line)++;
	if (**line)
		*(*line)++ = '\0';
	return start;
}

static unsigned long number(const char *text)
{
	return strtoul(text, NULL, 0);
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Octets from pairs of digits with blanks anywhere; `xx*n` repeats an octet. */
static size_t hex(struct run *run, const char *text, uint8_t *out, size_t size)
{
	size_t len = 0;

	while (*text && *text != '#') {
		unsigned long times = 1;
		char *end;

		if (*text == ' ' || *text == '\t') {
			text++;
			continue;
		}
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0) {
			ag_sim_fail(&run->report, AG_SIM_FRAMING, "no hex: %s", text);
			return len;
		}
		if (text[2] == '*') {
			times = strtoul(text + 3, &end, 10);
			for (; times > 0 && len < size; times--)
				out[len++] = (uint8_t)(hex_digit(text[0]) << 4 |
						       hex_digit(text[1]));
			text = end;
			continue;
		}
		if (len < size)
			out[len++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
		text += 2;
	}
	return len;
}

static void to_hex(const uint8_t *data, size_t len, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < len && 2 * i + 3 < size; i++)
		snprintf(out + 2 * i, 3, "%02x", data[i]);
}

/* ---- What comes out ---- */

static void see(struct run *run, enum ag_side side, uint16_t handle, uint16_t cid,
		const uint8_t *data, size_t len)
{
	struct seen *seen;

	if (run->seen[side].first + run->seen[side].count == MAX_SEEN || len > sizeof(seen->data)) {
		ag_sim_fail(&run->report, AG_SIM_UNEXPECTED, "too much comes out");
		return;
	}
	seen = &run->seen[side].list[run->seen[side].first + run->seen[side].count++];
	seen->cid = cid;
	seen->handle = handle;
	seen->len = len;
	memcpy(seen->data, data, len);
}

static void see_pdu(void *user, struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu,
		    size_t len)
{
	see(user, end->pb_first == 0 ? AG_SIDE_HOST : AG_SIDE_CONTROLLER, end->handle, cid, pdu,
	    len);
}

/* Completions are the models' affair. */
static bool worth_seeing(const struct run *run, const struct ag_packet *packet)
{
	if (run->raw)
		return true;
	if (packet->data[0] == AG_H4_ACL)
		return false;
	return packet->len < 2 || packet->data[0] != AG_H4_EVENT ||
	       packet->data[1] != AG_SIM_HCI_COMPLETED_PACKETS;
}

static bool drain_side(struct run *run, enum ag_side side)
{
	struct ag_packet packet;

	if (!ag_engine_peek(run->engine, side, &packet))
		return false;
	if (worth_seeing(run, &packet))
		see(run, side, 0, CID_HCI, packet.data, packet.len);
	if (!run->raw && side == AG_SIDE_HOST)
		ag_sim_host_receive(&run->host, packet.data, packet.len);
	if (!run->raw && side == AG_SIDE_CONTROLLER)
		ag_sim_controller_receive(&run->controller, packet.data, packet.len);
	ag_engine_pop(run->engine, side);
	return true;
}

static void drain(struct run *run)
{
	bool more = true;

	while (more && run->report.fault == AG_SIM_FINE) {
		more = drain_side(run, AG_SIDE_HOST);
		more = drain_side(run, AG_SIDE_CONTROLLER) || more;
		if (!more && !run->raw && !run->holding)
			more = ag_sim_controller_complete(&run->controller, true);
	}
}

static void forget(struct run *run)
{
	for (int side = 0; side < 2; side++) {
		run->seen[side].first = 0;
		run->seen[side].count = 0;
	}
}

static void expect_quiet(struct run *run)
{
	static const char *const names[] = { "host", "peer" };
	char text[120];

	for (int side = 0; side < 2; side++) {
		const struct seen *seen = &run->seen[side].list[run->seen[side].first];

		if (run->seen[side].count == 0)
			continue;
		to_hex(seen->data, seen->len, text, sizeof(text));
		ag_sim_fail(&run->report, AG_SIM_UNEXPECTED, "%s< came out too: channel %u %s",
			    names[side], seen->cid, text);
	}
	forget(run);
}

static void expect(struct run *run, enum ag_side side, uint16_t cid, const uint8_t *data,
		   size_t len)
{
	char want[160], have[160];
	struct seen *seen = &run->seen[side].list[run->seen[side].first];

	to_hex(data, len, want, sizeof(want));
	if (run->seen[side].count == 0) {
		ag_sim_fail(&run->report, AG_SIM_LOST_PDU, "nothing came out, not %s", want);
		return;
	}
	run->seen[side].first++;
	run->seen[side].count--;
	to_hex(seen->data, seen->len, have, sizeof(have));
	if (seen->cid != cid || seen->len != len || memcmp(seen->data, data, len) != 0)
		ag_sim_fail(&run->report, AG_SIM_UNEXPECTED,
			    "channel %u %s (%zu octets) came out, not channel %u %s (%zu)",
			    seen->cid, have, seen->len, cid, want, len);
	else if (cid != CID_HCI && seen->handle != run->handle)
		ag_sim_fail(&run->report, AG_SIM_UNEXPECTED, "on link 0x%03x", seen->handle);
}

/* ---- What goes in ---- */

static void feed(struct run *run, enum ag_side side, const uint8_t *packet, size_t len)
{
	if (ag_engine_feed(run->engine, side, packet, len, run->now_us) < 0)
		ag_sim_fail(&run->report, AG_SIM_MEMORY, "feed failed");
}

static void from_host(void *user, const uint8_t *packet, size_t len)
{
	feed(user, AG_SIDE_HOST, packet, len);
}

static void from_controller(void *user, const uint8_t *packet, size_t len)
{
	feed(user, AG_SIDE_CONTROLLER, packet, len);
}

static void host_command(struct run *run, uint16_t opcode)
{
	ag_sim_host_command(&run->host, opcode, NULL, 0);
	drain(run);
	ag_sim_controller_answer(&run->controller);
	drain(run);
}

static void copy_map(const struct ag_attributes *from, struct ag_attributes *to)
{
	ag_attributes_clear(to);
	for (size_t i = 0; i < ag_attributes_count(from); i++)
		ag_attributes_put(to, ag_attributes_at(from, i));
	ag_attributes_set_hash(to, ag_attributes_hash(from));
}

static void save_map(void *user, const struct ag_link_view *link, const struct ag_attributes *map)
{
	struct run *run = user;

	run->kept_peer = link->peer;
	copy_map(map, run->kept);
}

static void load_map(void *user, const struct ag_link_view *link, struct ag_attributes *map)
{
	struct run *run = user;

	if (link->peer == run->kept_peer)
		copy_map(run->kept, map);
}

/* The engine comes up with the first line that needs it, when the configuration is known. */
static void start(struct run *run)
{
	struct ag_engine_config config = {
		.acl_max = { run->acl_max[0], run->acl_max[1] },
		.early_acl_us = run->early_us,
		.replay = run->replay,
		.keeper = { .load = load_map, .save = save_map, .user = run },
	};

	if (run->started)
		return;
	run->started = true;
	run->engine = ag_sim_engine_new(&config, &run->middle);
	if (!run->engine) {
		ag_sim_fail(&run->report, AG_SIM_MEMORY, "no engine");
		return;
	}
	if (run->raw)
		return;
	host_command(run, AG_SIM_HCI_RESET);
	host_command(run, AG_SIM_HCI_READ_BUFFER_SIZE);
	host_command(run, AG_SIM_HCI_LE_READ_BUFFER_SIZE);
	forget(run);
}

static void send_host_pdu(struct run *run, uint16_t cid, const uint8_t *pdu, size_t len)
{
	struct ag_sim_host_link *link = ag_sim_host_find(&run->host, run->handle);

	if (!link) {
		ag_sim_fail(&run->report, AG_SIM_UNKNOWN_HANDLE, "the host has no such link");
		return;
	}
	ag_sim_end_begin(&link->end, cid, pdu, len);
	while (ag_sim_end_busy(&link->end) && run->report.fault == AG_SIM_FINE) {
		if (!ag_sim_host_send(&run->host, (size_t)(link - run->host.link)))
			ag_sim_fail(&run->report, AG_SIM_LOST_COMPLETION,
				    "the host has no credit to send with");
		drain(run);
	}
}

static void send_peer_pdu(struct run *run, uint16_t cid, const uint8_t *pdu, size_t len)
{
	struct ag_sim_controller_link *link = ag_sim_controller_find(&run->controller, run->handle);

	if (!link) {
		ag_sim_fail(&run->report, AG_SIM_UNKNOWN_HANDLE, "the peer has no such link");
		return;
	}
	ag_sim_end_begin(&link->peer, cid, pdu, len);
	while (ag_sim_controller_send(&run->controller, (size_t)(link - run->controller.link)))
		drain(run);
}

static uint16_t channel(const char *name)
{
	if (strcmp(name, "att") == 0)
		return CID_ATT;
	if (strcmp(name, "smp") == 0)
		return CID_SMP;
	return strcmp(name, "hci") == 0 ? CID_HCI : (uint16_t)number(name);
}

static void line_packet(struct run *run, const char *verb, char *rest)
{
	enum ag_side side = verb[0] == 'h' ? AG_SIDE_HOST : AG_SIDE_CONTROLLER;
	uint16_t cid = channel(word(&rest));
	uint8_t data[AG_SIM_PDU_MAX];
	size_t len = hex(run, rest, data, sizeof(data));

	start(run);
	if (strchr(verb, '<')) {
		expect(run, side, cid, data, len);
		return;
	}
	expect_quiet(run);
	if (cid == CID_HCI) {
		feed(run, side, data, len);
		drain(run);
	} else if (side == AG_SIDE_HOST) {
		send_host_pdu(run, cid, data, len);
	} else {
		send_peer_pdu(run, cid, data, len);
	}
}

/* ---- Other lines ---- */

static void line_pool(struct run *run, char *rest)
{
	char *first = word(&rest);
	bool shared = strcmp(first, "shared") == 0;
	struct ag_sim_pool *pool = &run->controller.pool[!shared];

	pool->count = (unsigned int)number(shared ? word(&rest) : first);
	word(&rest); /* "x" */
	pool->len = (uint16_t)number(word(&rest));
	if (shared)
		run->controller.pool[1].count = 0;
}

static enum ag_sim_connection connection_form(const char *name)
{
	if (strcmp(name, "bredr") == 0)
		return AG_SIM_BREDR;
	if (strcmp(name, "le-v2") == 0)
		return AG_SIM_LE_V2;
	return strcmp(name, "le-v1") == 0 ? AG_SIM_LE_V1 : AG_SIM_LE_V0;
}

static void line_link(struct run *run, char *rest)
{
	uint16_t handle = (uint16_t)number(word(&rest));
	enum ag_sim_connection form = connection_form(word(&rest));
	bool central = strcmp(word(&rest), "central") == 0;
	size_t index = 0;

	start(run);
	expect_quiet(run);
	while (index < AG_SIM_LINKS - 1 && run->controller.link[index].up)
		index++;
	run->handle = handle;
	run->controller.public_peers = strcmp(word(&rest), "public") == 0;
	ag_sim_controller_connect(&run->controller, index, handle, form, central);
	run->controller.link[index].peer.chunks = run->chunks;
	drain(run);
	for (size_t i = 0; i < AG_SIM_LINKS; i++)
		run->host.link[i].end.chunks = run->chunks;
	forget(run);
}

static void line_link_event(struct run *run, bool encrypt)
{
	struct ag_sim_controller_link *link = ag_sim_controller_find(&run->controller, run->handle);
	size_t index = (size_t)(link - run->controller.link);

	expect_quiet(run);
	if (!link) {
		ag_sim_fail(&run->report, AG_SIM_UNKNOWN_HANDLE, "there is no such link");
		return;
	}
	if (encrypt)
		ag_sim_controller_encrypt(&run->controller, index, true);
	else
		ag_sim_controller_disconnect(&run->controller, index, 0x13);
	drain(run);
	/* the event itself came out first, or last: what else came out is for the script to say */
	for (size_t i = 0; i < run->seen[0].count; i++) {
		struct seen *at = &run->seen[0].list[i];

		if (at->cid != CID_HCI)
			continue;
		memmove(at, at + 1, (run->seen[0].count - i - 1) * sizeof(*at));
		run->seen[0].count--;
		break;
	}
}

static void pass_time(struct run *run, uint64_t until)
{
	uint64_t deadline;

	while ((deadline = ag_engine_deadline(run->engine)) <= until &&
	       run->report.fault == AG_SIM_FINE) {
		run->now_us = deadline > run->now_us ? deadline : run->now_us;
		if (ag_engine_tick(run->engine, run->now_us) < 0)
			ag_sim_fail(&run->report, AG_SIM_MEMORY, "tick failed");
		drain(run);
		if (ag_engine_deadline(run->engine) <= run->now_us)
			ag_sim_fail(&run->report, AG_SIM_STUCK, "the deadline stays in the past");
	}
	run->now_us = until;
}

static void line_at(struct run *run, char *rest)
{
	char *end;
	uint64_t until = strtoul(word(&rest), &end, 10) *
			 (strcmp(end, "s") == 0 ? 1000000u : 1000u);

	start(run);
	expect_quiet(run);
	pass_time(run, until);
}

static void put_in_force(struct run *run, const char *name, const char *text, size_t len)
{
	struct ag_source source = { .name = name, .text = text, .len = len };
	struct ag_diags diags = AG_DIAGS_INIT;
	struct ag_ruleset *set = NULL;

	start(run);
	expect_quiet(run);
	if (ag_ruleset_compile(&source, 1, &set, &diags) != 0) {
		ag_autofree char *why = diags.count > 0 ? ag_diag_format(&diags.list[0], &source)
							: NULL;

		ag_sim_fail(&run->report, AG_SIM_VERDICT, "%s", why ? why : "no rules");
	} else if (ag_engine_set_rules(run->engine, set) < 0) {
		ag_sim_fail(&run->report, AG_SIM_MEMORY, "set_rules failed");
	}
	ag_diags_clear(&diags);
	ag_ruleset_free(run->rules);
	run->rules = set;
	pass_time(run, run->now_us);
}

/* A rule file, as it lies there. */
static void line_load(struct run *run, const char *path)
{
	ag_autofree char *text = malloc(MAX_TEXT);
	FILE *file = fopen(path, "re");

	if (!text)
		abort();
	if (!file) {
		ag_sim_fail(&run->report, AG_SIM_FRAMING, "%s cannot be read", path);
		return;
	}
	put_in_force(run, path, text, fread(text, 1, MAX_TEXT, file));
	fclose(file);
}

static void line_plain(struct run *run, const char *verb)
{
	if (strcmp(verb, "raw") == 0) {
		run->raw = true;
	} else if (strcmp(verb, "replay") == 0) {
		run->replay = true;
	} else if (strcmp(verb, "hold") == 0) {
		run->holding = true;
	} else if (strcmp(verb, "release") == 0) {
		run->holding = false;
		drain(run);
	} else if (strcmp(verb, "encrypt") == 0 || strcmp(verb, "disconnect") == 0) {
		line_link_event(run, verb[0] == 'e');
	} else if (strcmp(verb, "quiet") == 0) {
		expect_quiet(run);
	} else if (strcmp(verb, "reset") == 0) {
		expect_quiet(run);
		host_command(run, AG_SIM_HCI_RESET);
		forget(run);
	} else if (strcmp(verb, "answer") == 0) {
		ag_sim_controller_answer(&run->controller);
		drain(run);
	} else {
		ag_sim_fail(&run->report, AG_SIM_FRAMING, "no such line: %s", verb);
	}
}

static void run_line(struct run *run, char *line)
{
	char *verb = word(&line);

	if (*verb == '\0' || *verb == '#' || strcmp(verb, "whole") == 0)
		return;
	if (strchr(verb, '>') || strchr(verb, '<'))
		line_packet(run, verb, line);
	else if (strcmp(verb, "pool") == 0)
		line_pool(run, line);
	else if (strcmp(verb, "link") == 0)
		line_link(run, line);
	else if (strcmp(verb, "at") == 0)
		line_at(run, line);
	else if (strcmp(verb, "load") == 0)
		line_load(run, word(&line));
	else if (strcmp(verb, "on") == 0)
		run->handle = (uint16_t)number(word(&line));
	else if (strcmp(verb, "acl-max") == 0) {
		run->acl_max[AG_SIDE_HOST] = (uint16_t)number(word(&line));
		run->acl_max[AG_SIDE_CONTROLLER] = (uint16_t)number(word(&line));
	} else if (strcmp(verb, "early") == 0)
		run->early_us = number(word(&line)) * 1000;
	else
		line_plain(run, verb);
}

/* ---- Cases ---- */

static void run_begin(struct run *run, enum ag_sim_chunks chunks)
{
	run->chunks = chunks;
	run->random.state = 7;
	if (ag_attributes_new(&run->kept) != 0)
		abort();
	for (int side = 0; side < 2; side++) {
		run->seen[side].list = calloc(MAX_SEEN, sizeof(struct seen));
		if (!run->seen[side].list)
			abort();
	}
	ag_sim_host_init(&run->host, &run->report, &run->random,
			 (struct ag_sim_port){ from_host, run });
	ag_sim_controller_init(&run->controller, &run->report, &run->random,
			       (struct ag_sim_port){ from_controller, run });
	run->controller.pool[0] = (struct ag_sim_pool){ .len = 251, .count = 8 };
	run->controller.pool[1] = (struct ag_sim_pool){ .len = 251, .count = 8 };
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		run->host.link[i].end.deliver = see_pdu;
		run->host.link[i].end.user = run;
		run->controller.link[i].peer.deliver = see_pdu;
		run->controller.link[i].peer.user = run;
	}
}

static void run_end(struct run *run)
{
	if (run->engine && run->report.fault == AG_SIM_FINE) {
		run->holding = false;
		drain(run);
		expect_quiet(run);
		for (size_t i = 0; i < 2 && !run->raw; i++) {
			if (run->host.pool[i].used > 0 || run->controller.pool[i].used > 0)
				ag_sim_fail(&run->report, AG_SIM_LOST_COMPLETION,
					    "%u and %u buffers in use at the end",
					    run->host.pool[i].used, run->controller.pool[i].used);
		}
	}
	ag_engine_free(run->engine);
	ag_attributes_free(run->kept);
	ag_ruleset_free(run->rules);
	free(run->seen[0].list);
	free(run->seen[1].list);
}

/* One line of the text; the text goes on behind it. */
static char *next_line(char **text)
{
	char *line = *text;
	char *end = strchr(line, '\n');

	if (*line == '\0')
		return NULL;
	*text = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

/* From behind a `rules` line to the line `end`. @return: length of the text between */
static size_t rules_text(struct run *run, char **text)
{
	char *start = *text;

	for (;;) {
		char *line = *text;
		char *end = strchr(line, '\n');

		if (!end)
			return (size_t)(line - start);
		*text = end + 1;
		run->line++;
		if (strncmp(line, "end\n", 4) == 0)
			return (size_t)(line - start);
	}
}

static void run_case(struct run *run, char **text)
{
	for (char *line = NULL; **text && strncmp(*text, "case ", 5) != 0;) {
		line = next_line(text);
		run->line++;
		if (strcmp(line, "rules") == 0) {
			char *start_of = *text;
			size_t len = rules_text(run, text);

			if (run->report.fault == AG_SIM_FINE)
				put_in_force(run, "script", start_of, len);
		} else if (run->report.fault == AG_SIM_FINE) {
			run_line(run, line);
		}
		if (run->report.fault != AG_SIM_FINE)
			return;
	}
}

/* Whether a case has the line `whole` or `raw`. `text` begins behind its first line. */
static bool is_whole_only(const char *text)
{
	while (text && strncmp(text, "case ", 5) != 0) {
		if (strncmp(text, "whole\n", 6) == 0 || strncmp(text, "raw\n", 4) == 0)
			return true;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return false;
}

static void tell(const char *path, const char *name, enum ag_sim_chunks chunks,
		 const struct run *run, FILE *errors)
{
	static const char *const how[] = { "whole", "octet by octet", "split at random" };

	if (!errors)
		return;
	fprintf(errors, "%s:%u: case %s, %s: %s: %s\n", path, run->line, name, how[chunks],
		ag_sim_fault_name(run->report.fault), run->report.text);
}

static unsigned int run_text(const char *path, char *text, enum ag_sim_chunks chunks,
			     unsigned int *n_run, FILE *errors)
{
	static struct run run;
	unsigned int line = 0, failed = 0;
	char *name;

	while ((name = next_line(&text))) {
		line++;
		if (strncmp(name, "case ", 5) != 0)
			continue;
		if (chunks != AG_SIM_CHUNKS_WHOLE && is_whole_only(text))
			continue;
		memset(&run, 0, sizeof(run));
		run.line = line;
		run_begin(&run, chunks);
		run_case(&run, &text);
		run_end(&run);
		line = run.line;
		(*n_run)++;
		if (run.report.fault == AG_SIM_FINE)
			continue;
		tell(path, name + 5, chunks, &run, errors);
		failed++;
	}
	return failed;
}

unsigned int ag_sim_script_run(const char *path, enum ag_sim_chunks chunks, unsigned int *n_run,
			       FILE *errors)
{
	ag_autofree char *text = calloc(1, MAX_TEXT);
	FILE *file = fopen(path, "re");

	if (!text)
		abort();
	if (!file) {
		if (errors)
			fprintf(errors, "%s: cannot be read\n", path);
		return 1;
	}
	if (fread(text, 1, MAX_TEXT - 1, file) == MAX_TEXT - 1)
		abort();
	fclose(file);
	return run_text(path, text, chunks, n_run, errors);
}
