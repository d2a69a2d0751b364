/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/report.h"

#include <stdarg.h>
#include <stdio.h>

void ag_sim_fail(struct ag_sim_report *report, enum ag_sim_fault fault, const char *format, ...)
{
	va_list args;

	if (report->fault != AG_SIM_FINE)
		return;
	report->fault = fault;
	va_start(args, format);
	vsnprintf(report->text, sizeof(report->text), format, args);
	va_end(args);
}

const char *ag_sim_fault_name(enum ag_sim_fault fault)
{
	static const char *const names[] = {
		[AG_SIM_FINE] = "fine",
		[AG_SIM_OVERFLOW] = "controller overflow",
		[AG_SIM_LOST_COMPLETION] = "lost completion",
		[AG_SIM_SURPLUS_COMPLETION] = "surplus completion",
		[AG_SIM_HOST_OVERFLOW] = "host overflow",
		[AG_SIM_CHANNEL_CREDIT] = "frame without credit",
		[AG_SIM_COMMAND_CREDIT] = "command without credit",
		[AG_SIM_FRAMING] = "framing",
		[AG_SIM_TOO_LONG] = "packet too long",
		[AG_SIM_UNKNOWN_HANDLE] = "unknown handle",
		[AG_SIM_SECOND_ANSWER] = "second answer",
		[AG_SIM_WRONG_ANSWER] = "wrong answer",
		[AG_SIM_MISSING_ANSWER] = "missing answer",
		[AG_SIM_SECOND_REQUEST] = "second request",
		[AG_SIM_MALFORMED] = "malformed PDU",
		[AG_SIM_UNEXPECTED] = "unexpected PDU",
		[AG_SIM_LOST_PDU] = "lost PDU",
		[AG_SIM_BYTES] = "other octets",
		[AG_SIM_VERDICT] = "other verdict",
		[AG_SIM_STUCK] = "stuck",
		[AG_SIM_MEMORY] = "out of memory",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == AG_SIM_FAULT_COUNT, "a name each");
	return names[fault];
}
