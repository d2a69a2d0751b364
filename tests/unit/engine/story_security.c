/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of refusals, pairing and encryption. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/engine/story_world.h"

TestSuite(engine_story_security, .timeout = 20);

Test(engine_story_security, security_that_comes_late_is_less_sure)
{
	begin(1);
	refused_read();
	refused_read();
	wait_us(2 * SECOND);
	HOST_SMP(0x0b, 0x01);
	later(10 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_SECURITY, AG_LIKELY, AG_REMEDY_QUIET)->text,
			 "refused 2 times in all"));
	cr_expect(strstr(find(AG_FINDING_SECURITY)->why, "not at once"));
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "until the recording ends"));
}

/* It is our error that made the peer ask. */
Test(engine_story_security, the_peer_takes_our_error_for_a_wish)
{
	begin(1);
	PEER(0x0a, 0x16, 0x00);
	HOST(0x01, 0x0a, 0x16, 0x00, 0x0f);
	PEER_SMP(0x01, 3, 0, 1, 16, 0, 0);
	HOST_SMP(0x05, 0x05);
	HOST_SMP(0x05, 0x08);
	finish();
	expect(AG_FINDING_SECURITY, AG_CERTAIN, AG_REMEDY_OUR_ERROR);
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_OUR_ERROR)->text,
			 "The host sent Pairing Failed, pairing not supported (0x05) (frame 6)"));
}

Test(engine_story_security, pairing_that_the_peer_refuses)
{
	begin(1);
	refused_read();
	HOST_SMP(0x0b, 0x01);
	PEER_SMP(0x05);
	finish();
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_QUIET)->text,
			 "The peer sent Pairing Failed, 0x00 (frame"));
}

Test(engine_story_security, pairing_that_comes_to_nothing)
{
	begin(0);
	refused_read();
	HOST_SMP(0x01, 3, 0, 1, 16, 0, 0);
	PEER_SMP(0x02, 3, 0, 1, 16, 0, 0);
	later(20 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_THEIR_ERROR)->text,
			 "Pairing began (frame 7) and was not brought to an end in 20.0 s."));
}

static void enable_encryption(void)
{
	uint8_t command[32] = { 1, 0x19, 0x20, 28, HANDLE, 0 };

	feed(AG_SIDE_HOST, command, sizeof(command));
}

Test(engine_story_security, encryption_that_fails)
{
	static const uint8_t failed[] = { 4, 0x08, 4, 0x06, HANDLE, 0, 0 };

	begin(0);
	refused_read();
	enable_encryption();
	feed(AG_SIDE_CONTROLLER, failed, sizeof(failed));
	finish();
	cr_expect(strstr(expect(AG_FINDING_SECURITY, AG_CERTAIN, AG_REMEDY_THEIR_ERROR)->text,
			 "sent a LE Enable Encryption"));
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_THEIR_ERROR)->text,
			 "Encryption could not be started: pin or key missing (0x06) (frame 6)."));
}

/* The key is known and new: Encryption Key Refresh Complete says that it is in use. */
Test(engine_story_security, a_key_that_is_refreshed)
{
	static const uint8_t refreshed[] = { 4, 0x30, 3, 0, HANDLE, 0 };

	begin(0);
	refused_read();
	enable_encryption();
	feed(AG_SIDE_CONTROLLER, refreshed, sizeof(refreshed));
	later(20 * SECOND);
	finish();
	cr_expect_eq(world.n_found, 0);
}

/* The peer is the central and has a key: it needs no word of ours. */
Test(engine_story_security, the_peer_encrypts_in_vain)
{
	static const uint8_t wanted[] = { 4, 0x3e, 13, 5, HANDLE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	begin(1);
	PEER(0x0a, 0x16, 0x00);
	HOST(0x0b, 0x01);
	feed(AG_SIDE_CONTROLLER, wanted, sizeof(wanted));
	later(20 * SECOND);
	finish();
	cr_expect(strstr(expect(AG_FINDING_PAIRING, AG_CERTAIN, AG_REMEDY_NONE)->text,
			 "The host did nothing about the LE Enable Encryption"));
}
