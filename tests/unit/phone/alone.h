/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_TEST_PHONE_ALONE_H
#define AG_TEST_PHONE_ALONE_H

/* A phone whose controller takes everything and says what the test says; what it reports goes
 * nowhere. */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <fcntl.h>

#include "tests/sim/phone/phone.h"

/* Of the link of a test. */
#define HANDLE 0x2a

/** `phone` is zero but for its options; its fd is to be closed in the end. */
static inline void phone_alone(struct phone *phone, uint16_t acl_len, uint16_t acl_count)
{
	cr_redirect_stdout();
	phone->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	cr_assert_geq(phone->fd, 0);
	phone->link.acl_len = acl_len;
	phone->link.acl_count = acl_count;
}

#endif
