/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>

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
