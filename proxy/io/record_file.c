/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/record_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/log.h"
#include "proxy/io/thread.h"
#include "proxy/wire/btsnoop.h"

/* Two buffers: one is filled while the other is written. */
#define HALF (AG_RECORD_BUFFER / 2)
/* Files that can begin within one buffer. */
#define MARKS_MAX 16
/* The thread lets this much time pass for more to come, unless the buffer is half full. */
#define GATHER_MS 50
/* Numbers of files end here; a directory with that many is taken for a mistake. */
#define NUMBER_MAX 999999999U

/* Room for what the kernel takes as a path and a number more, which it then refuses. */
#define NAME_SIZE (PATH_MAX + 16)

struct buffer {
	uint8_t *data;
	size_t len;             /* octets */
	size_t mark[MARKS_MAX]; /* where a new file begins */
	size_t marks;
};

struct made {
	unsigned int number;
	dev_t device;
	ino_t inode;
};

struct ag_record_file {
	char *path;
	bool series;
	unsigned int keep;

	/* The thread's, once it runs. */
	int fd;
	bool regular;
	unsigned int number; /* of the file being written; 0: `path` itself */
	uint64_t whole;      /* octets of it up to its last whole record */
	struct made *made;   /* a ring of `keep` */
	size_t made_at;
	size_t made_count;
	struct buffer drain;

	pthread_mutex_t lock;
	pthread_cond_t filled; /* or closing */
	pthread_cond_t ended;
	/* under the lock: */
	struct buffer fill;
	unsigned int shown; /* `number` for others to see */
	int error;
	bool sleeping;  /* the thread waits for `filled` */
	bool gathering; /* and only for much */
	bool closing;
	bool done;
	bool orphan; /* the thread frees everything */
};

/* ---- Names ---- */

static void file_name(const struct ag_record_file *file, unsigned int number, char *out,
		      size_t size)
{
	if (number == 0)
		snprintf(out, size, "%s", file->path);
	else
		snprintf(out, size, "%s.%u", file->path, number);
}

/* The number in "BASE.number", or 0. */
static unsigned int number_of(const char *name, const char *base)
{
	size_t len = strlen(base);
	char *end;
	unsigned long number;

	if (strncmp(name, base, len) != 0 || name[len] != '.' || name[len + 1] < '1' ||
	    name[len + 1] > '9')
		return 0;
	errno = 0;
	number = strtoul(name + len + 1, &end, 10);
	return errno || *end || number >= NUMBER_MAX ? 0 : (unsigned int)number;
}

/* One above the highest number that is there, so that the order of names is that of time; 0 where
 * there is none. */
static int first_number(const char *path, unsigned int *number)
{
	const char *slash = strrchr(path, '/');
	ag_autofree char *directory = slash ? strndup(path, (size_t)(slash - path) + 1)
					    : strdup(".");
	const char *base = slash ? slash + 1 : path;
	struct dirent *entry;
	struct stat status;
	unsigned int highest = 0;
	DIR *dir;

	if (!directory)
		return -ENOMEM;
	dir = opendir(directory);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		unsigned int found = number_of(entry->d_name, base);

		if (found > highest)
			highest = found;
	}
	closedir(dir);
	*number = highest > 0 || lstat(path, &status) == 0 ? highest + 1 : 0;
	return 0;
}

/* ---- Files ---- */

static void remove_made(const struct ag_record_file *file, const struct made *made)
{
	char name[NAME_SIZE];
	struct stat status;

	file_name(file, made->number, name, sizeof(name));
	/* only what is still the file that we made */
	if (lstat(name, &status) == 0 && status.st_dev == made->device &&
	    status.st_ino == made->inode)
		unlink(name);
}

static void remember_made(struct ag_record_file *file)
{
	struct made *made;
	struct stat status;

	if (file->keep == 0 || fstat(file->fd, &status) < 0)
		return;
	made = &file->made[file->made_at];
	if (file->made_count == file->keep)
		remove_made(file, made);
	else
		file->made_count++;
	*made = (struct made){ file->number, status.st_dev, status.st_ino };
	file->made_at = (file->made_at + 1) % file->keep;
}

/* Create the file of `number`, or of the next that is free. */
static int create(struct ag_record_file *file)
{
	char name[NAME_SIZE];

	for (; file->number < NUMBER_MAX; file->number++) {
		file_name(file, file->number, name, sizeof(name));
		file->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (file->fd >= 0) {
			file->whole = 0;
			/* for who waits until it is complete */
			(void)flock(file->fd, LOCK_EX | LOCK_NB);
			remember_made(file);
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* What is there and is no regular file. @return: 0, or negative; a pipe that nobody reads is ENXIO
 */
static int open_existing(struct ag_record_file *file)
{
	file->fd = open(file->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return -errno;
	/* the thread may wait */
	return fcntl(file->fd, F_SETFL, 0) < 0 ? -errno : 0;
}

static int open_first(struct ag_record_file *file)
{
	struct stat status;
	int r;

	if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode)) {
		if (S_ISDIR(status.st_mode))
			return -EISDIR;
		return file->series ? AG_RECORD_NO_SERIES : open_existing(file);
	}
	r = first_number(file->path, &file->number);
	if (r == 0)
		r = create(file);
	file->regular = r == 0;
	return r;
}

/* ---- Writing, in the thread ---- */

/* Octets at the beginning of `data` that are whole: a file header (where the file begins here) and
 * records. */
static size_t whole_records(const uint8_t *data, size_t len, bool at_start)
{
	struct ag_btsnoop_record record;
	size_t at = at_start ? AG_BTSNOOP_FILE_LEN : 0;

	if (at > len)
		return 0;
	while (ag_btsnoop_get_record(data + at, len - at, &record) == 0 &&
	       record.included_len <= len - at - AG_BTSNOOP_RECORD_LEN)
		at += AG_BTSNOOP_RECORD_LEN + record.included_len;
	return at;
}

/* Write octets that begin and end with a record. When that fails the file ends with the last record
 * that is whole. */
static int write_whole(struct ag_record_file *file, const uint8_t *data, size_t len)
{
	size_t done = 0;
	int error = 0;

	while (done < len && error == 0) {
		ssize_t n = write(file->fd, data + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			error = n == 0 ? -EIO : -errno;
	}
	if (error != 0)
		done = whole_records(data, done, file->whole == 0);
	file->whole += done;
	/* where that fails too the file ends within a record, which readers say */
	if (error != 0 && file->regular)
		(void)!ftruncate(file->fd, (off_t)file->whole);
	return error;
}

/* @return: 0 or the negative errno of what the kernel could not write after all */
static int close_file(struct ag_record_file *file)
{
	int r = file->fd >= 0 && close(file->fd) < 0 && errno != EINTR ? -errno : 0;

	file->fd = -1;
	return r;
}

static int next_file(struct ag_record_file *file)
{
	int r = close_file(file);

	file->number++;
	if (r == 0)
		r = create(file);
	if (r < 0)
		return r;
	pthread_mutex_lock(&file->lock);
	file->shown = file->number;
	pthread_mutex_unlock(&file->lock);
	return 0;
}

static int write_buffer(struct ag_record_file *file)
{
	struct buffer *drain = &file->drain;
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; i <= drain->marks && r == 0; i++) {
		size_t end = i < drain->marks ? drain->mark[i] : drain->len;

		r = write_whole(file, drain->data + at, end - at);
		at = end;
		if (r == 0 && i < drain->marks)
			r = next_file(file);
	}
	drain->len = 0;
	drain->marks = 0;
	return r;
}

static bool nothing_to_write(const struct ag_record_file *file)
{
	return file->fill.len == 0 && file->fill.marks == 0;
}

/* Under the lock: until there is something, and a little longer. @return: false: it is the end */
static bool wait_for_work(struct ag_record_file *file)
{
	struct timespec until;

	file->gathering = false;
	while (!file->closing && nothing_to_write(file)) {
		file->sleeping = true;
		pthread_cond_wait(&file->filled, &file->lock);
	}
	until = ag_in_ms(GATHER_MS);
	file->gathering = true;
	while (!file->closing && file->fill.len < HALF / 2) {
		file->sleeping = true;
		if (pthread_cond_timedwait(&file->filled, &file->lock, &until) != 0)
			break;
	}
	file->sleeping = false;
	return !nothing_to_write(file);
}

/* Under the lock. */
static void swap_buffers(struct ag_record_file *file)
{
	struct buffer full = file->fill;

	file->fill = file->drain;
	file->drain = full;
}

static void tell_failure(const struct ag_record_file *file, int error)
{
	char name[NAME_SIZE];

	file_name(file, file->number, name, sizeof(name));
	ag_log(AG_LOG_ERROR, "recording to %s has ended: %s; the traffic goes on unrecorded", name,
	       strerror(-error));
}

static void free_file(struct ag_record_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	pthread_mutex_destroy(&file->lock);
	pthread_cond_destroy(&file->filled);
	pthread_cond_destroy(&file->ended);
	free(file->fill.data);
	free(file->drain.data);
	free(file->made);
	free(file->path);
	free(file);
}

static void *run(void *user)
{
	struct ag_record_file *file = user;
	bool orphan;
	int r = 0;

	pthread_mutex_lock(&file->lock);
	while (r == 0 && wait_for_work(file)) {
		swap_buffers(file);
		pthread_mutex_unlock(&file->lock);
		r = write_buffer(file);
		pthread_mutex_lock(&file->lock);
	}
	pthread_mutex_unlock(&file->lock);
	if (r == 0)
		r = close_file(file);
	else
		(void)close_file(file);
	if (r < 0)
		tell_failure(file, r);
	pthread_mutex_lock(&file->lock);
	file->error = r;
	file->done = true;
	orphan = file->orphan;
	pthread_cond_signal(&file->ended);
	pthread_mutex_unlock(&file->lock);
	if (orphan)
		free_file(file);
	return NULL;
}

/* ---- The other side of the buffer ---- */

static struct ag_record_file *make(const char *path, bool series, unsigned int keep)
{
	struct ag_record_file *file = calloc(1, sizeof(*file));
	pthread_condattr_t monotonic;

	if (!file)
		return NULL;
	file->fd = -1;
	file->series = series;
	file->keep = series ? keep : 0;
	pthread_mutex_init(&file->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&file->filled, &monotonic);
	pthread_cond_init(&file->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	file->path = strdup(path);
	file->fill.data = malloc(HALF);
	file->drain.data = malloc(HALF);
	if (file->keep > 0)
		file->made = calloc(file->keep, sizeof(*file->made));
	if (file->path && file->fill.data && file->drain.data && (!file->keep || file->made))
		return file;
	free_file(file);
	return NULL;
}

static int start_thread(struct ag_record_file *file)
{
	pthread_t thread;
	int r = ag_thread_start(&thread, run, file);

	if (r == 0)
		pthread_detach(thread);
	return r;
}

int ag_record_file_open(const char *path, bool series, unsigned int keep,
			struct ag_record_file **out)
{
	struct ag_record_file *file = make(path, series,
					   keep > AG_RECORD_KEEP_MAX ? AG_RECORD_KEEP_MAX : keep);
	int r;

	if (!file)
		return -ENOMEM;
	r = open_first(file);
	if (r == 0) {
		file->shown = file->number;
		r = start_thread(file);
	}
	if (r == 0)
		*out = file;
	else
		free_file(file);
	return r;
}

bool ag_record_file_begin(struct ag_record_file *file, size_t len)
{
	pthread_mutex_lock(&file->lock);
	if (!file->done && len <= HALF - file->fill.len)
		return true;
	pthread_mutex_unlock(&file->lock);
	return false;
}

void ag_record_file_put(struct ag_record_file *file, const void *data, size_t len)
{
	if (len == 0 || len > HALF - file->fill.len)
		return;
	memcpy(file->fill.data + file->fill.len, data, len);
	file->fill.len += len;
}

bool ag_record_file_next(struct ag_record_file *file)
{
	struct buffer *fill = &file->fill;

	if (!file->regular || fill->marks == MARKS_MAX)
		return false;
	fill->mark[fill->marks++] = fill->len;
	return true;
}

void ag_record_file_commit(struct ag_record_file *file)
{
	/* it sleeps until there is anything, and then until there is much */
	bool wake = file->sleeping && (!file->gathering || file->fill.len >= HALF / 2);

	file->sleeping = file->sleeping && !wake;
	pthread_mutex_unlock(&file->lock);
	if (wake)
		pthread_cond_signal(&file->filled);
}

int ag_record_file_error(struct ag_record_file *file)
{
	int error;

	pthread_mutex_lock(&file->lock);
	error = file->error;
	pthread_mutex_unlock(&file->lock);
	return error;
}

void ag_record_file_name(struct ag_record_file *file, char *out, size_t size)
{
	unsigned int number;

	pthread_mutex_lock(&file->lock);
	number = file->shown;
	pthread_mutex_unlock(&file->lock);
	file_name(file, number, out, size);
}

bool ag_record_file_close(struct ag_record_file *file, unsigned int wait_ms)
{
	struct timespec until = ag_in_ms(wait_ms);
	bool all, done;

	pthread_mutex_lock(&file->lock);
	file->closing = true;
	pthread_cond_signal(&file->filled);
	while (!file->done && pthread_cond_timedwait(&file->ended, &file->lock, &until) == 0)
		;
	done = file->done;
	file->orphan = !done;
	all = done && file->error == 0;
	pthread_mutex_unlock(&file->lock);
	if (done)
		free_file(file);
	return all;
}
