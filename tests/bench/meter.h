/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_BENCH_METER_H
#define AG_BENCH_METER_H

/* What another process uses: processor time, system calls, memory. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** Monotonic time, nanoseconds. */
uint64_t meter_now_ns(void);

/** Processor time of a process so far, user and kernel, nanoseconds; 0 of none. */
uint64_t meter_cpu_ns(pid_t pid);

/**
 * Count the system calls of a process from now on. Needs root and tracefs.
 *
 * @return: a descriptor for meter_calls_end(); -1: cannot be had
 */
int meter_calls_begin(pid_t pid);

/** @return: how many, and stop counting; 0 of -1 */
uint64_t meter_calls_end(int fd);

/** kB of memory that a line of /proc/PID/status tells of, "VmRSS:" for one; 0: no such line. */
unsigned long meter_memory_kb(pid_t pid, const char *line);

#endif
