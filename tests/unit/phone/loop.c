/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <unistd.h>

#include "tests/unit/phone/alone.h"

/* What the phone does when it is told to, link after link. What it writes goes nowhere. */

static struct phone phone;

static void begin(void)
{
	phone_alone(&phone, 251, 20);
	phone.options.links = 3;
	phone.options.signalled = true;
}

static void end(void)
{
	close(phone.fd);
}

TestSuite(phone_loop, .init = begin, .fini = end);

Test(phone_loop, leaves_the_link_that_it_is_told_to_leave)
{
	phone_link_up(&phone, HANDLE);
	phone_tick(&phone);
	cr_expect_not(phone.ending);
	phone.told_to_leave = 1;
	phone_tick(&phone);
	cr_expect(phone.ending);
}

/* The other side was faster: who was to be left is gone. */
Test(phone_loop, does_not_leave_the_next_link_instead)
{
	phone_link_up(&phone, HANDLE);
	phone_link_down(&phone, 0x13);
	phone.told_to_leave = 1;
	phone_tick(&phone);
	phone_link_up(&phone, HANDLE);
	phone_tick(&phone);
	cr_expect_not(phone.ending);
}

Test(phone_loop, comes_back_when_it_is_told_to)
{
	phone_link_up(&phone, HANDLE);
	phone_link_down(&phone, 0x13);
	cr_expect(phone.idle);
	cr_expect_eq(phone_tick(&phone), UINT64_MAX);
	phone.told_to_connect = 1;
	phone_tick(&phone);
	cr_expect_not(phone.idle);
}

/* Command Complete of the command that waits (Vol 4 Part E, 7.7.14); the numbers returned are 0. */
static uint16_t complete_command(void)
{
	uint16_t opcode = phone.host.queue[phone.host.first].opcode;
	uint8_t done[15] = { 0x04, 0x0e, 12, 1, (uint8_t)opcode, (uint8_t)(opcode >> 8) };

	cr_assert(phone.host.waiting);
	phone_packet(&phone, done, sizeof(done));
	return opcode;
}

/* LE Read Local Supported Features is the last command of the start. */
Test(phone_loop, fuzzes_for_as_long_as_it_has_its_controller)
{
	uint64_t before = phone_now_ms();

	phone.options.fuzz = true;
	phone.options.fuzz_ms = 600000;
	phone_start(&phone);
	while (complete_command() != 0x2003)
		cr_expect_eq(phone.fuzz_end_ms, 0);
	cr_expect_geq(phone.fuzz_end_ms, before + 600000);
	phone_link_up(&phone, HANDLE);
	phone_link_down(&phone, 0x13);
	cr_expect_not(phone.done);
}
