/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/field.h"

#define U16_MAX    0xffff
#define BDADDR_MAX UINT64_C(0xffffffffffff)

#define NAMED(table, top) .type = AG_T_NAME, .names = (table), .max = (top)
#define CODE(table)       NAMED(table, 0xff), .ordered = true, .digits = 2
#define FLAG              .type = AG_T_FLAG, .names = ag_names_flag, .max = 1
#define HANDLE            .type = AG_T_HANDLE, .max = U16_MAX, .ordered = true, .digits = 4
#define NUMBER            .type = AG_T_NUMBER, .max = U16_MAX, .ordered = true

static const struct ag_field_row rows[AG_FIELD_COUNT] = {
	[AG_F_ROLE] = { "role",
			{ 0 },
			NAMED(ag_names_role, AG_ROLE_PERIPHERAL),
			.takes = "central or peripheral",
			.about = "the local controller's role on the link" },
	[AG_F_FROM] = { "from",
			{ 0 },
			NAMED(ag_names_from, AG_FROM_PEER),
			.takes = "host or peer",
			.about = "who sent the PDU" },
	[AG_F_LINK] = { "link",
			{ 0 },
			NAMED(ag_names_link, AG_LINK_BREDR),
			.takes = "le or bredr",
			.about = "transport of the link" },
	[AG_F_PEER] = { "peer",
			{ 0 },
			.type = AG_T_BDADDR,
			.max = BDADDR_MAX,
			.ordered = false,
			.about = "BD_ADDR of the peer, its identity address where that is known" },
	[AG_F_PEER_TYPE] = { "peer.type",
			     { 0 },
			     NAMED(ag_names_peer_type, AG_PEER_NON_RESOLVABLE),
			     .takes = "a type of address",
			     .about = "kind of the peer's address" },
	[AG_F_ENCRYPTED] = { "encrypted",
			     { 0 },
			     FLAG,
			     .about = "whether the link is encrypted at this moment" },
	[AG_F_AGE] = { "age",
		       { 0 },
		       .type = AG_T_DURATION,
		       .max = UINT64_MAX,
		       .ordered = true,
		       .about = "time since the link came up" },
	[AG_F_BEARER] = { "bearer",
			  { 0 },
			  NAMED(ag_names_bearer, AG_BEARER_ATT_BREDR),
			  .takes = "att, eatt or att_bredr",
			  .about = "the ATT bearer the PDU is on" },
	[AG_F_MTU] = { "mtu", { 0 }, NUMBER, .about = "ATT_MTU agreed on the bearer" },
	[AG_F_ATT_OPCODE] = { "att.opcode",
			      { "btatt.opcode" },
			      CODE(ag_names_opcode),
			      .writable = true,
			      .takes = "an opcode",
			      .about = "Attribute Opcode" },
	[AG_F_ATT_KIND] = { "att.kind",
			    { 0 },
			    NAMED(ag_names_kind, AG_KIND_CONFIRMATION),
			    .takes = "a kind of PDU",
			    .about = "Attribute PDU type" },
	[AG_F_ATT_HANDLE] = { "att.handle",
			      { "btatt.handle" },
			      HANDLE,
			      .writable = true,
			      .about =
				  "Attribute Handle; of an error response, the handle in error" },
	[AG_F_ATT_START] = { "att.start",
			     { "btatt.starting_handle" },
			     HANDLE,
			     .writable = true,
			     .about = "Starting Handle of a discovery request" },
	[AG_F_ATT_END] = { "att.end",
			   { "btatt.ending_handle" },
			   HANDLE,
			   .writable = true,
			   .about = "Ending Handle of a discovery request" },
	[AG_F_ATT_TYPE] = { "att.type",
			    { "btatt.uuid16", "btatt.uuid128" },
			    .type = AG_T_UUID,
			    .writable = true,
			    .about = "attribute type a discovery request asks for" },
	[AG_F_ATT_UUID] = { "att.uuid",
			    { 0 },
			    .type = AG_T_UUID,
			    .about = "type of the attribute at att.handle; of a value the "
				     "characteristic's UUID" },
	[AG_F_ATT_CHARACTERISTIC] = { "att.characteristic",
				      { "btatt.characteristic_uuid16",
					"btatt.characteristic_uuid128" },
				      .type = AG_T_UUID,
				      .about = "characteristic that the attribute belongs to" },
	[AG_F_ATT_SERVICE] = { "att.service",
			       { "btatt.service_uuid16", "btatt.service_uuid128" },
			       .type = AG_T_UUID,
			       .about = "service that the attribute lies in" },
	[AG_F_ATT_MAPPED] = { "att.mapped",
			      { 0 },
			      FLAG,
			      .about = "whether the type of the attribute at att.handle is known" },
	[AG_F_ATT_ERROR] = { "att.error",
			     { "btatt.error_code" },
			     CODE(ag_names_error),
			     .writable = true,
			     .takes = "an ATT error",
			     .about = "Error Code of an error response" },
	[AG_F_ATT_REQUEST] = { "att.request",
			       { "btatt.req_opcode_in_error" },
			       CODE(ag_names_opcode),
			       .writable = true,
			       .takes = "an opcode",
			       .about = "of a response, the opcode of the request it answers" },
	[AG_F_ATT_UNSOLICITED] = { "att.unsolicited",
				   { 0 },
				   FLAG,
				   .about = "a response that answers no open request" },
	[AG_F_ATT_MALFORMED] = { "att.malformed",
				 { 0 },
				 FLAG,
				 .about = "whether the PDU breaks its own format" },
	[AG_F_ATT_OFFSET] = { "att.offset",
			      { "btatt.offset" },
			      NUMBER,
			      .writable = true,
			      .about = "Value Offset" },
	[AG_F_ATT_VALUE] = { "att.value",
			     { "btatt.value" },
			     .type = AG_T_BYTES,
			     .writable = true,
			     .about = "the PDU's value: Attribute Value, list or set of handles" },
	[AG_F_ATT_LENGTH] = { "att.length",
			      { 0 },
			      NUMBER,
			      .about = "octets of the ATT PDU, opcode included" },
	[AG_F_ATT_MTU] = { "att.mtu",
			   { "btatt.client_rx_mtu", "btatt.server_rx_mtu" },
			   NUMBER,
			   .writable = true,
			   .about = "Rx MTU of an Exchange MTU PDU" },
	[AG_F_SMP_OPCODE] = { "smp.opcode",
			      { "btsmp.opcode" },
			      CODE(ag_names_smp_opcode),
			      .takes = "an SMP code",
			      .about = "code of an SMP command" },
	[AG_F_SMP_REASON] = { "smp.reason",
			      { "btsmp.reason" },
			      CODE(ag_names_smp_reason),
			      .writable = true,
			      .takes = "an SMP reason",
			      .about = "Reason of Pairing Failed" },
};

const struct ag_field_row *ag_field_row(enum ag_field field)
{
	return &rows[field];
}

const char *ag_field_name(enum ag_field field)
{
	return rows[field].name;
}

enum ag_value_type ag_field_type(enum ag_field field)
{
	return rows[field].type;
}

const char *ag_field_value_name(enum ag_field field, uint64_t num)
{
	return rows[field].names ? ag_names_get(rows[field].names, num) : NULL;
}

bool ag_field_find(const char *text, size_t len, enum ag_field *field)
{
	for (int i = 0; i < AG_FIELD_COUNT; i++) {
		const struct ag_field_row *row = &rows[i];

		if (ag_name_is(text, len, row->name) ||
		    (row->aliases[0] && ag_name_is(text, len, row->aliases[0])) ||
		    (row->aliases[1] && ag_name_is(text, len, row->aliases[1]))) {
			*field = (enum ag_field)i;
			return true;
		}
	}
	return false;
}

bool ag_field_is_planned(const char *text, size_t len)
{
	static const char *const planned[] = {
		"l2cap.code", "l2cap.psm", "hci.opcode", "hci.event", "hci.subevent",
	};

	for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++) {
		if (ag_name_is(text, len, planned[i]))
			return true;
	}
	return false;
}

const char *ag_type_words(enum ag_value_type type)
{
	static const char *const words[] = {
		[AG_T_FLAG] = "true or false", [AG_T_NUMBER] = "a number",
		[AG_T_HANDLE] = "a handle",    [AG_T_NAME] = "a name",
		[AG_T_DURATION] = "a time",    [AG_T_BDADDR] = "a BD_ADDR",
		[AG_T_UUID] = "a UUID",        [AG_T_BYTES] = "octets",
	};

	return words[type];
}

/* ---- Which PDU has which field ---- */

#define BIT(field) (UINT64_C(1) << AG_F_##field)
#define LINK_FIELDS                                                                                \
	(BIT(ROLE) | BIT(FROM) | BIT(LINK) | BIT(PEER) | BIT(PEER_TYPE) | BIT(ENCRYPTED) | BIT(AGE))
#define ATT_FIELDS                                                                                 \
	(BIT(BEARER) | BIT(MTU) | BIT(ATT_OPCODE) | BIT(ATT_KIND) | BIT(ATT_LENGTH) |              \
	 BIT(ATT_MALFORMED))
#define RANGE     (BIT(ATT_START) | BIT(ATT_END))
#define ATTRIBUTE (BIT(ATT_UUID) | BIT(ATT_CHARACTERISTIC) | BIT(ATT_SERVICE) | BIT(ATT_MAPPED))

/* The parameters of each PDU, Vol 3 Part F, 3.4.1 to 3.4.7. What has a handle has an ATTRIBUTE;
 * what answers a PDU with a handle is about the same one. */
static const struct {
	bool known;
	enum ag_att_kind kind;
	uint64_t fields;
} opcodes[256] = {
	[0x01] = { true, AG_KIND_RESPONSE, BIT(ATT_HANDLE) | BIT(ATT_ERROR) },
	[0x02] = { true, AG_KIND_REQUEST, BIT(ATT_MTU) },
	[0x03] = { true, AG_KIND_RESPONSE, BIT(ATT_MTU) },
	[0x04] = { true, AG_KIND_REQUEST, RANGE },
	[0x05] = { true, AG_KIND_RESPONSE, BIT(ATT_VALUE) },
	[0x06] = { true, AG_KIND_REQUEST, RANGE | BIT(ATT_TYPE) | BIT(ATT_VALUE) },
	[0x07] = { true, AG_KIND_RESPONSE, BIT(ATT_VALUE) },
	[0x08] = { true, AG_KIND_REQUEST, RANGE | BIT(ATT_TYPE) },
	[0x09] = { true, AG_KIND_RESPONSE, BIT(ATT_VALUE) },
	[0x0a] = { true, AG_KIND_REQUEST, BIT(ATT_HANDLE) },
	[0x0b] = { true, AG_KIND_RESPONSE, BIT(ATT_VALUE) | ATTRIBUTE },
	[0x0c] = { true, AG_KIND_REQUEST, BIT(ATT_HANDLE) | BIT(ATT_OFFSET) },
	[0x0d] = { true, AG_KIND_RESPONSE, BIT(ATT_VALUE) | ATTRIBUTE },
	[0x0e] = { true, AG_KIND_REQUEST, BIT(ATT_VALUE) },
	[0x0f] = { true, AG_KIND_RESPONSE, BIT(ATT_VALUE) },
	[0x10] = { true, AG_KIND_REQUEST, RANGE | BIT(ATT_TYPE) },
	[0x11] = { true, AG_KIND_RESPONSE, BIT(ATT_VALUE) },
	[0x12] = { true, AG_KIND_REQUEST, BIT(ATT_HANDLE) | BIT(ATT_VALUE) },
	[0x13] = { true, AG_KIND_RESPONSE, ATTRIBUTE },
	[0x16] = { true, AG_KIND_REQUEST, BIT(ATT_HANDLE) | BIT(ATT_OFFSET) | BIT(ATT_VALUE) },
	[0x17] = { true, AG_KIND_RESPONSE, BIT(ATT_HANDLE) | BIT(ATT_OFFSET) | BIT(ATT_VALUE) },
	[0x18] = { true, AG_KIND_REQUEST, 0 },
	[0x19] = { true, AG_KIND_RESPONSE, 0 },
	[0x1b] = { true, AG_KIND_NOTIFICATION, BIT(ATT_HANDLE) | BIT(ATT_VALUE) },
	[0x1d] = { true, AG_KIND_INDICATION, BIT(ATT_HANDLE) | BIT(ATT_VALUE) },
	[0x1e] = { true, AG_KIND_CONFIRMATION, ATTRIBUTE },
	[0x20] = { true, AG_KIND_REQUEST, BIT(ATT_VALUE) },
	[0x21] = { true, AG_KIND_RESPONSE, BIT(ATT_VALUE) },
	[0x23] = { true, AG_KIND_NOTIFICATION, BIT(ATT_VALUE) },
	[0x52] = { true, AG_KIND_COMMAND, BIT(ATT_HANDLE) | BIT(ATT_VALUE) },
	[0xd2] = { true, AG_KIND_COMMAND, BIT(ATT_HANDLE) | BIT(ATT_VALUE) },
};

uint64_t ag_fields_of_link(void)
{
	return LINK_FIELDS;
}

uint64_t ag_fields_of_attribute(void)
{
	return BIT(ROLE) | BIT(FROM) | BIT(LINK) | BIT(PEER) | BIT(PEER_TYPE) | BIT(ATT_HANDLE) |
	       BIT(ATT_UUID) | BIT(ATT_CHARACTERISTIC) | BIT(ATT_SERVICE);
}

bool ag_kind_of_att(uint8_t opcode, enum ag_att_kind *kind)
{
	if (opcodes[opcode].known)
		*kind = opcodes[opcode].kind;
	return opcodes[opcode].known;
}

uint64_t ag_fields_of_att(uint8_t opcode)
{
	uint64_t fields = LINK_FIELDS | ATT_FIELDS | opcodes[opcode].fields;
	enum ag_att_kind kind = opcodes[opcode].kind;

	if (kind == AG_KIND_RESPONSE || kind == AG_KIND_CONFIRMATION)
		fields |= BIT(ATT_REQUEST) | BIT(ATT_UNSOLICITED);
	if (fields & BIT(ATT_HANDLE))
		fields |= ATTRIBUTE;
	return fields;
}

uint64_t ag_fields_of_smp(uint8_t opcode)
{
	uint64_t reason = opcode == 0x05 ? BIT(SMP_REASON) : 0; /* Pairing Failed */

	return LINK_FIELDS | BIT(SMP_OPCODE) | reason;
}

void ag_pdus_with_field(enum ag_field field, uint64_t words[512 / 64])
{
	for (unsigned int i = 0; i < 4; i++) {
		words[i] = 0;
		words[4 + i] = 0;
		for (unsigned int bit = 0; bit < 64; bit++) {
			uint8_t opcode = (uint8_t)(i * 64 + bit);

			words[i] |= (ag_fields_of_att(opcode) >> field & 1) << bit;
			words[4 + i] |= (ag_fields_of_smp(opcode) >> field & 1) << bit;
		}
	}
}
