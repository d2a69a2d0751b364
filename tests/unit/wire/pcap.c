/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcap, pcapng and PacketLogger: headers in both orders of octets, and what is wrong with them. */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/wire/pcap.h"
#include "proxy/wire/pklg.h"

TestSuite(wire_pcap, .timeout = 10);

Test(wire_pcap, file_headers)
{
	static const struct {
		uint8_t magic[4];
		bool big;
		uint64_t per_second;
	} cases[] = {
		{ { 0xd4, 0xc3, 0xb2, 0xa1 }, false, 1000000 },
		{ { 0xa1, 0xb2, 0xc3, 0xd4 }, true, 1000000 },
		{ { 0x4d, 0x3c, 0xb2, 0xa1 }, false, 1000000000 },
		{ { 0xa1, 0xb2, 0x3c, 0x4d }, true, 1000000000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t header[AG_PCAP_FILE_LEN] = { 0 };
		struct ag_pcap_form form = { 0 };

		memcpy(header, cases[i].magic, 4);
		header[cases[i].big ? 23 : 20] = 201;
		cr_expect(ag_pcap_detect(header, 4));
		cr_expect_eq(ag_pcap_get_file(header, sizeof(header), &form), 0);
		cr_expect_eq(form.big, cases[i].big);
		cr_expect_eq(form.per_second, cases[i].per_second);
		cr_expect_eq(form.link, AG_PCAP_H4_PHDR);
		for (size_t len = 0; len < sizeof(header); len++)
			cr_expect_eq(ag_pcap_get_file(header, len, &form), AG_BTSNOOP_SHORT);
		header[1] ^= 1;
		cr_expect_not(ag_pcap_detect(header, sizeof(header)));
		cr_expect_eq(ag_pcap_get_file(header, sizeof(header), &form), AG_BTSNOOP_MAGIC);
	}
}

Test(wire_pcap, records)
{
	struct ag_pcap_form form = { .per_second = 1000000 };
	uint8_t header[AG_PCAP_RECORD_LEN] = { 2, 0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 9 };
	struct ag_pcap_packet packet = { 0 };

	cr_expect_eq(ag_pcap_get_record(header, sizeof(header), &form, &packet), 0);
	cr_expect_eq(packet.time, 2000005);
	cr_expect_eq(packet.len, 7);
	cr_expect_eq(packet.cut, 2);
	for (size_t cut = 0; cut < sizeof(header); cut++)
		cr_expect_eq(ag_pcap_get_record(header, cut, &form, &packet), AG_BTSNOOP_SHORT);
	header[11] = 1;
	cr_expect_eq(ag_pcap_get_record(header, sizeof(header), &form, &packet), AG_BTSNOOP_LENGTH);
}

/* Units of time stamps; the numbers do not run over. */
Test(wire_pcap, times)
{
	static const struct {
		uint8_t resolution;
		uint64_t time;
		uint64_t us;
	} cases[] = {
		{ 0, 3, 3000000 },
		{ 3, 1500, 1500000 },
		{ 6, 7, 7 },
		{ 9, 1999999999, 1999999 },
		{ 15, UINT64_C(1500000000000000), 1500000 },
		{ 0x80 | 10, 1536, 1500000 },
		{ 0x80 | 50, UINT64_C(3) << 49, 1500000 },
		{ 0xff, UINT64_C(3) << 49, 1500000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t body[] = { 201, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, cases[i].resolution,
				   0,   0, 0, 0, 0, 0, 0 };
		struct ag_pcap_form form;
		uint64_t us;

		cr_assert_eq(ag_pcapng_get_interface(body, sizeof(body), false, &form), 0);
		us = ag_pcap_time_us(&form, cases[i].time);
		cr_expect(us <= cases[i].us && us + 2 >= cases[i].us, "%zu: %lu", i, us);
	}
}

Test(wire_pcap, blocks)
{
	uint8_t block[] = { 6, 0, 0, 0, 32, 0, 0, 0 };
	uint32_t type;
	uint32_t total;

	cr_expect_eq(ag_pcapng_get_block(block, 8, false, &type, &total), 0);
	cr_expect_eq(type, AG_PCAPNG_ENHANCED);
	cr_expect_eq(total, 32);
	cr_expect_eq(ag_pcapng_get_block(block, 7, false, &type, &total), AG_BTSNOOP_SHORT);
	block[4] = 8;
	cr_expect_eq(ag_pcapng_get_block(block, 8, false, &type, &total), AG_BTSNOOP_LENGTH);
	block[4] = 33;
	cr_expect_eq(ag_pcapng_get_block(block, 8, false, &type, &total), AG_BTSNOOP_LENGTH);
}

Test(wire_pcap, packets)
{
	/* interface 1, time, 3 octets, padded, flags: outbound */
	uint8_t body[] = { 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3, 0,
			   0, 0, 2, 7, 8, 0, 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0 };
	struct ag_pcap_packet packet;

	cr_expect_eq(ag_pcapng_get_packet(AG_PCAPNG_ENHANCED, body, sizeof(body), false, &packet),
		     0);
	cr_expect_eq(packet.interface, 1);
	cr_expect_eq(packet.time, (UINT64_C(1) << 32) + 2);
	cr_expect_eq(packet.len, 3);
	cr_expect_eq(packet.data, body + 20);
	cr_expect(packet.has_direction && packet.outbound);
	for (size_t len = 0; len < 20; len++)
		cr_expect_eq(ag_pcapng_get_packet(AG_PCAPNG_ENHANCED, body, len, false, &packet),
			     AG_BTSNOOP_SHORT);
	for (size_t len = 20; len < 23; len++)
		cr_expect_eq(ag_pcapng_get_packet(AG_PCAPNG_ENHANCED, body, len, false, &packet),
			     AG_BTSNOOP_LENGTH);
	cr_expect_eq(ag_pcapng_get_packet(AG_PCAPNG_SIMPLE, body + 12, 8, false, &packet), 0);
	cr_expect_eq(packet.len, 3);
	cr_expect_eq(ag_pcapng_get_packet(5, body, sizeof(body), false, &packet),
		     AG_BTSNOOP_DATALINK);
	/* the block of old has an interface of 16 bits, and drops behind it */
	body[2] = 9;
	body[32] = 1; /* inbound */
	body[28] = 2;
	cr_expect_eq(ag_pcapng_get_packet(AG_PCAPNG_PACKET, body, sizeof(body), false, &packet), 0);
	cr_expect_eq(packet.interface, 1);
	cr_expect_eq(packet.time, (UINT64_C(1) << 32) + 2);
	cr_expect_eq(packet.len, 3);
	body[28] = 1;
	cr_expect_eq(ag_pcapng_get_packet(AG_PCAPNG_PACKET, body, sizeof(body), false, &packet), 0);
	cr_expect(packet.has_direction && !packet.outbound);
	body[28] = 3;
	cr_expect_eq(ag_pcapng_get_packet(AG_PCAPNG_PACKET, body, sizeof(body), false, &packet), 0);
	cr_expect_not(packet.has_direction);
}

Test(wire_pcap, sections_and_interfaces_that_are_cut)
{
	static const uint8_t order[] = { 0x4d, 0x3c, 0x2b, 0x1a };
	static const uint8_t form[] = { 201, 0, 0, 0, 0, 0, 1, 0 };
	struct ag_pcap_form found = { .link = 7 };
	bool big = true;

	for (size_t len = 0; len < sizeof(order); len++)
		cr_expect_eq(ag_pcapng_get_order(order, len, &big), AG_BTSNOOP_SHORT);
	cr_expect(big);
	cr_expect_eq(ag_pcapng_get_order(order, sizeof(order), &big), 0);
	cr_expect_not(big);
	for (size_t len = 0; len < sizeof(form); len++)
		cr_expect_eq(ag_pcapng_get_interface(form, len, false, &found), AG_BTSNOOP_SHORT);
	cr_expect_eq(found.link, 7);
	cr_expect_eq(ag_pcapng_get_interface(form, sizeof(form), false, &found), 0);
	cr_expect_eq(found.link, 201);
}

Test(wire_pcap, what_packets_are)
{
	static const uint8_t sent[] = { 2, 0x40, 0x00, 0, 0 };
	static const uint8_t received[] = { 2, 0x40, 0x20, 0, 0 };
	static const uint8_t event[] = { 0, 0, 0, 1, 4, 0x13, 0 };
	static const uint8_t monitor[] = { 0, 3, 0, 4, 0x40, 0, 0, 0 };
	struct ag_pcap_packet packet = { .data = sent, .len = sizeof(sent) };
	struct ag_btsnoop_meaning meaning;
	size_t skip;

	cr_expect(ag_pcap_classify(AG_PCAP_H4, &packet, &skip).from_host);
	cr_expect_eq(skip, 0);
	packet.data = received;
	cr_expect_not(ag_pcap_classify(AG_PCAP_H4, &packet, &skip).from_host);
	packet.has_direction = packet.outbound = true;
	cr_expect(ag_pcap_classify(AG_PCAP_H4, &packet, &skip).from_host);
	packet = (struct ag_pcap_packet){ .data = event, .len = sizeof(event) };
	meaning = ag_pcap_classify(AG_PCAP_H4_PHDR, &packet, &skip);
	cr_expect(meaning.kind == AG_BTSNOOP_PACKET && !meaning.from_host && skip == 4);
	packet.len = 4;
	cr_expect_eq(ag_pcap_classify(AG_PCAP_H4_PHDR, &packet, &skip).kind, AG_BTSNOOP_OTHER);
	packet = (struct ag_pcap_packet){ .data = monitor, .len = sizeof(monitor) };
	meaning = ag_pcap_classify(AG_PCAP_MONITOR, &packet, &skip);
	cr_expect(meaning.index == 3 && meaning.from_host && meaning.h4_type == 2 && skip == 4);
	cr_expect_eq(ag_pcap_classify(1, &packet, &skip).kind, AG_BTSNOOP_OTHER);
}

Test(wire_pcap, packet_logger)
{
	uint8_t record[] = { 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0x03, 0x40, 0x20, 0 };
	struct ag_pklg_record found;
	bool little = true;

	cr_expect(ag_pklg_detect(record, sizeof(record), &little));
	cr_expect_not(little);
	cr_expect_eq(ag_pklg_get_record(record, sizeof(record), little, &found), 0);
	cr_expect(found.len == 3 && found.seconds == 1 && found.microseconds == 2);
	cr_expect_eq(ag_pklg_classify(found.type).h4_type, 2);
	cr_expect_not(ag_pklg_classify(found.type).from_host);
	cr_expect_eq(ag_pklg_classify(0x55).kind, AG_BTSNOOP_OTHER);
	for (size_t len = 0; len < AG_PKLG_RECORD_LEN; len++)
		cr_expect_eq(ag_pklg_get_record(record, len, false, &found), AG_BTSNOOP_SHORT);
	record[3] = 8;
	cr_expect_eq(ag_pklg_get_record(record, sizeof(record), false, &found), AG_BTSNOOP_LENGTH);
	cr_expect_not(ag_pklg_detect(record, sizeof(record), &little));
	record[3] = 0;
	record[0] = 12;
	memcpy(record + 4, "\1\0\0\0\2\0\0\0", 8);
	cr_expect(ag_pklg_detect(record, sizeof(record), &little));
	cr_expect(little);
	record[12] = 0x55;
	cr_expect_not(ag_pklg_detect(record, sizeof(record), &little));
}
