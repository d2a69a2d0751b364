/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/control_report.h"

#include <errno.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/base/json.h"
#include "proxy/engine/attributes.h"
#include "proxy/engine/inspect.h"
#include "proxy/engine/words.h"
#include "proxy/wire/att.h"

const char *ag_unjudged_name(enum ag_unjudged cause)
{
	static const char *const names[AG_UNJUDGED_COUNT] = {
		[AG_UNJUDGED_TRUNCATED] = "truncated",     [AG_UNJUDGED_LENGTH] = "length",
		[AG_UNJUDGED_INTERRUPTED] = "interrupted", [AG_UNJUDGED_NO_START] = "no_start",
		[AG_UNJUDGED_NO_LINK] = "no_link",         [AG_UNJUDGED_TOO_LONG] = "too_long",
		[AG_UNJUDGED_MEMORY] = "memory",           [AG_UNJUDGED_BACKLOG] = "backlog",
		[AG_UNJUDGED_CHANNEL] = "channel",
	};

	return names[cause];
}

/* Two numbers, one for each side. */
static void put_sides(struct ag_json *json, const char *key, uint64_t host, uint64_t controller)
{
	ag_json_open(json, key);
	ag_json_number(json, "host", host);
	ag_json_number(json, "controller", controller);
	ag_json_close(json);
}

/* ---- Status ---- */

/* While sides are opened their labels are another thread's, but for those that listen. */
static void put_side(struct ag_json *json, const char *key, const struct ag_control_view *view,
		     enum ag_side side)
{
	const struct ag_transport *transport = view->transport[side];
	bool is_named = view->engine || ag_address_listens(&transport->address);

	ag_json_open(json, key);
	ag_json_string(json, "name", transport->address.text);
	ag_json_string(json, "label", is_named ? transport->label : transport->address.text);
	ag_json_close(json);
}

static void put_files(struct ag_json *json, const struct ag_control_view *view)
{
	const struct ag_rulebook *rules = view->rules;

	ag_json_open(json, "rules");
	ag_json_number(json, "count", ag_ruleset_count(rules->set));
	ag_json_seconds(json, "loaded", rules->loaded_us);
	ag_json_open_array(json, "files");
	for (size_t i = 0; i < rules->n_files; i++) {
		ag_json_open(json, NULL);
		ag_json_string(json, "path", rules->files[i].path);
		ag_json_string(json, "sha256", rules->files[i].sha256);
		ag_json_close(json);
	}
	ag_json_close_array(json);
	ag_json_open_array(json, "hits");
	for (size_t i = 0; i < ag_ruleset_count(rules->set); i++) {
		ag_json_open(json, NULL);
		ag_json_string(json, "rule", ag_ruleset_rule(rules->set, i)->name);
		ag_json_number(json, "hits", ag_tally_hits(view->tally, view->engine, i));
		ag_json_close(json);
	}
	ag_json_close_array(json);
	ag_json_close(json);
}

static void put_counters(struct ag_json *json, const struct ag_control_view *view)
{
	struct ag_pump_counters pump;
	struct ag_stats stats;

	ag_tally_stats(view->tally, view->engine, &stats);
	ag_tally_pump(view->tally, view->pump, &pump);
	put_sides(json, "packets", stats.packets[AG_SIDE_HOST], stats.packets[AG_SIDE_CONTROLLER]);
	put_sides(json, "bytes", stats.bytes[AG_SIDE_HOST], stats.bytes[AG_SIDE_CONTROLLER]);
	ag_json_number(json, "judged", stats.judged);
	ag_json_open(json, "verdicts");
	for (size_t i = 0; i < AG_V_RECORDED; i++)
		ag_json_number(json, ag_words_verdict_name((enum ag_verdict)i), stats.verdicts[i]);
	ag_json_close(json);
	ag_json_open(json, "unjudged");
	for (size_t i = 0; i < AG_UNJUDGED_COUNT; i++)
		ag_json_number(json, ag_unjudged_name((enum ag_unjudged)i), stats.unjudged[i]);
	ag_json_close(json);
	ag_json_open(json, "lost");
	ag_json_number(json, "host_down", pump.lost_host_down);
	ag_json_number(json, "refused", pump.lost_refused);
	ag_json_number(json, "overflows", pump.overflows);
	ag_json_close(json);
	ag_json_number(json, "early_releases", stats.early_releases);
	ag_json_number(json, "surplus_completions", stats.surplus_completions);
	ag_json_number(json, "unannounced", stats.unannounced);
	ag_json_number(json, "links", stats.links);
}

static void put_pool(struct ag_json *json, const char *key, const struct ag_pool_view *pool)
{
	ag_json_open(json, key);
	ag_json_number(json, "size", pool->size);
	ag_json_number(json, "in_flight", pool->in_flight);
	ag_json_number(json, "ours", pool->ours);
	ag_json_number(json, "data_length", pool->data_len);
	ag_json_close(json);
}

static void put_engine(struct ag_json *json, const struct ag_engine *engine)
{
	struct ag_engine_view inside;

	ag_engine_inspect(engine, &inside);
	ag_json_open(json, "ledger");
	put_pool(json, "acl", &inside.acl);
	put_pool(json, "le", &inside.le);
	put_pool(json, "host", &inside.host);
	ag_json_bool(json, "host_flow_control", inside.host_flow_control);
	ag_json_number(json, "command_credits", inside.command_credits);
	ag_json_close(json);
	ag_json_open(json, "queues");
	put_sides(json, "packets", inside.queued[AG_SIDE_HOST], inside.queued[AG_SIDE_CONTROLLER]);
	put_sides(json, "bytes", inside.queued_bytes[AG_SIDE_HOST],
		  inside.queued_bytes[AG_SIDE_CONTROLLER]);
	ag_json_number(json, "early", inside.early);
	ag_json_number(json, "commands", inside.commands_waiting);
	ag_json_close(json);
}

void ag_control_status(const struct ag_control_view *view, FILE *out)
{
	struct ag_json json = ag_json_begin(out);

	ag_json_string(&json, "reply", "status");
	ag_json_string(&json, "version", AG_VERSION);
	ag_json_number(&json, "pid", (uint64_t)getpid());
	put_side(&json, "controller", view, AG_SIDE_CONTROLLER);
	put_side(&json, "host", view, AG_SIDE_HOST);
	ag_json_bool(&json, "connected", view->engine != NULL);
	ag_json_bool(&json, "dry_run", view->dry_run);
	ag_json_seconds(&json, "uptime", view->now_us - view->started_us);
	ag_json_number(&json, "sessions", view->tally->sessions);
	if (view->engine)
		ag_json_seconds(&json, "session_uptime", view->now_us - view->opened_us);
	put_files(&json, view);
	put_counters(&json, view);
	if (view->engine)
		put_engine(&json, view->engine);
	ag_json_open(&json, "control");
	ag_json_number(&json, "clients", view->clients);
	ag_json_number(&json, "watchers", view->watchers);
	ag_json_number(&json, "lost", view->lost);
	ag_json_close(&json);
	ag_json_end(&json);
}

/* ---- Links ---- */

static const char *const asker[2] = { [AG_SIDE_HOST] = "host", [AG_SIDE_CONTROLLER] = "peer" };

/* What the handle of a request stands for, where the map of who is asked knows. */
static void put_attribute(struct ag_json *json, const struct ag_attributes *map,
			  const struct ag_request_view *request)
{
	struct ag_subject subject = { .present = 0 };
	struct ag_attribute_place place;
	char text[160];

	if (!ag_att_begins_with(ag_att_format(request->opcode), AG_ATT_P_HANDLE) ||
	    !ag_attributes_find(map, request->handle, &place))
		return;
	ag_subject_place(&subject, &place);
	ag_words_attribute(&subject, text, sizeof(text));
	ag_json_string(json, "attribute", text);
}

/* @maps: by the side that asks, of the one that is asked */
static void put_requests(struct ag_json *json, const struct ag_bearer_view *bearer,
			 const struct ag_attributes *const maps[2], uint64_t now_us)
{
	ag_json_open_array(json, "requests");
	for (size_t side = 0; side < 2; side++) {
		const struct ag_request_view *request = &bearer->request[side];

		if (!request->open)
			continue;
		ag_json_open(json, NULL);
		ag_json_string(json, "from", asker[side]);
		ag_json_named(json, "opcode", ag_field_value_name(AG_F_ATT_OPCODE, request->opcode),
			      request->opcode);
		ag_json_number(json, "handle", request->handle);
		put_attribute(json, maps[side], request);
		ag_json_optional(json, "pdu", request->number != 0, request->number);
		ag_json_seconds(json, "age", now_us - request->since_us);
		ag_json_close(json);
	}
	ag_json_close_array(json);
	ag_json_open_array(json, "indications");
	for (size_t side = 0; side < 2; side++) {
		if (bearer->indication[side])
			ag_json_string(json, NULL, asker[side]);
	}
	ag_json_close_array(json);
}

static void put_rtt(struct ag_json *json, const char *key, const struct ag_rtt_view *rtt)
{
	ag_json_open(json, key);
	ag_json_number(json, "count", rtt->count);
	ag_json_seconds(json, "p50", rtt->p50_us);
	ag_json_seconds(json, "p90", rtt->p90_us);
	ag_json_seconds(json, "p99", rtt->p99_us);
	ag_json_seconds(json, "max", rtt->max_us);
	ag_json_close(json);
}

static void put_bearer(struct ag_json *json, const struct ag_bearer_view *bearer,
		       const struct ag_attributes *const maps[2], uint64_t now_us)
{
	ag_json_open(json, NULL);
	ag_json_string(json, "bearer", ag_field_value_name(AG_F_BEARER, bearer->type));
	put_sides(json, "cid", bearer->cid[AG_SIDE_HOST], bearer->cid[AG_SIDE_CONTROLLER]);
	ag_json_number(json, "mtu", bearer->mtu);
	put_requests(json, bearer, maps, now_us);
	ag_json_open(json, "rtt");
	for (size_t side = 0; side < 2; side++)
		put_rtt(json, asker[side], &bearer->rtt[side]);
	ag_json_close(json);
	ag_json_close(json);
}

static void put_link(struct ag_json *json, const struct ag_link_inspection *link,
		     const struct ag_attributes *local, uint64_t now_us)
{
	const struct ag_attributes *const maps[2] = {
		[AG_SIDE_HOST] = link->attributes,
		[AG_SIDE_CONTROLLER] = local,
	};
	char peer[18];

	ag_words_bdaddr(link->view.peer, peer);
	ag_json_open(json, NULL);
	ag_json_number(json, "handle", link->view.handle);
	ag_json_string(json, "link", ag_field_value_name(AG_F_LINK, link->view.type));
	ag_json_string(json, "role", ag_field_value_name(AG_F_ROLE, link->view.role));
	ag_json_string(json, "peer", peer);
	ag_json_string(json, "peer_type",
		       ag_field_value_name(AG_F_PEER_TYPE, link->view.peer_type));
	ag_json_bool(json, "encrypted", link->view.encrypted);
	ag_json_seconds(json, "age", now_us - link->view.since_us);
	put_sides(json, "in_flight", link->in_flight[AG_SIDE_HOST],
		  link->in_flight[AG_SIDE_CONTROLLER]);
	put_sides(json, "waiting", link->waiting[AG_SIDE_HOST], link->waiting[AG_SIDE_CONTROLLER]);
	put_sides(json, "held", link->held[AG_SIDE_HOST], link->held[AG_SIDE_CONTROLLER]);
	ag_json_open_array(json, "bearers");
	for (size_t i = 0; i < link->n_bearers; i++)
		put_bearer(json, &link->bearer[i], maps, now_us);
	ag_json_close_array(json);
	ag_json_close(json);
}

void ag_control_links(const struct ag_control_view *view, FILE *out)
{
	struct ag_json json = ag_json_begin(out);
	struct ag_link_inspection link;
	struct ag_engine_view inside;

	if (view->engine)
		ag_engine_inspect(view->engine, &inside);
	ag_json_string(&json, "reply", "links");
	ag_json_bool(&json, "connected", view->engine != NULL);
	ag_json_open_array(&json, "links");
	for (size_t slot = 0; view->engine && slot < AG_INSPECT_LINKS; slot++) {
		if (ag_engine_inspect_link(view->engine, slot, &link))
			put_link(&json, &link, inside.attributes, view->now_us);
	}
	ag_json_close_array(&json);
	ag_json_end(&json);
}

/* ---- Rules ---- */

static void put_rule(struct ag_json *json, const struct ag_control_view *view, size_t index,
		     const char *text)
{
	const struct ag_rule *rule = ag_ruleset_rule(view->rules->set, index);

	ag_json_open(json, NULL);
	ag_json_string(json, "rule", rule->name);
	ag_json_string(json, "file", rule->file);
	ag_json_number(json, "line", rule->line);
	ag_json_number(json, "hits", ag_tally_hits(view->tally, view->engine, index));
	ag_json_string(json, "text", text);
	ag_json_close(json);
}

static int put_rules(const struct ag_control_view *view, FILE *out)
{
	struct ag_json json = ag_json_begin(out);

	ag_json_string(&json, "reply", "rules");
	ag_json_open_array(&json, "rules");
	for (size_t i = 0; i < ag_ruleset_count(view->rules->set); i++) {
		ag_autofree char *text = ag_rule_format(view->rules->set, i);

		if (!text)
			return -ENOMEM;
		put_rule(&json, view, i, text);
	}
	ag_json_close_array(&json);
	ag_json_end(&json);
	return 0;
}

int ag_control_rules(const struct ag_control_view *view, FILE *out)
{
	ag_autofree char *text = NULL;
	size_t len = 0;
	FILE *whole = open_memstream(&text, &len);
	int r;

	if (!whole)
		return -ENOMEM;
	r = put_rules(view, whole);
	if (fclose(whole) != 0)
		r = -ENOMEM;
	if (r == 0)
		fwrite(text, 1, len, out);
	return r;
}
