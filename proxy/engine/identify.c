/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links get the identity of their peer. Where the controller resolves addresses itself its events
 * have the identity already; where the host does, we know what the peer distributed (Vol 3 Part H,
 * 3.6) and what the host gave the controller.
 */
#include "proxy/engine/hide.h"

#include <string.h>

#include "proxy/wire/cursor.h"
#include "proxy/wire/smp.h"

bool ag_identify(struct ag_engine *engine, struct ag_link_view *view)
{
	const struct ag_identity *identity;

	if (view->type != AG_LINK_LE || view->peer_type != AG_PEER_RESOLVABLE)
		return false;
	identity = ag_identities_resolve(engine->identities, view->peer);
	if (!identity)
		return false;
	view->peer = identity->address;
	view->peer_type = identity->type;
	return true;
}

/* Somebody has become known: perhaps who is connected at the moment. */
static void identify_links(struct ag_engine *engine)
{
	for (size_t i = 0; i < engine->links_used; i++) {
		struct ag_link *link = ag_link_at(engine, i);

		if (!link || !ag_identify(engine, &link->view))
			continue;
		ag_map_identified(engine, link);
		/* rules on `peer` may hide something else now */
		ag_hide_refresh(engine, link, false);
	}
}

/* 2.4.3: keys are distributed on an encrypted link only. A USB controller may deliver them before
 * the event that says that it is. */
void ag_identify_introduced(struct ag_engine *engine, struct ag_link *link)
{
	struct ag_introduction *introduction = &link->introduction;

	if (!introduction->has_irk || !introduction->has_address || !link->view.encrypted)
		return;
	if (ag_identities_put(engine->identities, &introduction->identity))
		identify_links(engine);
	*introduction = (struct ag_introduction){ .has_irk = false };
}

/* 3.6.4, 3.6.5 */
static void on_introduction(struct ag_engine *engine, struct ag_link *link,
			    struct ag_cursor *cursor, uint8_t code)
{
	struct ag_introduction *introduction = &link->introduction;

	/* the IRK, least significant octet first */
	if (code == AG_SMP_IDENTITY_INFORMATION && cursor->left == AG_IRK_LEN) {
		memcpy(introduction->identity.irk, cursor->at, AG_IRK_LEN);
		introduction->has_irk = true;
		introduction->has_address = false;
	}
	/* AddrType (0x00 public, 0x01 static random), BD_ADDR */
	if (code == AG_SMP_IDENTITY_ADDRESS_INFORMATION && cursor->left == 7) {
		introduction->identity.type = ag_pull_u8(cursor) ? AG_PEER_RANDOM_STATIC
								 : AG_PEER_PUBLIC;
		introduction->identity.address = ag_pull_bdaddr(cursor);
		introduction->has_address = introduction->has_irk;
		ag_identify_introduced(engine, link);
	}
}

/* 3.5.2: the last two octets say which keys the initiator and the responder distribute */
static bool promises_identity(enum ag_side from, const uint8_t *response, size_t len)
{
	const size_t initiator = 5, responder = 6;

	return len == 7 && response[from == AG_SIDE_HOST ? initiator : responder] & AG_SMP_ID_KEY;
}

/* What a peer tells without being asked is nothing to the host, which throws it away. Whoever is
 * paired could else take the name of another one, and the rules for it, or keep it from being
 * known. */
void ag_identify_smp(struct ag_engine *engine, struct ag_link *link, enum ag_side from,
		     const uint8_t *pdu, size_t len)
{
	struct ag_introduction *introduction = &link->introduction;
	struct ag_cursor cursor = ag_cursor(pdu, len);
	uint8_t code = ag_pull_u8(&cursor);

	if (code == AG_SMP_PAIRING_REQUEST || code == AG_SMP_PAIRING_RESPONSE ||
	    code == AG_SMP_PAIRING_FAILED)
		*introduction = (struct ag_introduction){
			.expected = code == AG_SMP_PAIRING_RESPONSE &&
				    promises_identity(from, pdu, len),
		};
	else if (from == AG_SIDE_CONTROLLER && introduction->expected)
		on_introduction(engine, link, &cursor, code);
}

/* 7.8.38: Peer_Identity_Address_Type, Peer_Identity_Address, Peer_IRK, Local_IRK */
void ag_identify_listed(struct ag_engine *engine, struct ag_cursor *params)
{
	struct ag_identity identity = { .address = 0 };
	uint8_t type = ag_pull_u8(params);
	const uint8_t *irk;

	identity.type = type ? AG_PEER_RANDOM_STATIC : AG_PEER_PUBLIC;
	identity.address = ag_pull_bdaddr(params);
	irk = ag_pull(params, AG_IRK_LEN);
	if (!irk || type > 1)
		return;
	memcpy(identity.irk, irk, AG_IRK_LEN);
	if (ag_identities_put(engine->identities, &identity))
		identify_links(engine);
}
