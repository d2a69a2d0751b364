/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/control_attributes.h"

#include <errno.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/base/json.h"
#include "proxy/engine/attributes.h"
#include "proxy/engine/inspect.h"
#include "proxy/engine/words.h"
#include "proxy/io/address.h"
#include "proxy/io/rulebook.h"
#include "proxy/io/store.h"

/** One database, and what the answer says of whose it is. */
struct database {
	bool is_local;
	bool connected;
	struct ag_store_peer peer; /* not of our host */
	const struct ag_attributes *map;
};

/** Peers that are connected, each once. */
struct connected {
	struct database row[AG_INSPECT_LINKS];
	size_t count;
};

/* ---- Finding ---- */

static struct database *find_connected(struct connected *connected, uint64_t address)
{
	for (size_t i = 0; i < connected->count; i++) {
		if (connected->row[i].peer.address == address)
			return &connected->row[i];
	}
	return NULL;
}

/* Of a peer over LE and over BR/EDR, the map that knows most. */
static void gather(const struct ag_control_view *view, struct connected *out)
{
	struct ag_link_inspection link;

	out->count = 0;
	for (size_t slot = 0; view->engine && slot < AG_INSPECT_LINKS; slot++) {
		struct database *row;
		size_t count;

		if (!ag_engine_inspect_link(view->engine, slot, &link))
			continue;
		row = find_connected(out, link.view.peer);
		count = ag_attributes_count(link.attributes);
		if (row && count <= row->peer.attributes)
			continue;
		if (!row)
			row = &out->row[out->count++];
		*row = (struct database){
			.connected = true,
			.peer = { .address = link.view.peer,
				  .type = link.view.peer_type,
				  .attributes = count },
			.map = link.attributes,
		};
	}
}

static bool find_kept(const struct ag_control_view *view, uint64_t address,
		      struct ag_store_peer *out)
{
	for (size_t i = 0; ag_store_peer_at(view->store, i, out); i++) {
		if (out->address == address)
			return true;
	}
	return false;
}

/* ---- The list ---- */

/* The clock may have been set back since. */
static uint64_t age_us(uint64_t met_us)
{
	uint64_t now_us = ag_wall_us();

	return now_us > met_us ? now_us - met_us : 0;
}

static void put_database(struct ag_json *json, const struct database *database)
{
	char address[18];

	if (database->is_local) {
		ag_json_string(json, "peer", "local");
		return;
	}
	ag_words_bdaddr(database->peer.address, address);
	ag_json_string(json, "peer", address);
	ag_json_string(json, "peer_type", ag_field_value_name(AG_F_PEER_TYPE, database->peer.type));
	ag_json_bool(json, "connected", database->connected);
	if (!database->connected)
		ag_json_seconds(json, "age", age_us(database->peer.met_us));
}

static void put_row(struct ag_json *json, const struct database *database)
{
	ag_json_open(json, NULL);
	put_database(json, database);
	ag_json_number(json, "count", database->peer.attributes);
	ag_json_close(json);
}

static void put_kept(struct ag_json *json, const struct ag_control_view *view,
		     struct connected *connected)
{
	struct database database = { .connected = false };

	for (size_t i = 0; ag_store_peer_at(view->store, i, &database.peer); i++) {
		if (!find_connected(connected, database.peer.address))
			put_row(json, &database);
	}
}

void ag_control_peers(const struct ag_control_view *view, FILE *out)
{
	struct ag_json json = ag_json_begin(out);
	struct ag_engine_view inside;
	struct connected connected;

	gather(view, &connected);
	ag_json_string(&json, "reply", "attributes");
	ag_json_open_array(&json, "peers");
	for (size_t i = 0; i < connected.count; i++)
		put_row(&json, &connected.row[i]);
	put_kept(&json, view, &connected);
	ag_json_close_array(&json);
	if (view->engine)
		ag_engine_inspect(view->engine, &inside);
	ag_json_number(&json, "local", view->engine ? ag_attributes_count(inside.attributes) : 0);
	ag_json_end(&json);
}

/* ---- One database ---- */

/* Vol 3 Part G, 3.3.1.1, by bit */
static const char *const property_names[8] = {
	"broadcast", "read",     "write_without_response",      "write",
	"notify",    "indicate", "authenticated_signed_writes", "extended_properties",
};

static void put_properties(struct ag_json *json, uint8_t properties)
{
	ag_json_open_array(json, "properties");
	for (size_t bit = 0; bit < ag_array_size(property_names); bit++) {
		if (properties >> bit & 1)
			ag_json_string(json, NULL, property_names[bit]);
	}
	ag_json_close_array(json);
}

static void put_content(struct ag_json *json, const struct ag_attribute *attribute)
{
	switch (attribute->kind) {
	case AG_ATTRIBUTE_PRIMARY:
	case AG_ATTRIBUTE_SECONDARY:
		ag_json_number(json, "end", attribute->end);
		break;
	case AG_ATTRIBUTE_INCLUDE:
		ag_json_number(json, "start", attribute->value);
		ag_json_number(json, "end", attribute->end);
		break;
	case AG_ATTRIBUTE_CHARACTERISTIC:
		ag_json_number(json, "value", attribute->value);
		put_properties(json, attribute->properties);
		break;
	case AG_ATTRIBUTE_OTHER:
		break;
	}
}

/* Where it belongs, by handles; a declaration does not belong to itself. */
static void put_place(struct ag_json *json, const struct ag_attributes *map,
		      const struct ag_attribute *attribute)
{
	struct ag_attribute_place place;

	(void)ag_attributes_find(map, attribute->handle, &place);
	if (place.service && place.service != attribute)
		ag_json_number(json, "service", place.service->handle);
	if (place.characteristic && attribute->kind == AG_ATTRIBUTE_OTHER)
		ag_json_number(json, "characteristic", place.characteristic->handle);
}

static void put_attribute(struct ag_json *json, const struct ag_attributes *map,
			  const struct ag_attribute *attribute)
{
	char uuid[AG_WORDS_UUID];

	ag_words_uuid(&attribute->uuid, uuid);
	ag_json_open(json, NULL);
	ag_json_number(json, "handle", attribute->handle);
	ag_json_string(json, "kind", ag_attribute_kind_name(attribute->kind));
	ag_json_string(json, "uuid", uuid);
	ag_json_string(json, "name", ag_uuid_name(&attribute->uuid));
	put_content(json, attribute);
	put_place(json, map, attribute);
	ag_json_close(json);
}

static void put_hash(struct ag_json *json, const uint8_t *hash)
{
	char text[2 * AG_DATABASE_HASH_LEN + 1] = "";

	for (size_t i = 0; hash && i < AG_DATABASE_HASH_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	ag_json_string(json, "hash", hash ? text : NULL);
}

static void put_map(const struct database *database, FILE *out)
{
	struct ag_json json = ag_json_begin(out);

	ag_json_string(&json, "reply", "attributes");
	put_database(&json, database);
	put_hash(&json, ag_attributes_hash(database->map));
	ag_json_number(&json, "doubted", ag_attributes_doubted(database->map));
	ag_json_open_array(&json, "attributes");
	for (size_t i = 0; i < ag_attributes_count(database->map); i++)
		put_attribute(&json, database->map, ag_attributes_at(database->map, i));
	ag_json_close_array(&json);
	ag_json_end(&json);
}

static int put_local(const struct ag_control_view *view, FILE *out)
{
	struct database database = { .is_local = true };
	struct ag_engine_view inside;

	if (!view->engine)
		return AG_CONTROL_UNKNOWN;
	ag_engine_inspect(view->engine, &inside);
	database.map = inside.attributes;
	put_map(&database, out);
	return 0;
}

int ag_control_attributes(const struct ag_control_view *view, const char *who, FILE *out)
{
	ag_cleanup(ag_attributes_cleanup) struct ag_attributes *kept = NULL;
	struct database database = { .connected = false };
	struct connected connected;
	const struct database *there;
	struct ag_address address;
	const char *why;

	if (strcmp(who, "local") == 0)
		return put_local(view, out);
	if (ag_address_parse(who, AG_SIDE_CONTROLLER, &address, &why) != 0 ||
	    address.kind != AG_ADDRESS_BDADDR)
		return AG_CONTROL_NO_PEER;
	gather(view, &connected);
	there = find_connected(&connected, address.bdaddr);
	if (there) {
		put_map(there, out);
		return 0;
	}
	if (!find_kept(view, address.bdaddr, &database.peer))
		return AG_CONTROL_UNKNOWN;
	if (ag_store_attributes(view->store, address.bdaddr, &kept) != 0)
		return -ENOMEM;
	database.map = kept;
	put_map(&database, out);
	return 0;
}
