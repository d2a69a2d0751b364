/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_ATTRIBUTES_H
#define AG_ENGINE_ATTRIBUTES_H

/*
 * The attributes of one GATT database, as far as they are known (Vol 3 Part G, 3).
 *
 * What is kept is what discovery shows: declarations with their content, and the types of other
 * attributes. A characteristic's value is not kept on its own, its declaration tells of it
 * (3.3.1). The map holds no two attributes that one database cannot have together: what is newly
 * learned replaces what it contradicts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/wire/att.h"
#include "rules/rules.h"

/** Attributes that are kept of a database. A phone has about 300; where there are more, the rest
 *  is not known. */
#define AG_ATTRIBUTES_MAX 2048
/** Octets of a Database Hash (Vol 3 Part G, 7.3). */
#define AG_DATABASE_HASH_LEN 16

enum ag_attribute_kind {
	AG_ATTRIBUTE_PRIMARY,
	AG_ATTRIBUTE_SECONDARY,
	AG_ATTRIBUTE_INCLUDE,
	AG_ATTRIBUTE_CHARACTERISTIC,
	AG_ATTRIBUTE_OTHER, /* not a declaration, or one whose content is not known */
};

struct ag_attribute {
	uint16_t handle; /* 0x0001 to 0xffff */
	enum ag_attribute_kind kind;
	struct ag_uuid uuid; /* of the declared service or characteristic, or of the included
			      * service (0 where the declaration does not tell, 3.2); of
			      * AG_ATTRIBUTE_OTHER its type */
	uint16_t end;        /* service, include: last handle of the service; else 0 */
	uint16_t value;      /* characteristic: handle of its value; include: first handle of the
			      * service; else 0 */
	uint8_t properties;  /* characteristic: 3.3.1.1; else 0 */
};

/** What is known of the attribute at a handle. The pointers are valid until the map changes. */
struct ag_attribute_place {
	bool mapped;                               /* its type is known */
	struct ag_uuid type;                       /* where mapped */
	const struct ag_attribute *characteristic; /* it belongs to, or NULL */
	const struct ag_attribute *service;        /* it lies in, or NULL */
};

struct ag_attributes;

enum {
	AG_ATTRIBUTES_FULL = 1, /* no room, or no memory: it is not kept */
	AG_ATTRIBUTES_INVALID,  /* no database has this, or the PDU is malformed: nothing changed */
};

/**
 * @out:    freed with ag_attributes_free(); untouched on failure
 * @return: 0 or -ENOMEM
 */
int ag_attributes_new(struct ag_attributes **out);

/** Free a map; NULL is allowed. */
void ag_attributes_free(struct ag_attributes *map);

/** For ag_cleanup(). */
static inline void ag_attributes_cleanup(struct ag_attributes **map)
{
	ag_attributes_free(*map);
}

/** Forget all, the Database Hash too; the memory is kept. */
void ag_attributes_clear(struct ag_attributes *map);

/**
 * Enter one attribute. What it contradicts is taken out, a service with all that lies in it. What
 * is known already, or better (a declaration with its content against its mere type), stays.
 *
 * @attribute: copied; members that its kind does not have are ignored
 * @return:    0, AG_ATTRIBUTES_FULL or AG_ATTRIBUTES_INVALID
 */
int ag_attributes_put(struct ag_attributes *map, const struct ag_attribute *attribute);

/** Forget the attributes from `start` to `end` (both included), and the declarations of services
 *  and characteristics that reach into the range. */
void ag_attributes_drop(struct ag_attributes *map, uint16_t start, uint16_t end);

/**
 * The database has changed, and these attributes may not be there any more: they are not known, as
 * after ag_attributes_drop(). But when a service is entered again that is what it was (kind, range
 * and UUID), what lay in it is known again, unless it contradicts what was learned since. That is
 * how bluetoothd sees it too, which discovers only those services anew that it finds changed.
 */
void ag_attributes_doubt(struct ag_attributes *map, uint16_t start, uint16_t end);

/** Attributes in doubt. */
size_t ag_attributes_doubted(const struct ag_attributes *map);

/** The one at `i` (0 to ag_attributes_doubted() - 1); what was set aside first comes first. */
const struct ag_attribute *ag_attributes_doubted_at(const struct ag_attributes *map, size_t i);

/** Attributes that are kept. */
size_t ag_attributes_count(const struct ag_attributes *map);

/** The one at `i` (0 to count - 1), in ascending order of handles. */
const struct ag_attribute *ag_attributes_at(const struct ag_attributes *map, size_t i);

/** The attribute that is kept at a handle, or NULL. Valid until the map changes. */
const struct ag_attribute *ag_attributes_exactly(const struct ag_attributes *map, uint16_t handle);

/**
 * What is known of a handle.
 *
 * A value's type follows from its characteristic's declaration. Where a characteristic that
 * notifies or indicates has room for one descriptor only, that is its Client Characteristic
 * Configuration (3.3.3.3); bluetoothd concludes the same and does not ask.
 *
 * @return: whether anything is known; `out` is filled either way
 */
bool ag_attributes_find(const struct ag_attributes *map, uint16_t handle,
			struct ag_attribute_place *out);

static inline void ag_subject_set_uuid(struct ag_subject *subject, enum ag_field field,
				       const struct ag_uuid *uuid)
{
	subject->value[field].uuid = *uuid;
	subject->present |= UINT64_C(1) << field;
}

/** Set the fields of a subject that tell what an attribute is: `att.mapped`, and of `att.uuid`,
 *  `att.characteristic` and `att.service` those that are known. */
void ag_subject_place(struct ag_subject *subject, const struct ag_attribute_place *place);

/** Grows with every change, so that it tells whether what was saved is still all. */
uint64_t ag_attributes_changes(const struct ag_attributes *map);

/** The Database Hash, AG_DATABASE_HASH_LEN octets as on air, or NULL where it is not known. */
const uint8_t *ag_attributes_hash(const struct ag_attributes *map);

/** Keep a Database Hash, or with NULL none. The attributes stay. */
void ag_attributes_set_hash(struct ag_attributes *map, const uint8_t *hash);

/** The owner says that this is its Database Hash. Another than the one that is kept puts all that
 *  was known in doubt, since it changes with the database (Vol 3 Part G, 7.3). */
void ag_attributes_rehash(struct ag_attributes *map, const uint8_t *hash);

/** A UUID of 2 or 16 octets as it lies in a PDU, least significant octet first (Vol 3 Part B,
 *  2.5.1). */
struct ag_uuid ag_uuid_from_air(const uint8_t *at, size_t len);

static inline bool ag_uuid_equal(const struct ag_uuid *a, const struct ag_uuid *b)
{
	return a->hi == b->hi && a->lo == b->lo;
}

/** Whether a UUID is the 16-bit one of that number. */
static inline bool ag_uuid_is(const struct ag_uuid *uuid, uint16_t number)
{
	uint16_t uuid16;

	/* the 16 bits decide nearly always */
	return uuid->hi >> 32 == number && ag_uuid_to_u16(uuid, &uuid16);
}

/** The type that a request with AG_ATT_P_TYPE asks for. */
struct ag_uuid ag_uuid_asked(const struct ag_att *request);

/** Type of the attribute itself: a service's is «Primary Service» or «Secondary Service». */
struct ag_uuid ag_attribute_type(const struct ag_attribute *attribute);

/** "primary_service", "characteristic" … of an AG_ATTRIBUTE_OTHER "attribute". */
const char *ag_attribute_kind_name(enum ag_attribute_kind kind);

/* ---- attributes_learn.c ---- */

/** Whether a response can teach anything, by its opcode and that of the request it answers. */
static inline bool ag_attributes_teaches(uint8_t request, uint8_t response)
{
	/* 3.4: Find Information, Find By Type Value, Read By Type, Read, Read By Group Type; the
	 * response to each has the next opcode */
	const uint32_t requests = 1u << 0x04 | 1u << 0x06 | 1u << 0x08 | 1u << 0x0a | 1u << 0x10;

	return response == request + 1 && request < 32 && requests >> request & 1;
}

/**
 * Learn from a request and the answer that the database's owner gave to it: Read By Group Type,
 * Find By Type Value, Read By Type, Find Information, and the reading of a declaration or of the
 * Database Hash by its handle, which is taken as by ag_attributes_rehash(). An answer that is
 * malformed, or that answers something else, teaches nothing.
 *
 * @request:  the ATT PDU as the owner got it, at least 1 octet
 * @response: the ATT PDU as the owner sent it, at least 1 octet
 * @return:   0, AG_ATTRIBUTES_FULL or AG_ATTRIBUTES_INVALID
 */
int ag_attributes_learn(struct ag_attributes *map, const uint8_t *request, size_t request_len,
			const uint8_t *response, size_t len);

/**
 * Learn from an indication of the database's owner: Service Changed (Vol 3 Part G, 7.1) puts the
 * range it names in doubt; the Database Hash is another one now.
 *
 * @return: true when it was Service Changed
 */
bool ag_attributes_indicated(struct ag_attributes *map, const uint8_t *indication, size_t len);

#endif
