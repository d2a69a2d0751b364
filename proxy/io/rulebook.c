/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/rulebook.h"

#include <errno.h>
#include <malloc.h>
#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <nettle/version.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/rulefiles.h"

_Static_assert(sizeof(((struct ag_rulebook_file *)0)->sha256) ==
		   BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE) + 1,
	       "room for the digest");

uint64_t ag_wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void ag_rulebook_clear(struct ag_rulebook *book)
{
	for (size_t i = 0; i < book->n_files; i++)
		free(book->files[i].path);
	free(book->files);
	ag_ruleset_free(book->set);
	*book = (struct ag_rulebook){ .set = NULL };
}

/* The length was an argument before nettle 4.0. */
static void end_digest(struct sha256_ctx *context, uint8_t octets[SHA256_DIGEST_SIZE])
{
#if NETTLE_VERSION_MAJOR >= 4
	sha256_digest(context, octets);
#else
	sha256_digest(context, SHA256_DIGEST_SIZE, octets);
#endif
}

static void digest(const struct ag_source *source, struct ag_rulebook_file *file)
{
	uint8_t octets[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, source->len, (const uint8_t *)source->text);
	end_digest(&context, octets);
	base16_encode_update(file->sha256, sizeof(octets), octets);
	file->sha256[sizeof(file->sha256) - 1] = '\0';
}

static int note_files(struct ag_rulebook *book, const struct ag_rulefiles *files)
{
	book->files = calloc(files->count + 1, sizeof(*book->files));
	if (!book->files)
		return -ENOMEM;
	for (size_t i = 0; i < files->count; i++) {
		struct ag_rulebook_file *file = &book->files[i];

		file->path = strdup(files->paths[i]);
		if (!file->path)
			return -ENOMEM;
		book->n_files++;
		digest(&files->sources[i], file);
	}
	return 0;
}

int ag_rulebook_load(const char *const *paths, size_t n_paths, FILE *errors,
		     struct ag_rulebook *out)
{
	ag_cleanup(ag_rulefiles_clear) struct ag_rulefiles files = { 0 };
	ag_cleanup(ag_rulebook_clear) struct ag_rulebook book = { .set = NULL };
	int r = ag_rulefiles_load(paths, n_paths, &files, &book.set, errors);

	if (r == 0)
		r = note_files(&book, &files);
	if (r != 0)
		return r;
	book.loaded_us = ag_wall_us();
	*out = book;
	book = (struct ag_rulebook){ .set = NULL };
	return 0;
}

int ag_rulebook_read(const char *const *paths, size_t n_paths, struct ag_rulebook *out, char **text)
{
	size_t len = 0;
	FILE *errors;
	int r;

	*text = NULL;
	errors = open_memstream(text, &len);
	if (!errors)
		return -ENOMEM;
	r = ag_rulebook_load(paths, n_paths, errors, out);
	if (fclose(errors) != 0 && r == 0) {
		ag_rulebook_clear(out);
		return -ENOMEM;
	}
	/* what the compiler took and gave back is more than the rules themselves keep, and it would
	 * stay ours for as long as we run */
	malloc_trim(0);
	return r;
}
