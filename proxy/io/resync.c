/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/resync.h"

#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"

bool ag_is_command_complete(const uint8_t *packet, size_t len, uint16_t opcode,
			    struct ag_cursor *result)
{
	struct ag_cursor cursor = ag_cursor(packet, len);
	uint8_t type = ag_pull_u8(&cursor);
	uint8_t event = ag_pull_u8(&cursor);

	(void)ag_pull(&cursor, 2); /* length; Num_HCI_Command_Packets */
	if (type != AG_H4_EVENT || event != AG_EVT_COMMAND_COMPLETE ||
	    ag_pull_le16(&cursor) != opcode || cursor.failed)
		return false;
	if (result)
		*result = cursor;
	return true;
}

void ag_resync_host(enum ag_resync *state, const uint8_t *packet, size_t len)
{
	struct ag_cursor cursor = ag_cursor(packet, len);

	if (*state == AG_RESYNC_TOLD && ag_pull_u8(&cursor) == AG_H4_COMMAND &&
	    ag_pull_le16(&cursor) == AG_HCI_RESET)
		*state = AG_RESYNC_RESET;
}

bool ag_resync_discards(enum ag_resync *state, const uint8_t *packet, size_t len)
{
	if (*state == AG_RESYNC_RESET && ag_is_command_complete(packet, len, AG_HCI_RESET, NULL))
		*state = AG_RESYNC_NONE;
	return *state != AG_RESYNC_NONE;
}
