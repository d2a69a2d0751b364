/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/sim/phone/faults.h"
#include "tests/sim/phone/phone.h"
#include "tests/sim/phone/report.h"

/* How long the controller may take to end a link that we end. */
#define HANG_UP_MS 3000
/* How long the next link may take to come. */
#define LONELY_MS 120000

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Between two links: whether the next one has been waited for in vain, or long enough. */
static uint64_t between_links(struct phone *phone, uint64_t now_ms)
{
	uint64_t due = phone->down_ms + LONELY_MS;

	if (phone->link.up || !phone->link.number)
		return UINT64_MAX;
	if (phone->idle && phone->told_to_connect) {
		phone->told_to_connect = 0;
		phone->idle = false;
		phone->down_ms = now_ms;
		phone_look_for_peer(phone);
	}
	if (phone->idle)
		return UINT64_MAX;
	if (phone->options.fuzz)
		due = earlier(due, phone->fuzz_end_ms);
	if (now_ms < due)
		return due;
	phone->done = true;
	if (!phone->options.fuzz)
		phone->failure = ETIMEDOUT;
	return now_ms;
}

/* The link has lived as long as it was to live, or is no longer wanted. */
static uint64_t end_when_old(struct phone *phone, uint64_t now_ms)
{
	uint64_t due = UINT64_MAX;

	/* who was to be left is gone; the next link is another one's */
	if (!phone->link.up) {
		phone->told_to_leave = 0;
		return due;
	}
	if (phone->ending) {
		phone->done = now_ms >= phone->ending_ms + HANG_UP_MS;
		return phone->ending_ms + HANG_UP_MS;
	}
	if (phone->options.alive_ms)
		due = phone->link.since_ms + phone->options.alive_ms;
	if (now_ms < due && !phone->told_to_leave)
		return due;
	phone->told_to_leave = 0;
	phone->ending = true;
	phone->ending_ms = now_ms;
	phone->totals.lived_ms = (long)(now_ms - phone->link.since_ms);
	phone_report_begin("alive");
	phone_report_number("lived_ms", phone->totals.lived_ms);
	phone_report_end();
	phone_hang_up(phone);
	return now_ms + HANG_UP_MS;
}

uint64_t phone_tick(struct phone *phone)
{
	uint64_t now_ms = phone_now_ms();
	uint64_t due = UINT64_MAX;

	if (phone->host.waiting) {
		if (now_ms >= phone->host.command_due_ms)
			phone->failure = ETIMEDOUT;
		due = phone->host.command_due_ms;
	}
	due = earlier(due, end_when_old(phone, now_ms));
	due = earlier(due, between_links(phone, now_ms));
	if (phone->ending)
		return due;
	phone_eatt_tick(phone);
	due = earlier(due, phone_smp_tick(phone, now_ms));
	due = earlier(due, phone_fuzz_tick(phone, now_ms));
	return earlier(due, phone_client_tick(phone, now_ms));
}
