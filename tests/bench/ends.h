/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_BENCH_ENDS_H
#define AG_BENCH_ENDS_H

/*
 * The two neighbours of the proxy that is measured: a controller that answers commands and
 * completes packets, and a host. Over H4 streams, or as two devices of the kernel: a virtual
 * controller of ours and the user channel of the one that the proxy makes of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define END_BUFFER (256 << 10)
#define PACKET_MAX 1028
/* Packets of the host that the controller takes before it completes one. */
#define BUFFERS 255
/* Packets that one Number Of Completed Packets event completes. */
#define COMPLETED_AT_ONCE 8

/** One neighbour. */
struct end {
	int fd;
	bool stream;        /* else a packet for each call */
	bool is_controller; /* answers commands, completes ACL packets */
	unsigned int uncompleted;
	size_t in_len;
	size_t out_at, out_len; /* what a stream did not take at once */
	uint8_t in[END_BUFFER];
	uint8_t out[END_BUFFER];
};

typedef void packet_fn(void *user, const uint8_t *packet, size_t len);

/** Packets or octets that wait, of both, until `timeout_ms`; for room to write as well if `writes`.
 */
void ends_wait(const struct end *a, const struct end *b, bool writes, int timeout_ms);

/** @return: whether it was taken; never in part, as far as the caller knows */
bool end_send(struct end *end, const uint8_t *packet, size_t len);

/** Write what a stream gathered. @return: whether all of it went */
bool end_flush(struct end *end);

/** Hand over each packet that is there. A controller answers what is to be answered by itself.
 *  Exits when the other side has gone. */
void end_receive(struct end *end, packet_fn *packet, void *user);

/**
 * Open both ends and start the proxy between them.
 *
 * @streams: folder for the sockets `controller` (we listen) and `host` (the proxy does); NULL: the
 *           virtual controller hci0, and the user channel of hci1
 * @command: argument vector; NULL: no proxy, the host takes hci0 itself
 * @return:  of the proxy; 0: there is none
 */
pid_t ends_open(struct end *controller, struct end *host, const char *streams, char **command);

/** As the host, set up; as the controller, connect handle 0x0040; agree on an ATT_MTU of 517. */
void ends_connect(struct end *controller, struct end *host);

#endif
