/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a PDU's attribute is, in words. */
#include <stdio.h>

#include "proxy/engine/attributes.h"
#include "proxy/engine/words.h"

/** Octets for an attribute: two names of UUIDs. */
#define ATTRIBUTE_SIZE 160

static bool get_uuid(const struct ag_subject *subject, enum ag_field field, struct ag_uuid *out)
{
	if (!ag_subject_has(subject, field))
		return false;
	*out = subject->value[field].uuid;
	return true;
}

/* What it belongs to: its characteristic, else its service. */
static bool get_owner(const struct ag_subject *subject, struct ag_uuid *out)
{
	return get_uuid(subject, AG_F_ATT_CHARACTERISTIC, out) ||
	       get_uuid(subject, AG_F_ATT_SERVICE, out);
}

size_t ag_words_attribute(const struct ag_subject *subject, char *out, size_t size)
{
	char of[ATTRIBUTE_SIZE / 2] = "", itself[ATTRIBUTE_SIZE / 2] = "";
	struct ag_uuid owner, type;
	bool owned, mapped;
	int len;

	if (size)
		out[0] = '\0';
	if (!subject || !size)
		return 0;
	owned = get_owner(subject, &owner);
	mapped = get_uuid(subject, AG_F_ATT_UUID, &type);
	if (owned)
		ag_words_name(&owner, of, sizeof(of));
	if (mapped)
		ag_words_name(&type, itself, sizeof(itself));
	if (owned && !mapped)
		len = snprintf(out, size, "in %s", of);
	else if (owned && !ag_uuid_equal(&owner, &type))
		len = snprintf(out, size, "%s: %s", of, itself);
	else
		len = snprintf(out, size, "%s", itself);
	return len < (int)size ? (size_t)len : size - 1;
}

size_t ag_words_came(const struct ag_decision *decision, char *out, size_t size)
{
	char attribute[ATTRIBUTE_SIZE];

	ag_words_attribute(decision->as_came, attribute, sizeof(attribute));
	return ag_words_pdu_about(attribute, decision->is_att, decision->pdu, decision->len, out,
				  size);
}

size_t ag_words_went(const struct ag_decision *decision, char *out, size_t size)
{
	char attribute[ATTRIBUTE_SIZE];

	ag_words_attribute(decision->subject, attribute, sizeof(attribute));
	return ag_words_pdu_about(attribute, decision->is_att, decision->out, decision->out_len,
				  out, size);
}
