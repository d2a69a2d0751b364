/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/bluetooth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"
#include "tests/sim/calls.h"

enum { DESCRIPTORS = 1024, CHANNEL_LOGGING = 4, OPCODE_READ_BD_ADDR = 0x1009 };

struct ag_sim_bluetooth ag_sim_bluetooth;

static int far_end[DESCRIPTORS]; /* by descriptor: the test's end of it, or 0 */

static int fail(int error)
{
	errno = error;
	return -1;
}

static int say(int fd, const void *data, size_t len)
{
	return send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* Whether the test may look at it: our end may have moved to another descriptor meanwhile. */
static bool is_shown(int end)
{
	return end == ag_sim_bluetooth.vhci || end == ag_sim_bluetooth.user ||
	       end == ag_sim_bluetooth.logging;
}

/* One end of a pair, the other in the table. */
static int make_pair(int type)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | (type & SOCK_CLOEXEC), 0, pair) < 0)
		return -1;
	/* the test's end may be waited at */
	if (pair[0] >= DESCRIPTORS || fcntl(pair[0], F_SETFL, type & SOCK_NONBLOCK) < 0)
		abort();
	if (far_end[pair[0]] > 0 && !is_shown(far_end[pair[0]]))
		close(far_end[pair[0]]);
	far_end[pair[0]] = pair[1];
	return pair[0];
}

static struct ag_sim_hci *find(unsigned int index)
{
	struct ag_sim_hci *hci = &ag_sim_bluetooth.hci[index];

	return index < AG_SIM_HCI_MAX && hci->there ? hci : NULL;
}

/* ---- Sockets ---- */

static int on_socket(int family, int type, int protocol)
{
	(void)protocol;
	if (family != AF_BLUETOOTH)
		return AG_SIM_KERNEL;
	if (ag_sim_bluetooth.socket_error)
		return fail(ag_sim_bluetooth.socket_error);
	return make_pair(type);
}

void ag_sim_complete(int fd, uint16_t opcode, uint8_t status, uint64_t bdaddr)
{
	uint8_t event[13] = { AG_H4_EVENT, AG_EVT_COMMAND_COMPLETE, bdaddr ? 10 : 4, 1 };

	ag_put_le16(event + 4, opcode);
	event[6] = status;
	for (size_t i = 0; bdaddr && i < 6; i++)
		event[7 + i] = (uint8_t)(bdaddr >> 8 * i);
	say(fd, event, bdaddr ? 13 : 7);
}

static int next_bind_error(struct ag_sim_hci *hci)
{
	int error = hci->bind_error[0];

	hci->binds++;
	if (error && !hci->busy)
		memmove(hci->bind_error, hci->bind_error + 1,
			sizeof(hci->bind_error) - sizeof(hci->bind_error[0]));
	return error;
}

/* Something of the time before, and then what a reset and a question for the address get. */
static int bind_user(int end, unsigned int index)
{
	static const uint8_t before[] = { AG_H4_EVENT, 0x3e, 1, 0 };
	struct ag_sim_hci *hci = find(index);
	int error = hci ? next_bind_error(hci) : ENODEV;

	if (error)
		return fail(error);
	ag_sim_bluetooth.user = end;
	if (hci->mute)
		return 0;
	say(end, before, sizeof(before));
	ag_sim_complete(end, AG_HCI_RESET, hci->reset_status, 0);
	ag_sim_complete(end, OPCODE_READ_BD_ADDR, hci->bdaddr ? 0 : 1, hci->bdaddr);
	return 0;
}

/* A controller that came, and then the answer to the question for the list. */
static int bind_control(int end)
{
	static const uint8_t added[] = { 4, 0, 0, 0, 0, 0 };
	uint8_t answer[] = { 1, 0, 0xff, 0xff, 7, 0, 3, 0, 0, 0, 0, 0, 0 };
	int listed = ag_sim_bluetooth.listed;

	if (ag_sim_bluetooth.manage_error)
		return fail(ag_sim_bluetooth.manage_error);
	say(end, added, sizeof(added));
	answer[9] = listed >= 0;
	ag_put_le16(answer + 11, (uint16_t)listed);
	return say(end, answer, listed >= 0 ? 13 : 11);
}

static int on_bind(int fd, const struct sockaddr *address, socklen_t len)
{
	const struct sockaddr_hci *hci = (const struct sockaddr_hci *)(const void *)address;

	(void)len;
	if (address->sa_family != AF_BLUETOOTH)
		return AG_SIM_KERNEL;
	switch (hci->hci_channel) {
	case HCI_CHANNEL_USER:
		return bind_user(far_end[fd], hci->hci_dev);
	case HCI_CHANNEL_CONTROL:
		return bind_control(far_end[fd]);
	case CHANNEL_LOGGING:
		ag_sim_bluetooth.logging = far_end[fd];
		return 0;
	}
	return fail(EINVAL);
}

/* ---- Questions ---- */

static int get_info(struct hci_dev_info *info)
{
	const struct ag_sim_hci *hci = find(info->dev_id);

	if (!hci)
		return fail(ENODEV);
	info->flags = hci->up ? 1u << HCI_UP : 0;
	info->type = hci->is_virtual ? HCI_VIRTUAL : HCI_USB;
	for (size_t i = 0; i < 6; i++)
		info->bdaddr.b[i] = (uint8_t)(hci->bdaddr >> 8 * i);
	return 0;
}

static int get_list(struct hci_dev_list_req *list)
{
	uint16_t count = 0;

	if (ag_sim_bluetooth.list_error)
		return fail(ag_sim_bluetooth.list_error);
	for (uint16_t i = 0; i < AG_SIM_HCI_MAX; i++) {
		if (find(i))
			list->dev_req[count++].dev_id = i;
	}
	list->dev_num = count;
	return 0;
}

static int take_down(unsigned int index)
{
	struct ag_sim_hci *hci = find(index);

	if (!hci || hci->down_error)
		return fail(hci ? hci->down_error : ENODEV);
	hci->up = false;
	return 0;
}

static int on_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	switch (request) {
	case HCIGETDEVINFO:
		return get_info(argument);
	case HCIGETDEVLIST:
		return get_list(argument);
	case HCIDEVDOWN:
		return take_down((unsigned int)(uintptr_t)argument);
	}
	return AG_SIM_KERNEL;
}

/* ---- The virtual controller ---- */

static bool is_vhci(const char *path)
{
	return strcmp(path, "/dev/vhci") == 0;
}

static int on_access(const char *path, int mode)
{
	(void)mode;
	if (!is_vhci(path))
		return AG_SIM_KERNEL;
	return ag_sim_bluetooth.vhci_error ? fail(ag_sim_bluetooth.vhci_error) : 0;
}

static int on_open(const char *path, int flags)
{
	static const uint8_t reset[] = { AG_H4_COMMAND, 0x03, 0x0c, 0 };
	uint8_t reply[] = { AG_H4_VENDOR, 0, 0, 0 };
	int fd;

	(void)flags;
	if (!is_vhci(path))
		return AG_SIM_KERNEL;
	if (ag_sim_bluetooth.vhci_error)
		return fail(ag_sim_bluetooth.vhci_error);
	fd = make_pair(SOCK_NONBLOCK | SOCK_CLOEXEC);
	for (unsigned int i = 0; i < ag_sim_bluetooth.early; i++)
		say(far_end[fd], reset, sizeof(reset));
	ag_put_le16(reply + 2, (uint16_t)ag_sim_bluetooth.vhci_index);
	if (ag_sim_bluetooth.silent > 0)
		ag_sim_bluetooth.silent--;
	else
		say(far_end[fd], reply, sizeof(reply));
	ag_sim_bluetooth.vhci = far_end[fd];
	ag_sim_bluetooth.vhci_opened++;
	return fd;
}

void ag_sim_bluetooth_begin(void)
{
	memset(&ag_sim_bluetooth, 0, sizeof(ag_sim_bluetooth));
	ag_sim_bluetooth.listed = -1;
	ag_sim_bluetooth.vhci = -1;
	ag_sim_bluetooth.user = -1;
	ag_sim_bluetooth.logging = -1;
	ag_sim_calls = (struct ag_sim_calls){
		.access = on_access,
		.open = on_open,
		.ioctl = on_ioctl,
		.socket = on_socket,
		.bind = on_bind,
	};
}
