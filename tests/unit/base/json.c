/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proxy/base/json.h"

TestSuite(base_json, .timeout = 20);

struct string_case {
	const char *value;
	const char *expected;
};

Test(base_json, strings)
{
	static const struct string_case cases[] = {
		{ NULL, "{\"k\": null}\n" },
		{ "", "{\"k\": \"\"}\n" },
		{ "a\"b\\c", "{\"k\": \"a\\\"b\\\\c\"}\n" },
		{ "\n\t\x1b\x7f", "{\"k\": \"\\u000a\\u0009\\u001b\\u007f\"}\n" },
		{ "\xc3\xa9 \xe2\x86\x92 \xf0\x9f\x93\xb1",
		  "{\"k\": \"\xc3\xa9 \xe2\x86\x92 \xf0\x9f\x93\xb1\"}\n" },
		/* not UTF-8: cut short, overlong, a surrogate, a stray octet */
		{ "\xe2\x86", "{\"k\": \"\\ufffd\\ufffd\"}\n" },
		{ "\xc0\xaf", "{\"k\": \"\\ufffd\\ufffd\"}\n" },
		{ "\xed\xa0\x80", "{\"k\": \"\\ufffd\\ufffd\\ufffd\"}\n" },
		{ "x\xffy", "{\"k\": \"x\\ufffdy\"}\n" },
		{ "\xe0\x9f\xbf", "{\"k\": \"\\ufffd\\ufffd\\ufffd\"}\n" },
		{ "\xf0\x8f\xbf\xbf", "{\"k\": \"\\ufffd\\ufffd\\ufffd\\ufffd\"}\n" },
		{ "\xf4\x90\x80\x80", "{\"k\": \"\\ufffd\\ufffd\\ufffd\\ufffd\"}\n" },
		{ "\xe2\x86x", "{\"k\": \"\\ufffd\\ufffdx\"}\n" },
		/* the first and the last of their lengths */
		{ "\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
		  "{\"k\": \"\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"}\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);
		struct ag_json json = ag_json_begin(out);

		ag_json_string(&json, "k", cases[i].value);
		ag_json_end(&json);
		fclose(out);
		cr_expect_str_eq(text, cases[i].expected);
		free(text);
	}
}

Test(base_json, members)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct ag_json json = ag_json_begin(out);

	ag_json_number(&json, "a", 7);
	ag_json_optional(&json, "b", false, 7);
	ag_json_optional(&json, "c", true, 0);
	ag_json_seconds(&json, "d", 1000001);
	ag_json_end(&json);
	fclose(out);
	cr_expect_str_eq(text, "{\"a\": 7, \"b\": null, \"c\": 0, \"d\": 1.000001}\n");
	free(text);
}

Test(base_json, nesting)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct ag_json json = ag_json_begin(out);

	ag_json_open(&json, "empty");
	ag_json_close(&json);
	ag_json_open_array(&json, "list");
	ag_json_number(&json, NULL, 1);
	ag_json_open(&json, NULL);
	ag_json_bool(&json, "yes", true);
	ag_json_bool(&json, "no", false);
	ag_json_close(&json);
	ag_json_close_array(&json);
	ag_json_string(&json, "last", "x");
	ag_json_end(&json);
	fclose(out);
	cr_expect_str_eq(text, "{\"empty\": {}, \"list\": [1, {\"yes\": true, \"no\": false}], "
			       "\"last\": \"x\"}\n");
	free(text);
}
