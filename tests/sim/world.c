/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/wire/h4.h"
#include "tests/sim/hci.h"
#include "tests/sim/world_internal.h"

/* ---- Packets ---- */

/* The twin has done what the engine has. */
static void compare_twins(struct ag_sim_world *world)
{
	const char *what = world->what->twin ? ag_sim_twin_differs(&world->twin, world->engine)
					     : NULL;

	if (what)
		ag_sim_fail(world->report, AG_SIM_BYTES, "%s", what);
}

static void feed(struct ag_sim_world *world, enum ag_side side, const uint8_t *packet, size_t len)
{
	if (world->middle.feed(world->middle.self, side, packet, len, world->now_us) < 0)
		ag_sim_fail(world->report, AG_SIM_MEMORY, "feed failed");
	if (world->mirror.self)
		world->mirror.feed(world->mirror.self, side, packet, len, world->now_us);
	compare_twins(world);
}

static void from_host(void *user, const uint8_t *packet, size_t len)
{
	feed(user, AG_SIDE_HOST, packet, len);
}

static void release_event(struct ag_sim_world *world)
{
	size_t len = world->late_len;

	world->late_len = 0;
	if (len > 0)
		feed(world, AG_SIDE_CONTROLLER, world->late_event, len);
}

/* A USB controller's events and data come on two pipes: data may overtake, events do not. */
static void from_controller(void *user, const uint8_t *packet, size_t len)
{
	struct ag_sim_world *world = user;

	if (packet[0] == AG_H4_EVENT)
		release_event(world);
	if (world->what->usb && packet[0] == AG_H4_EVENT && packet[1] == AG_SIM_HCI_LE_META) {
		memcpy(world->late_event, packet, len);
		world->late_len = len;
		return;
	}
	feed(world, AG_SIDE_CONTROLLER, packet, len);
}

static void deliver(struct ag_sim_world *world, enum ag_side side, const uint8_t *packet,
		    size_t len)
{
	if (side == AG_SIDE_HOST)
		ag_sim_host_receive(&world->host, packet, len);
	else
		ag_sim_controller_receive(&world->controller, packet, len);
}

static void compare(struct ag_sim_world *world, enum ag_side side, const struct ag_packet *packet)
{
	struct ag_packet want;

	if (!world->mirror.peek(world->mirror.self, side, &want)) {
		ag_sim_fail(world->report, AG_SIM_BYTES, "a packet of %zu octets out of nothing",
			    packet->len);
		return;
	}
	if (want.len != packet->len || memcmp(want.data, packet->data, want.len) != 0)
		ag_sim_fail(world->report, AG_SIM_BYTES, "%zu octets in, %zu octets out", want.len,
			    packet->len);
	world->mirror.pop(world->mirror.self, side);
}

static bool drain_one(struct ag_sim_world *world, enum ag_side side)
{
	struct ag_sim_mutants mutants;
	struct ag_packet packet;

	if (!world->middle.peek(world->middle.self, side, &packet))
		return false;
	if (world->mirror.self)
		compare(world, side, &packet);
	if (ag_sim_mutate(&world->mutator, side, packet.data, packet.len, &mutants)) {
		for (size_t i = 0; i < mutants.count; i++)
			deliver(world, mutants.packet[i].side, mutants.packet[i].data,
				mutants.packet[i].len);
	} else {
		deliver(world, side, packet.data, packet.len);
	}
	world->middle.pop(world->middle.self, side);
	return true;
}

static void drain(struct ag_sim_world *world)
{
	while (drain_one(world, AG_SIDE_HOST) || drain_one(world, AG_SIDE_CONTROLLER))
		;
}

/* ---- Time ---- */

static void tick(struct ag_sim_world *world)
{
	if (world->middle.tick(world->middle.self, world->now_us) < 0)
		ag_sim_fail(world->report, AG_SIM_MEMORY, "tick failed");
	if (world->what->twin)
		world->mirror.tick(world->mirror.self, world->now_us);
	compare_twins(world);
	if (world->middle.deadline(world->middle.self) <= world->now_us)
		ag_sim_fail(world->report, AG_SIM_STUCK, "a deadline in the past after the tick");
}

static void pass_time(struct ag_sim_world *world, uint64_t us)
{
	uint64_t until = world->now_us + us;

	while (world->report->fault == AG_SIM_FINE) {
		uint64_t deadline = world->middle.deadline(world->middle.self);

		if (deadline > until)
			break;
		if (deadline > world->now_us)
			world->now_us = deadline;
		tick(world);
	}
	world->now_us = until;
}

static void host_step(struct ag_sim_world *world, size_t index, bool fresh)
{
	struct ag_sim_host_link *link = &world->host.link[index];

	if (!link->up || world->host.resetting)
		return;
	ag_sim_world_begin(world, &link->end, link->le, link->central, fresh);
	while (ag_sim_host_send(&world->host, index) && !ag_random_percent(&world->random, 20))
		;
}

static void peer_step(struct ag_sim_world *world, size_t index, bool fresh)
{
	struct ag_sim_controller_link *link = &world->controller.link[index];

	if (!link->up)
		return;
	ag_sim_world_begin(world, &link->peer, link->le, !link->central, fresh);
	while (ag_sim_controller_send(&world->controller, index) &&
	       !ag_random_percent(&world->random, 20))
		;
}

/* ---- Links ---- */

static void connect_link(struct ag_sim_world *world, size_t index)
{
	uint16_t handle = (uint16_t)(AG_SIM_HANDLE_BASE + index +
				     4 * ag_random_below(&world->random, 2));

	/* What is under way for the handle's last use must have arrived. */
	while (ag_sim_controller_answer(&world->controller))
		;
	drain(world);
	world->ledger[index][0].count = 0;
	world->ledger[index][0].answers = 0;
	world->ledger[index][1].count = 0;
	world->ledger[index][1].answers = 0;
	world->ending[index] = false;
	ag_sim_controller_connect(
	    &world->controller, index, handle,
	    (enum ag_sim_connection)ag_random_below(&world->random, AG_SIM_CONNECTION_COUNT),
	    ag_random_percent(&world->random, 50));
	for (uint32_t n = world->late_len > 0 ? ag_random_below(&world->random, 3) : 0; n > 0; n--)
		peer_step(world, index, true);
	release_event(world);
}

static void link_step(struct ag_sim_world *world)
{
	size_t index = ag_random_below(&world->random, AG_SIM_LINKS);
	struct ag_sim_controller_link *link = &world->controller.link[index];

	if (!link->up) {
		connect_link(world, index);
		return;
	}
	if (ag_random_percent(&world->random, 60)) {
		ag_sim_controller_encrypt(&world->controller, index,
					  ag_random_percent(&world->random, 80));
		return;
	}
	if (!world->what->calm && ag_random_percent(&world->random, 50))
		ag_sim_controller_disconnect(&world->controller, index, 0x13);
}

static void command_step(struct ag_sim_world *world)
{
	uint8_t params[3] = { AG_SIM_HANDLE_BASE, 0, 0x13 };
	uint32_t choice = ag_random_below(&world->random, 100);

	params[0] = (uint8_t)(params[0] + ag_random_below(&world->random, AG_SIM_LINKS));
	if (choice < 3 && !world->what->calm && !world->what->flow)
		ag_sim_host_command(&world->host, AG_SIM_HCI_RESET, NULL, 0);
	else if (choice < 10 && !world->what->calm)
		ag_sim_host_command(&world->host, AG_SIM_HCI_DISCONNECT, params, 3);
	else
		ag_sim_host_command(&world->host, AG_SIM_HCI_READ_RSSI, params, 2);
}

/* No controller takes that long to answer a command. */
static void pass_long_time(struct ag_sim_world *world)
{
	drain(world);
	while (ag_sim_controller_answer(&world->controller))
		;
	pass_time(world, ag_random_below(&world->random, 1000000));
}

static void step(struct ag_sim_world *world)
{
	size_t index = ag_random_below(&world->random, AG_SIM_LINKS);
	uint32_t choice = ag_random_below(&world->random, 100);

	if (choice < 24)
		host_step(world, index, true);
	else if (choice < 48)
		peer_step(world, index, true);
	else if (choice < 66)
		ag_sim_controller_complete(&world->controller, false);
	else if (choice < 71)
		link_step(world);
	else if (choice < 74)
		command_step(world);
	else if (choice < 78)
		ag_sim_controller_answer(&world->controller);
	else if (choice < 81)
		ag_sim_host_complete(&world->host, false);
	else if (choice < 85)
		pass_long_time(world);
	else
		pass_time(world, ag_random_below(&world->random, 2000));
	for (uint32_t n = ag_random_below(&world->random, 6); n > 0; n--) {
		drain_one(world, AG_SIDE_HOST);
		drain_one(world, AG_SIDE_CONTROLLER);
	}
}

/* ---- A case ---- */

static void command(struct ag_sim_world *world, uint16_t opcode, const uint8_t *params, uint8_t len)
{
	ag_sim_host_command(&world->host, opcode, params, len);
	drain(world);
	ag_sim_controller_answer(&world->controller);
	drain(world);
}

static void power_on(struct ag_sim_world *world)
{
	static const uint8_t host_buffers[7] = { 0xff, 0x03, 64, 4, 0, 8, 0 };
	bool v2 = ag_random_percent(&world->random, 50);

	command(world, AG_SIM_HCI_RESET, NULL, 0);
	command(world, AG_SIM_HCI_READ_BUFFER_SIZE, NULL, 0);
	command(world, v2 ? AG_SIM_HCI_LE_READ_BUFFER_SIZE_V2 : AG_SIM_HCI_LE_READ_BUFFER_SIZE,
		NULL, 0);
	if (!world->what->flow)
		return;
	command(world, AG_SIM_HCI_HOST_BUFFER_SIZE, host_buffers, sizeof(host_buffers));
	world->host.flow = host_buffers[3];
	command(world, AG_SIM_HCI_SET_HOST_FLOW, (const uint8_t[]){ 1 }, 1);
}

/* Let everybody finish. Ten virtual minutes are more than any delay and any time-out. */
static void finish(struct ag_sim_world *world)
{
	world->quiet = true;
	for (int i = 0; i < 600 && world->report->fault == AG_SIM_FINE; i++) {
		bool moved;

		for (size_t link = 0; link < AG_SIM_LINKS; link++) {
			host_step(world, link, false);
			peer_step(world, link, false);
		}
		drain(world);
		moved = ag_sim_controller_answer(&world->controller);
		moved = ag_sim_controller_complete(&world->controller, true) || moved;
		moved = ag_sim_host_complete(&world->host, true) || moved;
		drain(world);
		pass_time(world, i < 100 ? 20000 : 1000000);
		drain(world);
		if (i > 110 && !moved && world->middle.deadline(world->middle.self) == UINT64_MAX)
			break;
	}
}

static void judge_end(struct ag_sim_world *world, const struct ag_sim_end *end)
{
	if (ag_sim_end_busy(end))
		ag_sim_fail(world->report, AG_SIM_LOST_COMPLETION,
			    "%s: handle 0x%03x cannot send for want of a completion", end->who,
			    end->handle);
	if (end->in_len > 0)
		ag_sim_fail(world->report, AG_SIM_LOST_PDU, "%s: %zu octets of a PDU", end->who,
			    end->in_len);
	if (end->coc.out_len > 0 || end->coc.in_want > 0)
		ag_sim_fail(world->report, AG_SIM_CHANNEL_CREDIT,
			    "%s: an SDU is stuck for want of a credit", end->who);
	if (end->coc.att.asked || end->coc.att.indicated)
		ag_sim_fail(world->report, AG_SIM_MISSING_ANSWER,
			    "%s: nobody answered 0x%02x on the enhanced bearer", end->who,
			    end->coc.att.asked ? end->coc.att.request : 0x1d);
	if (end->att.asked || end->att.indicated || end->pairing)
		ag_sim_fail(world->report, AG_SIM_MISSING_ANSWER, "%s: nobody answered 0x%02x",
			    end->who,
			    end->att.asked ? end->att.request : (end->att.indicated ? 0x1d : 0x01));
}

static void judge_link(struct ag_sim_world *world, size_t index)
{
	struct ag_sim_controller_link *peer = &world->controller.link[index];
	struct ag_sim_host_link *host = ag_sim_host_find(&world->host, peer->peer.handle);

	if (!peer->up)
		return;
	if (world->ending[index]) {
		ag_sim_fail(world->report, AG_SIM_STUCK, "a rule ended handle 0x%03x, yet it is up",
			    peer->peer.handle);
		return;
	}
	if (!host) {
		ag_sim_fail(world->report, AG_SIM_UNKNOWN_HANDLE,
			    "the host does not know of handle 0x%03x", peer->peer.handle);
		return;
	}
	for (int from = 0; from < 2; from++) {
		size_t owed = ag_sim_ledger_owed(&world->ledger[index][from]);

		if (owed > 0 || world->ledger[index][from].answers > 0)
			ag_sim_fail(world->report, AG_SIM_LOST_PDU,
				    "%zu PDUs and %u answers never came, from %d", owed,
				    world->ledger[index][from].answers, from);
	}
	judge_end(world, &host->end);
	judge_end(world, &peer->peer);
	if (peer->to_host > 0)
		ag_sim_fail(world->report, AG_SIM_LOST_COMPLETION,
			    "controller: %u packets of handle 0x%03x are not completed",
			    peer->to_host, peer->peer.handle);
}

/* First of all, because one lost completion may hold up every other link. */
static void judge_completions(struct ag_sim_world *world)
{
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		const struct ag_sim_host_link *host = &world->host.link[i];

		if (host->up && host->sent > 0)
			ag_sim_fail(world->report, AG_SIM_LOST_COMPLETION,
				    "host: %u packets of handle 0x%03x are not completed",
				    host->sent, host->end.handle);
	}
}

static void judge_case(struct ag_sim_world *world)
{
	judge_completions(world);
	for (size_t i = 0; i < AG_SIM_LINKS; i++)
		judge_link(world, i);
	for (size_t i = 0; i < 2; i++) {
		if (world->host.pool[i].used > 0 || world->controller.pool[i].used > 0)
			ag_sim_fail(world->report, AG_SIM_LOST_COMPLETION,
				    "%u and %u buffers in use", world->host.pool[i].used,
				    world->controller.pool[i].used);
	}
	if (world->host.command != 0 || world->controller.n_commands > 0)
		ag_sim_fail(world->report, AG_SIM_STUCK, "command 0x%04x has no answer",
			    world->host.command);
	if (world->middle.deadline(world->middle.self) != UINT64_MAX)
		ag_sim_fail(world->report, AG_SIM_STUCK, "the engine still waits for something");
	if (world->engine && (ag_engine_backlog(world->engine, AG_SIDE_HOST) > 0 ||
			      ag_engine_backlog(world->engine, AG_SIDE_CONTROLLER) > 0))
		ag_sim_fail(world->report, AG_SIM_STUCK, "a backlog with nothing in it");
	if (world->engine && ag_engine_stats(world->engine)->surplus_completions > 0)
		ag_sim_fail(world->report, AG_SIM_SURPLUS_COMPLETION,
			    "the engine lost count of the controller's buffers");
	if (world->mirror.self) {
		struct ag_packet packet;

		for (int side = 0; side < 2; side++) {
			if (world->mirror.peek(world->mirror.self, (enum ag_side)side, &packet))
				ag_sim_fail(world->report, AG_SIM_BYTES, "a packet never came out");
		}
	}
}

static void reload(struct ag_sim_world *world)
{
	if (!world->what->reload || !world->engine)
		return;
	world->rules = NULL;
	if (ag_engine_set_rules(world->engine, world->what->reload->set) < 0 ||
	    (world->what->twin &&
	     ag_engine_set_rules(world->twin.engine, world->what->reload->set) < 0))
		ag_sim_fail(world->report, AG_SIM_MEMORY, "set_rules failed");
}

static void prepare_end(struct ag_sim_world *world, struct ag_sim_end *end)
{
	end->deliver = ag_sim_world_pdu;
	end->user = world;
	end->chunks = AG_SIM_CHUNKS_RANDOM;
	end->att.slow_us = 1200000;
	end->att.most = world->what->fits ? 23 : 0;
	end->coc.att.slow_us = 1200000;
}

static void prepare(struct ag_sim_world *world)
{
	static const uint16_t lengths[] = { 27, 64, 251, 1021 };
	const struct ag_sim_case *what = world->what;

	ag_sim_host_init(&world->host, world->report, &world->random,
			 (struct ag_sim_port){ from_host, world });
	ag_sim_controller_init(&world->controller, world->report, &world->random,
			       (struct ag_sim_port){ from_controller, world });
	world->host.acl_max = what->acl_max[AG_SIDE_HOST];
	world->controller.pool[0].count = what->acl_count;
	world->controller.pool[0].len = lengths[ag_random_range(&world->random, 1, 3)];
	world->controller.pool[1].count = what->le_count;
	world->controller.pool[1].len = lengths[ag_random_below(&world->random, 4)];
	world->controller.to_host_max = lengths[ag_random_below(&world->random, 4)];
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		prepare_end(world, &world->host.link[i].end);
		prepare_end(world, &world->controller.link[i].peer);
	}
}

static void run(struct ag_sim_world *world)
{
	unsigned int steps = world->what->steps ? world->what->steps : 120;

	power_on(world);
	connect_link(world, 0);
	for (unsigned int i = 0; i < steps && world->report->fault == AG_SIM_FINE; i++) {
		if (i == steps / 2)
			reload(world);
		step(world);
	}
	if (world->report->fault == AG_SIM_FINE)
		finish(world);
	if (world->report->fault == AG_SIM_FINE)
		judge_case(world);
}

static struct ag_engine *new_engine(struct ag_sim_world *world)
{
	const struct ag_sim_case *what = world->what;
	struct ag_engine_config config = {
		.rules = what->rules ? what->rules->set : NULL,
		.tap = ag_sim_world_tap,
		.pass = what->passes || what->twin ? ag_sim_world_pass : NULL,
		.tap_user = world,
		.seed = what->seed,
		.acl_max = { what->acl_max[0], what->acl_max[1] },
		.dry_run = what->dry_run,
		.early_acl_us = what->usb ? 50000 : 0,
	};

	if (what->twin && ag_sim_twin_new(&world->twin, &config, &world->mirror) != 0)
		return NULL;
	return ag_sim_engine_new(&config, &world->middle);
}

void ag_sim_run(const struct ag_sim_case *what, struct ag_sim_case_result *result)
{
	static struct ag_sim_world world; /* large, and cleared for each case */

	*result = (struct ag_sim_case_result){ 0 };
	memset(&world, 0, sizeof(world));
	world.what = what;
	world.result = result;
	world.report = &result->report;
	world.random.state = what->seed;
	world.rules = what->rules;
	world.mutator = (struct ag_sim_mutator){ .kind = what->mutation,
						 .after = what->mutate_after };
	if (what->wire)
		world.middle = ag_sim_wire_new();
	else
		world.engine = new_engine(&world);
	if (!what->wire && !world.engine) {
		ag_sim_fail(world.report, AG_SIM_MEMORY, "no engine");
		return;
	}
	if (what->unchanged)
		world.mirror = ag_sim_wire_new();
	prepare(&world);
	run(&world);
	result->mutated = world.mutator.done;
	result->completions = world.host.completions;
	if (world.engine)
		result->judged = ag_engine_stats(world.engine)->judged;
	world.middle.free(world.middle.self);
	if (world.mirror.self)
		world.mirror.free(world.mirror.self);
}
