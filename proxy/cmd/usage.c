/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/cmd/cmd.h"

int ag_usage_error(const struct ag_command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "attgate %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return AG_EXIT_USAGE;
}

static unsigned int shift_of(const char *suffix)
{
	static const char letters[] = "KMG";

	for (unsigned int i = 0; i < 3; i++) {
		if (suffix[0] == letters[i] && suffix[1] == '\0')
			return 10 * (i + 1);
	}
	return suffix[0] == '\0' ? 0 : 64;
}

int ag_parse_size(const char *text, uint64_t *out)
{
	unsigned long long number;
	unsigned int shift;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return 1;
	errno = 0;
	number = strtoull(text, &end, 10);
	shift = shift_of(end);
	if (errno || shift > 30 || number > UINT64_MAX >> shift)
		return 1;
	*out = (uint64_t)number << shift;
	return 0;
}
