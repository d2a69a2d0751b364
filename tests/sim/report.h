/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_REPORT_H
#define AG_SIM_REPORT_H

/* What a strict model found wrong. The first finding counts; later ones follow from it. */

#include <stdbool.h>

enum ag_sim_fault {
	AG_SIM_FINE,
	AG_SIM_OVERFLOW,           /* the controller got more packets than it has buffers */
	AG_SIM_LOST_COMPLETION,    /* the host waits for a completion that never comes */
	AG_SIM_SURPLUS_COMPLETION, /* the host was told of more packets than it sent */
	AG_SIM_HOST_OVERFLOW,      /* the host got more packets than it has buffers */
	AG_SIM_CHANNEL_CREDIT,     /* a frame on a credit-based channel without a credit */
	AG_SIM_COMMAND_CREDIT,     /* a command while Num_HCI_Command_Packets was 0 */
	AG_SIM_FRAMING,            /* not an HCI packet, or an L2CAP fragment out of place */
	AG_SIM_TOO_LONG,           /* an ACL packet longer than its receiver takes */
	AG_SIM_UNKNOWN_HANDLE,     /* a packet for a link that its receiver does not have */
	AG_SIM_SECOND_ANSWER,      /* an answer to nothing, or a second one */
	AG_SIM_WRONG_ANSWER,       /* an answer to another request */
	AG_SIM_MISSING_ANSWER,     /* a request without an answer at the end */
	AG_SIM_SECOND_REQUEST,     /* a request while one is open */
	AG_SIM_MALFORMED,          /* an ATT or SMP PDU that nobody sends */
	AG_SIM_UNEXPECTED,         /* a PDU that nobody sent, or not now, or with other octets */
	AG_SIM_LOST_PDU,           /* a PDU that never arrived */
	AG_SIM_BYTES,              /* a packet that differs where nothing was to be changed */
	AG_SIM_VERDICT,            /* another verdict than the reference's */
	AG_SIM_STUCK,              /* something is held though nothing more can come */
	AG_SIM_MEMORY,             /* the engine said -ENOMEM */
	AG_SIM_FAULT_COUNT,
};

struct ag_sim_report {
	enum ag_sim_fault fault;
	char text[400];
};

/** Note a fault, if it is the first. */
__attribute__((format(printf, 3, 4))) void ag_sim_fail(struct ag_sim_report *report,
						       enum ag_sim_fault fault, const char *format,
						       ...);

const char *ag_sim_fault_name(enum ag_sim_fault fault);

#endif
