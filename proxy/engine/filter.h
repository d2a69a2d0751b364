/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_ENGINE_FILTER_H
#define AG_ENGINE_FILTER_H

/*
 * Taking attributes out of the lists that a server answers with: Find Information (Vol 3 Part F,
 * 3.4.3.2), Find By Type Value (3.4.3.4), Read By Type (3.4.4.2), Read By Group Type (3.4.4.10) and
 * the Multiple Handle Value Notification (3.4.7.4). Pure: octets in, fewer octets out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/engine/attributes.h"
#include "proxy/wire/att.h"

/**
 * Whether an entry of a list is to be taken out.
 *
 * @entry: what the list says of the attribute. Of a declaration its content, where the list has it:
 *         `uuid` is all zero where not, `end` and `value` 0. Of anything else (AG_ATTRIBUTE_OTHER)
 *         `uuid` is its type; of a notification it is all zero.
 */
typedef bool ag_filter_fn(void *user, const struct ag_attribute *entry);

/** What became of a list. */
struct ag_filtered {
	size_t len;         /* octets of the PDU that is left; nothing but its head if `hidden` is
			     * `entries` */
	size_t entries;     /* there were */
	size_t hidden;      /* of them, taken out */
	uint16_t last;      /* last handle that the list as it came speaks for */
	uint16_t last_seen; /* the same of what is left of it; 0: nothing is left */
};

enum { AG_FILTER_NO_LIST = 1 };

/**
 * Take the hidden entries out of a list. The length of an entry stays as it is, so what is left is
 * well-formed if it was before and not empty; a notification has to have two entries for that.
 *
 * @request: the request that the list answers, as ag_att_parse() gives it; its first octets are
 *           enough. NULL for a notification.
 * @pdu:     changed in place
 * @out:     untouched unless 0
 * @return:  0; AG_FILTER_NO_LIST: it is no list, does not answer this request, or its entries do
 * not come out even, and nothing was changed
 */
int ag_filter(const struct ag_att *request, uint8_t *pdu, size_t len, ag_filter_fn *hidden,
	      void *user, struct ag_filtered *out);

#endif
