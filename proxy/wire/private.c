/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/wire/private.h"

#include "proxy/base/cleanup.h"
#include "proxy/wire/cursor.h"
#include "proxy/wire/h4.h"
#include "proxy/wire/hci.h"
#include "proxy/wire/smp.h"

/* In which parameters a row looks. Offsets count from their first octet: of a return parameter from
 * the status, of an LE meta event from the subevent code. */
enum place { COMMAND, RETURN, EVENT, LE_EVENT };

/* `len` of what goes to the end. */
#define REST 0xffff

struct row {
	enum place place;
	uint16_t code; /* opcode, event code, subevent code */
	uint16_t at;
	enum ag_private kind;
	uint16_t len;
};

#define ADDRESS(place, code, at)                                                                   \
	{                                                                                          \
		place, code, at, AG_PRIVATE_ADDRESS, 6                                             \
	}
#define KEY(place, code, at, len)                                                                  \
	{                                                                                          \
		place, code, at, AG_PRIVATE_KEY, len                                               \
	}
#define NAME(place, code, at, len)                                                                 \
	{                                                                                          \
		place, code, at, AG_PRIVATE_NAME, len                                              \
	}
#define DATA(place, code, at, len)                                                                 \
	{                                                                                          \
		place, code, at, AG_PRIVATE_DATA, len                                              \
	}

static const struct row rows[] = {
	/* Link Control commands, 7.1 */
	ADDRESS(COMMAND, 0x0405, 0), /* Create Connection */
	ADDRESS(COMMAND, 0x0408, 0), /* Create Connection Cancel */
	ADDRESS(RETURN, 0x0408, 1),
	ADDRESS(COMMAND, 0x0409, 0), /* Accept Connection Request */
	ADDRESS(COMMAND, 0x040a, 0), /* Reject Connection Request */
	ADDRESS(COMMAND, 0x040b, 0), /* Link Key Request Reply */
	KEY(COMMAND, 0x040b, 6, 16),
	ADDRESS(RETURN, 0x040b, 1),
	ADDRESS(COMMAND, 0x040c, 0), /* Link Key Request Negative Reply */
	ADDRESS(RETURN, 0x040c, 1),
	ADDRESS(COMMAND, 0x040d, 0), /* PIN Code Request Reply */
	KEY(COMMAND, 0x040d, 7, 16),
	ADDRESS(RETURN, 0x040d, 1),
	ADDRESS(COMMAND, 0x040e, 0), /* PIN Code Request Negative Reply */
	ADDRESS(RETURN, 0x040e, 1),
	ADDRESS(COMMAND, 0x0419, 0), /* Remote Name Request */
	ADDRESS(COMMAND, 0x041a, 0), /* Remote Name Request Cancel */
	ADDRESS(RETURN, 0x041a, 1),
	ADDRESS(COMMAND, 0x0429, 0), /* Accept Synchronous Connection Request */
	ADDRESS(COMMAND, 0x042a, 0), /* Reject Synchronous Connection Request */
	ADDRESS(COMMAND, 0x042b, 0), /* IO Capability Request Reply */
	ADDRESS(RETURN, 0x042b, 1),
	ADDRESS(COMMAND, 0x042c, 0), /* User Confirmation Request Reply */
	ADDRESS(RETURN, 0x042c, 1),
	ADDRESS(COMMAND, 0x042d, 0), /* ... Negative Reply */
	ADDRESS(RETURN, 0x042d, 1),
	ADDRESS(COMMAND, 0x042e, 0), /* User Passkey Request Reply */
	KEY(COMMAND, 0x042e, 6, 4),
	ADDRESS(RETURN, 0x042e, 1),
	ADDRESS(COMMAND, 0x042f, 0), /* ... Negative Reply */
	ADDRESS(RETURN, 0x042f, 1),
	ADDRESS(COMMAND, 0x0430, 0), /* Remote OOB Data Request Reply */
	KEY(COMMAND, 0x0430, 6, 32),
	ADDRESS(RETURN, 0x0430, 1),
	ADDRESS(COMMAND, 0x0433, 0), /* ... Negative Reply */
	ADDRESS(RETURN, 0x0433, 1),
	ADDRESS(COMMAND, 0x0434, 0), /* IO Capability Request Negative Reply */
	ADDRESS(RETURN, 0x0434, 1),
	ADDRESS(COMMAND, 0x043e, 0), /* Enhanced Accept Synchronous Connection Request */
	ADDRESS(COMMAND, 0x043f, 0), /* Truncated Page */
	ADDRESS(COMMAND, 0x0440, 0), /* Truncated Page Cancel */
	ADDRESS(RETURN, 0x0440, 1),
	ADDRESS(COMMAND, 0x0442, 1), /* Set Connectionless Peripheral Broadcast Receive */
	ADDRESS(RETURN, 0x0442, 1),
	ADDRESS(COMMAND, 0x0444, 0), /* Receive Synchronization Train */
	ADDRESS(COMMAND, 0x0445, 0), /* Remote OOB Extended Data Request Reply */
	KEY(COMMAND, 0x0445, 6, 64),
	ADDRESS(RETURN, 0x0445, 1),
	/* Link Policy and Controller & Baseband commands, 7.2 and 7.3 */
	ADDRESS(COMMAND, 0x080b, 0),    /* Switch Role */
	ADDRESS(COMMAND, 0x0c0d, 0),    /* Read Stored Link Key */
	ADDRESS(COMMAND, 0x0c12, 0),    /* Delete Stored Link Key */
	NAME(COMMAND, 0x0c13, 0, REST), /* Write Local Name */
	NAME(RETURN, 0x0c14, 1, REST),  /* Read Local Name */
	DATA(RETURN, 0x0c51, 2, REST),  /* Read Extended Inquiry Response */
	DATA(COMMAND, 0x0c52, 1, REST), /* Write Extended Inquiry Response */
	KEY(RETURN, 0x0c57, 1, 32),     /* Read Local OOB Data */
	KEY(RETURN, 0x0c7d, 1, 64),     /* Read Local OOB Extended Data */
	ADDRESS(RETURN, 0x1009, 1),     /* Read BD_ADDR */
	/* LE Controller commands, 7.8 */
	ADDRESS(COMMAND, 0x2005, 0),    /* LE Set Random Address */
	ADDRESS(COMMAND, 0x2006, 7),    /* LE Set Advertising Parameters */
	DATA(COMMAND, 0x2008, 1, REST), /* LE Set Advertising Data */
	DATA(COMMAND, 0x2009, 1, REST), /* LE Set Scan Response Data */
	ADDRESS(COMMAND, 0x200d, 6),    /* LE Create Connection */
	ADDRESS(COMMAND, 0x2011, 1),    /* LE Add Device To Filter Accept List */
	ADDRESS(COMMAND, 0x2012, 1),    /* LE Remove Device From Filter Accept List */
	KEY(COMMAND, 0x2017, 0, 32),    /* LE Encrypt */
	KEY(RETURN, 0x2017, 1, 16),
	KEY(COMMAND, 0x2019, 2, 26), /* LE Enable Encryption: rand, EDIV, key */
	KEY(COMMAND, 0x201a, 2, 16), /* LE Long Term Key Request Reply */
	KEY(COMMAND, 0x2026, 0, 64), /* LE Generate DHKey */
	ADDRESS(COMMAND, 0x2027, 1), /* LE Add Device To Resolving List */
	KEY(COMMAND, 0x2027, 7, 32),
	ADDRESS(COMMAND, 0x2028, 1), /* LE Remove Device From Resolving List */
	ADDRESS(COMMAND, 0x202b, 1), /* LE Read Peer Resolvable Address */
	ADDRESS(RETURN, 0x202b, 1),
	ADDRESS(COMMAND, 0x202c, 1), /* LE Read Local Resolvable Address */
	ADDRESS(RETURN, 0x202c, 1),
	ADDRESS(COMMAND, 0x2035, 1),  /* LE Set Advertising Set Random Address */
	ADDRESS(COMMAND, 0x2036, 12), /* LE Set Extended Advertising Parameters */
	ADDRESS(COMMAND, 0x207f, 12),
	ADDRESS(COMMAND, 0x2043, 3), /* LE Extended Create Connection */
	ADDRESS(COMMAND, 0x2085, 5),
	ADDRESS(COMMAND, 0x2044, 3),    /* LE Periodic Advertising Create Sync */
	ADDRESS(COMMAND, 0x2047, 1),    /* LE Add Device To Periodic Advertiser List */
	ADDRESS(COMMAND, 0x2048, 1),    /* LE Remove Device From Periodic Advertiser List */
	ADDRESS(COMMAND, 0x204e, 1),    /* LE Set Privacy Mode */
	KEY(COMMAND, 0x205e, 0, 64),    /* LE Generate DHKey [v2] */
	KEY(COMMAND, 0x2068, 15, 16),   /* LE Create BIG */
	KEY(COMMAND, 0x2069, 20, 16),   /* LE Create BIG Test */
	KEY(COMMAND, 0x206b, 4, 16),    /* LE BIG Create Sync */
	DATA(COMMAND, 0x2083, 8, REST), /* LE Set Periodic Advertising Response Data */
	/* what a common driver has for setting the address */
	ADDRESS(COMMAND, 0xfc01, 0),
	/* Events, 7.7 */
	ADDRESS(EVENT, 0x03, 3), /* Connection Complete */
	ADDRESS(EVENT, 0x04, 0), /* Connection Request */
	ADDRESS(EVENT, 0x07, 1), /* Remote Name Request Complete */
	NAME(EVENT, 0x07, 7, REST),
	ADDRESS(EVENT, 0x12, 1), /* Role Change */
	ADDRESS(EVENT, 0x16, 0), /* PIN Code Request */
	ADDRESS(EVENT, 0x17, 0), /* Link Key Request */
	ADDRESS(EVENT, 0x18, 0), /* Link Key Notification */
	KEY(EVENT, 0x18, 6, 16),
	ADDRESS(EVENT, 0x20, 0), /* Page Scan Repetition Mode Change */
	ADDRESS(EVENT, 0x2c, 3), /* Synchronous Connection Complete */
	ADDRESS(EVENT, 0x2f, 1), /* Extended Inquiry Result */
	DATA(EVENT, 0x2f, 15, REST),
	ADDRESS(EVENT, 0x31, 0), /* IO Capability Request */
	ADDRESS(EVENT, 0x32, 0), /* IO Capability Response */
	ADDRESS(EVENT, 0x33, 0), /* User Confirmation Request */
	KEY(EVENT, 0x33, 6, 4),
	ADDRESS(EVENT, 0x34, 0), /* User Passkey Request */
	ADDRESS(EVENT, 0x35, 0), /* Remote OOB Data Request */
	ADDRESS(EVENT, 0x36, 1), /* Simple Pairing Complete */
	ADDRESS(EVENT, 0x3b, 0), /* User Passkey Notification */
	KEY(EVENT, 0x3b, 6, 4),
	ADDRESS(EVENT, 0x3c, 0), /* Keypress Notification */
	ADDRESS(EVENT, 0x3d, 0), /* Remote Host Supported Features Notification */
	ADDRESS(EVENT, 0x50, 1), /* Synchronization Train Received */
	ADDRESS(EVENT, 0x51, 0), /* Connectionless Peripheral Broadcast Receive */
	ADDRESS(EVENT, 0x52, 0), /* ... Timeout */
	ADDRESS(EVENT, 0x53, 1), /* Truncated Page Complete */
	/* LE Meta events, 7.7.65 */
	ADDRESS(LE_EVENT, 0x01, 6), /* LE Connection Complete */
	KEY(LE_EVENT, 0x05, 3, 10), /* LE Long Term Key Request: rand, EDIV */
	KEY(LE_EVENT, 0x08, 2, 64), /* LE Read Local P-256 Public Key Complete */
	KEY(LE_EVENT, 0x09, 2, 32), /* LE Generate DHKey Complete */
	ADDRESS(LE_EVENT, 0x0a, 6), /* LE Enhanced Connection Complete */
	ADDRESS(LE_EVENT, 0x0a, 12),
	ADDRESS(LE_EVENT, 0x0a, 18),
	ADDRESS(LE_EVENT, 0x29, 6),
	ADDRESS(LE_EVENT, 0x29, 12),
	ADDRESS(LE_EVENT, 0x29, 18),
	ADDRESS(LE_EVENT, 0x0e, 6), /* LE Periodic Advertising Sync Established */
	ADDRESS(LE_EVENT, 0x24, 6),
	DATA(LE_EVENT, 0x0f, 8, REST), /* LE Periodic Advertising Report */
	DATA(LE_EVENT, 0x25, 11, REST),
	ADDRESS(LE_EVENT, 0x13, 3),  /* LE Scan Request Received */
	ADDRESS(LE_EVENT, 0x18, 10), /* LE Periodic Advertising Sync Transfer Received */
	ADDRESS(LE_EVENT, 0x26, 10),
};

/* Lists: a count, and so many entries one after the other, each with what is private in it. Where
 * an entry ends with data, an octet before it says how much, and `after` octets follow. */
struct list {
	enum place place;
	uint16_t code;
	uint16_t count_at;
	uint16_t entry_len; /* without data */
	uint16_t after;     /* of it behind the data */
	bool has_data;
	struct {
		uint16_t at;
		uint16_t len; /* 0: no more */
		enum ag_private kind;
	} part[2];
};

static const struct list lists[] = {
	/* Write Stored Link Key, Return Link Keys */
	{ COMMAND,
	  0x0c11,
	  0,
	  22,
	  0,
	  false,
	  { { 0, 6, AG_PRIVATE_ADDRESS }, { 6, 16, AG_PRIVATE_KEY } } },
	{ EVENT,
	  0x15,
	  0,
	  22,
	  0,
	  false,
	  { { 0, 6, AG_PRIVATE_ADDRESS }, { 6, 16, AG_PRIVATE_KEY } } },
	/* Inquiry Result, and with RSSI; 14 octets each */
	{ EVENT, 0x02, 0, 14, 0, false, { { 0, 6, AG_PRIVATE_ADDRESS } } },
	{ EVENT, 0x22, 0, 14, 0, false, { { 0, 6, AG_PRIVATE_ADDRESS } } },
	/* LE Advertising Report: event type, address type, address, length, data, RSSI */
	{ LE_EVENT, 0x02, 1, 10, 1, true, { { 2, 6, AG_PRIVATE_ADDRESS } } },
	/* LE Set Periodic Advertising Subevent Data, LE Periodic Advertising Response Report */
	{ COMMAND, 0x2082, 1, 4, 0, true, { { 0, 0, 0 } } },
	{ LE_EVENT, 0x28, 4, 6, 0, true, { { 0, 0, 0 } } },
	/* LE Directed Advertising Report */
	{ LE_EVENT,
	  0x0b,
	  1,
	  16,
	  0,
	  false,
	  { { 2, 6, AG_PRIVATE_ADDRESS }, { 9, 6, AG_PRIVATE_ADDRESS } } },
	/* LE Extended Advertising Report */
	{ LE_EVENT,
	  0x0d,
	  1,
	  24,
	  0,
	  true,
	  { { 3, 6, AG_PRIVATE_ADDRESS }, { 17, 6, AG_PRIVATE_ADDRESS } } },
};

/* The parameters of a packet, and how its rows are found. */
struct view {
	enum place place;
	uint16_t code;
	uint8_t *data;
	size_t len;
};

/* ---- AD structures: length, type, data (Vol 3 Part C, 11) ---- */

static bool data_kind(uint8_t type, size_t len, enum ag_private *kind)
{
	switch (type) {
	case 0x08: /* Shortened Local Name */
	case 0x09: /* Complete Local Name */
	case 0x30: /* Broadcast_Name */
		*kind = AG_PRIVATE_NAME;
		return true;
	case 0x0e: /* Simple Pairing Hash */
	case 0x0f: /* Simple Pairing Randomizer */
	case 0x1d:
	case 0x1e:
	case 0x22: /* LE Secure Connections Confirmation Value */
	case 0x23: /* LE Secure Connections Random Value */
	case 0x2e: /* Resolvable Set Identifier */
		*kind = AG_PRIVATE_KEY;
		return true;
	case 0x17: /* Public Target Address */
	case 0x18: /* Random Target Address */
	case 0x1b: /* LE Bluetooth Device Address, with an octet behind it */
		*kind = AG_PRIVATE_ADDRESS;
		return true;
	case 0x10: /* Security Manager TK Value; of another length, Device ID */
		*kind = AG_PRIVATE_KEY;
		return len == 16;
	default:
		return false;
	}
}

void ag_private_data(uint8_t *data, size_t len, ag_private_fn *visit, void *user)
{
	size_t at = 0;

	while (at + 1 < len && data[at] > 0) {
		size_t left = len - at - 2;
		size_t here = (size_t)data[at] - 1;
		enum ag_private kind;

		if (here > left)
			here = left;
		if (data_kind(data[at + 1], here, &kind)) {
			size_t step = kind == AG_PRIVATE_ADDRESS ? 6 : here;

			for (size_t i = 0; step > 0 && i + step <= here; i += step)
				visit(user, kind, data + at + 2 + i, step);
			if (step > here)
				visit(user, AG_PRIVATE_KEY, data + at + 2, here);
		}
		at += 2 + here;
	}
}

/* ---- Commands and events ---- */

static void visit_span(const struct view *view, size_t at, size_t len, enum ag_private kind,
		       ag_private_fn *visit, void *user)
{
	if (at >= view->len)
		return;
	if (len > view->len - at)
		len = view->len - at;
	visit(user, kind, view->data + at, len);
}

static void visit_list(const struct view *view, const struct list *list, ag_private_fn *visit,
		       void *user)
{
	size_t at = (size_t)list->count_at + 1;
	unsigned int count = list->count_at < view->len ? view->data[list->count_at] : 0;

	for (; count > 0 && at < view->len; count--) {
		size_t data_at = at + list->entry_len - list->after;
		size_t data_len = list->has_data && data_at <= view->len ? view->data[data_at - 1]
									 : 0;

		for (size_t i = 0; i < ag_array_size(list->part) && list->part[i].len > 0; i++)
			visit_span(view, at + list->part[i].at, list->part[i].len,
				   list->part[i].kind, visit, user);
		if (list->has_data)
			visit_span(view, data_at, data_len, AG_PRIVATE_DATA, visit, user);
		at += list->entry_len + data_len;
	}
}

/* Commands of which a parameter says what another is. */
static void visit_special(const struct view *view, ag_private_fn *visit, void *user)
{
	enum { FIRST_FRAGMENT = 1, COMPLETE = 3, UNCHANGED = 4 };
	uint8_t second = view->len > 1 ? view->data[1] : 0;

	if (view->place != COMMAND || view->len < 2)
		return;
	switch (view->code) {
	case 0x0c05: /* Set Event Filter: filter type, condition type 2: one address */
		if ((view->data[0] == 1 || view->data[0] == 2) && second == 2)
			visit_span(view, 2, 6, AG_PRIVATE_ADDRESS, visit, user);
		break;
	case 0x2037: /* LE Set Extended Advertising Data: set, operation, preference, length */
	case 0x2038: /* LE Set Extended Scan Response Data */
	case 0x203f: /* LE Set Periodic Advertising Data: set, operation, length */
		/* what continues an earlier fragment does not begin with a structure */
		visit_span(view, view->code == 0x203f ? 3 : 4, REST,
			   second == FIRST_FRAGMENT || second == COMPLETE || second == UNCHANGED
			       ? AG_PRIVATE_DATA
			       : AG_PRIVATE_NAME,
			   visit, user);
		break;
	default:
		break;
	}
}

static void visit_view(const struct view *view, ag_private_fn *visit, void *user)
{
	for (size_t i = 0; i < ag_array_size(rows); i++) {
		if (rows[i].place == view->place && rows[i].code == view->code)
			visit_span(view, rows[i].at, rows[i].len, rows[i].kind, visit, user);
	}
	for (size_t i = 0; i < ag_array_size(lists); i++) {
		if (lists[i].place == view->place && lists[i].code == view->code)
			visit_list(view, &lists[i], visit, user);
	}
	visit_special(view, visit, user);
}

static struct view make_view(enum place place, uint16_t code, uint8_t *packet, size_t len,
			     size_t header)
{
	return (struct view){ place, code, packet + header, len - header };
}

void ag_private_hci(uint8_t *packet, size_t len, ag_private_fn *visit, void *user)
{
	struct view view;

	if (len >= 4 && packet[0] == AG_H4_COMMAND)
		view = make_view(COMMAND, ag_get_le16(packet + 1), packet, len, 4);
	else if (len < 4 || packet[0] != AG_H4_EVENT)
		return;
	else if (packet[1] == AG_EVT_COMMAND_COMPLETE && len >= 6)
		view = make_view(RETURN, ag_get_le16(packet + 4), packet, len, 6);
	else if (packet[1] == AG_EVT_LE_META)
		view = make_view(LE_EVENT, packet[3], packet, len, 3);
	else
		view = make_view(EVENT, packet[1], packet, len, 3);
	visit_view(&view, visit, user);
}

/* ---- SMP ---- */

bool ag_private_smp(uint8_t code, size_t offset, enum ag_private *kind)
{
	*kind = AG_PRIVATE_KEY;
	switch (code) {
	case AG_SMP_ENCRYPTION_INFORMATION:
	case AG_SMP_CENTRAL_IDENTIFICATION:
	case AG_SMP_IDENTITY_INFORMATION:
	case AG_SMP_SIGNING_INFORMATION:
	case AG_SMP_PAIRING_PUBLIC_KEY:
		return offset >= 1;
	case AG_SMP_IDENTITY_ADDRESS_INFORMATION:
		*kind = AG_PRIVATE_ADDRESS;
		return offset >= AG_PRIVATE_SMP_ADDRESS_AT &&
		       offset < AG_PRIVATE_SMP_ADDRESS_AT + 6;
	default:
		return false;
	}
}
