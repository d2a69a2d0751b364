/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_IO_DECISION_JSON_H
#define AG_IO_DECISION_JSON_H

/* A decision as members of a JSON object, the same in `replay --json` and `trace --json`. */

#include "proxy/base/json.h"
#include "proxy/engine/engine.h"

/** Room for one PDU in words. Values are shortened by ag_words_pdu(), so this is plenty. */
#define AG_WORDS_SIZE 1024

/** Write "from" to "log" into an open object. */
void ag_decision_json(struct ag_json *json, const struct ag_decision *decision);

#endif
