/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "tests/sim/phone/database.h"
#include "tests/sim/phone/faults.h"
#include "tests/sim/phone/phone.h"

/* What each fault makes of the right answer to a request. */
static const struct {
	enum phone_fault fault;
	uint8_t request_len, request[7];
	uint8_t len; /* of the wrong answer, of which this is the beginning */
	uint8_t answer[10];
} scripts[] = {
	{ PHONE_FAULT_ENTRY_LENGTH_0, 7, { 0x08, 1, 0, 5, 0, 0x03, 0x28 }, 16, { 0x09, 0, 2, 0 } },
	{ PHONE_FAULT_ENTRY_LENGTH_0, 7, { 0x08, 1, 0, 255, 255, 0x3a, 0x2b }, 5, { 0x09, 0, 1 } },
	{ PHONE_FAULT_GROUP_LENGTH_0, 7, { 0x10, 1, 0, 9, 0, 0x00, 0x28 }, 14, { 0x11, 0, 1, 0 } },
	{ PHONE_FAULT_UNEVEN_LIST, 7, { 0x10, 1, 0, 9, 0, 0x00, 0x28 }, 13, { 0x11, 6, 1, 0 } },
	{ PHONE_FAULT_EMPTY_LIST, 7, { 0x10, 1, 0, 9, 0, 0x00, 0x28 }, 2, { 0x11, 6 } },
	{ PHONE_FAULT_OVERLAPPING,
	  7,
	  { 0x10, 1, 0, 9, 0, 0x00, 0x28 },
	  14,
	  { 0x11, 6, 1, 0, 0x0d, 0, 0, 0x18, 6, 0 } },
	{ PHONE_FAULT_REVERSED, 7, { 0x10, 1, 0, 5, 0, 0x00, 0x28 }, 8, { 0x11, 6, 5, 0, 1, 0 } },
	{ PHONE_FAULT_REPEATED, 7, { 0x10, 9, 0, 255, 0, 0x00, 0x28 }, 8, { 0x11, 6, 1, 0, 5, 0 } },
	{ PHONE_FAULT_ZERO_VALUE,
	  7,
	  { 0x08, 1, 0, 3, 0, 0x03, 0x28 },
	  9,
	  { 0x09, 7, 2, 0, 2, 0, 0 } },
	{ PHONE_FAULT_FORMAT_0, 5, { 0x04, 1, 0, 1, 0 }, 6, { 0x05, 0, 1, 0 } },
	{ PHONE_FAULT_EMPTY_EXTENDED, 3, { 0x0a, 0x12, 0 }, 1, { 0x0b } },
	{ PHONE_FAULT_EMPTY_FEATURES,
	  7,
	  { 0x08, 1, 0, 255, 255, 0x3a, 0x2b },
	  4,
	  { 0x09, 2, 0x0d, 0 } },
	{ PHONE_FAULT_EMPTY_FEATURES,
	  7,
	  { 0x08, 14, 0, 255, 255, 0x3a, 0x2b },
	  5,
	  { 0x01, 0x08, 14 } },
	{ PHONE_FAULT_OVERSIZED,
	  3,
	  { 0x0a, 3, 0 },
	  PHONE_DEFAULT_MTU + 8,
	  { 0x0b, 'P', 'h', 'o', 'n', 'e', 'A' } },
	{ PHONE_FAULT_OTHER_RESPONSE, 3, { 0x0a, 3, 0 }, 6, { 0x0d, 'P' } },
	{ PHONE_FAULT_SHORT_ERROR, 3, { 0x0a, 0, 0 }, 4, { 0x01, 0x0a, 0, 0 } },
	{ PHONE_FAULT_SECOND_MTU, 3, { 0x02, 5, 2 }, 3, { 0x03, 23, 0 } },
	/* What another fault is about stays right. */
	{ PHONE_FAULT_SHORT_ERROR, 3, { 0x0a, 3, 0 }, 6, { 0x0b, 'P' } },
	{ PHONE_FAULT_EMPTY_EXTENDED, 3, { 0x0a, 3, 0 }, 6, { 0x0b, 'P' } },
};

static size_t answer(uint32_t faults, const uint8_t *request, size_t len, uint8_t *out,
		     uint8_t *surplus)
{
	const struct phone_options options = { 0 };
	struct phone_exchange exchange = {
		.database = phone_database(false, false),
		.mtu = PHONE_DEFAULT_MTU,
		.request = request,
		.request_len = len,
		.answer = out,
	};

	exchange.len = phone_server_answer(&options, false, PHONE_DEFAULT_MTU, request, len, out);
	phone_fault_answer(faults, &exchange);
	if (surplus)
		return phone_fault_surplus(faults, &exchange, surplus);
	return exchange.len;
}

Test(phone_faults, each_is_as_wrong_as_it_says)
{
	for (size_t i = 0; i < ag_array_size(scripts); i++) {
		uint8_t out[PHONE_PDU_MAX];
		size_t len = answer(1u << scripts[i].fault, scripts[i].request,
				    scripts[i].request_len, out, NULL);
		size_t shown = scripts[i].len;

		while (shown &&
		       (shown > sizeof(scripts[i].answer) || !scripts[i].answer[shown - 1]))
			shown--;
		cr_expect(len == scripts[i].len && memcmp(out, scripts[i].answer, shown) == 0,
			  "%zu, %s: opcode %02x, %zu octets", i, phone_fault_name(scripts[i].fault),
			  out[0], len);
	}
}

Test(phone_faults, surplus_answers_come_once)
{
	static const uint8_t mtu[] = { 0x02, 23, 0 };
	static const uint8_t services[] = { 0x10, 1, 0, 255, 255, 0x00, 0x28 };
	static const uint8_t more[] = { 0x10, 6, 0, 255, 255, 0x00, 0x28 };
	uint32_t both = 1u << PHONE_FAULT_DUPLICATE_MTU | 1u << PHONE_FAULT_LATE_ERROR;
	uint8_t out[PHONE_PDU_MAX];
	uint8_t surplus[PHONE_PDU_MAX];

	cr_assert_eq(answer(both, mtu, sizeof(mtu), out, surplus), 3);
	cr_assert_arr_eq(surplus, out, 3);
	cr_assert_eq(answer(both, services, sizeof(services), out, surplus), 5);
	cr_assert_eq(surplus[0], 0x01);
	cr_assert_eq(answer(both, more, sizeof(more), out, surplus), 0);
	cr_assert_eq(answer(0, mtu, sizeof(mtu), out, surplus), 0);
}

Test(phone_faults, have_names)
{
	uint32_t faults = 0;

	for (unsigned int i = 0; i < PHONE_FAULTS; i++)
		cr_assert(
		    phone_fault_add(phone_fault_name(i), strlen(phone_fault_name(i)), &faults));
	cr_assert_eq(faults, (1u << PHONE_FAULTS) - 1);
	cr_assert_not(phone_fault_name(PHONE_FAULTS));
	cr_assert_not(phone_fault_add("entry-length", 12, &faults));
}

/* Mutations keep to the room there is, some change nothing, and the same seed gives the same. */
Test(phone_faults, fuzzing_is_bounded_and_repeatable)
{
	static struct phone one;
	static struct phone other;
	unsigned int changed = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		uint8_t a[PHONE_PDU_MAX + 1] = { 0x09, 7, 2, 0,    2,
						 3,    0, 0, 0x2a, [PHONE_PDU_MAX] = 0xa5 };
		uint8_t b[PHONE_PDU_MAX + 1] = { 0x09, 7, 2, 0, 2, 3, 0, 0, 0x2a };
		size_t len = i % 2 ? 9 : PHONE_MTU;
		size_t new_len = phone_fuzz_answer(&one, a, len);

		cr_assert_eq(phone_fuzz_answer(&other, b, len), new_len);
		cr_assert(new_len <= PHONE_PDU_MAX || new_len == SIZE_MAX);
		cr_assert_eq(a[PHONE_PDU_MAX], 0xa5);
		cr_assert_arr_eq(a, b, PHONE_PDU_MAX);
		changed += new_len != len;
	}
	cr_assert_gt(changed, 2000);
	cr_assert_lt(changed, 8000);
}
