/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PacketLogger, pcap and pcapng files as frames in btsnoop's terms. */
#include "proxy/io/capture_internal.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/pklg.h"

/* What follows a record's header must be there. */
static int body_octets(struct ag_capture *capture, uint8_t *out, size_t len)
{
	int result = ag_capture_octets(capture, out, len);

	return result == AG_CAPTURE_END ? AG_CAPTURE_TRUNCATED : result;
}

static void set_head(struct ag_capture *capture, struct ag_capture_frame *frame, size_t len,
		     uint64_t time_us)
{
	frame->head = (struct ag_btsnoop_record){
		.original_len = (uint32_t)len,
		.included_len = (uint32_t)len,
		.time_us = CAPTURE_EPOCH_US + time_us,
	};
	if (frame->meaning.kind == AG_BTSNOOP_PACKET)
		ag_btsnoop_packet_flags(capture->link, frame->meaning.index,
					frame->meaning.from_host, frame->meaning.h4_type,
					&frame->head.flags);
}

/* ---- PacketLogger ---- */

static bool is_pklg(const uint8_t *data, size_t len, struct ag_capture *capture)
{
	return ag_pklg_detect(data, len, &capture->little);
}

static int begin_pklg(struct ag_capture *capture)
{
	capture->link = AG_BTSNOOP_H4;
	return 0;
}

static int next_pklg(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	uint8_t header[AG_PKLG_RECORD_LEN];
	struct ag_pklg_record record;
	int result = ag_capture_octets(capture, header, sizeof(header));

	if (result != 0)
		return result;
	if (ag_pklg_get_record(header, sizeof(header), capture->little, &record) != 0)
		return AG_CAPTURE_CORRUPT;
	result = body_octets(capture, capture->buffer + 1, record.len);
	if (result != 0)
		return result;
	capture->offset += sizeof(header) + record.len;
	frame->meaning = ag_pklg_classify(record.type);
	ag_capture_place(capture, frame, capture->buffer + 1, record.len);
	set_head(capture, frame, frame->len,
		 (uint64_t)record.seconds * 1000000 + record.microseconds);
	return 0;
}

const struct capture_format ag_capture_pklg = { is_pklg, begin_pklg, next_pklg };

/* ---- Packets of pcap and pcapng ---- */

static bool is_bluetooth(uint32_t link)
{
	return link == AG_PCAP_H4 || link == AG_PCAP_H4_PHDR || link == AG_PCAP_MONITOR;
}

static int use_link(struct ag_capture *capture, uint32_t link)
{
	if (!is_bluetooth(link))
		return ag_capture_refuse(
		    capture,
		    "a capture of link type %u; known are 187 and 201 (H4) and "
		    "254 (Linux monitor)",
		    link);
	capture->link = link == AG_PCAP_MONITOR ? AG_BTSNOOP_MONITOR : AG_BTSNOOP_H4;
	return 0;
}

/* A continuation goes where its start went (Vol 4 Part E, 5.4.2). */
static void follow_start(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	struct ag_acl acl;
	uint8_t bit;

	if (frame->meaning.h4_type != AG_H4_ACL || !ag_acl_parse(frame->data, frame->len, &acl) ||
	    acl.handle > AG_HCI_HANDLE_MAX)
		return;
	bit = (uint8_t)(1 << acl.handle % 8);
	if (acl.pb == AG_PB_CONTINUING)
		frame->meaning.from_host = capture->host_sent[acl.handle / 8] & bit;
	else if (frame->meaning.from_host)
		capture->host_sent[acl.handle / 8] |= bit;
	else
		capture->host_sent[acl.handle / 8] &= (uint8_t)~bit;
}

static void fill_packet(struct ag_capture *capture, struct ag_capture_frame *frame,
			const struct ag_pcap_form *form, const struct ag_pcap_packet *packet)
{
	size_t skip;
	/* All packets lie in capture->buffer, with at least an octet before them. */
	uint8_t *body = capture->buffer + (packet->data - capture->buffer);

	frame->meaning = ag_pcap_classify(form->link, packet, &skip);
	ag_capture_place(capture, frame, body + skip, packet->len - skip);
	if (form->link == AG_PCAP_H4 && !packet->has_direction)
		follow_start(capture, frame);
	set_head(capture, frame, frame->len, ag_pcap_time_us(form, packet->time));
	frame->head.original_len += (uint32_t)packet->cut;
	/* What is no packet is written as it was, if the file is of the same kind. */
	if (frame->meaning.kind != AG_BTSNOOP_PACKET && skip == 4)
		frame->head.flags = (uint32_t)packet->data[0] << 24 |
				    (uint32_t)packet->data[1] << 16 |
				    (uint32_t)packet->data[2] << 8 | packet->data[3];
}

/* ---- pcap ---- */

static bool is_pcap(const uint8_t *data, size_t len, struct ag_capture *capture)
{
	(void)capture;
	return ag_pcap_detect(data, len);
}

static int begin_pcap(struct ag_capture *capture)
{
	uint8_t header[AG_PCAP_FILE_LEN];
	int result = ag_capture_octets(capture, header, sizeof(header));

	if (result < 0)
		return result;
	if (result != 0 || ag_pcap_get_file(header, sizeof(header), &capture->form) != 0)
		return ag_capture_refuse(capture, "a pcap file that ends within its header");
	capture->offset = sizeof(header);
	return use_link(capture, capture->form.link);
}

static int next_pcap(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	uint8_t header[AG_PCAP_RECORD_LEN];
	struct ag_pcap_packet packet = { .data = capture->buffer + 1 };
	int result = ag_capture_octets(capture, header, sizeof(header));

	if (result != 0)
		return result;
	if (ag_pcap_get_record(header, sizeof(header), &capture->form, &packet) != 0)
		return AG_CAPTURE_CORRUPT;
	result = body_octets(capture, capture->buffer + 1, packet.len);
	if (result != 0)
		return result;
	capture->offset += sizeof(header) + packet.len;
	fill_packet(capture, frame, &capture->form, &packet);
	return 0;
}

const struct capture_format ag_capture_pcap = { is_pcap, begin_pcap, next_pcap };

/* ---- pcapng ---- */

static bool is_pcapng(const uint8_t *data, size_t len, struct ag_capture *capture)
{
	(void)capture;
	return ag_pcapng_detect(data, len);
}

static bool is_kept(uint32_t type)
{
	return type == AG_PCAPNG_INTERFACE || type == AG_PCAPNG_PACKET ||
	       type == AG_PCAPNG_SIMPLE || type == AG_PCAPNG_ENHANCED;
}

/* A section tells the order of octets, by which its own length is read. */
static int begin_section(struct ag_capture *capture, const uint8_t header[AG_PCAPNG_BLOCK_LEN],
			 uint32_t *left)
{
	uint8_t order[4];
	uint32_t type;
	uint32_t total;
	int result = body_octets(capture, order, sizeof(order));

	if (result != 0)
		return result;
	capture->n_interfaces = 0;
	if (ag_pcapng_get_order(order, sizeof(order), &capture->form.big) != 0 ||
	    ag_pcapng_get_block(header, AG_PCAPNG_BLOCK_LEN, capture->form.big, &type, &total) !=
		0 ||
	    total < AG_PCAPNG_BLOCK_LEN + sizeof(order))
		return AG_CAPTURE_CORRUPT;
	*left = total - AG_PCAPNG_BLOCK_LEN - (uint32_t)sizeof(order);
	return 0;
}

/* The next block: its body in the buffer where it is of use, else passed over.
 * @len: octets of the body, 0 where it is not kept */
static int next_block(struct ag_capture *capture, uint32_t *type, size_t *len)
{
	uint8_t header[AG_PCAPNG_BLOCK_LEN];
	uint32_t total = 0;
	int result = ag_capture_octets(capture, header, sizeof(header));

	*len = 0;
	if (result != 0)
		return result;
	if (ag_pcapng_detect(header, sizeof(header))) {
		*type = AG_PCAPNG_SECTION;
		result = begin_section(capture, header, &total);
		capture->offset += result == 0 ? sizeof(header) + 4 + total : 0;
		return result == 0 ? ag_capture_skip(capture, total) : result;
	}
	if (ag_pcapng_get_block(header, sizeof(header), capture->form.big, type, &total) != 0)
		return AG_CAPTURE_CORRUPT;
	capture->offset += total;
	total -= AG_PCAPNG_BLOCK_LEN;
	if (!is_kept(*type))
		return ag_capture_skip(capture, total);
	if (total > AG_BTSNOOP_MAX)
		return AG_CAPTURE_CORRUPT;
	*len = total - 4; /* the length again */
	return body_octets(capture, capture->buffer + 1, total);
}

static int add_interface(struct ag_capture *capture, size_t len)
{
	struct ag_pcap_form form;

	if (ag_pcapng_get_interface(capture->buffer + 1, len, capture->form.big, &form) != 0)
		return AG_CAPTURE_CORRUPT;
	if (capture->n_interfaces < CAPTURE_INTERFACES)
		capture->interfaces[capture->n_interfaces++] = form;
	return 0;
}

static int begin_pcapng(struct ag_capture *capture)
{
	uint32_t type;
	size_t len;
	int result;

	capture->n_interfaces = 0;
	do {
		result = next_block(capture, &type, &len);
		if (result == 0 && type == AG_PCAPNG_INTERFACE)
			result = add_interface(capture, len);
		if (result == 0 && type != AG_PCAPNG_INTERFACE && is_kept(type))
			result = AG_CAPTURE_CORRUPT;
	} while (result == 0 && capture->n_interfaces == 0);
	if (result < 0)
		return result;
	if (result != 0)
		return ag_capture_refuse(capture, "a pcapng file without an interface");
	return use_link(capture, capture->interfaces[0].link);
}

static int next_pcapng(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	static const struct ag_pcap_form unknown = { .per_second = 1000000 };
	struct ag_pcap_packet packet;
	uint32_t type;
	size_t len;
	int result;

	for (;;) {
		frame->offset = capture->offset;
		result = next_block(capture, &type, &len);
		if (result == 0 && type == AG_PCAPNG_INTERFACE)
			result = add_interface(capture, len);
		if (result != 0)
			return result;
		if (type == AG_PCAPNG_INTERFACE || !is_kept(type))
			continue;
		if (ag_pcapng_get_packet(type, capture->buffer + 1, len, capture->form.big,
					 &packet) != 0)
			return AG_CAPTURE_CORRUPT;
		fill_packet(capture, frame,
			    packet.interface < capture->n_interfaces
				? &capture->interfaces[packet.interface]
				: &unknown,
			    &packet);
		return 0;
	}
}

const struct capture_format ag_capture_pcapng = { is_pcapng, begin_pcapng, next_pcapng };
