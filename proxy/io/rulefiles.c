/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/rulefiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proxy/base/cleanup.h"

const char *const ag_rulefiles_default[2] = { AG_RULES_DIR, AG_SYSCONF_DIR };

/** Largest file that is read: no rule file comes near, and a device or a mistake ends here. */
enum { FILE_MAX = 16 << 20 };

enum { UNREADABLE = 1 };

static const char suffix[] = ".rules";

/** One reading. */
struct reading {
	struct ag_rulefiles files;
	size_t allocated;
	FILE *errors;
	bool unreadable;
};

static void complain(struct reading *reading, const char *path, const char *what)
{
	reading->unreadable = true;
	if (reading->errors)
		fprintf(reading->errors, "%s: %s\n", path, what);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- One file ---- */

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/** @return: 0, UNREADABLE with errno set, or -ENOMEM */
static int read_all(FILE *file, char **text, size_t *len)
{
	ag_autofree char *data = NULL;
	size_t size = 0;
	size_t count = 0;

	do {
		char *more;

		size = size ? size * 2 : 8192;
		more = realloc(data, size);
		if (!more)
			return -ENOMEM;
		data = more;
		count += fread(data + count, 1, size - count, file);
		if (count > FILE_MAX)
			errno = EFBIG;
		if (count > FILE_MAX || ferror(file))
			return UNREADABLE;
	} while (count == size);
	*text = ag_take(data);
	*len = count;
	return 0;
}

static int read_file(const char *path, char **text, size_t *len)
{
	ag_cleanup(close_file) FILE *file = fopen(path, "re");

	return file ? read_all(file, text, len) : UNREADABLE;
}

static bool make_room(struct reading *reading)
{
	size_t size = reading->allocated ? reading->allocated * 2 : 8;
	struct ag_source *sources;
	char **paths;

	if (reading->files.count < reading->allocated)
		return true;
	sources = realloc(reading->files.sources, size * sizeof(*sources));
	if (!sources)
		return false;
	reading->files.sources = sources;
	paths = realloc(reading->files.paths, size * sizeof(*paths));
	if (!paths)
		return false;
	reading->files.paths = paths;
	reading->allocated = size;
	return true;
}

static void free_entry(struct ag_rulefiles *files, size_t index)
{
	free((char *)files->sources[index].text);
	free(files->paths[index]);
}

/** Put a text in, in place of an earlier one of the same base name. Takes path and text over. */
static void put(struct reading *reading, char *path, char *text, size_t len)
{
	struct ag_rulefiles *files = &reading->files;
	size_t index = 0;

	while (index < files->count && strcmp(base_name(files->paths[index]), base_name(path)) != 0)
		index++;
	if (index < files->count)
		free_entry(files, index);
	else
		files->count++;
	files->paths[index] = path;
	files->sources[index] = (struct ag_source){ .name = path, .text = text, .len = len };
}

static int add_file(struct reading *reading, const char *path)
{
	ag_autofree char *copy = strdup(path);
	char *text = NULL;
	size_t len = 0;
	int result;

	if (!copy || !make_room(reading))
		return -ENOMEM;
	result = read_file(path, &text, &len);
	if (result == UNREADABLE)
		complain(reading, path, strerror(errno));
	if (result == 0)
		put(reading, ag_take(copy), text, len);
	return result < 0 ? result : 0;
}

/* ---- Directories ---- */

static int is_rules(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > sizeof(suffix) - 1 &&
	       strcmp(entry->d_name + len - (sizeof(suffix) - 1), suffix) == 0;
}

/** A regular file, or a device: a link to /dev/null is an empty file. */
static bool is_readable_kind(const char *path)
{
	struct stat status;

	return stat(path, &status) != 0 || S_ISREG(status.st_mode) || S_ISCHR(status.st_mode);
}

static int add_entry(struct reading *reading, const char *directory, const char *name)
{
	size_t len = strlen(directory);
	const char *slash = len && directory[len - 1] == '/' ? "" : "/";
	ag_autofree char *path = NULL;

	if (asprintf(&path, "%s%s%s", directory, slash, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return is_readable_kind(path) ? add_file(reading, path) : 0;
}

static int add_directory(struct reading *reading, const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_rules, NULL);
	int result = 0;

	if (count < 0)
		complain(reading, path, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = add_entry(reading, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int add_path(struct reading *reading, const char *path, bool may_be_missing)
{
	struct stat status;

	if (stat(path, &status) != 0) {
		if (!may_be_missing || errno != ENOENT)
			complain(reading, path, strerror(errno));
		return 0;
	}
	return S_ISDIR(status.st_mode) ? add_directory(reading, path) : add_file(reading, path);
}

/* ---- All of them ---- */

static int compare_sources(const void *left, const void *right)
{
	const struct ag_source *a = left;
	const struct ag_source *b = right;

	return strcmp(base_name(a->name), base_name(b->name));
}

/** Byte order of the base names; the paths, which are the names, follow. */
static void sort(struct ag_rulefiles *files)
{
	if (files->count)
		qsort(files->sources, files->count, sizeof(*files->sources), compare_sources);
	for (size_t i = 0; i < files->count; i++)
		files->paths[i] = (char *)files->sources[i].name;
}

int ag_rulefiles_read(const char *const *paths, size_t n_paths, struct ag_rulefiles *out,
		      FILE *errors)
{
	struct reading reading = { .errors = errors };
	bool defaults = !paths;
	int result = 0;

	if (defaults) {
		paths = ag_rulefiles_default;
		n_paths = ag_array_size(ag_rulefiles_default);
	}
	for (size_t i = 0; i < n_paths && result == 0; i++)
		result = add_path(&reading, paths[i], defaults);
	if (result == 0 && reading.unreadable)
		result = UNREADABLE;
	if (result) {
		ag_rulefiles_clear(&reading.files);
		return result;
	}
	sort(&reading.files);
	*out = reading.files;
	return 0;
}

void ag_rulefiles_clear(struct ag_rulefiles *files)
{
	for (size_t i = 0; i < files->count; i++)
		free_entry(files, i);
	free(files->sources);
	free(files->paths);
	*files = (struct ag_rulefiles){ 0 };
}

void ag_rulefiles_report(const struct ag_rulefiles *files, const struct ag_diags *diags,
			 FILE *errors)
{
	for (size_t i = 0; i < diags->count; i++) {
		ag_autofree char *text = ag_diag_format(&diags->list[i], files->sources);

		fputs(text ? text : "out of memory\n", errors);
	}
	if (diags->errors + diags->warnings > diags->count)
		fprintf(errors, "... and %zu more\n",
			diags->errors + diags->warnings - diags->count);
}

int ag_rulefiles_load(const char *const *paths, size_t n_paths, struct ag_rulefiles *files,
		      struct ag_ruleset **out, FILE *errors)
{
	ag_cleanup(ag_diags_clear) struct ag_diags diags = AG_DIAGS_INIT;
	int result = ag_rulefiles_read(paths, n_paths, files, errors);

	if (result < 0)
		return result;
	if (result > 0)
		return AG_RULES_INVALID;
	result = ag_ruleset_compile(files->sources, files->count, out, &diags);
	if (errors)
		ag_rulefiles_report(files, &diags, errors);
	return result;
}

int ag_rulefiles_compile(const char *const *paths, size_t n_paths, struct ag_ruleset **out,
			 FILE *errors)
{
	ag_cleanup(ag_rulefiles_clear) struct ag_rulefiles files = { 0 };

	return ag_rulefiles_load(paths, n_paths, &files, out, errors);
}
