/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_TRANSPORT_H
#define AG_IO_TRANSPORT_H

/*
 * What carries HCI packets on one side: a user channel, a virtual controller, or a stream of H4
 * packets. One table of functions each; the pump and the session know nothing else of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/io/address.h"

/** Positive results of the functions below. */
enum {
	AG_IO_AGAIN = 1, /* nothing (more) to be had now; wait until the descriptor is ready */
	AG_IO_HOST_DOWN =
	    2,             /* write: the packet is lost, the host has switched the controller off */
	AG_IO_DROPPED = 3, /* read: packets were lost for want of room */
	AG_IO_REFUSED = 4, /* write: the packet is lost, the kernel takes none of that kind */
};

/** Longest ACL data field toward a user channel or vhci, octets. A frame of the kernel has at most
 *  1028 with its type octet (HCI_MAX_FRAME_SIZE), so 1023 would fit; 1021 is what real controllers
 *  of that buffer size report. */
#define AG_KERNEL_ACL_MAX 1021

/** A whole packet, its type octet first. @return: 0 or negative, which ends the reading */
typedef int ag_packet_fn(void *user, const uint8_t *packet, size_t len);

/** What an open() that waits leans on. */
struct ag_opening {
	int cancel_fd; /* readable: give up with -ECANCELED */
	int other_fd;  /* the side that is open already, or -1; when it hangs up: -ECONNRESET */
};

struct ag_transport;

struct ag_transport_ops {
	uint16_t acl_max;      /* for struct ag_engine_config, as is the next */
	uint64_t early_acl_us; /* events and data may come in the wrong order */

	/** Do once, at start-up, what can fail early: listen, or look whether a device exists. May
	 * be NULL. @return: 0, or negative and `why` */
	int (*prepare)(struct ag_transport *transport);

	/** Get hold of the other end, once. May block for long, therefore called off the event
	 * loop; `fd` and `label` are set afterwards. @return: 0, or negative and `why` */
	int (*open)(struct ag_transport *transport, const struct ag_opening *opening);

	/** Have an open one as open() left it, without letting go of it; blocks likewise. May be
	 * NULL: it takes another open(). @return: 0, or negative and `why` */
	int (*renew)(struct ag_transport *transport, const struct ag_opening *opening);

	/** Let go of it, in order; `fd` is -1 afterwards. Takes no longer than a second. */
	void (*close)(struct ag_transport *transport);

	/** Hand over packets that are there, a bounded number. @return: 0 (perhaps there are more),
	 *  AG_IO_AGAIN, AG_IO_DROPPED, or negative and `why`: this side has gone */
	int (*read)(struct ag_transport *transport, ag_packet_fn *packet, void *user);

	/** Take one packet. @return: 0, AG_IO_AGAIN (not taken), AG_IO_HOST_DOWN, AG_IO_REFUSED, or
	 *  negative and `why`: this side has gone */
	int (*write)(struct ag_transport *transport, const uint8_t *packet, size_t len);

	/** Write what write() took and kept. May be NULL. @return: 0, AG_IO_AGAIN, or negative */
	int (*flush)(struct ag_transport *transport);

	/** Release everything; closes as well. */
	void (*free)(struct ag_transport *transport);
};

struct ag_transport {
	const struct ag_transport_ops *ops;
	struct ag_address address;
	int fd;          /* -1 while closed */
	char label[160]; /* what lines call it: "hci0 00:AA:01:00:00:00", "unix:/run/x" */
	char why[256];   /* one line: why the last call failed, and what to do */
	uint64_t bdaddr; /* of an open controller, as in union ag_value; 0: not known */
	bool local_only; /* tcp-listen: refuse anything but loopback */
};

/**
 * @address: copied; the text it borrows has to live as long
 * @out:     freed with ag_transport_free(); untouched on failure
 * @return:  0 or -ENOMEM
 */
int ag_transport_new(const struct ag_address *address, struct ag_transport **out);

/** Close and free; NULL is allowed. */
void ag_transport_free(struct ag_transport *transport);

/** Close, if it is open. */
void ag_transport_close(struct ag_transport *transport);

/** Set `why`. @return: `error`, so that a failure is one statement */
int ag_transport_fail(struct ag_transport *transport, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Wait within an open().
 *
 * @fd:      descriptor to wait for, or -1
 * @events:  of poll(2)
 * @timeout_ms: -1 for ever
 * @return:  0 (`fd` is ready), AG_IO_AGAIN (time is up), -ECANCELED, -ECONNRESET
 */
int ag_opening_wait(const struct ag_opening *opening, int fd, short events, int timeout_ms);

/** The same until a time of ag_now_us(), whatever signals come. Who waits again and again until
 *  then does not wait for longer. */
int ag_opening_wait_until(const struct ag_opening *opening, int fd, short events,
			  uint64_t limit_us);

/** The kinds: constructors behind ag_transport_new(), which sets what they have in common. */
struct ag_transport *ag_user_channel_new(void);
struct ag_transport *ag_vhci_new(void);
struct ag_transport *ag_stream_new(void);

/** Index of the virtual controller, learned when it was opened. */
unsigned int ag_vhci_index(const struct ag_transport *transport);

/** Set `why` for a virtual controller that the kernel has given up. @return: -ETIMEDOUT */
int ag_vhci_given_up(struct ag_transport *transport);

#endif
