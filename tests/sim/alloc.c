/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/alloc.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What the linker's --wrap calls the true ones and ours (ld(1)). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *pointer, size_t size);
void __real_free(void *pointer);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
void __wrap_free(void *pointer);
int __real_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
			  void *user);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
			  void *user);
FILE *__real_open_memstream(char **text, size_t *len);
int __real_fclose(FILE *file);
FILE *__wrap_open_memstream(char **text, size_t *len);
int __wrap_fclose(FILE *file);
int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static uint64_t count;
enum { SLOT_BITS = 16, SLOTS = 1 << SLOT_BITS };
#define GONE ((const void *)1)

static const void *used[SLOTS];
static bool tracking;
static size_t live;
static uint64_t passing;
static size_t least;
static bool armed;
enum { STREAMS = 8 };
static FILE *stream[STREAMS]; /* of open_memstream() */
static bool failed;

static bool fails(size_t size)
{
	count++;
	if (!armed || size < least || passing-- > 0)
		return false;
	armed = false;
	failed = true;
	errno = ENOMEM;
	return true;
}

/* Pointers in use, in a table with open addressing; what came from elsewhere is not in it, and its
 * release does not count. */
static size_t slot_of(const void *pointer)
{
	return (size_t)((uintptr_t)pointer >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOT_BITS);
}

static void *counted(void *pointer)
{
	if (!tracking || !pointer)
		return pointer;
	for (size_t i = slot_of(pointer), n = 0; n < SLOTS; i = (i + 1) % SLOTS, n++) {
		if (used[i] && used[i] != GONE)
			continue;
		used[i] = pointer;
		live += malloc_usable_size(pointer);
		break;
	}
	return pointer;
}

static void uncounted(const void *pointer)
{
	if (!tracking || !pointer)
		return;
	for (size_t i = slot_of(pointer), n = 0; used[i] && n < SLOTS; i = (i + 1) % SLOTS, n++) {
		if (used[i] != pointer)
			continue;
		used[i] = GONE;
		live -= malloc_usable_size((void *)pointer);
		break;
	}
}

void *__wrap_malloc(size_t size)
{
	return fails(size) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(n * size) ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *pointer, size_t size)
{
	void *moved;

	if (fails(size))
		return NULL;
	uncounted(pointer);
	moved = __real_realloc(pointer, size);
	return counted(moved ? moved : pointer) == moved ? moved : NULL;
}

char *__wrap_strndup(const char *text, size_t size)
{
	size_t len = strnlen(text, size);
	char *copy = __wrap_malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *__wrap_strdup(const char *text)
{
	return __wrap_strndup(text, strlen(text));
}

void __wrap_free(void *pointer)
{
	uncounted(pointer);
	__real_free(pointer);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
	va_list args;
	int len;

	if (fails(1))
		return -1;
	va_start(args, format);
	len = vasprintf(out, format, args);
	va_end(args);
	return len;
}

FILE *__wrap_open_memstream(char **text, size_t *len)
{
	FILE *file = fails(1) ? NULL : __real_open_memstream(text, len);

	for (size_t i = 0; file && i < STREAMS; i++) {
		if (stream[i])
			continue;
		stream[i] = file;
		break;
	}
	return file;
}

/* A thread needs a stack. */
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
			  void *user)
{
	return fails(AG_SIM_STACK) ? EAGAIN : __real_pthread_create(out, attr, run, user);
}

/* A text that could not grow says so when it is closed. */
int __wrap_fclose(FILE *file)
{
	int r = 0;

	for (size_t i = 0; i < STREAMS; i++) {
		if (stream[i] != file)
			continue;
		stream[i] = NULL;
		r = fails(1) ? EOF : 0;
	}
	return __real_fclose(file) == 0 ? r : EOF;
}

uint64_t ag_sim_alloc_count(void)
{
	return count;
}

void ag_sim_alloc_track(void)
{
	memset(used, 0, sizeof(used));
	tracking = true;
	live = 0;
}

size_t ag_sim_alloc_live(void)
{
	return live;
}

void ag_sim_alloc_fail_after(uint64_t more)
{
	ag_sim_alloc_fail_large(more, 0);
}

void ag_sim_alloc_fail_large(uint64_t more, size_t size)
{
	passing = more;
	least = size;
	armed = true;
	failed = false;
}

int ag_sim_alloc_fail_end(void)
{
	armed = false;
	return failed;
}
