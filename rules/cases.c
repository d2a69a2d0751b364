/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/cases.h"

#include <string.h>

#include "rules/match.h"

void ag_cases_all(struct ag_cases *cases)
{
	memset(cases, 0xff, sizeof(*cases));
}

bool ag_cases_empty(const struct ag_cases *cases)
{
	for (size_t i = 0; i < AG_CASE_WORDS; i++) {
		if (cases->words[i])
			return false;
	}
	return true;
}

bool ag_cases_meet(const struct ag_cases *a, const struct ag_cases *b)
{
	for (size_t i = 0; i < AG_CASE_WORDS; i++) {
		if (a->words[i] & b->words[i])
			return true;
	}
	return false;
}

void ag_cases_and(struct ag_cases *cases, const struct ag_cases *other)
{
	for (size_t i = 0; i < AG_CASE_WORDS; i++)
		cases->words[i] &= other->words[i];
}

void ag_cases_or(struct ag_cases *cases, const struct ag_cases *other)
{
	for (size_t i = 0; i < AG_CASE_WORDS; i++)
		cases->words[i] |= other->words[i];
}

void ag_cases_minus(struct ag_cases *cases, const struct ag_cases *other)
{
	for (size_t i = 0; i < AG_CASE_WORDS; i++)
		cases->words[i] &= ~other->words[i];
}

uint64_t ag_fields_of_pdu(unsigned int pdu)
{
	return pdu < 256 ? ag_fields_of_att((uint8_t)pdu) : ag_fields_of_smp((uint8_t)pdu);
}

/* ---- One comparison ---- */

enum certainty { NEVER = 1, ALWAYS = 2, PERHAPS = NEVER | ALWAYS };

static enum certainty certainty_of(const struct ag_node *test, uint64_t num)
{
	return ag_ranges_have(test->ranges, test->n_ranges, num) ? ALWAYS : NEVER;
}

/** A comparison with a field that follows from the context alone. */
static enum certainty in_context(const struct ag_node *test, unsigned int context)
{
	enum ag_path path = ag_context_path(context);

	if (test->field == AG_F_FROM)
		return certainty_of(test, ag_context_from(context));
	if (test->field == AG_F_ROLE)
		return certainty_of(test, ag_context_role(context));
	if (test->field == AG_F_LINK)
		return certainty_of(test, path >= AG_PATH_ATT_BREDR ? AG_LINK_BREDR : AG_LINK_LE);
	if (test->field == AG_F_BEARER)
		return certainty_of(test,
				    path == AG_PATH_EATT_BREDR ? AG_BEARER_EATT : (uint64_t)path);
	return PERHAPS;
}

/** A comparison with a field that the PDU has. */
static enum certainty in_pdu(const struct ag_node *test, unsigned int pdu)
{
	enum ag_att_kind kind;

	if (test->field == AG_F_ATT_OPCODE || test->field == AG_F_SMP_OPCODE)
		return certainty_of(test, pdu & 0xff);
	if (test->field == AG_F_ATT_KIND && ag_kind_of_att((uint8_t)pdu, &kind))
		return certainty_of(test, kind);
	return PERHAPS;
}

/** Numbers can turn out to be impossible whatever the PDU: a range without members. */
static bool is_empty(const struct ag_node *test)
{
	return ag_type_is_number(ag_field_type(test->field)) && test->n_ranges == 0;
}

/** In which PDUs a comparison can be true and in which it can be false; without the field it is
 *  false. */
static void pdus_of_test(const struct ag_node *test, uint64_t is_true[AG_CONTEXT_WORDS],
			 uint64_t is_false[AG_CONTEXT_WORDS])
{
	bool by_opcode = ag_fields_of_opcode() & ag_field_bit(test->field);
	bool empty = is_empty(test);

	ag_pdus_with_field(test->field, is_true);
	for (size_t i = 0; i < AG_CONTEXT_WORDS; i++) {
		uint64_t has = empty ? 0 : is_true[i];

		is_true[i] = has;
		is_false[i] = UINT64_MAX;
		for (uint64_t rest = by_opcode ? has : 0; rest; rest &= rest - 1) {
			unsigned int bit = (unsigned int)__builtin_ctzll(rest);
			enum certainty certainty = in_pdu(test, (unsigned int)i * 64 + bit);

			if (!(certainty & ALWAYS))
				is_true[i] &= ~(UINT64_C(1) << bit);
			if (!(certainty & NEVER))
				is_false[i] &= ~(UINT64_C(1) << bit);
		}
	}
}

static void cases_of_test(const struct ag_node *test, struct ag_cases *can_be_true,
			  struct ag_cases *can_be_false)
{
	uint64_t is_true[AG_CONTEXT_WORDS];
	uint64_t is_false[AG_CONTEXT_WORDS];

	pdus_of_test(test, is_true, is_false);
	for (unsigned int context = 0; context < AG_CONTEXTS; context++) {
		enum certainty certainty = in_context(test, context);
		size_t at = context * AG_CONTEXT_WORDS;

		for (size_t i = 0; i < AG_CONTEXT_WORDS; i++) {
			uint64_t has = is_true[i]; /* can the PDU have the field at all? */

			can_be_true->words[at + i] = certainty & ALWAYS ? has : 0;
			can_be_false->words[at + i] = certainty == ALWAYS  ? ~has
						      : certainty == NEVER ? ~UINT64_C(0)
									   : is_false[i];
		}
	}
}

/* ---- Conditions ---- */

static void cases_of_chain(const struct ag_node *node, struct ag_cases *can_be_true,
			   struct ag_cases *can_be_false)
{
	bool all = node->kind == AG_NODE_AND;
	struct ag_cases child_true;
	struct ag_cases child_false;

	ag_cases_of(node->children[0], can_be_true, can_be_false);
	for (size_t i = 1; i < node->n_children; i++) {
		ag_cases_of(node->children[i], &child_true, &child_false);
		(all ? ag_cases_and : ag_cases_or)(can_be_true, &child_true);
		(all ? ag_cases_or : ag_cases_and)(can_be_false, &child_false);
	}
}

void ag_cases_of(const struct ag_node *node, struct ag_cases *can_be_true,
		 struct ag_cases *can_be_false)
{
	if (!node) {
		ag_cases_all(can_be_true);
		memset(can_be_false, 0, sizeof(*can_be_false));
		return;
	}
	switch (node->kind) {
	case AG_NODE_AND:
	case AG_NODE_OR:
		cases_of_chain(node, can_be_true, can_be_false);
		break;
	case AG_NODE_NOT:
		ag_cases_of(node->children[0], can_be_false, can_be_true);
		break;
	case AG_NODE_TEST:
		cases_of_test(node, can_be_true, can_be_false);
		break;
	case AG_NODE_SAMPLER:
		ag_cases_all(can_be_true);
		ag_cases_all(can_be_false);
		break;
	}
}

/* An operand is asked if the ones before it leave the whole open, those of an `and` without
 * samplers first (lower.c): up to the first with one, each tells where the rest is not asked. */
static void matter_in_chain(const struct ag_node *node, struct ag_cases *out)
{
	bool all = node->kind == AG_NODE_AND;
	struct ag_cases child;

	ag_cases_that_matter(node->children[0], out);
	for (size_t i = 1; i < node->n_children && !(all && node->children[i - 1]->samples); i++) {
		ag_cases_that_matter(node->children[i], &child);
		(all ? ag_cases_and : ag_cases_or)(out, &child);
	}
}

void ag_cases_that_matter(const struct ag_node *node, struct ag_cases *out)
{
	struct ag_cases can_be_false;

	if (!node || !node->samples) {
		ag_cases_of(node, out, &can_be_false);
		return;
	}
	switch (node->kind) {
	case AG_NODE_AND:
	case AG_NODE_OR:
		matter_in_chain(node, out);
		break;
	case AG_NODE_NOT:
	case AG_NODE_SAMPLER:
	case AG_NODE_TEST:
		ag_cases_all(out);
		break;
	}
}
