/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/hci_device.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/fd.h"
#include "proxy/io/log.h"

/* How long a controller may be busy with its own set-up, and how long another user channel may take
 * to let go of it, before that is called a failure. */
#define SETUP_MS       15000
#define HELD_MS        3000
#define PROGRESS_MS    2000
#define BACKOFF_MIN_MS 20
#define BACKOFF_MAX_MS 500

/* The low four bits of hci_dev_info.type; HCI_VIRTUAL is what vhci has. */
#define BUS_MASK 0x0f

int ag_hci_socket(void)
{
	int fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_HCI);

	return fd < 0 ? -errno : fd;
}

int ag_hci_channel(unsigned short channel)
{
	struct sockaddr_hci address = {
		.hci_family = AF_BLUETOOTH,
		.hci_dev = HCI_DEV_NONE,
		.hci_channel = channel,
	};
	ag_cleanup(ag_fd_cleanup) int fd = ag_hci_socket();

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return ag_fd_take(&fd);
}

int ag_hci_info(int ctl, unsigned int index, struct hci_dev_info *info)
{
	memset(info, 0, sizeof(*info));
	info->dev_id = (uint16_t)index;
	return ioctl(ctl, HCIGETDEVINFO, info) < 0 ? -errno : 0;
}

/* ag_hci_socket(), or negative and `why`. */
static int control_socket(struct ag_transport *transport)
{
	int fd = ag_hci_socket();

	if (fd >= 0)
		return fd;
	if (fd == -EAFNOSUPPORT || fd == -EPROTONOSUPPORT)
		return ag_transport_fail(transport, -EAFNOSUPPORT,
					 "this kernel has no Bluetooth (AF_BLUETOOTH): `modprobe "
					 "bluetooth', or use a kernel that has it");
	if (fd == -EPERM || fd == -EACCES)
		return ag_transport_fail(
		    transport, -EPERM,
		    "no permission for Bluetooth sockets: run it as root, or by "
		    "attgate@.service");
	return ag_transport_fail(transport, fd, "no Bluetooth socket: %s", strerror(-fd));
}

int ag_hci_probe(struct ag_transport *transport)
{
	ag_cleanup(ag_fd_cleanup) int ctl = control_socket(transport);

	return ctl < 0 ? ctl : 0;
}

static uint64_t bdaddr_number(const bdaddr_t *address)
{
	uint64_t value = 0;

	for (int i = 5; i >= 0; i--)
		value = value << 8 | address->b[i];
	return value;
}

/* ---- Finding ---- */

/* A list with room for its entries, which stand behind the head. */
union device_list {
	struct hci_dev_list_req head;
	uint8_t room[sizeof(struct hci_dev_list_req) + HCI_MAX_DEV * sizeof(struct hci_dev_req)];
};

static void list_devices(int ctl, union device_list *list)
{
	memset(list, 0, sizeof(*list));
	list->head.dev_num = HCI_MAX_DEV;
	if (ioctl(ctl, HCIGETDEVLIST, list) < 0)
		list->head.dev_num = 0;
}

/* A BD_ADDR that is shown twice is that of a real controller and of a virtual one before it: take
 * the one on a real bus, else the one that was there first, which has the lower index. */
static bool is_better(const struct hci_dev_info *info, const struct hci_dev_info *than)
{
	bool is_virtual = (info->type & BUS_MASK) == HCI_VIRTUAL;
	bool was_virtual = (than->type & BUS_MASK) == HCI_VIRTUAL;

	return is_virtual == was_virtual ? info->dev_id < than->dev_id : was_virtual;
}

static int find_bdaddr(int ctl, uint64_t bdaddr, unsigned int *index)
{
	union device_list list;
	struct hci_dev_info best;
	bool found = false;

	list_devices(ctl, &list);
	for (unsigned int i = 0; i < list.head.dev_num; i++) {
		struct hci_dev_info info;

		if (ag_hci_info(ctl, list.head.dev_req[i].dev_id, &info) < 0 ||
		    bdaddr_number(&info.bdaddr) != bdaddr)
			continue;
		if (!found || is_better(&info, &best))
			best = info;
		found = true;
	}
	if (!found)
		return -ENODEV;
	*index = best.dev_id;
	return 0;
}

static int not_found(struct ag_transport *transport, int ctl)
{
	union device_list list;
	char names[96] = "";
	size_t at = 0;

	list_devices(ctl, &list);
	for (unsigned int i = 0; i < list.head.dev_num && at + 10 < sizeof(names); i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, " hci%u",
				       list.head.dev_req[i].dev_id);
	if (at == 0)
		return ag_transport_fail(transport, -ENODEV,
					 "there is no controller %s, nor any other; see `dmesg'",
					 transport->address.text);
	return ag_transport_fail(transport, -ENODEV, "there is no controller %s; there are:%s",
				 transport->address.text, names);
}

/* Whether the controller of that index is there and, where an address is remembered, is the one. */
static bool is_still(int ctl, unsigned int index, uint64_t remembered)
{
	struct hci_dev_info info;

	return ag_hci_info(ctl, index, &info) == 0 &&
	       (remembered == 0 || bdaddr_number(&info.bdaddr) == remembered);
}

int ag_hci_find(struct ag_transport *transport, uint64_t remembered, unsigned int *index)
{
	ag_cleanup(ag_fd_cleanup) int ctl = control_socket(transport);
	const struct ag_address *address = &transport->address;
	bool by_index = address->kind == AG_ADDRESS_HCI;
	uint64_t bdaddr = by_index ? remembered : address->bdaddr;

	if (ctl < 0)
		return ctl;
	/* the index first: cheap controllers are sold with one address for all of them */
	if (by_index && is_still(ctl, address->index, remembered)) {
		*index = address->index;
		return 0;
	}
	if (bdaddr != 0 && find_bdaddr(ctl, bdaddr, index) == 0)
		return 0;
	if (!by_index || !is_still(ctl, address->index, 0))
		return not_found(transport, ctl);
	*index = address->index;
	return 0;
}

/* ---- rfkill ---- */

/* Whether the controller's rfkill switch is on. A bind() would tell as well, but only after
 * bluetoothd has seen the controller go and come. What cannot be read is left to the bind(). */
static bool is_blocked(unsigned int index)
{
	char path[96];
	glob_t found = { .gl_pathc = 0 };
	bool blocked = false;

	snprintf(path, sizeof(path), "/sys/class/bluetooth/hci%u/rfkill*/soft", index);
	if (glob(path, 0, NULL, &found) == 0) {
		ag_cleanup(ag_fd_cleanup) int fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
		char state = '0';

		blocked = fd >= 0 && read(fd, &state, 1) == 1 && state == '1';
	}
	globfree(&found);
	return blocked;
}

/* ---- Binding ---- */

enum taking {
	TAKING_DONE,
	TAKING_SETUP, /* the kernel is busy with it */
	TAKING_HELD,  /* another user channel has it */
	TAKING_FAILED,
};

static int bind_error(struct ag_transport *transport, unsigned int index, int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return ag_transport_fail(
		    transport, -EPERM,
		    "hci%u: no permission to take it (CAP_NET_ADMIN): run attgate "
		    "as root, or by attgate@.service",
		    index);
	case ENODEV:
		return ag_transport_fail(transport, -ENODEV, "there is no controller hci%u", index);
	case ERFKILL:
		return ag_transport_fail(transport, -ERFKILL,
					 "hci%u is blocked by rfkill: `rfkill unblock bluetooth'",
					 index);
	default:
		return ag_transport_fail(transport, -error,
					 "hci%u could not be opened by its driver: %s; see `dmesg'",
					 index, strerror(error));
	}
}

/* One attempt: down, then bind. What is up and cannot be taken down is held by a user channel: the
 * kernel refuses HCIDEVDOWN then, and only then, with EBUSY (hci_dev_close()). */
static enum taking take(struct ag_transport *transport, int ctl, int fd, unsigned int index,
			int *error)
{
	struct sockaddr_hci address = {
		.hci_family = AF_BLUETOOTH,
		.hci_dev = (uint16_t)index,
		.hci_channel = HCI_CHANNEL_USER,
	};
	struct hci_dev_info info;
	bool held = false;

	if (ag_hci_info(ctl, index, &info) == 0 && (info.flags & 1u << HCI_UP) &&
	    ioctl(ctl, HCIDEVDOWN, index) < 0)
		held = errno == EBUSY;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return TAKING_DONE;
	if (errno == EUSERS || (errno == EBUSY && held))
		return TAKING_HELD;
	if (errno == EBUSY || errno == EALREADY || errno == EINTR)
		return TAKING_SETUP;
	*error = bind_error(transport, index, errno);
	return TAKING_FAILED;
}

static int busy(struct ag_transport *transport, unsigned int index, enum taking state)
{
	if (state == TAKING_HELD)
		return ag_transport_fail(
		    transport, -EUSERS,
		    "hci%u is held by another program's user channel: end that "
		    "program first",
		    index);
	return ag_transport_fail(transport, -EBUSY,
				 "hci%u is still busy with its set-up after %d s; see `dmesg'",
				 index, SETUP_MS / 1000);
}

static int take_with_patience(struct ag_transport *transport, int ctl, int fd, unsigned int index,
			      const struct ag_opening *opening)
{
	int backoff_ms = BACKOFF_MIN_MS;
	int waited_ms = 0;
	int error = 0;

	for (;;) {
		enum taking state = take(transport, ctl, fd, index, &error);
		int r;

		if (state == TAKING_DONE)
			return 0;
		if (state == TAKING_FAILED)
			return error;
		if (waited_ms >= (state == TAKING_HELD ? HELD_MS : SETUP_MS))
			return busy(transport, index, state);
		if (waited_ms < PROGRESS_MS && waited_ms + backoff_ms >= PROGRESS_MS)
			ag_log(AG_LOG_NOTICE, "hci%u is busy (%s), waiting for it", index,
			       state == TAKING_HELD ? "another user channel"
						    : "the kernel sets it up");
		r = ag_opening_wait(opening, -1, 0, backoff_ms);
		if (r < 0)
			return r;
		waited_ms += backoff_ms;
		backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
	}
}

int ag_hci_bind(struct ag_transport *transport, unsigned int index,
		const struct ag_opening *opening)
{
	ag_cleanup(ag_fd_cleanup) int fd = control_socket(transport);
	ag_cleanup(ag_fd_cleanup) int ctl = control_socket(transport);
	int r;

	if (fd < 0 || ctl < 0)
		return fd < 0 ? fd : ctl;
	if (is_blocked(index))
		return bind_error(transport, index, ERFKILL);
	r = take_with_patience(transport, ctl, fd, index, opening);
	if (r < 0)
		return r;
	return ag_fd_take(&fd);
}
