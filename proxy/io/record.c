/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/decisions.h"
#include "proxy/io/log.h"
#include "proxy/wire/btsnoop.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

/* What each file begins with: its header, and two records for each side. */
#define PREAMBLE_MAX (AG_BTSNOOP_FILE_LEN + 4 * (AG_BTSNOOP_RECORD_LEN + AG_BTSNOOP_NEW_INDEX_LEN))

#define NOTE_MAX 512

static uint16_t index_of(enum ag_side side)
{
	return side == AG_SIDE_CONTROLLER ? 0 : 1;
}

static uint64_t now_btsnoop_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return AG_BTSNOOP_EPOCH_US + (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- Records ---- */

/* Put a record of two parts for which there is room. */
static void put(struct ag_recorder *recorder, uint32_t flags, const void *head, size_t head_len,
		const void *data, size_t len)
{
	struct ag_btsnoop_record record = {
		.original_len = (uint32_t)(head_len + len),
		.included_len = (uint32_t)(head_len + len),
		.flags = flags,
		.drops = (uint32_t)recorder->lost,
		.time_us = now_btsnoop_us(),
	};
	uint8_t header[AG_BTSNOOP_RECORD_LEN];

	ag_btsnoop_put_record(&record, header);
	ag_record_file_put(recorder->file, header, sizeof(header));
	ag_record_file_put(recorder->file, head, head_len);
	ag_record_file_put(recorder->file, data, len);
	recorder->size += sizeof(header) + head_len + len;
}

static uint32_t flags_of(enum ag_side side, enum ag_monitor_opcode opcode)
{
	return (uint32_t)index_of(side) << 16 | opcode;
}

static void put_note(struct ag_recorder *recorder, enum ag_side side, uint8_t priority,
		     const char *text)
{
	static const char ident[] = "attgate";
	uint8_t head[2 + sizeof(ident)];

	head[0] = priority;
	head[1] = sizeof(ident);
	memcpy(head + 2, ident, sizeof(ident));
	put(recorder, flags_of(side, AG_MONITOR_USER_LOGGING), head, sizeof(head), text,
	    strlen(text) + 1);
}

static void put_index(struct ag_recorder *recorder, enum ag_side side)
{
	const struct ag_recorder_side *at = &recorder->side[side];
	uint8_t data[AG_BTSNOOP_NEW_INDEX_LEN];

	if (!at->there)
		return;
	ag_btsnoop_put_new_index(at->bdaddr, at->name, data);
	put(recorder, flags_of(side, AG_MONITOR_NEW_INDEX), NULL, 0, data, sizeof(data));
	put(recorder, flags_of(side, AG_MONITOR_OPEN_INDEX), NULL, 0, NULL, 0);
}

/* Of Index Information only the address is known. */
static void put_info(struct ag_recorder *recorder, enum ag_side side)
{
	uint8_t data[AG_BTSNOOP_NEW_INDEX_LEN];
	static const uint8_t no_manufacturer[] = { 0xff, 0xff };

	ag_btsnoop_put_new_index(recorder->side[side].bdaddr, recorder->side[side].name, data);
	put(recorder, flags_of(side, AG_MONITOR_INDEX_INFO), data + 2, 6, no_manufacturer,
	    sizeof(no_manufacturer));
}

static void put_preamble(struct ag_recorder *recorder)
{
	uint8_t header[AG_BTSNOOP_FILE_LEN];

	ag_btsnoop_put_file(AG_BTSNOOP_MONITOR, header);
	ag_record_file_put(recorder->file, header, sizeof(header));
	recorder->size = sizeof(header);
	put_index(recorder, AG_SIDE_CONTROLLER);
	put_index(recorder, AG_SIDE_HOST);
}

static void tell_lost(struct ag_recorder *recorder)
{
	char text[NOTE_MAX];

	snprintf(text, sizeof(text), "%" PRIu64 " records are missing here: the disk was too slow",
		 recorder->lost - recorder->lost_told);
	recorder->lost_told = recorder->lost;
	put_note(recorder, AG_SIDE_CONTROLLER, AG_LOG_WARNING, text);
}

/* Make ready for a record of `len` octets, in this file or the next; end() is to follow.
 * @return: whether there is room */
static bool begin(struct ag_recorder *recorder, size_t len)
{
	size_t whole = AG_BTSNOOP_RECORD_LEN + len;
	size_t most = whole + PREAMBLE_MAX + AG_BTSNOOP_RECORD_LEN + NOTE_MAX;

	if (!ag_record_file_begin(recorder->file, most)) {
		recorder->lost += ag_recorder_runs(recorder);
		return false;
	}
	if (recorder->size_max > 0 && recorder->size + whole > recorder->size_max &&
	    ag_record_file_next(recorder->file))
		put_preamble(recorder);
	if (recorder->lost > recorder->lost_told)
		tell_lost(recorder);
	return true;
}

static void end(struct ag_recorder *recorder)
{
	ag_record_file_commit(recorder->file);
}

/* ---- Start, stop, rotate ---- */

int ag_recorder_start(struct ag_recorder *recorder, const struct ag_record_config *config)
{
	char name[256];
	int r;

	if (ag_recorder_runs(recorder))
		return AG_RECORD_BUSY;
	r = ag_record_file_open(config->path, config->size_max > 0, config->count_max,
				&recorder->file);
	if (r != 0)
		return r;
	recorder->wants_all = true;
	recorder->size_max = config->size_max;
	recorder->packets = 0;
	recorder->decisions = 0;
	recorder->lost = 0;
	recorder->lost_told = 0;
	/* a new buffer has room for it */
	if (ag_record_file_begin(recorder->file, PREAMBLE_MAX)) {
		put_preamble(recorder);
		end(recorder);
	}
	ag_record_file_name(recorder->file, name, sizeof(name));
	ag_log(AG_LOG_NOTICE, "recording to %s", name);
	return 0;
}

/* What a recording came to, in its own last line of the log. */
static void finish(struct ag_recorder *recorder, unsigned int wait_ms)
{
	int error = ag_record_file_error(recorder->file);
	char name[256];

	ag_record_file_name(recorder->file, name, sizeof(name));
	if (!ag_record_file_close(recorder->file, wait_ms) && error == 0 && wait_ms > 0)
		ag_log(AG_LOG_WARNING, "%s: not everything has been written yet", name);
	recorder->file = NULL;
	recorder->wants_all = false;
	ag_log(AG_LOG_NOTICE,
	       "recorded %" PRIu64 " packets and %" PRIu64 " decisions, the last to %s%s",
	       recorder->packets, recorder->decisions, name, error ? ", not all of them" : "");
	if (recorder->lost > 0 && error == 0)
		ag_log(AG_LOG_WARNING, "%" PRIu64 " records are missing: the disk was too slow",
		       recorder->lost);
}

int ag_recorder_stop(struct ag_recorder *recorder, unsigned int wait_ms)
{
	if (!ag_recorder_runs(recorder))
		return AG_RECORD_IDLE;
	finish(recorder, wait_ms);
	return 0;
}

int ag_recorder_rotate(struct ag_recorder *recorder)
{
	bool next;

	if (!ag_recorder_runs(recorder))
		return AG_RECORD_IDLE;
	if (!ag_record_file_begin(recorder->file, PREAMBLE_MAX))
		return AG_RECORD_NO_SERIES;
	next = ag_record_file_next(recorder->file);
	if (next)
		put_preamble(recorder);
	end(recorder);
	return next ? 0 : AG_RECORD_NO_SERIES;
}

void ag_recorder_name(struct ag_recorder *recorder, char *out, size_t size)
{
	out[0] = '\0';
	if (ag_recorder_runs(recorder))
		ag_record_file_name(recorder->file, out, size);
}

bool ag_recorder_runs(struct ag_recorder *recorder)
{
	if (recorder->file && ag_record_file_error(recorder->file) != 0)
		finish(recorder, 0);
	return recorder->file != NULL;
}

/* ---- What happens ---- */

static void set_name(struct ag_recorder_side *at, enum ag_side side, const char *label)
{
	const char *name = side == AG_SIDE_HOST ? "host" : "ctrl";
	size_t len = strlen(name);

	if (strncmp(label, "hci", 3) == 0) {
		name = label;
		len = strcspn(label, " ");
	}
	memset(at->name, 0, sizeof(at->name));
	memcpy(at->name, name, len < sizeof(at->name) ? len : sizeof(at->name));
}

void ag_recorder_opened(struct ag_recorder *recorder, enum ag_side side, const char *label,
			uint64_t bdaddr)
{
	struct ag_recorder_side *at = &recorder->side[side];

	at->there = true;
	at->bdaddr = bdaddr;
	set_name(at, side, label);
	if (!ag_recorder_runs(recorder) || !begin(recorder, AG_BTSNOOP_NEW_INDEX_LEN))
		return;
	put_index(recorder, side);
	end(recorder);
}

void ag_recorder_closed(struct ag_recorder *recorder)
{
	static const enum ag_side order[] = { AG_SIDE_HOST, AG_SIDE_CONTROLLER };

	for (size_t i = 0; i < ag_array_size(order); i++) {
		struct ag_recorder_side *at = &recorder->side[order[i]];

		if (at->there && ag_recorder_runs(recorder) &&
		    begin(recorder, AG_BTSNOOP_NEW_INDEX_LEN)) {
			put(recorder, flags_of(order[i], AG_MONITOR_CLOSE_INDEX), NULL, 0, NULL, 0);
			put(recorder, flags_of(order[i], AG_MONITOR_DEL_INDEX), NULL, 0, NULL, 0);
			end(recorder);
		}
		at->there = false;
	}
}

/* A Command Complete of Read BD_ADDR (Vol 4 Part E, 7.4.6): event code, length, credits, opcode,
 * status, address. */
static void __attribute__((noinline))
learn_address(struct ag_recorder *recorder, enum ag_side side, const uint8_t *packet, size_t len)
{
	struct ag_recorder_side *at = &recorder->side[side];
	struct ag_cursor cursor = ag_cursor(packet, len);
	uint64_t bdaddr;

	if (len < 13 || packet[1] != 0x0e || ag_get_le16(packet + 4) != 0x1009 || packet[6] != 0)
		return;
	ag_pull(&cursor, 7);
	bdaddr = ag_pull_bdaddr(&cursor);
	if (bdaddr == 0 || bdaddr == at->bdaddr)
		return;
	at->bdaddr = bdaddr;
	if (recorder->file && begin(recorder, 8)) {
		put_info(recorder, side);
		end(recorder);
	}
}

/* Out of line, as is the former: every packet comes by, and most of the time nothing is recorded.
 */
static void __attribute__((noinline)) record_packet(struct ag_recorder *recorder, enum ag_side side,
						    bool written, const uint8_t *packet, size_t len)
{
	bool from_host = (side == AG_SIDE_HOST) != written;
	uint32_t flags;

	if (!ag_btsnoop_packet_flags(AG_BTSNOOP_MONITOR, index_of(side), from_host, packet[0],
				     &flags) ||
	    !begin(recorder, len - 1))
		return;
	put(recorder, flags, NULL, 0, packet + 1, len - 1);
	end(recorder);
	recorder->packets++;
}

void ag_recorder_watch(void *user, enum ag_side side, bool written, const uint8_t *packet,
		       size_t len)
{
	struct ag_recorder *recorder = user;

	if (len == 0 || (!recorder->file && packet[0] != AG_H4_EVENT))
		return;
	if (recorder->file)
		record_packet(recorder, side, written, packet, len);
	if (packet[0] == AG_H4_EVENT)
		learn_address(recorder, side, packet, len);
}

void ag_recorder_tap(void *user, const struct ag_decision *decision)
{
	struct ag_recorder *recorder = user;
	enum ag_side side = decision->from == AG_FROM_HOST ? AG_SIDE_HOST : AG_SIDE_CONTROLLER;
	char text[NOTE_MAX];

	if (!recorder->file)
		return;
	ag_decision_note(decision, text, sizeof(text));
	if (!begin(recorder, 2 + sizeof("attgate") + strlen(text) + 1))
		return;
	put_note(recorder, side, ag_decision_priority(decision), text);
	recorder->decisions++;
	end(recorder);
}
