/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/pcap.h"

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"

enum {
	MAGIC_US = 0xa1b2c3d4,
	MAGIC_NS = 0xa1b23c4d,
	MAGIC_ORDER = 0x1a2b3c4d,
	OPTION_END = 0,
	OPTION_TSRESOL = 9, /* of an interface */
	OPTION_FLAGS = 2,   /* of an enhanced packet */
};

static uint32_t pull_u32(struct ag_cursor *cursor, bool big)
{
	uint32_t value = ag_pull_le32(cursor);

	return big ? __builtin_bswap32(value) : value;
}

static uint16_t pull_u16(struct ag_cursor *cursor, bool big)
{
	uint16_t value = ag_pull_le16(cursor);

	return big ? __builtin_bswap16(value) : value;
}

/* ---- pcap ---- */

static bool read_magic(const uint8_t *data, size_t len, struct ag_pcap_form *form)
{
	for (int big = 0; big < 2; big++) {
		struct ag_cursor cursor = ag_cursor(data, len);
		uint32_t magic = pull_u32(&cursor, big);

		if (cursor.failed || (magic != MAGIC_US && magic != MAGIC_NS))
			continue;
		form->big = big;
		form->per_second = magic == MAGIC_NS ? 1000000000 : 1000000;
		return true;
	}
	return false;
}

bool ag_pcap_detect(const uint8_t *data, size_t len)
{
	struct ag_pcap_form form;

	return read_magic(data, len, &form);
}

int ag_pcap_get_file(const uint8_t *data, size_t len, struct ag_pcap_form *form)
{
	struct ag_cursor cursor = ag_cursor(data, len);
	struct ag_pcap_form found = { 0 };

	if (!read_magic(data, len, &found))
		return len < 4 ? AG_BTSNOOP_SHORT : AG_BTSNOOP_MAGIC;
	ag_pull(&cursor, 20);
	/* the upper bits tell of frame check sequences */
	found.link = pull_u32(&cursor, found.big) & 0x0fffffff;
	if (cursor.failed)
		return AG_BTSNOOP_SHORT;
	*form = found;
	return 0;
}

static size_t cut_off(size_t len, uint32_t original)
{
	return original > len ? original - len : 0;
}

int ag_pcap_get_record(const uint8_t *data, size_t len, const struct ag_pcap_form *form,
		       struct ag_pcap_packet *packet)
{
	struct ag_cursor cursor = ag_cursor(data, len);
	uint64_t seconds = pull_u32(&cursor, form->big);
	uint32_t fraction = pull_u32(&cursor, form->big);
	uint32_t count = pull_u32(&cursor, form->big);
	uint32_t original = pull_u32(&cursor, form->big);

	if (cursor.failed)
		return AG_BTSNOOP_SHORT;
	if (count > AG_PCAP_MAX)
		return AG_BTSNOOP_LENGTH;
	packet->time = seconds * form->per_second + fraction;
	packet->len = count;
	packet->cut = cut_off(count, original);
	return 0;
}

/* ---- pcapng ---- */

bool ag_pcapng_detect(const uint8_t *data, size_t len)
{
	struct ag_cursor cursor = ag_cursor(data, len);

	/* a palindrome: the same in both orders */
	return ag_pull_le32(&cursor) == AG_PCAPNG_SECTION;
}

int ag_pcapng_get_order(const uint8_t *body, size_t len, bool *big)
{
	struct ag_cursor cursor = ag_cursor(body, len);
	uint32_t magic = ag_pull_le32(&cursor);

	if (cursor.failed)
		return AG_BTSNOOP_SHORT;
	if (magic != MAGIC_ORDER && __builtin_bswap32(magic) != MAGIC_ORDER)
		return AG_BTSNOOP_MAGIC;
	*big = magic != MAGIC_ORDER;
	return 0;
}

int ag_pcapng_get_block(const uint8_t *data, size_t len, bool big, uint32_t *type, uint32_t *total)
{
	struct ag_cursor cursor = ag_cursor(data, len);
	uint32_t found = pull_u32(&cursor, big);
	uint32_t count = pull_u32(&cursor, big);

	if (cursor.failed)
		return AG_BTSNOOP_SHORT;
	if (count < AG_PCAPNG_BLOCK_LEN + 4 || count % 4 != 0)
		return AG_BTSNOOP_LENGTH;
	*type = found;
	*total = count;
	return 0;
}

/* The value of an option: code 2, length 2, value padded to 4. */
static bool find_option(struct ag_cursor cursor, bool big, uint16_t wanted, struct ag_cursor *value)
{
	for (;;) {
		uint16_t code = pull_u16(&cursor, big);
		uint16_t len = pull_u16(&cursor, big);
		const uint8_t *at = ag_pull(&cursor, (len + 3u) & ~3u);

		if (cursor.failed || code == OPTION_END)
			return false;
		if (code == wanted) {
			*value = ag_cursor(at, len);
			return true;
		}
	}
}

/* if_tsresol: a power of 10, or with the highest bit of 2; finer than 10^-15 or 2^-50 there is
 * none. */
static uint64_t resolution(uint8_t value)
{
	uint64_t per_second = 1;

	if (value & 0x80)
		return (uint64_t)1 << ((value & 0x7f) > 50 ? 50 : value & 0x7f);
	for (int i = 0; i < (value > 15 ? 15 : value); i++)
		per_second *= 10;
	return per_second;
}

int ag_pcapng_get_interface(const uint8_t *body, size_t len, bool big, struct ag_pcap_form *form)
{
	struct ag_cursor cursor = ag_cursor(body, len);
	struct ag_pcap_form found = { .big = big, .per_second = 1000000 };
	struct ag_cursor value;

	found.link = pull_u16(&cursor, big);
	ag_pull(&cursor, 6); /* reserved, snap length */
	if (cursor.failed)
		return AG_BTSNOOP_SHORT;
	if (find_option(cursor, big, OPTION_TSRESOL, &value))
		found.per_second = resolution(ag_pull_u8(&value));
	*form = found;
	return 0;
}

static int take_packet(struct ag_cursor *cursor, uint32_t len, struct ag_pcap_packet *packet)
{
	if (cursor->failed)
		return AG_BTSNOOP_SHORT;
	if (len > cursor->left || len > AG_PCAP_MAX)
		return AG_BTSNOOP_LENGTH;
	packet->data = ag_pull(cursor, len);
	packet->len = len;
	ag_pull(cursor, -len & 3);
	return 0;
}

/* Enhanced: interface 4, time 8, captured 4, original 4. Obsolete: interface 2, drops 2 instead. */
static int get_enhanced(struct ag_cursor cursor, bool big, bool obsolete,
			struct ag_pcap_packet *packet)
{
	struct ag_cursor value;
	uint32_t original;
	uint32_t flags;
	uint32_t len;
	int result;

	packet->interface = obsolete ? pull_u16(&cursor, big) : pull_u32(&cursor, big);
	if (obsolete)
		ag_pull(&cursor, 2);
	packet->time = (uint64_t)pull_u32(&cursor, big) << 32;
	packet->time |= pull_u32(&cursor, big);
	len = pull_u32(&cursor, big);
	original = pull_u32(&cursor, big);
	result = take_packet(&cursor, len, packet);
	packet->cut = cut_off(len, original);
	if (result != 0 || cursor.failed || !find_option(cursor, big, OPTION_FLAGS, &value))
		return result;
	flags = pull_u32(&value, big);
	packet->has_direction = (flags & 3) == 1 || (flags & 3) == 2;
	packet->outbound = (flags & 3) == 2;
	return 0;
}

/* Simple: original length 4, then what there is of it. */
static int get_simple(struct ag_cursor cursor, bool big, struct ag_pcap_packet *packet)
{
	uint32_t original = pull_u32(&cursor, big);
	uint32_t len = original < cursor.left ? original : (uint32_t)cursor.left;

	packet->cut = cut_off(len, original);
	return take_packet(&cursor, len, packet);
}

int ag_pcapng_get_packet(uint32_t type, const uint8_t *body, size_t len, bool big,
			 struct ag_pcap_packet *packet)
{
	struct ag_pcap_packet found = { 0 };
	int result = AG_BTSNOOP_DATALINK;

	if (type == AG_PCAPNG_ENHANCED || type == AG_PCAPNG_PACKET)
		result = get_enhanced(ag_cursor(body, len), big, type == AG_PCAPNG_PACKET, &found);
	else if (type == AG_PCAPNG_SIMPLE)
		result = get_simple(ag_cursor(body, len), big, &found);
	if (result == 0)
		*packet = found;
	return result;
}

/* ---- Both ---- */

uint64_t ag_pcap_time_us(const struct ag_pcap_form *form, uint64_t time)
{
	uint64_t rest = time % form->per_second;

	/* finer than 2^44 a second, the product would not fit */
	if (form->per_second > (uint64_t)1 << 40)
		rest = rest / (form->per_second >> 20) * 1000000 >> 20;
	else
		rest = rest * 1000000 / form->per_second;
	return time / form->per_second * 1000000 + rest;
}

static bool guess_from_host(const struct ag_pcap_packet *packet)
{
	struct ag_acl acl;

	if (packet->has_direction)
		return packet->outbound;
	switch (packet->data[0]) {
	case AG_H4_COMMAND:
		return true;
	case AG_H4_EVENT:
		return false;
	}
	return ag_acl_parse(packet->data, packet->len, &acl) && acl.pb == AG_PB_FIRST_NON_FLUSHABLE;
}

static struct ag_btsnoop_meaning classify_h4(bool from_host, uint8_t h4_type)
{
	return (struct ag_btsnoop_meaning){
		.kind = AG_BTSNOOP_PACKET,
		.index = AG_BTSNOOP_NO_INDEX,
		.from_host = from_host,
		.h4_type = h4_type,
		.type_in_packet = true,
	};
}

/* Both headers are big-endian whatever the file is. */
static uint32_t header_of(const struct ag_pcap_packet *packet)
{
	struct ag_cursor cursor = ag_cursor(packet->data, packet->len);

	return pull_u32(&cursor, true);
}

struct ag_btsnoop_meaning ag_pcap_classify(uint32_t link, const struct ag_pcap_packet *packet,
					   size_t *skip)
{
	struct ag_btsnoop_meaning other = { .kind = AG_BTSNOOP_OTHER,
					    .index = AG_BTSNOOP_NO_INDEX,
					    .is_foreign = true };
	struct ag_btsnoop_record record = { 0 };

	*skip = 0;
	if (link == AG_PCAP_H4 && packet->len >= 1)
		return classify_h4(guess_from_host(packet), packet->data[0]);
	if (packet->len < 4 || (link == AG_PCAP_H4_PHDR && packet->len < 5))
		return other;
	*skip = 4;
	if (link == AG_PCAP_H4_PHDR)
		return classify_h4((header_of(packet) & 1) == 0, packet->data[4]);
	record.flags = header_of(packet);
	if (link == AG_PCAP_MONITOR)
		return ag_btsnoop_classify(AG_BTSNOOP_MONITOR, &record, 0);
	*skip = 0;
	return other;
}
