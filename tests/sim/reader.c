/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/reader.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "tests/sim/att.h"

enum { MTU = 23, VALUE = 512 };

void ag_sim_reader_begin(struct ag_sim_reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	reader->mtu = MTU;
}

/* ---- What was asked ---- */

static uint16_t question_number(const struct ag_sim_reader *reader, size_t at)
{
	return reader->question_len >= at + 2 ? ag_get_le16(reader->question + at) : 0;
}

/* Type asked for, where it is one of 16 bits. */
static uint16_t question_type(const struct ag_sim_reader *reader)
{
	return reader->question_len == 7 ? question_number(reader, 5) : 0;
}

static bool is_service(uint16_t type)
{
	return type == 0x2800 || type == 0x2801;
}

void ag_sim_reader_says(struct ag_sim_reader *reader, const uint8_t *pdu, size_t len)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(pdu[0]);

	if (kind == AG_SIM_ATT_INDICATION)
		reader->indicated = true;
	if (pdu[0] == 0x03)
		reader->mtu = ag_get_le16(pdu + 1);
	if (pdu[0] == 0x03 && reader->mtu > reader->peer_mtu)
		reader->mtu = reader->peer_mtu;
	if (reader->mtu < MTU)
		reader->mtu = MTU;
	if (kind != AG_SIM_ATT_REQUEST)
		return;
	reader->asked = true;
	reader->question_len = len < AG_SIM_QUESTION_MAX ? len : AG_SIM_QUESTION_MAX;
	memcpy(reader->question, pdu, reader->question_len);
}

/* ---- Answers ---- */

static bool has_right_length(const struct ag_sim_reader *reader, uint16_t type, size_t len)
{
	(void)reader;
	if (type == 0x2900)
		return len == 2;
	if (type == 0x2b2a)
		return len == 16;
	return type != 0x2b3a || len > 0;
}

/* Entries of `size` octets that begin with a handle, in `groups` with two. */
static const char *entries_fault(const struct ag_sim_reader *reader, struct ag_cursor list,
				 size_t size, bool groups)
{
	uint16_t type = question_type(reader);
	uint16_t last = question_number(reader, 1) - 1;

	if (list.left == 0)
		return "an empty list";
	while (list.left > 0) {
		struct ag_cursor entry = ag_cursor(ag_pull(&list, size), size);
		uint16_t from = list.failed ? 0 : ag_pull_le16(&entry);
		uint16_t to = list.failed || !groups ? from : ag_pull_le16(&entry);

		if (list.failed)
			return "an entry that is not whole";
		if (from <= last || from > question_number(reader, 3))
			return "a handle out of its order or its range";
		if (to < from)
			return "an end before its start";
		for (uint32_t at = from; type == 0x2801 && groups && at <= to; at++) {
			if (reader->primary[at])
				return "a service in a service";
		}
		last = groups && (is_service(type) || reader->question[0] == 0x10) ? to : from;
		if (last == 0xffff && list.left > 0)
			return "something behind the end";
	}
	return NULL;
}

static const char *by_type_fault(const struct ag_sim_reader *reader, struct ag_cursor list)
{
	uint16_t type = question_type(reader);
	uint8_t size = ag_pull_u8(&list);

	if (size < 2 || list.left % size != 0)
		return "entries that end bluetoothd: a division by their length";
	if ((type == 0x2802 && size != 6 && size != 8) ||
	    (type == 0x2803 && size != 7 && size != 21))
		return "a declaration that is none";
	if (!has_right_length(reader, type, size - 2u))
		return "a value that cannot be";
	return entries_fault(reader, list, size, false);
}

static const char *by_group_fault(const struct ag_sim_reader *reader, struct ag_cursor list)
{
	uint8_t size = ag_pull_u8(&list);

	if (size < 4 || (is_service(question_type(reader)) && size != 6 && size != 20))
		return "a service without a UUID";
	return entries_fault(reader, list, size, true);
}

static const char *information_fault(const struct ag_sim_reader *reader, struct ag_cursor list)
{
	uint8_t format = ag_pull_u8(&list);

	if (format != 1 && format != 2)
		return "a format that is none";
	return entries_fault(reader, list, format == 1 ? 4 : 18, false);
}

static const char *value_fault(const struct ag_sim_reader *reader, size_t len, size_t offset)
{
	if (len > 0 && offset + len > VALUE)
		return "a value of more than 512 octets";
	if (reader->question[0] == 0x0a && reader->extended[question_number(reader, 1)] && len != 2)
		return "Extended Properties that end bluetoothd";
	return NULL;
}

static const char *tuples_fault(struct ag_cursor list, bool handles, bool cut)
{
	while (list.left > 0) {
		if (handles)
			ag_pull_le16(&list);
		ag_pull(&list, ag_pull_le16(&list));
		if (list.failed)
			return cut ? NULL : "a tuple that is not whole";
	}
	return NULL;
}

static const char *answer_fault(const struct ag_sim_reader *reader, const uint8_t *pdu, size_t len)
{
	struct ag_cursor rest = ag_cursor(pdu + 1, len - 1);

	if (!reader->asked)
		return "an answer to nothing";
	if (pdu[0] == 0x01)
		return len != 5 || pdu[1] != reader->question[0] ? "an error of something else"
								 : NULL;
	if (pdu[0] != reader->question[0] + 1)
		return "an answer to something else";
	switch (pdu[0]) {
	case 0x03:
		return len != 3 || ag_get_le16(pdu + 1) < MTU ? "no MTU" : NULL;
	case 0x05:
		return len < 6 ? "too short" : information_fault(reader, rest);
	case 0x07:
		return len < 5 ? "too short" : entries_fault(reader, rest, 4, true);
	case 0x09:
		return len < 4 ? "too short" : by_type_fault(reader, rest);
	case 0x0b:
		return value_fault(reader, len - 1, 0);
	case 0x0d:
		return value_fault(reader, len - 1, question_number(reader, 3));
	case 0x11:
		return len < 6 ? "too short" : by_group_fault(reader, rest);
	case 0x13:
	case 0x19:
		return len != 1 ? "too long" : NULL;
	case 0x17:
		return len < 5 ? "too short" : NULL;
	case 0x21:
		return len < 3 ? "too short" : tuples_fault(rest, false, len == reader->mtu);
	default:
		return NULL;
	}
}

/* ---- What the peer asks and tells ---- */

static const char *range_fault(const uint8_t *pdu)
{
	uint16_t start = ag_get_le16(pdu + 1);

	return start == 0 || start > ag_get_le16(pdu + 3) ? "no range" : NULL;
}

static const char *asks_fault(const uint8_t *pdu, size_t len)
{
	static const char wrong[] = "a question of another length";

	switch (pdu[0]) {
	case 0x02:
		return len != 3 || ag_get_le16(pdu + 1) < MTU ? "no MTU" : NULL;
	case 0x04:
		return len != 5 ? wrong : range_fault(pdu);
	case 0x06:
		return len < 7 ? wrong : range_fault(pdu);
	case 0x08:
	case 0x10:
		return len != 7 && len != 21 ? wrong : range_fault(pdu);
	case 0x0a:
		return len != 3 ? wrong : NULL;
	case 0x0c:
		return len != 5 ? wrong : NULL;
	case 0x0e:
	case 0x20:
		return len < 5 || len % 2 == 0 ? wrong : NULL;
	case 0x12:
	case 0x52:
		return len < 3 ? wrong : NULL;
	case 0x16:
		return len < 5 ? wrong : NULL;
	case 0x18:
		return len != 2 ? wrong : NULL;
	case 0xd2:
		return len < 15 ? wrong : NULL;
	default: /* unknown */
		return NULL;
	}
}

static const char *tells_fault(const uint8_t *pdu, size_t len)
{
	if (pdu[0] == 0x23)
		return len < 9 ? "too short"
			       : tuples_fault(ag_cursor(pdu + 1, len - 1), true, false);
	if (len < 3)
		return "too short";
	return len - 3 > VALUE ? "a value of more than 512 octets" : NULL;
}

const char *ag_sim_reader_fault(const struct ag_sim_reader *reader, const uint8_t *pdu, size_t len)
{
	if (len > reader->mtu)
		return "longer than the MTU";
	switch (ag_sim_att_kind(pdu[0])) {
	case AG_SIM_ATT_RESPONSE:
		return answer_fault(reader, pdu, len);
	case AG_SIM_ATT_CONFIRMATION:
		return !reader->indicated || len != 1 ? "a confirmation of nothing" : NULL;
	case AG_SIM_ATT_REQUEST:
	case AG_SIM_ATT_COMMAND:
		return asks_fault(pdu, len);
	case AG_SIM_ATT_NOTIFICATION:
	case AG_SIM_ATT_INDICATION:
		return tells_fault(pdu, len);
	case AG_SIM_ATT_UNKNOWN:
		return NULL;
	}
	return NULL;
}

/* ---- Believing ---- */

static bool has_length(uint16_t type)
{
	return type == 0x2900 || type == 0x2a05 || type == 0x2b2a || type == 0x2b3a;
}

static void believe_information(struct ag_sim_reader *reader, const uint8_t *pdu, size_t len)
{
	static const uint8_t long_form[16] = "\xfb\x34\x9b\x5f\x80\x00\x00\x80"
					     "\x00\x10\x00\x00\x00\x29\x00";

	for (size_t at = 2; pdu[1] == 1 && at < len; at += 4) {
		uint16_t type = ag_get_le16(pdu + at + 2);

		reader->extended[ag_get_le16(pdu + at)] = type == 0x2900;
		reader->typed = reader->typed || has_length(type);
	}
	for (size_t at = 2; pdu[1] == 2 && at < len; at += 18) {
		reader->extended[ag_get_le16(pdu + at)] = !memcmp(pdu + at + 2, long_form, 16);
		reader->typed = true;
	}
}

static void believe_services(struct ag_sim_reader *reader, const uint8_t *pdu, size_t len)
{
	uint16_t start = question_number(reader, 1);

	if (question_type(reader) != 0x2800)
		return;
	for (size_t handle = 1; handle <= 0xffff; handle++) {
		if (reader->primary[handle] >= start)
			reader->primary[handle] = 0;
	}
	for (size_t at = 2; pdu[0] == 0x11 && at < len; at += pdu[1]) {
		for (uint32_t handle = ag_get_le16(pdu + at); handle <= ag_get_le16(pdu + at + 2);
		     handle++)
			reader->primary[handle] = ag_get_le16(pdu + at);
	}
}

static void believe_by_type(struct ag_sim_reader *reader, const uint8_t *pdu, size_t len)
{
	uint16_t type = question_type(reader);

	reader->typed = reader->typed || has_length(type);
	if (type != 0x2803)
		return;
	for (uint32_t at = question_number(reader, 1); at <= question_number(reader, 3); at++)
		reader->extended[at] = false;
	for (size_t at = 2; pdu[1] == 7 && at < len; at += 7)
		reader->typed = reader->typed || has_length(ag_get_le16(pdu + at + 5));
	reader->typed = reader->typed || pdu[1] != 7;
}

void ag_sim_reader_hears(struct ag_sim_reader *reader, const uint8_t *pdu, size_t len)
{
	enum ag_sim_att_kind kind = ag_sim_att_kind(pdu[0]);

	if (pdu[0] == 0x02)
		reader->peer_mtu = ag_get_le16(pdu + 1);
	if (kind == AG_SIM_ATT_CONFIRMATION)
		reader->indicated = false;
	if (kind != AG_SIM_ATT_RESPONSE)
		return;
	reader->asked = false;
	if (pdu[0] == 0x03) {
		reader->mtu = question_number(reader, 1);
		if (reader->mtu > ag_get_le16(pdu + 1))
			reader->mtu = ag_get_le16(pdu + 1);
		if (reader->mtu < MTU)
			reader->mtu = MTU;
	}
	if (pdu[0] == 0x05)
		believe_information(reader, pdu, len);
	if (pdu[0] == 0x09)
		believe_by_type(reader, pdu, len);
	if (reader->question[0] == 0x10)
		believe_services(reader, pdu, len);
}
