/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_TRACE_H
#define AG_IO_TRACE_H

/*
 * The last decisions, kept for watchers. This is the only queue between the data path and whoever
 * watches: putting a decision in costs one copy, however many watch and however slow they are. What
 * a watcher has not taken when it is overwritten, that watcher has lost.
 */

#include "proxy/engine/engine.h"
#include "proxy/engine/pass.h"

/** Decisions kept at the most. They share 128 KiB, where 600 to 750 of PDUs that passed have room,
 *  by how long those are, or some 400 others. */
#define AG_TRACE_KEPT 768
/** Octets kept of a PDU: the longest that bluetoothd's ATT_MTU of 517 allows. */
#define AG_TRACE_PDU_MAX 520

struct ag_trace;

/** @out: freed with ag_trace_free(). @return: 0 or -ENOMEM */
int ag_trace_new(struct ag_trace **out);

/** NULL is allowed. */
void ag_trace_free(struct ag_trace *trace);

/** Keep a copy of a decision. What its subject says of the link has to be what `link` says; what
 * its pointers lead to is copied too, but for `as_came` where it speaks of another attribute than
 * `subject`. Never allocates. */
void ag_trace_put(struct ag_trace *trace, const struct ag_decision *decision);

/** Likewise a PDU that passed; it is shown as the decision that it would have been. */
void ag_trace_pass(struct ag_trace *trace, const struct ag_passed *passed);

/** Decisions are counted from 0, whatever their PDUs' numbers are: the oldest that is kept … */
uint64_t ag_trace_first(const struct ag_trace *trace);

/** … and the one that will come next. */
uint64_t ag_trace_end(const struct ag_trace *trace);

/**
 * A decision that is kept. Of its rule only the name and the index are.
 *
 * @at:     from ag_trace_first() on, less than ag_trace_end()
 * @return: valid until the next call of anything here but the two above
 */
const struct ag_decision *ag_trace_at(struct ag_trace *trace, uint64_t at);

/**
 * What a filter judges: the decision's subject. A later word on a PDU has that of the first word;
 * NULL when that is not kept any more. @at, @return: as of ag_trace_at()
 */
const struct ag_subject *ag_trace_subject(struct ag_trace *trace, uint64_t at);

#endif
