/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/engine/kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/cleanup.h"
#include "proxy/engine/words.h"

/** The version that is written, and the only one that there has been. */
#define VERSION 1

static const char attributes_title[] = "attributes";
static const char identities_title[] = "identities";

/* ---- Writing ---- */

static void put_address(FILE *out, uint64_t address, enum ag_peer_type type)
{
	char text[18];

	ag_words_bdaddr(address, text);
	fprintf(out, "%s %s", text, ag_field_value_name(AG_F_PEER_TYPE, type));
}

static void put_attribute(FILE *out, const struct ag_attribute *attribute)
{
	char uuid[AG_WORDS_UUID];

	fprintf(out, "0x%04x %s ", attribute->handle, ag_attribute_kind_name(attribute->kind));
	switch (attribute->kind) {
	case AG_ATTRIBUTE_PRIMARY:
	case AG_ATTRIBUTE_SECONDARY:
		fprintf(out, "0x%04x ", attribute->end);
		break;
	case AG_ATTRIBUTE_INCLUDE:
		fprintf(out, "0x%04x 0x%04x ", attribute->value, attribute->end);
		break;
	case AG_ATTRIBUTE_CHARACTERISTIC:
		fprintf(out, "0x%04x 0x%02x ", attribute->value, attribute->properties);
		break;
	case AG_ATTRIBUTE_OTHER:
		break;
	}
	ag_words_uuid(&attribute->uuid, uuid);
	fprintf(out, "%s\n", uuid);
}

static void put_attributes(FILE *out, const struct ag_kept_peer *peer,
			   const struct ag_attributes *map)
{
	const uint8_t *hash = ag_attributes_hash(map);

	fprintf(out, "attgate %s %d\npeer ", attributes_title, VERSION);
	put_address(out, peer->address, peer->type);
	fputc('\n', out);
	if (hash) {
		fputs("hash ", out);
		for (size_t i = 0; i < AG_DATABASE_HASH_LEN; i++)
			fprintf(out, "%02x", hash[i]);
		fputc('\n', out);
	}
	for (size_t i = 0; i < ag_attributes_doubted(map); i++) {
		fputs("doubt ", out);
		put_attribute(out, ag_attributes_doubted_at(map, i));
	}
	for (size_t i = 0; i < ag_attributes_count(map); i++)
		put_attribute(out, ag_attributes_at(map, i));
	fprintf(out, "end %zu\n", ag_attributes_count(map));
}

/* What was written to a stream in memory; closes it. */
static char *finish(FILE *out, char **text)
{
	bool whole = !ferror(out);

	if (fclose(out) == 0 && whole)
		return *text;
	free(*text);
	return NULL;
}

char *ag_kept_attributes(const struct ag_kept_peer *peer, const struct ag_attributes *map)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	put_attributes(out, peer, map);
	return finish(out, &text);
}

char *ag_kept_identities(const struct ag_identities *identities)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "attgate %s %d\n", identities_title, VERSION);
	for (size_t i = 0; i < identities->count; i++) {
		const struct ag_identity *identity = &identities->list[i];

		put_address(out, identity->address, identity->type);
		fputc(' ', out);
		for (size_t at = AG_IRK_LEN; at-- > 0;)
			fprintf(out, "%02x", identity->irk[at]);
		fputc('\n', out);
	}
	fprintf(out, "end %zu\n", identities->count);
	return finish(out, &text);
}

/* ---- Reading: words and lines ---- */

/*
 * Text that is still to be read. What does not stand there as it should sets `failed`, once and for
 * all, so a reader takes what it needs and tests once.
 */
struct reading {
	const char *at;
	size_t left;
	bool failed;
};

/* The next line without its end, taken out of the text. */
static struct reading take_line(struct reading *text)
{
	const char *end = text->left ? memchr(text->at, '\n', text->left) : NULL;
	struct reading line = { .at = text->at, .failed = text->failed || !end };

	if (line.failed) {
		text->failed = true;
		return line;
	}
	line.left = (size_t)(end - text->at);
	text->at += line.left + 1;
	text->left -= line.left + 1;
	return line;
}

/* The next word of a line, and the space behind it. A line does not end with a space. */
static struct reading take_word(struct reading *line)
{
	const char *space = line->left ? memchr(line->at, ' ', line->left) : NULL;
	struct reading word = { .at = line->at, .left = line->left, .failed = line->failed };

	if (space)
		word.left = (size_t)(space - line->at);
	if (!word.left || (space && word.left + 1 == line->left))
		word.failed = true;
	line->failed = word.failed;
	line->at += word.left + (space != NULL);
	line->left -= word.left + (space != NULL);
	return word;
}

static bool is(const struct reading *word, const char *text)
{
	return !word->failed && word->left == strlen(text) &&
	       memcmp(word->at, text, word->left) == 0;
}

/* Octets that stand there as they are. */
static void take_text(struct reading *from, const char *text)
{
	size_t len = strlen(text);

	if (from->failed || from->left < len || memcmp(from->at, text, len) != 0) {
		from->failed = true;
		return;
	}
	from->at += len;
	from->left -= len;
}

/* @ten: the digit that stands for ten, 'a' or 'A' */
static uint64_t take_digits(struct reading *from, size_t count, char ten)
{
	uint64_t number = 0;

	if (from->left < count)
		from->failed = true;
	for (size_t i = 0; !from->failed && i < count; i++) {
		char digit = from->at[i];

		number <<= 4;
		if (digit >= '0' && digit <= '9')
			number |= (uint64_t)(digit - '0');
		else if (digit >= ten && digit <= ten + 5)
			number |= (uint64_t)(digit - ten + 10);
		else
			from->failed = true;
	}
	if (from->failed)
		return 0;
	from->at += count;
	from->left -= count;
	return number;
}

/* A word is read to its end, or its line has failed. */
static void end_word(struct reading *line, const struct reading *word)
{
	if (word->failed || word->left)
		line->failed = true;
}

static void end_line(struct reading *text, const struct reading *line)
{
	if (line->failed || line->left)
		text->failed = true;
}

static uint16_t take_number(struct reading *line, size_t digits)
{
	struct reading word = take_word(line);
	uint64_t number;

	take_text(&word, "0x");
	number = take_digits(&word, digits, 'a');
	end_word(line, &word);
	return (uint16_t)number;
}

static struct ag_uuid take_uuid(struct reading *line)
{
	struct reading word = take_word(line);
	struct ag_uuid uuid;

	if (word.left == 4) {
		uuid = ag_uuid_from_u16((uint16_t)take_digits(&word, 4, 'a'));
	} else {
		uuid.hi = take_digits(&word, 8, 'a') << 32;
		take_text(&word, "-");
		uuid.hi |= take_digits(&word, 4, 'a') << 16;
		take_text(&word, "-");
		uuid.hi |= take_digits(&word, 4, 'a');
		take_text(&word, "-");
		uuid.lo = take_digits(&word, 4, 'a') << 48;
		take_text(&word, "-");
		uuid.lo |= take_digits(&word, 12, 'a');
	}
	end_word(line, &word);
	return uuid;
}

/* Address and its type, which is a stable one. */
static struct ag_kept_peer take_peer(struct reading *line)
{
	struct reading word = take_word(line);
	struct ag_kept_peer peer = { .address = 0 };

	for (int i = 0; i < 6; i++) {
		if (i)
			take_text(&word, ":");
		peer.address = peer.address << 8 | take_digits(&word, 2, 'A');
	}
	end_word(line, &word);
	word = take_word(line);
	if (is(&word, ag_field_value_name(AG_F_PEER_TYPE, AG_PEER_RANDOM_STATIC)))
		peer.type = AG_PEER_RANDOM_STATIC;
	else if (!is(&word, ag_field_value_name(AG_F_PEER_TYPE, AG_PEER_PUBLIC)))
		line->failed = true;
	return peer;
}

/* A decimal number without leading zeros. */
static size_t take_count(struct reading *line)
{
	struct reading word = take_word(line);
	size_t count = 0;

	if (word.failed || word.left > 6 || (word.at[0] == '0' && word.left > 1))
		line->failed = true;
	for (size_t i = 0; !line->failed && i < word.left; i++) {
		if (word.at[i] < '0' || word.at[i] > '9')
			line->failed = true;
		count = 10 * count + (size_t)(word.at[i] - '0');
	}
	return line->failed ? 0 : count;
}

/* The first line. @return: 0, AG_KEPT_DAMAGED or AG_KEPT_NEWER */
static int take_title(struct reading *text, const char *title)
{
	struct reading line = take_line(text);
	struct reading word;
	size_t version;

	take_text(&line, "attgate ");
	word = take_word(&line);
	if (!is(&word, title))
		return AG_KEPT_DAMAGED;
	version = take_count(&line);
	end_line(text, &line);
	if (text->failed)
		return AG_KEPT_DAMAGED;
	/* there has been no version 0 */
	if (version > VERSION)
		return AG_KEPT_NEWER;
	return version == VERSION ? 0 : AG_KEPT_DAMAGED;
}

static bool begins_with(const struct reading *line, const char *text)
{
	size_t len = strlen(text);

	return line->left >= len && memcmp(line->at, text, len) == 0;
}

/* The last line, with the number of the entries before it. */
static void take_end(struct reading *text, struct reading *line, size_t count)
{
	take_text(line, "end ");
	if (take_count(line) != count)
		line->failed = true;
	end_line(text, line);
	if (text->left)
		text->failed = true;
}

/* ---- Reading: attributes ---- */

static bool take_kind(struct reading *line, enum ag_attribute_kind *out)
{
	struct reading word = take_word(line);

	for (int kind = AG_ATTRIBUTE_PRIMARY; kind <= AG_ATTRIBUTE_OTHER; kind++) {
		*out = (enum ag_attribute_kind)kind;
		if (is(&word, ag_attribute_kind_name(*out)))
			return true;
	}
	return false;
}

static void take_attribute(struct reading *line, struct ag_attribute *out)
{
	*out = (struct ag_attribute){ .handle = take_number(line, 4) };
	if (!take_kind(line, &out->kind))
		line->failed = true;
	switch (out->kind) {
	case AG_ATTRIBUTE_PRIMARY:
	case AG_ATTRIBUTE_SECONDARY:
		out->end = take_number(line, 4);
		break;
	case AG_ATTRIBUTE_INCLUDE:
		out->value = take_number(line, 4);
		out->end = take_number(line, 4);
		break;
	case AG_ATTRIBUTE_CHARACTERISTIC:
		out->value = take_number(line, 4);
		out->properties = (uint8_t)take_number(line, 2);
		break;
	case AG_ATTRIBUTE_OTHER:
		break;
	}
	out->uuid = take_uuid(line);
}

static void take_hash(struct reading *line, struct ag_attributes *map)
{
	uint8_t hash[AG_DATABASE_HASH_LEN];

	take_text(line, "hash ");
	for (size_t i = 0; i < sizeof(hash); i++)
		hash[i] = (uint8_t)take_digits(line, 2, 'a');
	if (!line->failed)
		ag_attributes_set_hash(map, hash);
}

/* One line of the list. @return: 0, AG_KEPT_DAMAGED or -ENOMEM */
static int read_attribute(struct reading *text, struct reading *line, struct ag_attributes *map)
{
	size_t count = ag_attributes_count(map);
	struct ag_attribute attribute;
	int r;

	take_attribute(line, &attribute);
	end_line(text, line);
	if (text->failed || count == AG_ATTRIBUTES_MAX)
		return AG_KEPT_DAMAGED;
	r = ag_attributes_put(map, &attribute);
	if (r == AG_ATTRIBUTES_FULL)
		return -ENOMEM;
	/* one that is there already, or that another contradicts, was never written */
	return r == 0 && ag_attributes_count(map) == count + 1 ? 0 : AG_KEPT_DAMAGED;
}

/* What is in doubt comes first, and may contradict itself: of two the later one knows better.
 * @line: the first line, and behind these the next. @return: 0 or AG_KEPT_DAMAGED */
static int read_doubted(struct reading *text, struct reading *line, struct ag_attributes *map)
{
	struct ag_attribute attribute;

	while (begins_with(line, "doubt ")) {
		take_text(line, "doubt ");
		take_attribute(line, &attribute);
		end_line(text, line);
		if (text->failed || ag_attributes_put(map, &attribute) == AG_ATTRIBUTES_INVALID)
			return AG_KEPT_DAMAGED;
		*line = take_line(text);
	}
	if (ag_attributes_count(map))
		ag_attributes_doubt(map, 0, UINT16_MAX);
	return 0;
}

static int read_list(struct reading *text, struct ag_attributes *map)
{
	struct reading line = take_line(text);
	int r;

	if (begins_with(&line, "hash ")) {
		take_hash(&line, map);
		end_line(text, &line);
		line = take_line(text);
	}
	r = read_doubted(text, &line, map);
	while (r == 0 && !text->failed && !begins_with(&line, "end ")) {
		r = read_attribute(text, &line, map);
		line = take_line(text);
	}
	take_end(text, &line, ag_attributes_count(map));
	if (r)
		return r;
	return text->failed ? AG_KEPT_DAMAGED : 0;
}

int ag_kept_read_attributes(const char *text, size_t len, struct ag_kept_peer *peer,
			    struct ag_attributes *map)
{
	struct reading reading = { .at = text, .left = len };
	int r = take_title(&reading, attributes_title);
	struct ag_kept_peer whose;
	struct reading line;

	ag_attributes_clear(map);
	if (r)
		return r;
	line = take_line(&reading);
	take_text(&line, "peer ");
	whose = take_peer(&line);
	end_line(&reading, &line);
	r = reading.failed ? AG_KEPT_DAMAGED : read_list(&reading, map);
	if (r)
		ag_attributes_clear(map);
	else
		*peer = whose;
	return r;
}

/* ---- Reading: identities ---- */

static void take_identity(struct reading *line, struct ag_identity *out)
{
	struct ag_kept_peer peer = take_peer(line);
	struct reading word = take_word(line);

	out->address = peer.address;
	out->type = peer.type;
	for (size_t at = AG_IRK_LEN; at-- > 0;)
		out->irk[at] = (uint8_t)take_digits(&word, 2, 'a');
	end_word(line, &word);
}

static int read_identities(struct reading *text, struct ag_identities *out)
{
	struct reading line = take_line(text);

	while (!text->failed && !begins_with(&line, "end ")) {
		size_t count = out->count;
		struct ag_identity identity;

		take_identity(&line, &identity);
		end_line(text, &line);
		if (text->failed || !ag_identities_put(out, &identity) || out->count == count)
			return AG_KEPT_DAMAGED;
		line = take_line(text);
	}
	take_end(text, &line, out->count);
	return text->failed ? AG_KEPT_DAMAGED : 0;
}

int ag_kept_read_identities(const char *text, size_t len, struct ag_identities *out)
{
	struct reading reading = { .at = text, .left = len };
	ag_autofree struct ag_identities *read = calloc(1, sizeof(*read));
	int r;

	if (!read)
		return -ENOMEM;
	r = take_title(&reading, identities_title);
	if (r == 0)
		r = read_identities(&reading, read);
	if (r == 0)
		*out = *read;
	return r;
}
