/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_SIM_SCRIPT_H
#define AG_SIM_SCRIPT_H

/*
 * Packet scripts: what one side sends, and what has to come out on each side because of it. A file
 * holds many cases, each from a line `case NAME` to the next.
 *
 *   pool 1 x 27 | pool shared 4 x 64   LE buffers of the controller (before all else; default 8 x
 * 251) acl-max HOST CONTROLLER            as in struct ag_engine_config, octets whole not to be run
 * with split PDUs raw                                no models: every line is a packet, and so is
 * all that comes out rules … end                        rules in force from here on; the text
 * between stands for itself link 0x40 le|le-v1|le-v2|bredr central|peripheral [public]
 *                                    of an LE peer whose address is resolvable, unless public
 *   on 0x40                            the link that the lines below are about (the last one made)
 *   encrypt, disconnect                of that link
 *   reset                              HCI Reset by the host
 *   hold, release                      the controller completes nothing in between
 *   answer                             the controller answers the oldest command
 *   host> CHANNEL HEX, peer> …         sends a PDU; CHANNEL: att, smp, a number, or hci for a
 * packet host< CHANNEL HEX, peer< …         must come out next on that side; `hci` shows what is no
 * ACL data at 800ms                           the clock, from the start of the case quiet nothing
 * came out (any line that sends tests this too)
 *
 * The attribute map of a peer whose address is stable is kept from one link to the next.
 *
 * Completions are not written down: the models count them, and the case fails if the account of any
 * side is wrong.
 */

#include <stdio.h>

#include "tests/sim/end.h"

/**
 * Run all cases of a file.
 *
 * @chunks: how senders split their PDUs
 * @n_run:  number of cases that were run is added
 * @errors: where what went wrong is written, with file and line; NULL: nowhere
 * @return: number of cases that failed
 */
unsigned int ag_sim_script_run(const char *path, enum ag_sim_chunks chunks, unsigned int *n_run,
			       FILE *errors);

#endif
