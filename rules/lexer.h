/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AG_RULES_LEXER_H
#define AG_RULES_LEXER_H

/* Text into tokens. */

#include <stdbool.h>
#include <stdint.h>

#include "rules/arena.h"
#include "rules/diag.h"

enum ag_token_kind {
	AG_TOK_END,
	AG_TOK_NAME,     /* also keywords: which is which depends on the place */
	AG_TOK_NUMBER,   /* num; `hex` tells how it was written */
	AG_TOK_PERCENT,  /* num: thousandths of a percent */
	AG_TOK_DURATION, /* num: microseconds */
	AG_TOK_UUID,     /* uuid: written with 128 bits */
	AG_TOK_BDADDR,   /* num */
	AG_TOK_BYTES,    /* bytes: hex"…" */
	AG_TOK_STRING,   /* bytes: "…" */
	AG_TOK_LPAREN,
	AG_TOK_RPAREN,
	AG_TOK_LBRACE,
	AG_TOK_RBRACE,
	AG_TOK_COMMA,
	AG_TOK_DOTDOT,
	AG_TOK_ASSIGN,
	AG_TOK_EQ,
	AG_TOK_NE,
	AG_TOK_LT,
	AG_TOK_LE,
	AG_TOK_GT,
	AG_TOK_GE,
	AG_TOK_AND, /* && of display filters */
	AG_TOK_OR,  /* || */
	AG_TOK_NOT, /* ! */
	AG_TOK_BAD, /* reported by the lexer */
};

struct ag_token {
	enum ag_token_kind kind;
	bool hex;
	struct ag_span span;
	const char *text; /* as written, in the source */
	size_t len;
	uint64_t num;
	struct ag_uuid uuid;
	struct ag_bytes bytes; /* in the arena */
};

struct ag_lexer {
	const char *at;
	const char *end;
	const char *line_start;
	unsigned int line;
	size_t source;
	struct ag_arena *arena;
	struct ag_report *report;
};

/** @arena: where the bytes of strings are kept; must outlive the tokens */
void ag_lexer_init(struct ag_lexer *lexer, const struct ag_source *source, size_t index,
		   struct ag_arena *arena, struct ag_report *report);

/** The next token; AG_TOK_END for ever at the end. Errors are reported here, the token is then
 *  AG_TOK_BAD. */
struct ag_token ag_lexer_next(struct ag_lexer *lexer);

/** Value of a hexadecimal digit, or -1. */
int ag_hex_digit(char c);

/** "7905f431-b5ce-4e99-a40f-4b1e122d00d0". @return: whether it is one */
bool ag_parse_uuid128(const char *text, size_t len, struct ag_uuid *uuid);

/** "DC:08:0F:5B:8D:82". @return: whether it is one */
bool ag_parse_bdaddr(const char *text, size_t len, uint64_t *bdaddr);

/** A decimal or 0x-hexadecimal number of at most 64 bits. @return: whether it is one */
bool ag_parse_number(const char *text, size_t len, uint64_t *num);

#endif
