/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_PHONE_H
#define AG_PHONE_H

/*
 * A phone for the tests: a small LE host of its own on a controller. As a central it looks for an
 * advertising peripheral, connects, serves a GATT database of an iPhone's shape, and uses the
 * peripheral's database at the same time; as a sensor it advertises and serves a battery. It is
 * strict: what the other side does against the protocol is a violation and makes the exit status 1.
 *
 * One thread, one struct phone, no allocation after the start. Everything that happens is told as a
 * line of JSON (report.h).
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/wire/cursor.h"
#include "tests/sim/phone/bearer.h"
#include "tests/sim/phone/eatt.h"
#include "tests/sim/random.h"

/* Default ATT_MTU of LE (Vol 3 Part G, 5.2.1). */
#define PHONE_DEFAULT_MTU 23
/* ATT's transaction time-out (Vol 3 Part F, 3.3.3). */
#define PHONE_ATT_TIMEOUT_MS 30000

/* Links that can have a --break of their own. */
#define PHONE_LINKS 32

enum phone_crossing { PHONE_CROSS_NOTHING, PHONE_CROSS_DISCOVER, PHONE_CROSS_WRITE };

/* When the person at the phone agrees to pair: never, when the phone asks, or without being asked.
 */
enum phone_pairing { PHONE_PAIR_NEVER, PHONE_PAIR_ASKED, PHONE_PAIR_NOW };

struct phone_options {
	const char *controller; /* hciN or unix:PATH */
	bool sensor;            /* peripheral that advertises, not central */
	bool silent;            /* the server answers nothing at all */
	bool has_peer;          /* connect to `peer` only */
	uint64_t peer;
	uint8_t protected_error; /* for what needs authentication; 0: give it away */
	uint8_t read_error;      /* for every Read Request; 0: none */
	enum phone_crossing crossing;
	bool eatt;                 /* enhanced bearers; the client begins when they are there */
	unsigned int ask_after_ms; /* the client begins so long after the connection */
	bool exchange_mtu;         /* the client exchanges the MTU */
	bool subscribe;            /* the client wants Service Changed indications */
	unsigned int every_ms;     /* between two reads of the peripheral's Device Name */
	unsigned int alive_ms;     /* end after the link has lived for this long; 0: never */
	enum phone_pairing pairing;
	bool bonded_waits;             /* a bonded phone encrypts only when it is asked to */
	unsigned int encrypt_after_ms; /* else so long after the connection */
	unsigned int links;            /* to make, one after the other */
	bool signalled;                /* the second and all later ones begin with a SIGUSR1 */
	bool new_address;              /* each link from another static random address */
	bool private;                  /* each link from another resolvable private address */
	uint32_t faults[PHONE_LINKS];  /* enum phone_fault as bits, for each link in turn */
	unsigned int fault_links;      /* rows of `faults`; then they begin anew */
	bool fuzz;                     /* mutated answers, unasked PDUs; links until fuzz_ms */
	uint64_t seed;
	unsigned int fuzz_ms;
};

/* Commands waiting for their turn; the longest start-up sequence has fewer than these. */
#define PHONE_COMMANDS 24
struct phone_command {
	uint16_t opcode;
	uint8_t len;
	uint8_t data[64];
};

struct phone_host {
	struct phone_command queue[PHONE_COMMANDS];
	size_t first, count;
	bool waiting; /* the first one is with the controller */
	uint64_t command_due_ms;
	bool extended; /* LE extended advertising is there */
	bool connecting;
	uint8_t address_type; /* our own, of the link that is or comes next */
	uint8_t address[6];
	uint8_t identity[6];      /* the public one */
	uint8_t identity_key[16]; /* IRK */
	uint8_t peer_type;        /* of the peripheral we connect to */
	uint8_t peer[6];
};

/* ACL packets waiting for a buffer of the controller, one L2CAP packet each. */
#define PHONE_FRAMES 16
struct phone_frame {
	uint16_t len, sent;
	uint8_t data[PHONE_L2CAP_MAX];
};

struct phone_link {
	bool up;
	bool encrypted;
	uint16_t handle;
	unsigned int number; /* the first one is 1 */
	uint64_t since_ms;
	uint16_t acl_len, acl_count; /* the controller's buffers */
	uint16_t in_flight;          /* packets it has not completed */
	struct phone_frame out[PHONE_FRAMES];
	size_t out_first, out_count;
	uint8_t in[PHONE_L2CAP_MAX]; /* L2CAP packet being recombined */
	size_t in_len, in_total;
};

enum phone_step {
	PHONE_STEP_IDLE,
	PHONE_STEP_MTU,
	PHONE_STEP_SERVICES,
	PHONE_STEP_CHARACTERISTICS,
	PHONE_STEP_DESCRIPTOR, /* is the one behind Service Changed its configuration? */
	PHONE_STEP_SUBSCRIBE,
	PHONE_STEP_READY, /* waiting for the next read */
	PHONE_STEP_READ,  /* of the Device Name, again and again */
	PHONE_STEP_CROSSING,
	PHONE_STEP_FUZZ, /* some request that the fuzzer made */
	PHONE_STEP_DEAD, /* timed out: no request is allowed any more */
};

struct phone_client {
	enum phone_step step;
	enum phone_step resume; /* what the crossing request came before */
	uint16_t next;          /* handle where the discovery goes on */
	unsigned int services, characteristics;
	uint16_t name_handle, write_handle, changed_handle;
	bool crossing_wanted; /* the moment came while a request was open */
	bool crossed;
	bool own_mtu;           /* asked on this link for an MTU exchange */
	unsigned int malformed; /* requests that broke their format, so far */
	uint64_t start_ms;      /* of the first request, while idle; 0: it never comes */
	uint64_t next_read_ms;
};

/* Pairing as the initiator (Vol 3 Part H, 2.3), legacy and Just Works. */
enum phone_smp_step {
	PHONE_SMP_IDLE,
	PHONE_SMP_REQUESTED, /* Pairing Request is out */
	PHONE_SMP_CONFIRM,
	PHONE_SMP_RANDOM,
	PHONE_SMP_ENCRYPTING, /* with the key of this pairing */
	PHONE_SMP_KEYS,       /* the peripheral's keys are awaited */
	PHONE_SMP_BONDED,     /* LE Enable Encryption with the key of the bond is out */
};

struct phone_smp {
	enum phone_smp_step step;
	uint64_t due_ms; /* of the step; or of the encryption by ourselves, 0: none is planned */
	uint8_t request[7], response[7];
	uint8_t random[16], peer_confirm[16], peer_random[16];
	unsigned int keys; /* codes of the PDUs that are awaited, as bits */
};

/* What is left of a pairing: how the peripheral knows us again (Vol 3 Part H, 2.4.4). */
struct phone_bond {
	bool known;
	uint8_t ltk[16], random[8], diversifier[2];
};

struct phone_totals {
	unsigned int violations, security_requests, requests, discovery_requests, protected_reads;
	unsigned int reads, slowest_ms;
	int disconnect_reason; /* -1: not disconnected */
	long crossing_ms;      /* latency of the crossing request; -1: not answered */
	long lived_ms;
};

struct phone {
	struct phone_options options;
	int fd;
	bool stream;
	uint8_t input[1 + 4 + 65535];
	size_t input_len;
	bool done;
	bool ending; /* lived long enough; only the disconnection is awaited, since ending_ms */
	uint64_t ending_ms;
	bool idle; /* no link is wanted before the next SIGUSR1 */
	volatile sig_atomic_t told_to_connect, told_to_leave;
	int failure; /* errno of what ended it, or 0 */
	struct ag_random random;
	uint64_t down_ms; /* since when there is no link */
	uint64_t fuzz_due_ms, fuzz_end_ms;
	struct phone_host host;
	struct phone_link link;
	struct phone_bearer fixed;
	struct phone_bearer *bearer; /* of what came in just now, else that of the client */
	struct phone_eatt eatt;
	struct phone_client client;
	struct phone_smp smp;
	struct phone_bond bond;
	struct phone_totals totals;
};

/** Monotonic milliseconds since the machine started. */
uint64_t phone_now_ms(void);

/* ---- transport.c ---- */

/** Open the controller; 0 or -errno. Waits through the kernel's start-up of the controller. */
int phone_open(struct phone *phone);

/** Read what there is and give each whole packet to phone_packet(); 0 or -errno. */
int phone_read(struct phone *phone);

/** Write one packet, H4 type octet first. A failure ends the phone. */
void phone_write(struct phone *phone, const uint8_t *packet, size_t len);

/* ---- host.c: HCI commands and events ---- */

/** Queue the start-up sequence. */
void phone_start(struct phone *phone);

/** Make the next link: scan for a peripheral, or advertise. */
void phone_look_for_peer(struct phone *phone);

/** LE Enable Encryption (Vol 4 Part E, 7.8.24); phone_smp_encrypted() tells the end. */
void phone_encrypt(struct phone *phone, const uint8_t random[8], const uint8_t diversifier[2],
		   const uint8_t key[16]);

/** Queue a command; it goes when those before it are complete. */
void phone_command(struct phone *phone, uint16_t opcode, const void *data, size_t len);

/** End the link, as a person switching Bluetooth off would; the next one may follow. */
void phone_hang_up(struct phone *phone);

/** One packet from the controller. */
void phone_packet(struct phone *phone, const uint8_t *packet, size_t len);

/* ---- loop.c ---- */

/** What is due by now, and what signals have asked for; the result is when the next thing is due.
 */
uint64_t phone_tick(struct phone *phone);

/* ---- link.c: ACL, L2CAP, SMP ---- */

void phone_link_up(struct phone *phone, uint16_t handle);
void phone_link_down(struct phone *phone, uint8_t reason);

/** The controller has completed `count` packets. */
void phone_completed(struct phone *phone, uint16_t count);

void phone_acl_in(struct phone *phone, const uint8_t *packet, size_t len);

/** Send one L2CAP packet, in as many ACL packets as it needs and the controller has room for. */
void phone_l2cap_send(struct phone *phone, uint16_t cid, const uint8_t *data, size_t len);

/* ---- bearer.c: the ATT bearers ---- */

void phone_bearer_up(struct phone *phone);
void phone_att_in(struct phone *phone, struct phone_bearer *bearer, const uint8_t *pdu, size_t len);

/** Send a request of ours; none may be open. */
void phone_ask(struct phone *phone, const uint8_t *pdu, size_t len);

/** Send the answer to the peer's open request. */
void phone_answer(struct phone *phone, const uint8_t *pdu, size_t len);

/** Send a PDU that neither asks nor answers, or should not be sent at all. */
void phone_send_att(struct phone *phone, const uint8_t *pdu, size_t len);

/* ---- smp.c: pairing and encryption ---- */

/** The link is up: pair or encrypt, if the options and the bond say so. */
void phone_smp_start(struct phone *phone);
void phone_smp_in(struct phone *phone, const uint8_t *pdu, size_t len);

/** Encryption Change (Vol 4 Part E, 7.7.8). */
void phone_smp_encrypted(struct phone *phone, uint8_t status, bool on);

/** What is due by now; the result is when the next thing is due. */
uint64_t phone_smp_tick(struct phone *phone, uint64_t now_ms);

/* ---- server.c, client.c ---- */

/** A request of the peer: answer it (or not, as the options say). */
void phone_serve(struct phone *phone, const uint8_t *pdu, size_t len);

/** A command of the peer. */
void phone_serve_command(struct phone *phone, const uint8_t *pdu, size_t len);

/**
 * Answer a request from the database, whatever the options say of silence.
 *
 * @encrypted: whether the link is
 * @out:       of at least PHONE_MTU octets
 * @return:    octets of the answer
 */
size_t phone_server_answer(const struct phone_options *options, bool encrypted, uint16_t mtu,
			   const uint8_t *pdu, size_t len, uint8_t *out);

/** The link is up: begin to use the peripheral's database. */
void phone_client_start(struct phone *phone);

/** The enhanced bearers are there, or are not to be had: begin, if that was waited for. */
void phone_client_begin(struct phone *phone);

/** A bearer ends, and with it what the client asked there; it goes on elsewhere. */
void phone_client_forsake(struct phone *phone, const struct phone_bearer *bearer);

/** The answer to the open request; latency in milliseconds. */
void phone_client_answer(struct phone *phone, const uint8_t *pdu, size_t len, uint64_t latency_ms);

/** Something protected is about to be refused: send the crossing request now, if one is wanted.
 *  @return: whether the refusal has to wait, because another request is open */
bool phone_client_cross(struct phone *phone);

/** Ask something that is none of the client's own business, unless it is busy. */
void phone_client_ask(struct phone *phone, const uint8_t *pdu, size_t len);

/** What is due by now; the result is when the next thing is due. */
uint64_t phone_client_tick(struct phone *phone, uint64_t now_ms);

#endif
