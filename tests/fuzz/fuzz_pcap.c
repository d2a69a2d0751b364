/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pcap or pcapng file. The oracle: reading comes to an end, no packet reaches over its block, and
 * what a packet is about leaves its octets where they are.
 *
 * aims at: proxy/wire/pcap.c
 */
#include <stdint.h>

#include "proxy/wire/pcap.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_packet(const struct ag_pcap_form *form, const struct ag_pcap_packet *packet,
			 const uint8_t *data, size_t size)
{
	struct ag_btsnoop_meaning meaning;
	size_t skip = 0;

	require(packet->len == 0 ||
		(packet->data >= data && packet->data + packet->len <= data + size));
	meaning = ag_pcap_classify(form->link, packet, &skip);
	require(skip <= packet->len);
	require(meaning.kind != AG_BTSNOOP_PACKET || !meaning.type_in_packet || skip < packet->len);
	require(form->per_second > 0);
	ag_pcap_time_us(form, packet->time);
}

static void read_pcap(const uint8_t *data, size_t size)
{
	struct ag_pcap_form form;
	size_t at = AG_PCAP_FILE_LEN;

	if (ag_pcap_get_file(data, size, &form) != 0)
		return;
	for (;;) {
		struct ag_pcap_packet packet = { 0 };

		if (ag_pcap_get_record(data + at, size - at, &form, &packet) != 0)
			return;
		at += AG_PCAP_RECORD_LEN;
		if (packet.len > size - at)
			return;
		packet.data = data + at;
		check_packet(&form, &packet, data, size);
		at += packet.len;
	}
}

static void read_pcapng(const uint8_t *data, size_t size)
{
	struct ag_pcap_form form = { .per_second = 1000000 };
	bool big = false;
	size_t at = 0;

	while (at < size) {
		const uint8_t *body = data + at + AG_PCAPNG_BLOCK_LEN;
		struct ag_pcap_packet packet;
		uint32_t type;
		uint32_t total;

		if (ag_pcapng_detect(data + at, size - at) && size - at > AG_PCAPNG_BLOCK_LEN)
			ag_pcapng_get_order(body, size - at - AG_PCAPNG_BLOCK_LEN, &big);
		if (ag_pcapng_get_block(data + at, size - at, big, &type, &total) != 0 ||
		    total > size - at)
			return;
		total -= AG_PCAPNG_BLOCK_LEN + 4;
		if (type == AG_PCAPNG_INTERFACE)
			ag_pcapng_get_interface(body, total, big, &form);
		if (ag_pcapng_get_packet(type, body, total, big, &packet) == 0)
			check_packet(&form, &packet, body, total);
		at += total + AG_PCAPNG_BLOCK_LEN + 4;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (ag_pcapng_detect(data, size))
		read_pcapng(data, size);
	else
		read_pcap(data, size);
	return 0;
}
