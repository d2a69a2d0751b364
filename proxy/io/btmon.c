/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/btmon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/decisions.h"
#include "proxy/io/hci_device.h"
#include "proxy/io/log.h"
#include "proxy/wire/cursor.h"

#define CHANNEL_LOGGING 4 /* the kernel's HCI_CHANNEL_LOGGING */
#define NO_INDEX        0xffff

/* Opcode 2, index 2, length of the rest 2; priority 1, length of the ident 1. */
#define HEADER 8

void ag_btmon_open(struct ag_btmon *btmon)
{
	int r = ag_hci_channel(CHANNEL_LOGGING);

	btmon->index[AG_SIDE_HOST] = NO_INDEX;
	btmon->index[AG_SIDE_CONTROLLER] = NO_INDEX;
	btmon->fd = r < 0 ? -1 : r;
	if (r < 0)
		ag_log(AG_LOG_WARNING,
		       "btmon will not show what is decided: no logging channel (%s)",
		       strerror(-r));
}

void ag_btmon_close(struct ag_btmon *btmon)
{
	if (btmon->fd >= 0)
		close(btmon->fd);
	btmon->fd = -1;
}

void ag_btmon_opened(struct ag_btmon *btmon, enum ag_side side, const char *label)
{
	unsigned long index;
	char *end;

	btmon->index[side] = NO_INDEX;
	if (strncmp(label, "hci", 3) != 0 || label[3] < '0' || label[3] > '9')
		return;
	index = strtoul(label + 3, &end, 10);
	if ((*end == '\0' || *end == ' ') && index < NO_INDEX)
		btmon->index[side] = (uint16_t)index;
}

size_t ag_btmon_frame(const struct ag_decision *decision, uint16_t index,
		      uint8_t out[AG_BTMON_FRAME_MAX])
{
	static const char ident[] = "attgate";
	char *text = (char *)out + HEADER + sizeof(ident);
	size_t len;

	ag_decision_note(decision, text, AG_BTMON_FRAME_MAX - HEADER - sizeof(ident));
	len = HEADER + sizeof(ident) + strlen(text) + 1;
	ag_put_le16(out, 0);
	ag_put_le16(out + 2, index);
	ag_put_le16(out + 4, (uint16_t)(len - 6));
	out[6] = (uint8_t)ag_decision_priority(decision);
	out[7] = sizeof(ident);
	memcpy(out + HEADER, ident, sizeof(ident));
	return len;
}

static int say(const struct ag_btmon *btmon, uint8_t *frame, size_t len)
{
	if (send(btmon->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* the controller is going or gone; what was decided is still worth a line */
	if (errno == ENODEV) {
		ag_put_le16(frame + 2, NO_INDEX);
		if (send(btmon->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
	}
	return -errno;
}

void ag_btmon_tap(void *user, const struct ag_decision *decision)
{
	struct ag_btmon *btmon = user;
	uint8_t frame[AG_BTMON_FRAME_MAX];
	enum ag_side side = decision->from == AG_FROM_HOST ? AG_SIDE_HOST : AG_SIDE_CONTROLLER;
	size_t len;
	int r;

	if (!btmon->all && ag_decision_is_plain(decision))
		return;
	len = ag_btmon_frame(decision, btmon->index[side], frame);
	r = say(btmon, frame, len);
	if (r == 0 || r == -EAGAIN || btmon->told)
		return;
	btmon->told = true;
	ag_log(AG_LOG_WARNING, "btmon does not show everything that is decided: %s", strerror(-r));
}
