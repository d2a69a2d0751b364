/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whoever looks through a database of which something is hidden sees exactly the rest: whole pages
 * or none, ascending, one answer for each request; and nothing of it is reached by handle. Between
 * host and controller models that count every packet and every frame.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/cursor.h"
#include "tests/sim/controller.h"
#include "tests/sim/hide.h"
#include "tests/sim/hci.h"
#include "tests/sim/host.h"
#include "tests/sim/middle.h"
#include "tests/sim/property.h"

enum { CID_ATT = 4, CID_SIGNALLING = 5, HANDLE = 0x40, OUTBOX = 4, TOLD = 64 };
enum { STEPS_MAX = 400000 };

/* PDUs that an end has to send, oldest first. */
struct outbox {
	size_t count;
	struct {
		size_t len;
		uint8_t data[AG_SIM_HIDE_PDU];
	} pdu[OUTBOX];
};

struct scene {
	struct ag_sim_report report;
	struct ag_random random;
	bool eatt;
	bool owner_is_host;
	struct ag_engine *engine;
	struct ag_sim_middle middle;
	struct ag_sim_host host;
	struct ag_sim_controller controller;
	struct ag_sim_database database;
	struct ag_sim_server server;
	struct ag_sim_client client;
	struct outbox outbox[2]; /* by enum ag_side */
	size_t told, told_seen;  /* notifications and indications that have to arrive, and did */
	struct ag_sim_telling tellings[TOLD];
	char rules[4096];
	uint64_t now_us;
};

/* What all cases came to, so that a test can insist that they did something. */
struct totals {
	unsigned int cases, hidden, visible, requests, asked, told, eatt;
	uint64_t kept_back;
};

static void put(struct scene *scene, enum ag_side side, const uint8_t *pdu, size_t len)
{
	struct outbox *outbox = &scene->outbox[side];

	if (!len)
		return;
	cr_assert_lt(outbox->count, OUTBOX);
	memcpy(outbox->pdu[outbox->count].data, pdu, len);
	outbox->pdu[outbox->count++].len = len;
}

/* ---- Arriving ---- */

static void telling_arrived(struct scene *scene, const uint8_t *pdu, size_t len)
{
	static const uint8_t confirmation = 0x1e;
	enum ag_side client = scene->owner_is_host ? AG_SIDE_CONTROLLER : AG_SIDE_HOST;
	const struct ag_sim_telling *next = &scene->tellings[scene->told_seen % TOLD];

	if (scene->told_seen == scene->told || len != next->len || memcmp(next->pdu, pdu, len) != 0)
		ag_sim_fail(&scene->report, AG_SIM_UNEXPECTED, "0x%02x of 0x%04x", pdu[0],
			    ag_get_le16(pdu + 1));
	scene->told_seen++;
	if (pdu[0] == 0x1d)
		put(scene, client, &confirmation, 1);
}

static void att_arrived(struct scene *scene, enum ag_side at, const uint8_t *pdu, size_t len)
{
	uint8_t answer[AG_SIM_HIDE_PDU];

	if ((at == AG_SIDE_HOST) == scene->owner_is_host)
		put(scene, at, answer, ag_sim_server_take(&scene->server, pdu, len, answer));
	else if (pdu[0] == 0x1b || pdu[0] == 0x1d || pdu[0] == 0x23)
		telling_arrived(scene, pdu, len);
	else
		ag_sim_client_take(&scene->client, pdu, len);
}

static void arrived(void *user, struct ag_sim_end *end, uint16_t cid, const uint8_t *pdu,
		    size_t len)
{
	struct scene *scene = user;
	enum ag_side at = end->pb_first == 0 ? AG_SIDE_HOST : AG_SIDE_CONTROLLER;

	if (scene->report.fault != AG_SIM_FINE)
		return;
	if (cid == CID_SIGNALLING)
		ag_sim_coc_signalled(&end->coc, &scene->report, end->who, pdu, len);
	else if (cid == CID_ATT && !scene->eatt)
		att_arrived(scene, at, pdu, len);
	else if (!scene->eatt || cid != end->coc.cid)
		ag_sim_fail(&scene->report, AG_SIM_UNEXPECTED, "channel 0x%04x", cid);
	else if (ag_sim_coc_received(&end->coc, &scene->report, end->who, pdu, len))
		att_arrived(scene, at, end->coc.in, end->coc.in_len);
}

/* ---- Sending ---- */

static void next_of_client(struct scene *scene, enum ag_side side)
{
	uint8_t pdu[AG_SIM_HIDE_PDU];

	if (!scene->outbox[side].count)
		put(scene, side, pdu, ag_sim_client_ask(&scene->client, pdu));
}

/* Behind the discovery, when it is known what is what. */
static void next_of_server(struct scene *scene, enum ag_side side)
{
	uint8_t pdu[AG_SIM_HIDE_PDU];
	struct ag_sim_telling arrives;
	size_t len;

	if (scene->outbox[side].count || scene->client.at + 30 < scene->client.tasks ||
	    scene->client.at == scene->client.tasks || ag_random_percent(&scene->random, 70))
		return;
	len = ag_sim_server_tell(&scene->server, pdu, &arrives);
	put(scene, side, pdu, len);
	if (arrives.len)
		scene->tellings[scene->told++ % TOLD] = arrives;
}

static bool begin_frame(struct ag_sim_end *end)
{
	uint8_t frame[AG_SIM_COC_MPS_MAX];
	size_t len = ag_sim_coc_frame(&end->coc, frame);

	if (len)
		ag_sim_end_begin(end, end->coc.peer_cid, frame, len);
	return len > 0;
}

static void begin(struct scene *scene, enum ag_side side, struct ag_sim_end *end)
{
	struct outbox *outbox = &scene->outbox[side];
	uint8_t pdu[64];
	size_t len;

	if (ag_sim_end_busy(end) || begin_frame(end))
		return;
	len = scene->eatt ? ag_sim_coc_signal(&end->coc, &scene->random, pdu) : 0;
	if (len) {
		ag_sim_end_begin(end, CID_SIGNALLING, pdu, len);
		return;
	}
	if (!outbox->count ||
	    (scene->eatt && (end->coc.state != AG_SIM_COC_OPEN || end->coc.out_len)))
		return;
	if (scene->eatt)
		ag_sim_coc_begin(&end->coc, outbox->pdu[0].data, outbox->pdu[0].len);
	else
		ag_sim_end_begin(end, CID_ATT, outbox->pdu[0].data, outbox->pdu[0].len);
	memmove(&outbox->pdu[0], &outbox->pdu[1], (OUTBOX - 1) * sizeof(outbox->pdu[0]));
	outbox->count--;
	begin_frame(end);
}

static void feed(struct scene *scene, enum ag_side side, const uint8_t *packet, size_t len)
{
	if (ag_engine_feed(scene->engine, side, packet, len, scene->now_us) < 0)
		ag_sim_fail(&scene->report, AG_SIM_MEMORY, "feed failed");
}

static void from_host(void *user, const uint8_t *packet, size_t len)
{
	feed(user, AG_SIDE_HOST, packet, len);
}

static void from_controller(void *user, const uint8_t *packet, size_t len)
{
	feed(user, AG_SIDE_CONTROLLER, packet, len);
}

static void drain(struct scene *scene)
{
	struct ag_packet packet;
	bool more = true;

	while (more && scene->report.fault == AG_SIM_FINE) {
		more = false;
		if (ag_engine_peek(scene->engine, AG_SIDE_HOST, &packet)) {
			ag_sim_host_receive(&scene->host, packet.data, packet.len);
			ag_engine_pop(scene->engine, AG_SIDE_HOST);
			more = true;
		}
		if (ag_engine_peek(scene->engine, AG_SIDE_CONTROLLER, &packet)) {
			ag_sim_controller_receive(&scene->controller, packet.data, packet.len);
			ag_engine_pop(scene->engine, AG_SIDE_CONTROLLER);
			more = true;
		}
	}
}

/* ---- A case ---- */

static void command(struct scene *scene, uint16_t opcode)
{
	ag_sim_host_command(&scene->host, opcode, NULL, 0);
	drain(scene);
	ag_sim_controller_answer(&scene->controller);
	drain(scene);
}

static void set_up(struct scene *scene, struct ag_engine_config *config)
{
	static const unsigned int buffers[] = { 1, 1, 2, 8 };
	struct ag_sim_port host = { from_host, scene }, controller = { from_controller, scene };

	scene->engine = ag_sim_engine_new(config, &scene->middle);
	cr_assert(scene->engine);
	ag_sim_host_init(&scene->host, &scene->report, &scene->random, host);
	ag_sim_controller_init(&scene->controller, &scene->report, &scene->random, controller);
	for (size_t i = 0; i < 2; i++) {
		scene->controller.pool[i].len = ag_random_percent(&scene->random, 50) ? 27 : 251;
		scene->controller.pool[i].count = buffers[ag_random_below(&scene->random, 4)];
	}
	for (size_t i = 0; i < AG_SIM_LINKS; i++) {
		struct ag_sim_end *ends[] = { &scene->host.link[i].end,
					      &scene->controller.link[i].peer };

		for (size_t j = 0; j < 2; j++) {
			ends[j]->deliver = arrived;
			ends[j]->user = scene;
			ends[j]->chunks = (enum ag_sim_chunks)ag_random_below(&scene->random, 3);
		}
	}
	command(scene, AG_SIM_HCI_RESET);
	command(scene, AG_SIM_HCI_READ_BUFFER_SIZE);
	command(scene, AG_SIM_HCI_LE_READ_BUFFER_SIZE);
	ag_sim_controller_connect(&scene->controller, 0, HANDLE, AG_SIM_LE_V1,
				  ag_random_percent(&scene->random, 50));
	drain(scene);
}

static struct ag_sim_end *end_of(struct scene *scene, enum ag_side side)
{
	return side == AG_SIDE_HOST ? &scene->host.link[0].end : &scene->controller.link[0].peer;
}

static void step(struct scene *scene)
{
	enum ag_side side = (enum ag_side)ag_random_below(&scene->random, 2);
	bool is_server = (side == AG_SIDE_HOST) == scene->owner_is_host;

	if (is_server)
		next_of_server(scene, side);
	else
		next_of_client(scene, side);
	begin(scene, side, end_of(scene, side));
	if (side == AG_SIDE_HOST)
		ag_sim_host_send(&scene->host, 0);
	else
		ag_sim_controller_send(&scene->controller, 0);
	drain(scene);
	if (ag_random_percent(&scene->random, 60))
		ag_sim_controller_complete(&scene->controller,
					   ag_random_percent(&scene->random, 50));
	drain(scene);
	scene->now_us += 100;
}

static bool is_idle(struct scene *scene)
{
	for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++) {
		const struct ag_sim_end *end = end_of(scene, side);

		if (scene->outbox[side].count || ag_sim_end_busy(end) || end->coc.out_len)
			return false;
	}
	return scene->client.at == scene->client.tasks && !scene->client.asked;
}

/* What is on its way arrives, and then every account is even. */
static void settle(struct scene *scene)
{
	for (int i = 0; i < 200 && scene->report.fault == AG_SIM_FINE; i++) {
		step(scene);
		ag_sim_controller_complete(&scene->controller, true);
		drain(scene);
	}
	if (scene->host.pool[0].used || scene->host.pool[1].used ||
	    scene->controller.pool[0].used || scene->controller.pool[1].used)
		ag_sim_fail(&scene->report, AG_SIM_LOST_COMPLETION, "buffers in use at the end");
	if (scene->told_seen != scene->told)
		ag_sim_fail(&scene->report, AG_SIM_LOST_PDU, "%zu of %zu notifications arrived",
			    scene->told_seen, scene->told);
	if (scene->server.indicated)
		ag_sim_fail(&scene->report, AG_SIM_MISSING_ANSWER, "an indication unconfirmed");
}

static void open_eatt(struct scene *scene)
{
	enum ag_side asker = (enum ag_side)ag_random_below(&scene->random, 2);
	struct ag_sim_end *end = end_of(scene, asker);
	uint8_t pdu[32];
	size_t len = ag_sim_coc_ask(&end->coc, &scene->random, pdu);

	ag_sim_end_begin(end, CID_SIGNALLING, pdu, len);
	/* one in ten is refused: then it is the fixed channel after all */
	for (int i = 0; i < 400 && end->coc.state == AG_SIM_COC_ASKED; i++) {
		for (enum ag_side side = AG_SIDE_HOST; side <= AG_SIDE_CONTROLLER; side++)
			begin(scene, side, end_of(scene, side));
		ag_sim_host_send(&scene->host, 0);
		ag_sim_controller_send(&scene->controller, 0);
		drain(scene);
		ag_sim_controller_complete(&scene->controller, true);
		drain(scene);
	}
	scene->eatt = end->coc.state == AG_SIM_COC_OPEN;
}

static void look_through(struct scene *scene)
{
	int steps = 0;

	while (!is_idle(scene) && scene->report.fault == AG_SIM_FINE && steps++ < STEPS_MAX)
		step(scene);
	if (steps > STEPS_MAX)
		ag_sim_fail(&scene->report, AG_SIM_STUCK, "task %zu of %zu", scene->client.at,
			    scene->client.tasks);
}

/* Other rules at random, and what they hide. */
static struct ag_ruleset *hide_some(struct scene *scene)
{
	struct ag_ruleset *set = NULL;
	struct ag_source source = { "rules", scene->rules, 0 };

	ag_sim_hide_rules(&scene->random, &scene->database, scene->owner_is_host ? "host" : "peer",
			  scene->rules);
	source.len = strlen(scene->rules);
	cr_assert_eq(ag_ruleset_compile(&source, 1, &set, NULL), 0, "refused:\n%s", scene->rules);
	return set;
}

/* Whoever looks again sees what is visible now. */
static void look_again(struct scene *scene, struct ag_ruleset **rules)
{
	struct ag_ruleset *set;

	/* what is on its way was decided by the old ones */
	settle(scene);
	set = hide_some(scene);
	cr_assert_eq(ag_engine_set_rules(scene->engine, set), 0);
	cr_assert_eq(ag_engine_tick(scene->engine, scene->now_us), 0);
	drain(scene);
	ag_ruleset_free(*rules);
	*rules = set;
	scene->client.tasks = scene->client.at = 0;
	ag_sim_client_plan(&scene->client, 0);
	look_through(scene);
}

static void play(struct scene *scene, struct ag_ruleset **rules)
{
	uint16_t mtu = (uint16_t)ag_random_range(&scene->random, 23, 120);

	if (scene->eatt)
		open_eatt(scene);
	scene->server = (struct ag_sim_server){ &scene->database, &scene->random, &scene->report,
						.mtu = scene->eatt ? 64 : 23 };
	scene->client = (struct ag_sim_client){ .database = &scene->database,
						.random = &scene->random,
						.report = &scene->report,
						.mtu = scene->eatt ? 64 : 23 };
	ag_sim_client_plan(&scene->client,
			   scene->eatt || ag_random_percent(&scene->random, 40) ? 0 : mtu);
	look_through(scene);
	if (ag_random_percent(&scene->random, 30))
		look_again(scene, rules);
	settle(scene);
}

static void add_up(const struct scene *scene, struct totals *totals)
{
	totals->cases++;
	totals->eatt += scene->eatt;
	totals->requests += scene->client.requests;
	totals->asked += scene->server.asked;
	totals->told += (unsigned int)scene->told;
	totals->kept_back += ag_engine_stats(scene->engine)->verdicts[AG_V_HIDE];
	for (size_t i = 0; i < scene->database.count; i++) {
		totals->hidden += scene->database.list[i].hidden;
		totals->visible += !scene->database.list[i].hidden;
	}
}

static bool run_case(uint64_t seed, struct totals *totals)
{
	static struct scene scene;
	struct ag_engine_config config = { .seed = seed };
	struct ag_ruleset *set;

	memset(&scene, 0, sizeof(scene));
	scene.random.state = seed;
	scene.owner_is_host = ag_random_percent(&scene.random, 40);
	scene.eatt = ag_random_percent(&scene.random, 40);
	ag_sim_database_new(&scene.random, &scene.database);
	set = hide_some(&scene);
	config.rules = set;
	set_up(&scene, &config);
	play(&scene, &set);
	add_up(&scene, totals);
	if (scene.report.fault != AG_SIM_FINE)
		fprintf(stderr, "hide: AG_SEED=0x%llx: %s: %s%s%s\n%s", (unsigned long long)seed,
			ag_sim_fault_name(scene.report.fault), scene.report.text,
			scene.eatt ? ", EATT" : "", scene.owner_is_host ? ", our own" : "",
			scene.rules);
	scene.middle.free(scene.middle.self);
	ag_ruleset_free(set);
	return scene.report.fault == AG_SIM_FINE;
}

Test(hiding, what_is_visible_is_seen_and_nothing_else)
{
	const char *only = getenv("AG_SEED");
	uint64_t seed = only ? strtoull(only, NULL, 0) : (uint64_t)AG_SALT_HIDING << 32;
	unsigned int cases = only ? seed >> 32 == AG_SALT_HIDING : ag_sim_cases(10);
	struct totals totals = { 0 };
	unsigned int failed = 0;

	for (unsigned int i = 0; i < cases && failed < 3; i++)
		failed += !run_case(seed + i, &totals);
	cr_assert_eq(failed, 0);
	if (only)
		return;
	cr_expect_gt(totals.hidden, totals.cases * 5);
	cr_expect_gt(totals.visible, totals.cases * 5);
	cr_expect_gt(totals.told, totals.cases / 2);
	cr_expect_gt(totals.kept_back, totals.cases * 5);
	cr_expect_gt(totals.eatt, totals.cases / 5);
	cr_expect_gt(totals.requests, totals.cases * 50);
	cr_expect_gt(totals.asked, totals.cases * 50);
}
