/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/hci.h"

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"

/*  octet  0     1..2                                     3..4
 *         0x02  handle (12 bits) | PB (2) | BC (2)       Data_Total_Length */
bool ag_acl_parse(const uint8_t *packet, size_t len, struct ag_acl *out)
{
	uint16_t handle_flags;

	if (len < AG_ACL_HEADER)
		return false;
	handle_flags = ag_get_le16(packet + 1);
	*out = (struct ag_acl){
		.handle = handle_flags & 0x0fff,
		.pb = handle_flags >> 12 & 3,
		.bc = (uint8_t)(handle_flags >> 14),
		.data = packet + AG_ACL_HEADER,
		.len = len - AG_ACL_HEADER,
		.consistent = ag_get_le16(packet + 3) == len - AG_ACL_HEADER,
	};
	return true;
}

void ag_acl_put_header(uint8_t *out, uint16_t handle, enum ag_acl_pb pb, uint16_t data_len)
{
	out[0] = AG_H4_ACL;
	ag_put_le16(out + 1, (uint16_t)((handle & 0x0fff) | pb << 12));
	ag_put_le16(out + 3, data_len);
}
