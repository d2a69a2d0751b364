/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_H
#define AG_RULES_H

/*
 * The rule language: text in, a program out, the program run over a subject.
 *
 * This is the only header of rules/ that proxy/ includes, and rules/ includes nothing of proxy/.
 * The language itself is described in man/attgate-rules.5.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Values ---- */

/** A UUID in the form of Vol 3 Part B, 2.5.1: the 128-bit number, most significant half first. A
 *  16-bit UUID is put into the Bluetooth Base UUID. */
struct ag_uuid {
	uint64_t hi;
	uint64_t lo;
};

/** Bytes that belong to somebody else. `data` may be NULL when `len` is 0. */
struct ag_bytes {
	const uint8_t *data;
	size_t len;
};

/** One value. Which member counts follows from the field (see ag_field_type()). A BD_ADDR is `num`,
 *  its most significant octet (the first one written) in bits 47..40. A duration is `num` in
 *  microseconds. A flag is `num` 0 or 1. Names (opcodes, errors, roles) are `num`. */
union ag_value {
	uint64_t num;
	struct ag_uuid uuid;
	struct ag_bytes bytes;
};

enum ag_from { AG_FROM_HOST, AG_FROM_PEER };
enum ag_role { AG_ROLE_CENTRAL, AG_ROLE_PERIPHERAL };
enum ag_link_type { AG_LINK_LE, AG_LINK_BREDR };
enum ag_bearer_type { AG_BEARER_ATT, AG_BEARER_EATT, AG_BEARER_ATT_BREDR };
enum ag_peer_type {
	AG_PEER_PUBLIC,
	AG_PEER_RANDOM_STATIC,
	AG_PEER_RESOLVABLE,
	AG_PEER_NON_RESOLVABLE,
};
enum ag_att_kind {
	AG_KIND_REQUEST,
	AG_KIND_RESPONSE,
	AG_KIND_COMMAND,
	AG_KIND_NOTIFICATION,
	AG_KIND_INDICATION,
	AG_KIND_CONFIRMATION,
};

enum ag_field {
	AG_F_ROLE,       /* enum ag_role: the local controller's */
	AG_F_FROM,       /* enum ag_from */
	AG_F_LINK,       /* enum ag_link_type */
	AG_F_PEER,       /* BD_ADDR */
	AG_F_PEER_TYPE,  /* enum ag_peer_type */
	AG_F_ENCRYPTED,  /* flag */
	AG_F_AGE,        /* duration since the link came up */
	AG_F_BEARER,     /* enum ag_bearer_type */
	AG_F_MTU,        /* number: ATT_MTU agreed on the bearer */
	AG_F_ATT_OPCODE, /* name */
	AG_F_ATT_KIND,   /* enum ag_att_kind */
	AG_F_ATT_HANDLE, /* handle */
	AG_F_ATT_START,  /* handle */
	AG_F_ATT_END,    /* handle */
	AG_F_ATT_TYPE,   /* UUID */
	/* of the attribute that the PDU is about; present where it is known */
	AG_F_ATT_UUID,           /* UUID: its type */
	AG_F_ATT_CHARACTERISTIC, /* UUID of the characteristic it belongs to */
	AG_F_ATT_SERVICE,        /* UUID of the service it lies in */
	AG_F_ATT_MAPPED,         /* flag: its type is known; present on every PDU about one */
	AG_F_ATT_ERROR,          /* name */
	AG_F_ATT_REQUEST,        /* name: opcode */
	AG_F_ATT_UNSOLICITED,    /* flag */
	AG_F_ATT_MALFORMED,      /* flag: breaks its own format, Vol 3 Part F, 3.3 and 3.4 */
	AG_F_ATT_OFFSET,         /* number */
	AG_F_ATT_VALUE,          /* bytes */
	AG_F_ATT_LENGTH,         /* number: octets of the ATT PDU */
	AG_F_ATT_MTU,            /* number: the MTU in an Exchange MTU PDU */
	AG_F_SMP_OPCODE,         /* name */
	AG_F_SMP_REASON,         /* name */
	AG_FIELD_COUNT,
};

enum ag_value_type {
	AG_T_FLAG,     /* num 0 or 1 */
	AG_T_NUMBER,   /* num */
	AG_T_HANDLE,   /* num, 0x0000 to 0xffff */
	AG_T_NAME,     /* num, with names */
	AG_T_DURATION, /* num, microseconds */
	AG_T_BDADDR,   /* num */
	AG_T_UUID,     /* uuid */
	AG_T_BYTES,    /* bytes */
};

/** What is judged: one PDU and the link it is on. `value[f]` counts only where bit `f` of `present`
 *  is set; a field that is not present makes every comparison with it false. */
struct ag_subject {
	uint64_t present;
	union ag_value value[AG_FIELD_COUNT];
};

static inline bool ag_subject_has(const struct ag_subject *subject, enum ag_field field)
{
	return subject->present >> field & 1;
}

static inline void ag_subject_set(struct ag_subject *subject, enum ag_field field, uint64_t num)
{
	subject->value[field].num = num;
	subject->present |= UINT64_C(1) << field;
}

/* ---- Rules in force ---- */

enum ag_action_kind {
	/* verdicts: the first one decides */
	AG_ACCEPT,
	AG_REJECT, /* num: ATT error or SMP reason, if has_value */
	AG_ANSWER, /* answer_type tells whether value is bytes or a number */
	AG_DROP,
	AG_HIDE,       /* of attributes, see ag_rules_hide(); never of a PDU */
	AG_DISCONNECT, /* num: HCI error code, if has_value */
	/* not verdicts */
	AG_REWRITE, /* field = value */
	AG_DELAY,   /* time_us, jitter_us, until */
	AG_TIMEOUT, /* time_us; num: ATT error, if has_value */
	AG_DUPLICATE,
	AG_LOG, /* text, or NULL */
};

enum ag_delay_until {
	AG_DELAY_FIXED,            /* for the whole time */
	AG_DELAY_UNTIL_ENCRYPTED,  /* released early when the link is encrypted */
	AG_DELAY_UNLESS_ENCRYPTED, /* discarded when the link becomes encrypted meanwhile */
};

struct ag_action {
	enum ag_action_kind kind;
	bool has_value;
	enum ag_field field;            /* AG_REWRITE */
	enum ag_value_type answer_type; /* AG_ANSWER: AG_T_BYTES or AG_T_NUMBER */
	union ag_value value;
	uint64_t time_us;
	uint64_t jitter_us;
	enum ag_delay_until until;
	const char *text;
};

/** Whether an action decides; what does not is done beside a verdict. */
bool ag_is_verdict(enum ag_action_kind kind);

/** One rule of a set. Everything belongs to the set and lives as long as it does. */
struct ag_rule {
	const char *name;
	const char *file;  /* the source's name */
	unsigned int line; /* where the rule begins, from 1 */
	size_t index;      /* position in the set, from 0; the key of counters */
	const struct ag_action *actions;
	size_t n_actions;
};

/** A compiled set of rules. Immutable, so that it can be shared. */
struct ag_ruleset;

/** One text of rules. `name` is what diagnostics call it. Both are borrowed. */
struct ag_source {
	const char *name;
	const char *text;
	size_t len;
};

/* ---- Diagnostics ---- */

enum ag_severity { AG_ERROR, AG_WARNING };

/** One finding, with its place. Lines and columns count from 1, columns in bytes. */
struct ag_diag {
	enum ag_severity severity;
	size_t source; /* index into the sources that were compiled */
	unsigned int line;
	unsigned int column;
	unsigned int width; /* octets to underline, at least 1, within the line */
	const char *message;
	const char *hint; /* "did you mean att.uuid?", or NULL */
};

/** All findings of one compilation; owns the strings. Zero-initialise with AG_DIAGS_INIT. */
struct ag_diags {
	struct ag_diag *list;
	size_t count;
	size_t errors;
	size_t warnings;
	size_t allocated;
};
#define AG_DIAGS_INIT ((struct ag_diags){ 0 })

/** Free the findings; the structure is as after AG_DIAGS_INIT again. */
void ag_diags_clear(struct ag_diags *diags);

/**
 * Write one finding as text: place, message, the line with its number, the place underlined, the
 * hint. No colour, with a final newline.
 *
 * @diag:    the finding
 * @sources: the same sources the set was compiled from
 * @return:  a string for free(), or NULL when out of memory
 */
char *ag_diag_format(const struct ag_diag *diag, const struct ag_source *sources);

/* ---- Compiling ---- */

enum { AG_RULES_INVALID = 1 };

/**
 * Compile sources, in their order, into one set.
 *
 * All errors and warnings of all sources are reported in one run.
 *
 * @sources: borrowed for the call only; the set copies what it keeps
 * @out:     the set, to be freed with ag_ruleset_free(); untouched unless the result is 0
 * @diags:   findings are appended; may be NULL
 * @return:  0 (there may be warnings), AG_RULES_INVALID (there are errors), or -ENOMEM
 */
int ag_ruleset_compile(const struct ag_source *sources, size_t n_sources, struct ag_ruleset **out,
		       struct ag_diags *diags);

/** Free a set; NULL is allowed. */
void ag_ruleset_free(struct ag_ruleset *set);

/** Number of rules; 0 for NULL. */
size_t ag_ruleset_count(const struct ag_ruleset *set);

/** The rule at `index` (0 to count - 1), in the order in which rules are asked. */
const struct ag_rule *ag_ruleset_rule(const struct ag_ruleset *set, size_t index);

/**
 * The set in canonical form: one rule after another as it could have been written, `let` values put
 * in. Compiling the text again gives the same text.
 *
 * @return: a string for free(), or NULL when out of memory
 */
char *ag_ruleset_format(const struct ag_ruleset *set);

/** One rule in canonical form, likewise; of a filter, its expression. */
char *ag_rule_format(const struct ag_ruleset *set, size_t index);

/**
 * Compile one expression (the part after `when`) as a set of one rule without actions, for
 * filters. Same results and diagnostics as ag_ruleset_compile().
 */
int ag_expression_compile(const struct ag_source *source, struct ag_ruleset **out,
			  struct ag_diags *diags);

/* ---- Matching ---- */

/** The counters of samplers (every, first, chance): one state per set and link. */
struct ag_match_state;

/**
 * @set:  the set the state belongs to; may be NULL
 * @seed: for `chance`; the same seed and the same subjects give the same matches
 * @out:  freed with ag_match_state_free(); untouched on failure
 * @return: 0 or -ENOMEM
 */
int ag_match_state_new(const struct ag_ruleset *set, uint64_t seed, struct ag_match_state **out);

/** Free a state; NULL is allowed. */
void ag_match_state_free(struct ag_match_state *state);

/**
 * The next rule that matches a PDU; a rule with `hide` is none. Call with *position 0 first, and
 * again with the same position (and the subject as it is after a rewrite) until NULL. Rules that
 * cannot match the subject's `from`, `role`, `att.opcode` and `smp.opcode` are skipped by table,
 * and most of those that require a value of another field are found by that value. Never allocates.
 *
 * Samplers of an `and` are asked after its other operands, so they count the PDUs for which the
 * rest holds.
 *
 * @set:      may be NULL (no match)
 * @position: in and out; the index from which to look on
 * @return:   a rule of the set, or NULL
 */
const struct ag_rule *ag_rules_next(const struct ag_ruleset *set, const struct ag_subject *subject,
				    struct ag_match_state *state, size_t *position);

/**
 * Whether any rule could match a PDU, or a sampler count it, of which only the fields present in
 * `subject` among `from`, `role`, `link`, `peer`, `bearer`, `att.opcode`, `att.kind` and
 * `smp.opcode` are known yet. The first fragment of a PDU tells that much, so a false lets the rest
 * go by without being gathered.
 */
bool ag_rules_may_match(const struct ag_ruleset *set, const struct ag_subject *subject);

/** Which rules there are for an ATT PDU. */
enum ag_rules_reach {
	AG_RULES_NONE,     /* none can match it, and no sampler counts it */
	AG_RULES_OF_PEERS, /* only some that are for certain peers */
	AG_RULES_SOME,
};

/** The same of an ATT PDU by its opcode alone, for less: what most rules ask first. */
enum ag_rules_reach ag_rules_reach(const struct ag_ruleset *set, enum ag_from from,
				   enum ag_role role, enum ag_link_type link,
				   enum ag_bearer_type bearer, uint8_t opcode);

/** Whether a condition on PDUs asks for a field; false for NULL. A field that costs something to
 *  find out need not be found out for a set that never asks. */
bool ag_rules_ask(const struct ag_ruleset *set, enum ag_field field);

/* ---- Hiding attributes ---- */

/**
 * Whether an attribute is hidden. Every attribute of a database is a subject of its own, with
 * `role`, `from` (whose database it is), `link`, `peer`, `peer.type`, `att.handle`, `att.uuid`,
 * `att.characteristic` and `att.service`, the last three where they are known. Of the rules only
 * `hide` decides, and `accept` where its condition asks for nothing but these, in their order.
 * Never allocates.
 *
 * What belongs together is the caller's to see to: that with a service declaration its whole
 * service goes.
 *
 * @set:    may be NULL (nothing is hidden)
 * @rule:   the rule that decided, an `accept` or a `hide`; NULL where none did
 * @return: whether it is hidden
 */
bool ag_rules_hide(const struct ag_ruleset *set, const struct ag_subject *attribute,
		   const struct ag_rule **rule);

/** Whether a set, which may be NULL, has a `hide` at all. */
bool ag_rules_any_hides(const struct ag_ruleset *set);

/**
 * A number for what is hidden in one database on one link: of two sets or links it is the same only
 * if the rules hide the same attributes. A rule that cannot act there does not change it, nor does
 * the order of what is not asked.
 *
 * @link_part: `role`, `from`, `link`, `peer` and `peer.type` as in ag_rules_hide()
 * @digest:    128 bits; untouched where nothing is hidden
 * @return:    false where no `hide` could act
 */
bool ag_rules_hide_digest(const struct ag_ruleset *set, const struct ag_subject *link_part,
			  uint64_t digest[2]);

/* ---- Names ---- */

/** A field's name as rules write it, "att.opcode". */
const char *ag_field_name(enum ag_field field);
enum ag_value_type ag_field_type(enum ag_field field);

/** Name of a value of a field of type AG_T_NAME ("read_request", "peripheral"), or NULL. */
const char *ag_field_value_name(enum ag_field field, uint64_t num);

/** Name of an HCI error code (Vol 1 Part F), as `disconnect` takes it, or NULL. */
const char *ag_hci_error_name(uint8_t code);

/** Assigned name of a UUID ("battery_level"), or NULL. */
const char *ag_uuid_name(const struct ag_uuid *uuid);

/** "accept", "reject" … */
const char *ag_action_name(enum ag_action_kind kind);

/** A 16-bit UUID put into the Bluetooth Base UUID. */
struct ag_uuid ag_uuid_from_u16(uint16_t uuid16);

/** The 16-bit UUID in a UUID, if it is one in the Bluetooth Base UUID (Vol 3 Part B, 2.5.1). */
bool ag_uuid_to_u16(const struct ag_uuid *uuid, uint16_t *uuid16);

/**
 * Describe a field, verdict, opcode, error or UUID by name, number or Wireshark alias, as text for
 * a person.
 *
 * @out:    a string for free(); untouched unless 0
 * @return: 0, 1 when nothing is known by that name (then *out is a suggestion or NULL), -ENOMEM
 */
int ag_describe(const char *name, char **out);

/** Everything that can be described, one name and one line a row; a string for free() or NULL. */
char *ag_describe_all(void);

#endif
