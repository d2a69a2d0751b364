/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/wire/att.h"
#include "rules/field.h"
#include "rules/names.h"

static const struct ag_name *const tables[] = {
	ag_names_from,      ag_names_role,           ag_names_link,       ag_names_bearer,
	ag_names_peer_type, ag_names_flag,           ag_names_kind,       ag_names_opcode,
	ag_names_error,     ag_names_smp_opcode,     ag_names_smp_reason, ag_names_hci_error,
	ag_names_service,   ag_names_characteristic,
};

/** A name that can be written: small letters, digits, underscores between them. */
static bool is_snake_case(const char *name)
{
	size_t len = strlen(name);

	return len && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len &&
	       name[0] >= 'a' && name[0] <= 'z' && name[len - 1] != '_' && !strstr(name, "__");
}

Test(rules, every_name_finds_its_number_and_back)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct ag_name *row = tables[i]; row->name; row++) {
			const struct ag_name *found = ag_names_find(tables[i], row->name,
								    strlen(row->name));
			const char *canonical = ag_names_get(tables[i], row->num);

			cr_expect(is_snake_case(row->name), "%s", row->name);
			cr_expect(eq(ptr, (void *)found, (void *)row), "%s twice", row->name);
			cr_assert_not_null(canonical);
			found = ag_names_find(tables[i], canonical, strlen(canonical));
			cr_expect(eq(u16, found->num, row->num), "%s", row->name);
		}
	}
}

Test(rules, uuids_are_sorted_and_have_one_name)
{
	for (size_t i = 12; i < 14; i++) {
		for (const struct ag_name *row = tables[i]; row->name; row++) {
			struct ag_uuid uuid = ag_uuid_from_u16(row->num);
			uint16_t found = 0;

			cr_expect(not(row > tables[i] && row[-1].num >= row->num), "%s", row->name);
			cr_expect(ag_names_find_uuid(row->name, strlen(row->name), &found));
			cr_expect(eq(u16, found, row->num), "%s", row->name);
			cr_expect(eq(str, (char *)ag_uuid_name(&uuid), (char *)row->name));
		}
	}
}

Test(rules, some_names_are_those_of_the_assigned_numbers)
{
	static const struct {
		const char *name;
		uint16_t uuid16;
	} some[] = {
		{ "battery_level", 0x2a19 },
		{ "battery_service", 0x180f },
		{ "battery", 0x180f },
		{ "current_time", 0x2a2b },
		{ "current_time_service", 0x1805 },
		{ "generic_access", 0x1800 },
		{ "generic_attribute", 0x1801 },
		{ "device_information_service", 0x180a },
		{ "service_changed", 0x2a05 },
		{ "client_supported_features", 0x2b29 },
		{ "database_hash", 0x2b2a },
		{ "server_supported_features", 0x2b3a },
		{ "client_characteristic_configuration", 0x2902 },
		{ "characteristic_extended_properties", 0x2900 },
		{ "primary_service", 0x2800 },
		{ "characteristic", 0x2803 },
		{ "pnp_id", 0x2a50 },
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		uint16_t found = 0;

		cr_expect(ag_names_find_uuid(some[i].name, strlen(some[i].name), &found), "%s",
			  some[i].name);
		cr_expect(eq(u16, found, some[i].uuid16), "%s", some[i].name);
	}
}

Test(rules, every_att_opcode_has_a_name_and_the_fields_of_its_parameters)
{
	static const enum ag_field fields[AG_ATT_PARAM_COUNT] = {
		[AG_ATT_P_HANDLE] = AG_F_ATT_HANDLE,   [AG_ATT_P_START] = AG_F_ATT_START,
		[AG_ATT_P_END] = AG_F_ATT_END,         [AG_ATT_P_TYPE] = AG_F_ATT_TYPE,
		[AG_ATT_P_OFFSET] = AG_F_ATT_OFFSET,   [AG_ATT_P_MTU] = AG_F_ATT_MTU,
		[AG_ATT_P_REQUEST] = AG_F_ATT_REQUEST, [AG_ATT_P_ERROR] = AG_F_ATT_ERROR,
		[AG_ATT_P_VALUE] = AG_F_ATT_VALUE,
	};
	const struct ag_att_format *rows;
	size_t count = ag_att_formats(&rows);

	for (size_t i = 0; i < count; i++) {
		uint64_t known = ag_fields_of_att(rows[i].opcode);
		enum ag_att_kind kind;

		cr_expect_not_null(ag_field_value_name(AG_F_ATT_OPCODE, rows[i].opcode), "0x%02x",
				   rows[i].opcode);
		cr_assert(ag_kind_of_att(rows[i].opcode, &kind), "0x%02x", rows[i].opcode);
		cr_expect(eq(int, (int)kind, (int)rows[i].kind), "0x%02x", rows[i].opcode);
		for (size_t j = 0; j < rows[i].n_params; j++) {
			enum ag_field field = fields[rows[i].params[j]];

			/* what has no field (format, flags) is 0 in the table above: `role' */
			cr_expect(known >> field & 1, "0x%02x lacks %s", rows[i].opcode,
				  ag_field_name(field));
		}
	}
}

Test(rules, uuids_of_16_bits_are_told_from_others)
{
	struct ag_uuid uuid = ag_uuid_from_u16(0x2a19);
	uint16_t uuid16 = 0;

	cr_expect(eq(u64, uuid.hi, UINT64_C(0x00002a1900001000)));
	cr_expect(eq(u64, uuid.lo, UINT64_C(0x800000805f9b34fb)));
	cr_expect(ag_uuid_to_u16(&uuid, &uuid16));
	cr_expect(eq(u16, uuid16, 0x2a19));
	uuid.hi |= UINT64_C(1) << 48;
	cr_expect(not(ag_uuid_to_u16(&uuid, &uuid16)));
	cr_expect_null(ag_uuid_name(&uuid));
}

Test(rules, what_wireshark_shows_is_a_name)
{
	static const struct {
		const char *words;
		const char *name;
	} table[] = {
		{ "Read Request", "read_request" },
		{ "Read By Type Request, GATT Characteristic", "read_by_type_request" },
		{ "BR/EDR pairing in progress", "br_edr_pairing_in_progress" },
		{ " Out of  Range (0xff)", "out_of_range" },
		{ "!", "" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ag_text name = { 0 };

		ag_name_from_words(&name, table[i].words, strlen(table[i].words));
		cr_expect_str_eq(name.data ? name.data : "", table[i].name);
		ag_text_clear(&name);
	}
}

Test(rules, hci_errors_have_names)
{
	cr_expect_str_eq(ag_hci_error_name(0x13), "remote_user_terminated_connection");
	cr_expect_null(ag_hci_error_name(0x2b));
}

/* ---- describe ---- */

static void expect_described(const char *name, const char *part)
{
	char *text = NULL;

	cr_assert(eq(int, ag_describe(name, &text), 0), "%s", name);
	cr_expect_not_null(strstr(text, part), "%s: %s", name, text);
	free(text);
}

Test(rules, everything_can_be_described)
{
	expect_described("att.opcode", "Wireshark: btatt.opcode");
	expect_described("btatt.handle", "att.handle: field");
	expect_described("reject", "reject [ERROR]");
	expect_described("read-request", "read_request: 0x0a, a value of att.opcode");
	expect_described("\"Read Request\"", "read_request: 0x0a");
	expect_described("Battery Level", "UUID 0x2a19, characteristic");
	expect_described("0x2a19", "battery_level");
	expect_described("00002a19-0000-1000-8000-00805f9b34fb", "battery_level");
	expect_described("0x05", "insufficient_authentication");
	expect_described("0x05", "pairing_not_supported");
	expect_described("insufficient_encryption", "0x0f, a value of att.error");
	expect_described("Battery Level", "att.uuid, att.characteristic or att.type is compared");
	expect_described("battery_service", "written where att.service is compared");
	expect_described("primary_service", "UUID 0x2800, declaration");
	expect_described("0x2902", "descriptor");
	expect_described("btatt.service_uuid16", "att.service: field");
	expect_described("hci.opcode", "not available in this version");
	for (int i = 0; i < AG_FIELD_COUNT; i++)
		expect_described(ag_field_name((enum ag_field)i), ": field, ");
	for (int i = 0; i <= AG_LOG; i++)
		expect_described(ag_action_name((enum ag_action_kind)i), "verdict: ");
}

Test(rules, what_is_not_known_has_a_neighbour)
{
	char *text = NULL;

	cr_expect(eq(int, ag_describe("read_requst", &text), 1));
	cr_expect_str_eq(text, "read_request");
	free(text);
	text = NULL;
	cr_expect(eq(int, ag_describe("qqqqqqqqqqqqqqqqqq", &text), 1));
	cr_expect_null(text);
	cr_expect(eq(int, ag_describe("", &text), 1));
	free(text);
	/* a UUID of 128 bits that is no short one written out */
	text = NULL;
	cr_expect(eq(int, ag_describe("00002a19-0000-1000-8000-00805f9b34fc", &text), 1));
	free(text);
}

Test(rules, the_list_of_everything_names_everything)
{
	char *text = ag_describe_all();

	cr_assert_not_null(text);
	cr_expect_not_null(strstr(text, "\natt.unsolicited "));
	cr_expect_not_null(strstr(text, "\nbattery_level "));
	cr_expect_not_null(strstr(text, "\nsigned_write_command "));
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		size_t len = strcspn(line, " ");
		char name[80];
		char *described = NULL;

		cr_assert(lt(sz, len, sizeof(name)));
		memcpy(name, line, len);
		name[len] = '\0';
		cr_expect(eq(int, ag_describe(name, &described), 0), "%s", name);
		free(described);
	}
	free(text);
}
