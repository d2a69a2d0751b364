/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/lexer.h"

#include <string.h>

/* Letters and digits of ASCII only, whatever the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

int ag_hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool ag_parse_uuid128(const char *text, size_t len, struct ag_uuid *uuid)
{
	struct ag_uuid value = { 0 };

	if (len != 36)
		return false;
	for (size_t i = 0; i < len; i++) {
		int digit = ag_hex_digit(text[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
			continue;
		}
		if (digit < 0)
			return false;
		value.hi = value.hi << 4 | value.lo >> 60;
		value.lo = value.lo << 4 | (uint64_t)digit;
	}
	*uuid = value;
	return true;
}

bool ag_parse_bdaddr(const char *text, size_t len, uint64_t *bdaddr)
{
	uint64_t value = 0;

	if (len != 17)
		return false;
	for (size_t i = 0; i < len; i++) {
		int digit = ag_hex_digit(text[i]);

		if (i % 3 == 2 ? text[i] != ':' : digit < 0)
			return false;
		if (i % 3 != 2)
			value = value << 4 | (uint64_t)digit;
	}
	*bdaddr = value;
	return true;
}

bool ag_parse_number(const char *text, size_t len, uint64_t *num)
{
	bool hex = len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned int base = hex ? 16 : 10;
	uint64_t value = 0;

	if (len == 0)
		return false;
	for (size_t i = hex ? 2 : 0; i < len; i++) {
		int digit = ag_hex_digit(text[i]);

		if (digit < 0 || (unsigned int)digit >= base ||
		    value > (UINT64_MAX - (unsigned int)digit) / base)
			return false;
		value = value * base + (unsigned int)digit;
	}
	*num = value;
	return true;
}

/* A decimal number, perhaps with a fraction, in units of 1/scale: "1.5s" with scale 1000000. */
static bool parse_scaled(const char *text, size_t len, uint64_t scale, uint64_t *num)
{
	const char *dot = memchr(text, '.', len);
	size_t whole_len = dot ? (size_t)(dot - text) : len;
	uint64_t value;

	if (!ag_parse_number(text, whole_len, &value) || (whole_len > 1 && text[1] == 'x') ||
	    value > UINT64_MAX / scale / 2)
		return false;
	value *= scale;
	if (dot && whole_len + 1 == len)
		return false;
	for (size_t i = whole_len + 1; i < len; i++) {
		if (!is_digit(text[i]) || scale % 10)
			return false;
		scale /= 10;
		value += scale * (unsigned int)(text[i] - '0');
	}
	*num = value;
	return true;
}

static bool parse_duration(const char *text, size_t len, uint64_t *num)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = { { "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "min", 60000000 } };
	size_t digits = 0;

	while (digits < len && (is_digit(text[digits]) || text[digits] == '.'))
		digits++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == len - digits &&
		    memcmp(text + digits, units[i].name, len - digits) == 0)
			return parse_scaled(text, digits, units[i].us, num);
	}
	return false;
}

void ag_lexer_init(struct ag_lexer *lexer, const struct ag_source *source, size_t index,
		   struct ag_arena *arena, struct ag_report *report)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	const char *text = source->len ? source->text : "";

	*lexer = (struct ag_lexer){
		.at = text,
		.end = text + source->len,
		.line_start = text,
		.line = 1,
		.source = index,
		.arena = arena,
		.report = report,
	};
	if (source->len >= 3 && memcmp(text, byte_order_mark, 3) == 0)
		lexer->at += 3;
}

static void skip_blank(struct ag_lexer *lexer)
{
	while (lexer->at < lexer->end) {
		char c = *lexer->at;

		if (c == '#') {
			const char *newline = memchr(lexer->at, '\n',
						     (size_t)(lexer->end - lexer->at));

			lexer->at = newline ? newline : lexer->end;
			continue;
		}
		if (!is_space(c))
			return;
		lexer->at++;
		if (c == '\n') {
			lexer->line++;
			lexer->line_start = lexer->at;
		}
	}
}

static struct ag_token make(const struct ag_lexer *lexer, enum ag_token_kind kind, size_t len)
{
	return (struct ag_token){
		.kind = kind,
		.span = { lexer->source, lexer->line,
			  (unsigned int)(lexer->at - lexer->line_start) + 1, (unsigned int)len },
		.text = lexer->at,
		.len = len,
	};
}

static void complain(struct ag_lexer *lexer, struct ag_token *token, const char *what,
		     const char *hint)
{
	struct ag_text message = { 0 };
	struct ag_text advice = { 0 };

	ag_text_quote(&message, token->text, token->len);
	ag_text_puts(&message, what);
	if (hint)
		ag_text_puts(&advice, hint);
	ag_report_add(lexer->report, AG_ERROR, token->span, &message, &advice);
	token->kind = AG_TOK_BAD;
}

/** Octets of a word: up to what cannot be in a name, a number, an address, and before "..". */
static size_t word_length(const struct ag_lexer *lexer)
{
	size_t left = (size_t)(lexer->end - lexer->at);
	const char *at = lexer->at;
	size_t len = 0;

	while (len < left) {
		char c = at[len];

		if (c == '.' && len + 1 < left && at[len + 1] == '.')
			break;
		if (!is_letter(c) && !is_digit(c) && c != '-' && c != ':' && c != '.')
			break;
		len++;
	}
	if (len < left && at[len] == '%' && len && is_digit(at[0]))
		len++;
	return len;
}

static void lex_number(struct ag_lexer *lexer, struct ag_token *token)
{
	const char *text = token->text;
	size_t len = token->len;

	if (text[len - 1] == '%') {
		token->kind = AG_TOK_PERCENT;
		if (!parse_scaled(text, len - 1, 1000, &token->num))
			complain(lexer, token, " is not a percentage",
				 "at most three digits after the point, as in 12.5%");
	} else if (ag_parse_number(text, len, &token->num)) {
		token->kind = AG_TOK_NUMBER;
		token->hex = len > 2 && (text[1] == 'x' || text[1] == 'X');
	} else if (parse_duration(text, len, &token->num)) {
		token->kind = AG_TOK_DURATION;
	} else if (memchr(text, ':', len)) {
		complain(lexer, token, " is not a BD_ADDR",
			 "six pairs of hexadecimal digits, as in DC:08:0F:5B:8D:82");
	} else {
		complain(lexer, token, " is not a number",
			 "17, 0x11, a time as in 250ms or 2s, a UUID as in 0x2a19");
	}
}

static struct ag_token lex_word(struct ag_lexer *lexer, size_t len)
{
	struct ag_token token = make(lexer, AG_TOK_NAME, len);

	if (ag_parse_uuid128(token.text, len, &token.uuid))
		token.kind = AG_TOK_UUID;
	else if (ag_parse_bdaddr(token.text, len, &token.num))
		token.kind = AG_TOK_BDADDR;
	else if (is_digit(token.text[0]))
		lex_number(lexer, &token);
	else if (memchr(token.text, ':', len))
		complain(lexer, &token, " is not a BD_ADDR",
			 "six pairs of hexadecimal digits, as in DC:08:0F:5B:8D:82");
	else if (!is_letter(token.text[0]))
		complain(lexer, &token, " is neither a name nor a number",
			 "names begin with a letter; numbers have no sign");
	lexer->at += len;
	return token;
}

/** Octets of a string with both quotation marks, or of what stands where one should be. */
static size_t string_length(const struct ag_lexer *lexer, const char *from, bool *closed)
{
	const char *at = from + 1;

	*closed = false;
	while (at < lexer->end && *at != '\n' && *at != '"') {
		if (*at == '\\' && at + 1 < lexer->end && at[1] != '\n')
			at++;
		at++;
	}
	if (at < lexer->end && *at == '"') {
		*closed = true;
		at++;
	}
	return (size_t)(at - from);
}

/* hex"0b 64": pairs of digits, white space and colons between them as one likes. */
static bool decode_hex(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	size_t count = 0;
	int high = -1;

	for (size_t i = 0; i < len; i++) {
		int digit = ag_hex_digit(text[i]);

		if (digit < 0 && high < 0 && (text[i] == ' ' || text[i] == '\t' || text[i] == ':'))
			continue;
		if (digit < 0)
			return false;
		if (high < 0) {
			high = digit;
			continue;
		}
		out[count++] = (uint8_t)(high << 4 | digit);
		high = -1;
	}
	*out_len = count;
	return high < 0;
}

/* "text": any octet but control octets; \" and \\ stand for " and \. */
static bool decode_text(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
		if (text[i] == '\\') {
			i++;
			if (text[i] != '"' && text[i] != '\\')
				return false;
		}
		out[count++] = (uint8_t)text[i];
	}
	*out_len = count;
	return true;
}

static struct ag_token lex_string(struct ag_lexer *lexer, bool hex)
{
	size_t prefix = hex ? 3 : 0;
	bool closed;
	size_t len = string_length(lexer, lexer->at + prefix, &closed);
	struct ag_token token = make(lexer, hex ? AG_TOK_BYTES : AG_TOK_STRING, prefix + len);
	uint8_t *bytes;
	bool fine;

	if (!closed) {
		complain(lexer, &token, " has no closing quotation mark", NULL);
	} else {
		bytes = ag_arena_alloc(lexer->arena, len, 1);
		fine = bytes && (hex ? decode_hex : decode_text)(token.text + prefix + 1, len - 2,
								 bytes, &token.bytes.len);
		token.bytes.data = bytes;
		if (!fine && bytes)
			complain(lexer, &token,
				 hex ? " is not a row of octets"
				     : " has a control octet or an unknown \\",
				 hex ? "pairs of hexadecimal digits, as in hex\"01 02\""
				     : "\\\" and \\\\ are the only ones; octets are written "
				       "hex\"01 02\"");
	}
	lexer->at += prefix + len;
	return token;
}

static const struct {
	const char *text;
	enum ag_token_kind kind;
} signs[] = {
	{ "..", AG_TOK_DOTDOT }, { "==", AG_TOK_EQ },    { "!=", AG_TOK_NE },
	{ "<=", AG_TOK_LE },     { ">=", AG_TOK_GE },    { "&&", AG_TOK_AND },
	{ "||", AG_TOK_OR },     { "(", AG_TOK_LPAREN }, { ")", AG_TOK_RPAREN },
	{ "{", AG_TOK_LBRACE },  { "}", AG_TOK_RBRACE }, { ",", AG_TOK_COMMA },
	{ "=", AG_TOK_ASSIGN },  { "<", AG_TOK_LT },     { ">", AG_TOK_GT },
	{ "!", AG_TOK_NOT },
};

static bool lex_sign(struct ag_lexer *lexer, struct ag_token *token)
{
	size_t left = (size_t)(lexer->end - lexer->at);

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t len = strlen(signs[i].text);

		if (len <= left && memcmp(lexer->at, signs[i].text, len) == 0) {
			*token = make(lexer, signs[i].kind, len);
			lexer->at += len;
			return true;
		}
	}
	return false;
}

/** A run of octets that no token begins with, as one error. */
static struct ag_token lex_bad(struct ag_lexer *lexer)
{
	static const char plain[] = "\"(){},=<>!#-:.";
	size_t left = (size_t)(lexer->end - lexer->at);
	struct ag_token token;
	size_t len = 1;

	while (len < left && lexer->at[len] && !is_space(lexer->at[len]) &&
	       !is_letter(lexer->at[len]) && !is_digit(lexer->at[len]) &&
	       !strchr(plain, lexer->at[len]))
		len++;
	while (lexer->at[0] == '\0' && len < left && lexer->at[len] == '\0')
		len++;
	token = make(lexer, AG_TOK_BAD, len);
	complain(lexer, &token, " means nothing here", NULL);
	lexer->at += len;
	return token;
}

struct ag_token ag_lexer_next(struct ag_lexer *lexer)
{
	struct ag_token token;
	size_t len;

	skip_blank(lexer);
	if (lexer->at == lexer->end)
		return make(lexer, AG_TOK_END, 0);
	if (*lexer->at == '"')
		return lex_string(lexer, false);
	if (lexer->end - lexer->at > 3 && memcmp(lexer->at, "hex\"", 4) == 0)
		return lex_string(lexer, true);
	len = word_length(lexer);
	if (len)
		return lex_word(lexer, len);
	if (lex_sign(lexer, &token))
		return token;
	return lex_bad(lexer);
}
