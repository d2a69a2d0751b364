/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/log.h"
#include "proxy/io/replace.h"
#include "proxy/io/thread.h"

enum task { WRITE, TOUCH, REMOVE };

struct job {
	struct job *next;
	char *path;
	enum task task;
	char *text; /* of WRITE, else NULL */
};

struct ag_disk {
	struct ag_disk_config config;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *jobs;   /* oldest first */
	struct job *failed; /* likewise, to be tried again */
	bool ending;
	bool failing; /* the log says so */
};

static void free_job(struct job *job)
{
	free(job->path);
	free(job->text);
	free(job);
}

static void free_jobs(struct job *jobs)
{
	while (jobs) {
		struct job *next = jobs->next;

		free_job(jobs);
		jobs = next;
	}
}

/* ---- Doing ---- */

/* The directory of a file, and the one above, which may be there. */
static int make_directories(const char *path)
{
	ag_autofree char *directory = strdup(path);
	char *above;

	if (!directory)
		return -ENOMEM;
	*strrchr(directory, '/') = '\0';
	above = strrchr(directory, '/');
	if (above && above != directory) {
		*above = '\0';
		(void)mkdir(directory, 0700);
		*above = '/';
	}
	return mkdir(directory, 0700) < 0 ? -errno : 0;
}

/* Only what is not written is worth a word: an old time or an old file does no harm. */
static int do_job(const struct ag_disk_config *config, const struct job *job)
{
	int r = 0;

	switch (job->task) {
	case TOUCH:
		(void)utimensat(AT_FDCWD, job->path, NULL, 0);
		break;
	case REMOVE:
		(void)unlink(job->path);
		break;
	case WRITE:
		r = ag_replace(job->path, job->text, config->mode, config->durable);
		if (r == -ENOENT && config->make_directories && make_directories(job->path) == 0)
			r = ag_replace(job->path, job->text, config->mode, config->durable);
		break;
	}
	return r;
}

/* ---- Lists ---- */

static void append(struct job **list, struct job *job)
{
	while (*list)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

static struct job *take_job(struct job **list, const char *path)
{
	for (; *list; list = &(*list)->next) {
		struct job *job = *list;

		if (path && strcmp(job->path, path) != 0)
			continue;
		*list = job->next;
		return job;
	}
	return NULL;
}

/* Whether something is to be done after which it does not matter what was to be written before. */
static bool is_superseded(const struct job *jobs, const char *path)
{
	while (jobs && (jobs->task == TOUCH || strcmp(jobs->path, path) != 0))
		jobs = jobs->next;
	return jobs != NULL;
}

/* What failed before goes first. */
static void try_again(struct ag_disk *disk)
{
	struct job **last = &disk->failed;

	while (*last)
		last = &(*last)->next;
	*last = disk->jobs;
	disk->jobs = disk->failed;
	disk->failed = NULL;
}

/* ---- The thread ---- */

/* A line when it begins to fail, and one when nothing is left that failed. */
static void tell(struct ag_disk *disk, const struct job *job, int r)
{
	if (r < 0 && !disk->failing)
		ag_log(AG_LOG_WARNING, "%s: %s: %s", disk->config.failing, job->path, strerror(-r));
	else if (r == 0 && disk->failing && !disk->failed)
		ag_log(AG_LOG_NOTICE, "%s", disk->config.well);
	disk->failing = r < 0 || disk->failed;
}

static void work(struct ag_disk *disk, struct job *job)
{
	int r;

	pthread_mutex_unlock(&disk->lock);
	r = do_job(&disk->config, job);
	pthread_mutex_lock(&disk->lock);
	if (job->task == WRITE)
		tell(disk, job, r);
	if (r < 0 && !is_superseded(disk->jobs, job->path))
		append(&disk->failed, job);
	else
		free_job(job);
}

static void *serve(void *user)
{
	struct ag_disk *disk = user;

	pthread_mutex_lock(&disk->lock);
	for (;;) {
		struct job *job = take_job(&disk->jobs, NULL);

		if (job)
			work(disk, job);
		else if (disk->ending)
			break;
		else
			pthread_cond_wait(&disk->changed, &disk->lock);
	}
	pthread_mutex_unlock(&disk->lock);
	return NULL;
}

static void release(struct ag_disk *disk)
{
	pthread_mutex_destroy(&disk->lock);
	pthread_cond_destroy(&disk->changed);
	free_jobs(disk->jobs);
	free_jobs(disk->failed);
	free(disk);
}

/* ---- The outside ---- */

/* Put a job in the place of what was to be done with its file. */
static void post(struct ag_disk *disk, const char *path, enum task task, char *text)
{
	struct job *job = calloc(1, sizeof(*job));
	struct job *older;

	if (!job || !(job->path = strdup(path))) {
		free(job);
		free(text);
		return;
	}
	job->task = task;
	job->text = text;
	pthread_mutex_lock(&disk->lock);
	try_again(disk);
	older = take_job(&disk->jobs, path);
	/* what is written has the time of now anyway */
	if (older && task == TOUCH && older->task == WRITE) {
		free_job(job);
		job = ag_take(older);
	}
	if (older)
		free_job(older);
	append(&disk->jobs, job);
	pthread_cond_signal(&disk->changed);
	pthread_mutex_unlock(&disk->lock);
}

int ag_disk_new(const struct ag_disk_config *config, struct ag_disk **out)
{
	struct ag_disk *disk = calloc(1, sizeof(*disk));
	int r;

	if (!disk)
		return -ENOMEM;
	disk->config = *config;
	pthread_mutex_init(&disk->lock, NULL);
	pthread_cond_init(&disk->changed, NULL);
	r = ag_thread_start(&disk->thread, serve, disk);
	if (r < 0) {
		release(disk);
		return r;
	}
	*out = disk;
	return 0;
}

void ag_disk_write(struct ag_disk *disk, const char *path, char *text)
{
	post(disk, path, WRITE, text);
}

void ag_disk_remove(struct ag_disk *disk, const char *path)
{
	post(disk, path, REMOVE, NULL);
}

void ag_disk_touch(struct ag_disk *disk, const char *path)
{
	post(disk, path, TOUCH, NULL);
}

void ag_disk_close(struct ag_disk *disk)
{
	if (!disk)
		return;
	pthread_mutex_lock(&disk->lock);
	try_again(disk);
	disk->ending = true;
	pthread_cond_signal(&disk->changed);
	pthread_mutex_unlock(&disk->lock);
	/* a disk that hangs: the thread and what it uses stay until the process ends */
	if (ag_thread_end(disk->thread, disk->config.patience_ms))
		release(disk);
}
