/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/meter.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec at = { 0 };

	clock_gettime(clock, &at);
	return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

uint64_t meter_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* /proc/PID/stat would tell it in hundredths of a second. */
uint64_t meter_cpu_ns(pid_t pid)
{
	clockid_t clock;

	if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0)
		return 0;
	return read_clock(clock);
}

int meter_calls_begin(pid_t pid)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attributes),
	};
	FILE *id = fopen("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", "re");
	char text[16] = "";

	if (!id)
		return -1;
	if (fgets(text, sizeof(text), id))
		attributes.config = strtoul(text, NULL, 10);
	fclose(id);
	return pid ? (int)syscall(SYS_perf_event_open, &attributes, pid, -1, -1, 0) : -1;
}

uint64_t meter_calls_end(int fd)
{
	uint64_t count = 0;

	if (fd < 0)
		return 0;
	if (read(fd, &count, sizeof(count)) < 0)
		count = 0;
	close(fd);
	return count;
}

unsigned long meter_memory_kb(pid_t pid, const char *line)
{
	char path[32], text[128];
	unsigned long found = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	while (status && fgets(text, sizeof(text), status)) {
		if (strncmp(text, line, strlen(line)) == 0)
			found = strtoul(text + strlen(line), NULL, 10);
	}
	if (status)
		fclose(status);
	return found;
}
