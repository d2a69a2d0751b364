/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The pump between two transports of the tests' own making: what it does when one is slow, down, or
 * gone. What passes through it in good times is shown end to end. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/io/pump.h"
#include "tests/sim/alloc.h"

/* A transport over one end of a datagram socket pair, which does as it is told. */
struct fake {
	struct ag_transport base;
	int far;
	int read_result;  /* once, before anything is read */
	int write_result; /* for every packet, until it is 0 again */
	size_t refused;   /* packets that met write_result */
};

static struct fake *fake_of(struct ag_transport *transport)
{
	return (struct fake *)transport;
}

static int fake_read(struct ag_transport *transport, ag_packet_fn *packet, void *user)
{
	struct fake *fake = fake_of(transport);
	int result = fake->read_result;
	uint8_t buffer[2048];
	ssize_t n;

	fake->read_result = 0;
	if (result != 0)
		return result;
	n = recv(transport->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (n < 0)
		return AG_IO_AGAIN;
	return packet(user, buffer, (size_t)n);
}

static int fake_write(struct ag_transport *transport, const uint8_t *packet, size_t len)
{
	struct fake *fake = fake_of(transport);

	if (fake->write_result != 0) {
		fake->refused++;
		return fake->write_result;
	}
	return send(transport->fd, packet, len, MSG_DONTWAIT) < 0 ? AG_IO_AGAIN : 0;
}

static const struct ag_transport_ops fake_ops = { .read = fake_read, .write = fake_write };

static struct scene {
	struct ev_loop *loop;
	struct fake fake[2];
	struct ag_engine *engine;
	struct ag_pump pump;
	int ended;
	enum ag_side gone;
	int error;
} scene;

static void on_ended(void *user, enum ag_side side, int error)
{
	cr_assert_eq(user, &scene);
	scene.ended++;
	scene.gone = side;
	scene.error = error;
}

static void set_up(void)
{
	struct ag_transport *transport[2];
	struct ag_engine_config config = { .rules = NULL };

	memset(&scene, 0, sizeof(scene));
	scene.loop = ev_loop_new(EVFLAG_AUTO);
	cr_assert_eq(ag_engine_new(&config, &scene.engine), 0);
	for (size_t i = 0; i < 2; i++) {
		int fd[2];

		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd), 0);
		scene.fake[i].base.ops = &fake_ops;
		scene.fake[i].base.fd = fd[0];
		scene.fake[i].far = fd[1];
		transport[i] = &scene.fake[i].base;
	}
	ag_pump_start(&scene.pump, scene.loop, transport, scene.engine, on_ended, &scene);
}

static void tear_down(void)
{
	ag_pump_stop(&scene.pump);
	ag_pump_stop(&scene.pump);
	ag_engine_free(scene.engine);
	for (size_t i = 0; i < 2; i++) {
		close(scene.fake[i].base.fd);
		close(scene.fake[i].far);
	}
	ev_loop_destroy(scene.loop);
}

TestSuite(pump, .init = set_up, .fini = tear_down);

static void turn(void)
{
	for (int i = 0; i < 10; i++)
		ev_run(scene.loop, EVRUN_NOWAIT);
}

static void say(enum ag_side side, const void *packet, size_t len)
{
	cr_assert_eq(send(scene.fake[side].far, packet, len, 0), (ssize_t)len);
	turn();
}

/* What a side got: its next packet. @return: octets, or 0 for nothing */
static size_t heard(enum ag_side side, uint8_t packet[2048])
{
	ssize_t n = recv(scene.fake[side].far, packet, 2048, MSG_DONTWAIT);

	return n < 0 ? 0 : (size_t)n;
}

static const uint8_t event[] = { 0x04, 0xff, 0x01, 0x55 };
static const uint8_t command[] = { 0x01, 0x01, 0xfc, 0x00 };
static const uint8_t reset[] = { 0x01, 0x03, 0x0c, 0x00 };
static const uint8_t reset_complete[] = { 0x04, 0x0e, 0x04, 0x01, 0x03, 0x0c, 0x00 };
static const uint8_t hardware_error[] = { 0x04, 0x10, 0x01, 0x00 };

static void expect_heard(enum ag_side side, const uint8_t *packet, size_t len)
{
	uint8_t got[2048];
	size_t n = heard(side, got);

	cr_assert_eq(n, len, "%zu octets instead of %zu", n, len);
	cr_assert_eq(memcmp(got, packet, len), 0);
}

static void expect_silence(enum ag_side side)
{
	uint8_t got[2048];

	cr_assert_eq(heard(side, got), 0);
}

Test(pump, packets_pass)
{
	say(AG_SIDE_HOST, command, sizeof(command));
	expect_heard(AG_SIDE_CONTROLLER, command, sizeof(command));
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_heard(AG_SIDE_HOST, event, sizeof(event));
}

Test(pump, a_host_that_goes_down_resets_the_controller_once)
{
	struct fake *host = &scene.fake[AG_SIDE_HOST];

	/* before it was ever up, there is nothing to reset */
	host->write_result = AG_IO_HOST_DOWN;
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_silence(AG_SIDE_CONTROLLER);
	host->write_result = 0;
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_heard(AG_SIDE_HOST, event, sizeof(event));

	host->write_result = AG_IO_HOST_DOWN;
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_heard(AG_SIDE_CONTROLLER, reset, sizeof(reset));
	say(AG_SIDE_CONTROLLER, reset_complete, sizeof(reset_complete));
	expect_silence(AG_SIDE_CONTROLLER);
	cr_expect_eq(host->refused, 3);
	cr_expect_eq(scene.pump.counters.lost_host_down, 3);

	/* and when it is up again, it is as before */
	host->write_result = 0;
	say(AG_SIDE_HOST, reset, sizeof(reset));
	expect_heard(AG_SIDE_CONTROLLER, reset, sizeof(reset));
	say(AG_SIDE_CONTROLLER, reset_complete, sizeof(reset_complete));
	expect_heard(AG_SIDE_HOST, reset_complete, sizeof(reset_complete));
	cr_expect_eq(scene.ended, 0);
}

/* Once told, however many there are. */
Test(pump, a_refused_packet_is_lost_and_the_next_passes)
{
	char text[512] = "";
	int log[2];

	cr_assert_eq(pipe(log), 0);
	cr_assert_geq(dup2(log[1], STDERR_FILENO), 0);
	scene.fake[AG_SIDE_CONTROLLER].write_result = AG_IO_REFUSED;
	say(AG_SIDE_HOST, command, sizeof(command));
	say(AG_SIDE_HOST, command, sizeof(command));
	cr_assert_gt(read(log[0], text, sizeof(text) - 1), 0);
	cr_expect(strstr(text, "a packet of type 0x01 and 4 octets; it is lost"), "%s", text);
	cr_expect_eq(strchr(text, '\n'), strrchr(text, '\n'), "%s", text);
	scene.fake[AG_SIDE_CONTROLLER].write_result = 0;
	say(AG_SIDE_HOST, command, sizeof(command));
	expect_heard(AG_SIDE_CONTROLLER, command, sizeof(command));
	expect_silence(AG_SIDE_CONTROLLER);
	cr_expect_eq(scene.pump.counters.lost_refused, 2);
}

Test(pump, after_dropped_packets_the_host_starts_afresh)
{
	struct fake *controller = &scene.fake[AG_SIDE_CONTROLLER];

	controller->read_result = AG_IO_DROPPED;
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_heard(AG_SIDE_HOST, hardware_error, sizeof(hardware_error));
	expect_silence(AG_SIDE_HOST);
	controller->read_result = AG_IO_DROPPED;
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_silence(AG_SIDE_HOST);
	say(AG_SIDE_HOST, reset, sizeof(reset));
	expect_heard(AG_SIDE_CONTROLLER, reset, sizeof(reset));
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_silence(AG_SIDE_HOST);
	say(AG_SIDE_CONTROLLER, reset_complete, sizeof(reset_complete));
	expect_heard(AG_SIDE_HOST, reset_complete, sizeof(reset_complete));
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_heard(AG_SIDE_HOST, event, sizeof(event));
	cr_expect_eq(scene.pump.counters.overflows, 2);
}

Test(pump, a_dropped_completion_is_asked_for_again)
{
	struct fake *controller = &scene.fake[AG_SIDE_CONTROLLER];

	controller->read_result = AG_IO_DROPPED;
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_heard(AG_SIDE_HOST, hardware_error, sizeof(hardware_error));
	say(AG_SIDE_HOST, reset, sizeof(reset));
	controller->read_result = AG_IO_DROPPED;
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	expect_heard(AG_SIDE_HOST, hardware_error, sizeof(hardware_error));
}

Test(pump, a_side_whose_other_is_slow_is_not_read_from)
{
	uint8_t packet[1024] = { 0x02, 0x40, 0x20, 0xfb, 0x03 };
	size_t taken = 0;
	uint8_t got[2048];

	scene.fake[AG_SIDE_HOST].write_result = AG_IO_AGAIN;
	while (send(scene.fake[AG_SIDE_CONTROLLER].far, packet, sizeof(packet), 0) > 0) {
		turn();
		cr_assert_lt(++taken, 10000, "it reads for ever");
	}
	cr_expect_gt(taken * sizeof(packet), AG_PUMP_BACKLOG_MAX);
	/* the other direction is as before */
	say(AG_SIDE_HOST, command, sizeof(command));
	expect_heard(AG_SIDE_CONTROLLER, command, sizeof(command));
	/* and nothing was lost */
	scene.fake[AG_SIDE_HOST].write_result = 0;
	for (size_t i = 0; i < taken;) {
		turn();
		while (heard(AG_SIDE_HOST, got) == sizeof(packet))
			i++;
	}
	turn();
	expect_silence(AG_SIDE_HOST);
}

Test(pump, what_came_before_the_end_is_written)
{
	scene.fake[AG_SIDE_CONTROLLER].write_result = AG_IO_AGAIN;
	say(AG_SIDE_HOST, command, sizeof(command));
	scene.fake[AG_SIDE_HOST].read_result = -EPIPE;
	say(AG_SIDE_HOST, command, sizeof(command));
	cr_expect_eq(scene.ended, 0, "there is something to be written");
	scene.fake[AG_SIDE_CONTROLLER].write_result = 0;
	turn();
	expect_heard(AG_SIDE_CONTROLLER, command, sizeof(command));
	cr_expect_eq(scene.ended, 1);
	cr_expect_eq(scene.gone, AG_SIDE_HOST);
	cr_expect_eq(scene.error, -EPIPE);
}

Test(pump, an_end_does_not_wait_for_ever, .timeout = 10)
{
	scene.fake[AG_SIDE_CONTROLLER].write_result = AG_IO_AGAIN;
	say(AG_SIDE_HOST, command, sizeof(command));
	scene.fake[AG_SIDE_HOST].read_result = -EPIPE;
	say(AG_SIDE_HOST, command, sizeof(command));
	while (!scene.ended)
		ev_run(scene.loop, EVRUN_ONCE);
	cr_expect_eq(scene.gone, AG_SIDE_HOST);
}

Test(pump, both_sides_can_go_at_once)
{
	scene.fake[AG_SIDE_HOST].read_result = -EPIPE;
	scene.fake[AG_SIDE_CONTROLLER].write_result = -ECONNRESET;
	scene.fake[AG_SIDE_CONTROLLER].read_result = -ECONNRESET;
	cr_assert_eq(send(scene.fake[AG_SIDE_CONTROLLER].far, event, sizeof(event), 0), 4);
	say(AG_SIDE_HOST, command, sizeof(command));
	cr_expect_eq(scene.ended, 1);
}

Test(pump, the_second_side_to_go_is_not_waited_for)
{
	scene.fake[AG_SIDE_CONTROLLER].write_result = AG_IO_AGAIN;
	say(AG_SIDE_HOST, command, sizeof(command));
	scene.fake[AG_SIDE_HOST].read_result = -EPIPE;
	scene.fake[AG_SIDE_CONTROLLER].write_result = -ECONNRESET;
	say(AG_SIDE_HOST, command, sizeof(command));
	cr_expect_eq(scene.ended, 1);
	cr_expect_eq(scene.gone, AG_SIDE_HOST);
	cr_expect_eq(scene.error, -EPIPE);
}

Test(pump, a_side_that_goes_while_it_is_written_to_has_gone)
{
	scene.fake[AG_SIDE_CONTROLLER].write_result = -EPIPE;
	say(AG_SIDE_HOST, command, sizeof(command));
	cr_expect_eq(scene.ended, 1);
	cr_expect_eq(scene.gone, AG_SIDE_CONTROLLER);
}

Test(pump, what_a_side_had_said_before_it_went_is_read)
{
	const struct fake *controller = &scene.fake[AG_SIDE_CONTROLLER];

	/* the host is read first, and then the controller is no longer there to be written to */
	ev_io_stop(scene.loop, &scene.pump.side[AG_SIDE_CONTROLLER].readable);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(send(controller->far, event, sizeof(event), 0), 4);
	scene.fake[AG_SIDE_CONTROLLER].write_result = -EPIPE;
	say(AG_SIDE_HOST, command, sizeof(command));
	for (int i = 0; i < 20; i++)
		expect_heard(AG_SIDE_HOST, event, sizeof(event));
	cr_expect_eq(scene.ended, 1);
	cr_expect_eq(scene.gone, AG_SIDE_CONTROLLER);
	cr_expect_eq(scene.error, -EPIPE);
}

/* What a watcher saw, a letter a packet: read or Written, at the host or the controller. */
static char seen[64];

static void see(void *user, enum ag_side side, bool written, const uint8_t *packet, size_t len)
{
	size_t n = strlen(seen);

	cr_assert_eq(user, &scene);
	cr_assert(len >= 4 && packet[0] != 0);
	cr_assert_lt(n + 3, sizeof(seen));
	seen[n] = side == AG_SIDE_HOST ? 'h' : 'c';
	seen[n + 1] = written ? 'w' : 'r';
}

Test(pump, a_watcher_sees_what_passes_each_side)
{
	memset(seen, 0, sizeof(seen));
	ag_pump_watch(&scene.pump, see, &scene);
	say(AG_SIDE_HOST, command, sizeof(command));
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	cr_expect_str_eq(seen, "hrcwcrhw");

	/* what a side did not take did not pass there; nor was what the pump says on behalf of a
	 * host read from it */
	memset(seen, 0, sizeof(seen));
	scene.fake[AG_SIDE_HOST].write_result = AG_IO_HOST_DOWN;
	say(AG_SIDE_CONTROLLER, event, sizeof(event));
	cr_expect_str_eq(seen, "crcw", "%s", seen);
}

static struct ag_ruleset *compile(const char *text)
{
	struct ag_source source = { "rules", text, strlen(text) };
	struct ag_ruleset *set = NULL;

	cr_assert_eq(ag_ruleset_compile(&source, 1, &set, NULL), 0);
	return set;
}

/* Rules that come between two packets have something to say to the host at once. */
Test(pump, what_others_gave_the_engine_to_do_is_done)
{
	static const uint8_t up[22] = { 0x04, 0x3e, 19, 0x01, 0, 0x40, 0, 1, 0, 1, 2, 3, 4, 5, 6 };
	static const uint8_t ask[] = { 0x02, 0x40, 0x00, 11, 0, 7, 0,    4,
				       0,    0x08, 1,    0,  9, 0, 0x03, 0x28 };
	static const uint8_t answer[] = { 0x02, 0x40, 0x20, 13, 0,  9, 0, 4,    0,
					  0x09, 7,    2,    0,  32, 3, 0, 0x05, 0x2a };
	static const uint8_t changed[] = { 0x02, 0x40, 0x20, 11, 0, 7, 0,    4,
					   0,    0x1d, 3,    0,  1, 0, 0xff, 0xff };
	struct ag_ruleset *set = compile("rule a when from == peer and att.handle == 9 hide");

	say(AG_SIDE_CONTROLLER, up, sizeof(up));
	expect_heard(AG_SIDE_HOST, up, sizeof(up));
	say(AG_SIDE_HOST, ask, sizeof(ask));
	expect_heard(AG_SIDE_CONTROLLER, ask, sizeof(ask));
	say(AG_SIDE_CONTROLLER, answer, sizeof(answer));
	expect_heard(AG_SIDE_HOST, answer, sizeof(answer));
	cr_assert_eq(ag_engine_set_rules(scene.engine, set), 0);
	turn();
	expect_silence(AG_SIDE_HOST);
	ag_pump_wake(&scene.pump);
	turn();
	expect_heard(AG_SIDE_HOST, changed, sizeof(changed));
	cr_assert_eq(ag_engine_set_rules(scene.engine, NULL), 0);
	ag_ruleset_free(set);
}

/* Whichever allocation fails from here on: the session is ended, or the PDU comes when it is due.
 */
Test(pump, a_held_pdu_without_memory, .timeout = 60)
{
	static const uint8_t up[22] = { 0x04, 0x3e, 19, 0x01, 0, 0x40, 0, 1, 0, 1, 2, 3, 4, 5, 6 };
	static const uint8_t write[] = { 0x02, 0x40, 0, 8, 0, 4, 0, 4, 0, 0x52, 3, 0, 1 };
	struct ag_ruleset *set = compile("rule late when att.kind == command delay 20ms");
	uint8_t got[2048];
	int failed = 1;

	for (uint64_t k = 0; failed; k++) {
		size_t len = 0;

		cr_assert_eq(ag_engine_set_rules(scene.engine, set), 0);
		say(AG_SIDE_CONTROLLER, up, sizeof(up));
		ag_sim_alloc_fail_after(k);
		say(AG_SIDE_HOST, write, sizeof(write));
		while (!scene.ended && len == 0) {
			ev_run(scene.loop, EVRUN_ONCE);
			len = heard(AG_SIDE_CONTROLLER, got);
		}
		failed = ag_sim_alloc_fail_end();
		cr_expect_eq(scene.ended, failed);
		cr_expect_eq(scene.error, failed ? -ENOMEM : 0);
		tear_down();
		set_up();
	}
	ag_ruleset_free(set);
}
