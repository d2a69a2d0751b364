/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_CMD_RECORD_ASK_H
#define AG_CMD_RECORD_ASK_H

/**
 * `attgate record start|stop|rotate`: ask a running attgate.
 *
 * @argv:   argv[0] is what is asked for
 * @return: exit status
 */
int ag_record_ask(int argc, char **argv);

#endif
