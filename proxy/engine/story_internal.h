/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_STORY_INTERNAL_H
#define AG_ENGINE_STORY_INTERNAL_H

/* What a story keeps of a link (story.c), for those who judge it (story_judge.c). Directions are
 * indexed by enum ag_from. */

#include "proxy/engine/story.h"

enum { STORY_LINKS = 64, STORY_REQUESTS = 8, STORY_ACL = 64, STORY_WORDS = 96, STORY_ANSWER = 32 };

#define STORY_SECOND ((uint64_t)1000000)
/* The three timers: bluetoothd's and others' for ATT (Vol 3 Part F, 3.3.3), SMP (Part H, 3.4). */
#define STORY_TIMER (30 * STORY_SECOND)

/* A place in the recording; frame 0 is none. */
struct story_mark {
	uint64_t frame;
	uint64_t us;
};

/* A PDU that awaits another. */
struct story_request {
	struct story_mark at;
	enum ag_bearer_type bearer;
	uint8_t opcode;
	uint16_t handle;
	char words[STORY_WORDS];
};

struct story_count {
	struct story_mark first;
	struct story_mark last;
	uint64_t count;
	char words[STORY_WORDS]; /* of the first */
};

/* A request that was refused with 0x05 or 0x0f. */
struct story_refusal {
	struct story_mark asked;
	struct story_mark refused;
	enum ag_from asker;
	uint8_t opcode;
	uint16_t handle;
	uint8_t error;
	char words[STORY_WORDS];
	uint64_t count; /* of the same handle by the same asker */
};

struct story_link {
	bool up;
	bool known; /* the engine told of it, so `view` holds more than the handle */
	struct ag_link_view view;
	struct story_mark began;
	struct story_mark last; /* the last packet on it */
	struct story_request requests[2][STORY_REQUESTS];
	struct story_request answered[2]; /* the last one, by asker */
	struct story_mark answer[2];      /* and its response, of which so many octets are kept */
	uint8_t answer_pdu[2][STORY_ANSWER];
	size_t answer_len[2];
	bool same_again[2];          /* a duplicate was the same, octet for octet */
	struct story_count asked[2]; /* requests, MTU exchange left out */
	struct story_mark mtu_first[2];
	uint64_t overrun; /* requests while another was open: a response is missing here */
	uint64_t surplus; /* completions of packets that are missing here */
	bool overfull;    /* more packets with the controller than it has buffers */
	struct story_count unsolicited[2]; /* by who answered */
	struct story_count duplicate[2];
	struct story_count malformed[2];
	struct story_refusal refusal; /* the last one, until security was raised by it */
	struct story_refusal later;   /* the last one since that was settled */
	struct story_mark raised;     /* first SMP or encryption after nothing, or after `later' */
	struct story_mark settled;    /* the encryption that came of it */
	enum ag_from raiser;
	char raised_words[STORY_WORDS];
	struct story_mark smp[2];    /* the last SMP PDU of each side */
	struct story_mark paired[2]; /* a Pairing Request or Response of each side */
	struct story_mark failed;    /* Pairing Failed */
	enum ag_from failer;
	uint8_t fail_reason;
	struct story_mark encrypted;
	struct story_mark encrypt_failed;
	uint8_t encrypt_status;
	uint16_t mtu[2][2]; /* Rx MTU stated: by side, in a request or in a response */
	struct story_mark mtu_at[2][2];
	struct story_count mtu_again[2];
	struct story_count too_long[2]; /* PDUs longer than what was agreed */
	uint16_t too_long_mtu[2];       /* which was this much for the first of them */
	uint16_t service_changed; /* value handle in the local database, if it was asked for */
	struct story_request indication[2];
	struct story_request changed_early; /* Service Changed before encryption, from the host */
	struct story_mark acl[STORY_ACL];   /* of the host, not completed, oldest first */
	size_t n_acl;
	uint64_t more_acl;
	struct story_mark disconnect; /* the host's command */
	uint8_t disconnect_reason;
	struct story_mark ended;
	uint8_t ended_reason;
};

struct ag_story {
	ag_story_fn *tell;
	void *user;
	struct story_mark now;
	uint16_t buffers[2]; /* of the controller, by enum ag_link_type; 0: not known */
	struct story_link links[STORY_LINKS];
	struct ag_finding findings[2 * AG_FINDING_KINDS];
	size_t n_findings;
};

static inline enum ag_from story_other(enum ag_from from)
{
	return from == AG_FROM_HOST ? AG_FROM_PEER : AG_FROM_HOST;
}

/* What an exchange that this side asked for has led to (3.4.2.2); 0: there was none. */
static inline uint16_t story_agreed(const struct story_link *link, enum ag_from from)
{
	uint16_t asked = link->mtu[from][0];
	uint16_t answered = link->mtu[story_other(from)][1];

	if (!asked || !answered)
		return 0;
	return asked < answered ? asked : answered;
}

/* What the link's traffic says, into story->findings. */
void ag_story_judge(struct ag_story *story, const struct story_link *link);

#endif
