/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/btsnoop.h"
#include "proxy/wire/h4.h"

TestSuite(wire_btsnoop, .timeout = 20);

Test(wire_btsnoop, file_header_round_trip)
{
	static const enum ag_btsnoop_link links[] = { AG_BTSNOOP_HCI, AG_BTSNOOP_H4,
						      AG_BTSNOOP_MONITOR };

	for (size_t i = 0; i < 3; i++) {
		uint8_t octets[AG_BTSNOOP_FILE_LEN];
		uint32_t link = 0;

		ag_btsnoop_put_file(links[i], octets);
		cr_assert_eq(ag_btsnoop_get_file(octets, sizeof(octets), &link), 0);
		cr_assert_eq(link, links[i]);
	}
}

Test(wire_btsnoop, file_header_says_what_is_wrong)
{
	uint8_t octets[AG_BTSNOOP_FILE_LEN];
	uint32_t link = 7;

	ag_btsnoop_put_file(AG_BTSNOOP_H4, octets);
	for (size_t len = 0; len < sizeof(octets); len++)
		cr_assert_eq(ag_btsnoop_get_file(octets, len, &link), AG_BTSNOOP_SHORT);
	octets[11] = 2;
	cr_assert_eq(ag_btsnoop_get_file(octets, sizeof(octets), &link), AG_BTSNOOP_VERSION);
	octets[11] = 1;
	cr_assert_eq(link, 7);
	octets[15]++;
	cr_assert_eq(ag_btsnoop_get_file(octets, sizeof(octets), &link), AG_BTSNOOP_DATALINK);
	cr_assert_eq(link, 1003);
	octets[0] = 'B';
	cr_assert_eq(ag_btsnoop_get_file(octets, sizeof(octets), &link), AG_BTSNOOP_MAGIC);
	/* what cannot become a btsnoop file any more need not be complete to be refused */
	cr_assert_eq(ag_btsnoop_get_file(octets, 8, &link), AG_BTSNOOP_MAGIC);
}

Test(wire_btsnoop, record_header_layout)
{
	static const uint8_t octets[AG_BTSNOOP_RECORD_LEN] = {
		0x00, 0x00, 0x00, 0x21, 0x00, 0x00, 0x00, 0x20, 0x00, 0x01, 0x00, 0x05,
		0x00, 0x00, 0x00, 0x02, 0x00, 0xe2, 0x9b, 0x81, 0x9e, 0x91, 0x09, 0x80,
	};
	struct ag_btsnoop_record record;
	uint8_t again[AG_BTSNOOP_RECORD_LEN];

	cr_assert_eq(ag_btsnoop_get_record(octets, sizeof(octets), &record), 0);
	cr_assert_eq(record.original_len, 0x21);
	cr_assert_eq(record.included_len, 0x20);
	cr_assert_eq(record.flags, 0x00010005);
	cr_assert_eq(record.drops, 2);
	cr_assert_eq(record.time_us, UINT64_C(0x00e29b819e910980));
	ag_btsnoop_put_record(&record, again);
	cr_assert_arr_eq(octets, again, sizeof(octets));
}

Test(wire_btsnoop, record_header_refuses_impossible_lengths)
{
	uint8_t octets[AG_BTSNOOP_RECORD_LEN];
	struct ag_btsnoop_record record = { .original_len = 4, .included_len = 5 };
	struct ag_btsnoop_record out;

	ag_btsnoop_put_record(&record, octets);
	cr_assert_eq(ag_btsnoop_get_record(octets, sizeof(octets), &out), AG_BTSNOOP_LENGTH);
	record.original_len = record.included_len = AG_BTSNOOP_MAX + 1;
	ag_btsnoop_put_record(&record, octets);
	cr_assert_eq(ag_btsnoop_get_record(octets, sizeof(octets), &out), AG_BTSNOOP_LENGTH);
	record.original_len = record.included_len = AG_BTSNOOP_MAX;
	ag_btsnoop_put_record(&record, octets);
	cr_assert_eq(ag_btsnoop_get_record(octets, sizeof(octets), &out), 0);
	for (size_t len = 0; len < sizeof(octets); len++)
		cr_assert_eq(ag_btsnoop_get_record(octets, len, &out), AG_BTSNOOP_SHORT);
}

struct monitor_case {
	uint16_t opcode;
	enum ag_btsnoop_kind kind;
	bool from_host;
	uint8_t h4_type;
};

Test(wire_btsnoop, monitor_opcodes)
{
	static const struct monitor_case cases[] = {
		{ 0, AG_BTSNOOP_NEW_INDEX, false, 0 },
		{ 1, AG_BTSNOOP_DEL_INDEX, false, 0 },
		{ 2, AG_BTSNOOP_PACKET, true, AG_H4_COMMAND },
		{ 3, AG_BTSNOOP_PACKET, false, AG_H4_EVENT },
		{ 4, AG_BTSNOOP_PACKET, true, AG_H4_ACL },
		{ 5, AG_BTSNOOP_PACKET, false, AG_H4_ACL },
		{ 6, AG_BTSNOOP_PACKET, true, AG_H4_SCO },
		{ 7, AG_BTSNOOP_PACKET, false, AG_H4_SCO },
		{ 8, AG_BTSNOOP_OPEN, false, 0 },
		{ 9, AG_BTSNOOP_CLOSE, false, 0 },
		{ 10, AG_BTSNOOP_OTHER, false, 0 },
		{ 12, AG_BTSNOOP_NOTE, false, 0 },
		{ 13, AG_BTSNOOP_NOTE, false, 0 },
		{ 16, AG_BTSNOOP_OTHER, false, 0 },
		{ 18, AG_BTSNOOP_PACKET, true, AG_H4_ISO },
		{ 19, AG_BTSNOOP_PACKET, false, AG_H4_ISO },
		{ 0x1234, AG_BTSNOOP_OTHER, false, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ag_btsnoop_record record = { .flags = 3u << 16 | cases[i].opcode };
		struct ag_btsnoop_meaning meaning = ag_btsnoop_classify(AG_BTSNOOP_MONITOR, &record,
									0xff);
		uint32_t flags = 0;

		cr_assert_eq(meaning.kind, cases[i].kind, "opcode %u", cases[i].opcode);
		cr_assert_eq(meaning.index, 3);
		cr_assert_not(meaning.type_in_packet);
		if (meaning.kind != AG_BTSNOOP_PACKET)
			continue;
		cr_assert_eq(meaning.from_host, cases[i].from_host);
		cr_assert_eq(meaning.h4_type, cases[i].h4_type);
		cr_assert(ag_btsnoop_packet_flags(AG_BTSNOOP_MONITOR, 3, meaning.from_host,
						  meaning.h4_type, &flags));
		cr_assert_eq(flags, record.flags);
	}
}

Test(wire_btsnoop, monitor_has_no_place_for_unknown_types)
{
	uint32_t flags = 5;

	cr_assert_not(ag_btsnoop_packet_flags(AG_BTSNOOP_MONITOR, 0, true, 0x77, &flags));
	cr_assert_not(ag_btsnoop_packet_flags(AG_BTSNOOP_MONITOR, 0, true, AG_H4_EVENT, &flags));
	cr_assert_eq(flags, 5);
}

Test(wire_btsnoop, h4_and_unencapsulated)
{
	static const uint8_t types[] = { AG_H4_COMMAND, AG_H4_ACL, AG_H4_EVENT };

	for (size_t i = 0; i < sizeof(types); i++) {
		bool from_host = types[i] != AG_H4_EVENT;
		struct ag_btsnoop_record record = { 0 };
		struct ag_btsnoop_meaning meaning;

		cr_assert(
		    ag_btsnoop_packet_flags(AG_BTSNOOP_H4, 0, from_host, types[i], &record.flags));
		meaning = ag_btsnoop_classify(AG_BTSNOOP_H4, &record, types[i]);
		cr_assert_eq(meaning.h4_type, types[i]);
		cr_assert_eq(meaning.from_host, from_host);
		cr_assert(meaning.type_in_packet);
		cr_assert_eq(meaning.index, AG_BTSNOOP_NO_INDEX);

		meaning = ag_btsnoop_classify(AG_BTSNOOP_HCI, &record, 0x99);
		cr_assert_eq(meaning.h4_type, types[i]);
		cr_assert_eq(meaning.from_host, from_host);
		cr_assert_not(meaning.type_in_packet);
	}
}
