/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/hci_setup.h"

#include <errno.h>
#include <unistd.h>

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/fd.h"
#include "proxy/io/hci_device.h"
#include "proxy/wire/cursor.h"

#define LOOK_S 1.
/* The set-up of one that is fine begins at once; this is for a machine that is very busy. */
#define IDLE_MAX 3
/* For a while there may be no descriptor left, or no memory; a kernel that never tells is not to be
 * asked for ever. */
#define UNKNOWN_MAX  10
#define PAUSE_MS     1000
#define PAUSE_MAX_MS 60000

/* The management interface (BlueZ, doc/mgmt-protocol.rst): opcode or event, controller index and
 * length of what follows, each le16. */
#define MGMT_READ_INDEX_LIST  0x0003
#define MGMT_COMMAND_COMPLETE 0x0001
#define MGMT_INDEX_NONE       0xffff
/* More than the kernel has indexes for in practice; each takes two octets. */
#define MGMT_ANSWER_SIZE 2048

/* ---- Asking ---- */

/* Command Complete { header, opcode (le16), status, count (le16), indexes (le16) } */
int ag_hci_setup_listed(const uint8_t *data, size_t len, unsigned int index)
{
	struct ag_cursor cursor = ag_cursor(data, len);
	uint16_t event = ag_pull_le16(&cursor);
	uint16_t count;

	(void)ag_pull(&cursor, 4);
	if (event != MGMT_COMMAND_COMPLETE || ag_pull_le16(&cursor) != MGMT_READ_INDEX_LIST ||
	    ag_pull_u8(&cursor) != 0)
		return -EAGAIN;
	count = ag_pull_le16(&cursor);
	for (uint16_t i = 0; i < count && !cursor.failed; i++) {
		if (ag_pull_le16(&cursor) == index)
			return cursor.failed ? 0 : 1;
	}
	return 0;
}

/* The kernel answers within the write, and anybody may ask. @return: as above, or negative */
static int is_listed(unsigned int index)
{
	static const uint8_t request[] = { MGMT_READ_INDEX_LIST, 0, MGMT_INDEX_NONE & 0xff,
					   MGMT_INDEX_NONE >> 8, 0, 0 };
	ag_cleanup(ag_fd_cleanup) int fd = ag_hci_channel(HCI_CHANNEL_CONTROL);
	uint8_t answer[MGMT_ANSWER_SIZE];

	if (fd < 0)
		return fd;
	if (write(fd, request, sizeof(request)) < 0)
		return -errno;
	for (;;) {
		/* what else is told, of controllers that come and go, is on this socket as well */
		ssize_t n = read(fd, answer, sizeof(answer));
		int r = n < 0 ? -errno : ag_hci_setup_listed(answer, (size_t)n, index);

		if (n < 0 || r >= 0)
			return r;
	}
}

static int device_flags(unsigned int index, uint32_t *flags)
{
	ag_cleanup(ag_fd_cleanup) int ctl = ag_hci_socket();
	struct hci_dev_info info;
	int r = ctl < 0 ? ctl : ag_hci_info(ctl, index, &info);

	if (r == 0)
		*flags = info.flags;
	return r;
}

enum ag_hci_setup ag_hci_setup_ask(unsigned int index)
{
	uint32_t busy = 1u << HCI_UP | 1u << HCI_INIT | 1u << HCI_RUNNING;
	uint32_t flags = 0;
	int listed, r;

	/* the flags first: a set-up that ends in between is in the list then */
	r = device_flags(index, &flags);
	if (r < 0)
		return r == -ENODEV ? AG_HCI_SETUP_GONE : AG_HCI_SETUP_UNKNOWN;
	listed = is_listed(index);
	if (listed < 0)
		return AG_HCI_SETUP_UNKNOWN;
	if (listed)
		return AG_HCI_SETUP_DONE;
	return flags & busy ? AG_HCI_SETUP_RUNS : AG_HCI_SETUP_IDLE;
}

/* ---- Judging ---- */

enum ag_setup_verdict ag_setup_judge(struct ag_setup_watch *watch, enum ag_hci_setup state)
{
	if (state != AG_HCI_SETUP_UNKNOWN)
		watch->unknown = 0;
	switch (state) {
	case AG_HCI_SETUP_RUNS:
		watch->idle = 0;
		return AG_SETUP_WAIT;
	case AG_HCI_SETUP_IDLE:
		if (++watch->idle < IDLE_MAX)
			return AG_SETUP_WAIT;
		watch->failures++;
		return AG_SETUP_FAILED;
	case AG_HCI_SETUP_DONE:
		watch->failures = 0;
		return AG_SETUP_DONE;
	case AG_HCI_SETUP_UNKNOWN:
		return ++watch->unknown < UNKNOWN_MAX ? AG_SETUP_WAIT : AG_SETUP_DONE;
	case AG_HCI_SETUP_GONE:
		break;
	}
	return AG_SETUP_DONE;
}

unsigned int ag_setup_pause_ms(const struct ag_setup_watch *watch)
{
	unsigned int pause_ms = PAUSE_MS;

	for (unsigned int i = 1; i < watch->failures && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	return pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
}

/* ---- Watching ---- */

static void on_look(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct ag_setup_watch *watch = timer->data;

	(void)loop;
	(void)events;
	switch (ag_setup_judge(watch, ag_hci_setup_ask(watch->index))) {
	case AG_SETUP_WAIT:
		break;
	case AG_SETUP_DONE:
		ag_setup_watch_stop(watch);
		break;
	case AG_SETUP_FAILED:
		ag_setup_watch_stop(watch);
		watch->failed(watch->user, ag_setup_pause_ms(watch));
		break;
	}
}

void ag_setup_watch_start(struct ag_setup_watch *watch, struct ev_loop *loop, unsigned int index,
			  void (*failed)(void *user, unsigned int pause_ms), void *user)
{
	watch->loop = loop;
	watch->index = index;
	watch->idle = 0;
	watch->unknown = 0;
	watch->failed = failed;
	watch->user = user;
	ev_timer_init(&watch->look, on_look, LOOK_S, LOOK_S);
	watch->look.data = watch;
	ev_timer_start(loop, &watch->look);
}

void ag_setup_watch_stop(struct ag_setup_watch *watch)
{
	if (watch->loop)
		ev_timer_stop(watch->loop, &watch->look);
}
