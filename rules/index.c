/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/field.h"
#include "rules/match.h"
#include "rules/require.h"

/* ---- Asking ---- */

/** The first entry of a rule that is not before `position`. */
static const struct ag_entry *first_from(const struct ag_entry *at, const struct ag_entry *end,
					 size_t position)
{
	while (at < end) {
		const struct ag_entry *middle = at + (end - at) / 2;

		if (middle->rule < position)
			at = middle + 1;
		else
			end = middle;
	}
	return at;
}

/** What is left of a row from `position` on; a bucket has entries of other tags too. */
static inline void add_head(struct ag_walk *walk, const struct ag_entry *at,
			    const struct ag_entry *end, uint32_t tag, size_t position)
{
	if (at == end)
		return;
	if (at->rule < position)
		at = first_from(at, end, position);
	while (at < end && at->tag != tag)
		at++;
	if (at < end)
		walk->heads[walk->count++] = (struct ag_head){ at, end, tag };
}

/** The interval a number is in: that with the last bound that is not above it. */
static size_t find_interval(const struct ag_column *column, uint64_t num)
{
	size_t low = 0;
	size_t high = column->n_bounds;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (column->bounds[middle] <= num)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void ask_intervals(const struct ag_column *column, uint64_t num, size_t position,
			  struct ag_walk *walk)
{
	size_t at = find_interval(column, num);

	if (at) /* not below all of them */
		add_head(walk, column->entries + column->begin[at - 1],
			 column->entries + column->begin[at], 0, position);
}

void ag_index_ask(const struct ag_index *index, const struct ag_subject *subject, size_t position,
		  struct ag_walk *walk)
{
	const struct ag_column *end = index->columns + index->n_columns;

	walk->count = 0;
	add_head(walk, index->always, index->always + index->n_always, 0, position);
	for (const struct ag_column *column = index->columns; column < end; column++) {
		const union ag_value *value = &subject->value[column->field];
		const uint32_t *begin;
		uint64_t hash;

		if (!ag_subject_has(subject, column->field))
			continue;
		if (column->bounds) {
			ask_intervals(column, value->num, position, walk);
			continue;
		}
		hash = ag_hash_value(column->type, value);
		begin = &column->begin[hash >> column->shift];
		add_head(walk, column->entries + begin[0], column->entries + begin[1],
			 (uint32_t)hash, position);
	}
}

bool ag_walk_next(struct ag_walk *walk, uint32_t *rule)
{
	struct ag_head *first = walk->heads;

	if (!walk->count)
		return false;
	for (struct ag_head *head = first + 1; head < walk->heads + walk->count; head++) {
		if (head->at->rule < first->at->rule)
			first = head;
	}
	*rule = first->at->rule;
	do
		first->at++;
	while (first->at < first->end && first->at->tag != first->tag);
	if (first->at == first->end)
		*first = walk->heads[--walk->count];
	return true;
}

/* ---- Choosing a column for each rule ---- */

/** Where a rule stands: the column of a field by hash or by interval, or none. */
enum { BY_INTERVAL = 0x80, NO_COLUMN = 0xff };

_Static_assert((int)AG_FIELD_COUNT < (NO_COLUMN & ~BY_INTERVAL), "a field and a flag fit");

struct builder {
	struct ag_ruleset *set;
	const struct ag_candidates *rules;
	const struct ag_index_plan *plan;
	struct ag_required required; /* of the rule looked at, used again and again */
	uint8_t *column_of;          /* by position in `rules` */
	uint32_t *popular;           /* how many rules there are under a value, by hash */
	unsigned int shift;          /* of a hash, for `popular` */
	size_t by_hash[AG_FIELD_COUNT];
	size_t by_interval[AG_FIELD_COUNT];
};

static void builder_clear(struct builder *builder)
{
	ag_required_clear(&builder->required);
	free(builder->column_of);
	free(builder->popular);
}

static int builder_begin(struct builder *builder)
{
	unsigned int bits = 4;

	while (bits < 20 && builder->rules->count * 2 > (size_t)1 << bits)
		bits++;
	builder->shift = 64 - bits;
	builder->column_of = malloc(builder->rules->count + 1);
	builder->popular = calloc((size_t)1 << bits, sizeof(*builder->popular));
	return builder->column_of && builder->popular ? 0 : -ENOMEM;
}

static const struct ag_node *condition(const struct builder *builder, size_t at)
{
	return builder->set->bodies[builder->rules->rules[at]].when;
}

static uint32_t *popularity(const struct builder *builder, enum ag_field field, uint64_t hash)
{
	uint64_t slot = (hash ^ (uint64_t)field << 59 ^ (uint64_t)field << 40) >> builder->shift;

	return &builder->popular[slot];
}

/** Fields of which a rule may require something, one bit each. */
static uint64_t fields_of(const struct builder *builder, size_t at)
{
	return ag_fields_tested(condition(builder, at)) & builder->plan->fields;
}

/** What rules require of the fields, asked for the first time: whatever fits now does so again. */
static int count_values(struct builder *builder, size_t at)
{
	const struct ag_required *required = &builder->required;

	for (uint64_t rest = fields_of(builder, at); rest; rest &= rest - 1) {
		enum ag_field field = (enum ag_field)__builtin_ctzll(rest);
		enum ag_requirement kind = ag_require(condition(builder, at), field,
						      &builder->required);

		if (kind == AG_REQUIRES_FAILED)
			return -ENOMEM;
		if (kind == AG_REQUIRES_RANGES)
			builder->by_interval[field]++;
		if (kind != AG_REQUIRES_VALUES)
			continue;
		builder->by_hash[field]++;
		for (size_t i = 0; i < required->n_hashes; i++)
			(*popularity(builder, field, required->hashes[i]))++;
	}
	return 0;
}

/** How many rules one has to expect together with this one, where it stands under this field. */
static size_t cost_of(struct builder *builder, enum ag_field field, enum ag_requirement kind)
{
	const struct ag_required *required = &builder->required;
	size_t cost = 0;

	if (kind == AG_REQUIRES_RANGES)
		return builder->by_interval[field];
	for (size_t i = 0; i < required->n_hashes; i++) {
		size_t here = *popularity(builder, field, required->hashes[i]);

		cost = here > cost ? here : cost;
	}
	return cost;
}

/** The column where fewest others are found together with the rule; of equal ones that which has
 *  most rules, so that there are few columns. */
static void choose(struct builder *builder, size_t at)
{
	size_t best_cost = SIZE_MAX;
	size_t best_use = 0;

	builder->column_of[at] = NO_COLUMN;
	for (uint64_t rest = fields_of(builder, at); rest; rest &= rest - 1) {
		enum ag_field field = (enum ag_field)__builtin_ctzll(rest);
		enum ag_requirement kind = ag_require(condition(builder, at), field,
						      &builder->required);
		bool ranges = kind == AG_REQUIRES_RANGES;
		size_t cost, use;

		if (kind == AG_REQUIRES_NOTHING)
			continue;
		cost = cost_of(builder, field, kind);
		use = ranges ? builder->by_interval[field] : builder->by_hash[field];
		if (cost > best_cost || (cost == best_cost && use <= best_use))
			continue;
		best_cost = cost;
		best_use = use;
		builder->column_of[at] = (uint8_t)(ranges ? field | BY_INTERVAL : field);
	}
}

static int choose_all(struct builder *builder)
{
	int r = 0;

	for (size_t i = 0; i < builder->rules->count && !r; i++)
		r = count_values(builder, i);
	for (size_t i = 0; i < builder->rules->count && !r; i++)
		choose(builder, i);
	return r;
}

/* ---- Columns ---- */

/** What a rule of a column requires, once more: there is room for it already. */
static void require(struct builder *builder, size_t at, enum ag_field field)
{
	ag_require(condition(builder, at), field, &builder->required);
}

/** Take entries for a rule, or have it always asked where there are none left. */
static bool take_entries(struct builder *builder, size_t at, size_t count)
{
	if (count > *builder->plan->left) {
		builder->column_of[at] = NO_COLUMN;
		return false;
	}
	*builder->plan->left -= count;
	return true;
}

/** Counts of entries into where each bucket begins. */
static void add_up(uint32_t *begin, size_t buckets)
{
	uint32_t total = 0;

	for (size_t i = 0; i <= buckets; i++) {
		uint32_t count = begin[i];

		begin[i] = total;
		total += count;
	}
}

/** Filling moved each beginning to its end, which is the next one's beginning. */
static void move_back(uint32_t *begin, size_t buckets)
{
	memmove(begin + 1, begin, buckets * sizeof(*begin));
	begin[0] = 0;
}

static size_t measure_hashes(struct builder *builder, struct ag_column *column)
{
	size_t total = 0;

	for (size_t i = 0; i < builder->rules->count; i++) {
		if (builder->column_of[i] != column->field)
			continue;
		require(builder, i, column->field);
		if (take_entries(builder, i, builder->required.n_hashes))
			total += builder->required.n_hashes;
	}
	return total;
}

/** Go through the hashes of all rules of a column, to count them or to put the rules there. */
static void pour_hashes(struct builder *builder, struct ag_column *column, uint32_t *begin,
			struct ag_entry *entries)
{
	for (size_t i = 0; i < builder->rules->count; i++) {
		if (builder->column_of[i] != column->field)
			continue;
		require(builder, i, column->field);
		for (size_t j = 0; j < builder->required.n_hashes; j++) {
			uint64_t hash = builder->required.hashes[j];
			uint32_t at = begin[hash >> column->shift]++;

			if (entries)
				entries[at] = (struct ag_entry){ (uint32_t)hash,
								 builder->rules->rules[i] };
		}
	}
}

static int build_hashes(struct builder *builder, struct ag_column *column)
{
	unsigned int bits = 1;
	size_t total = measure_hashes(builder, column);
	struct ag_entry *entries;
	uint32_t *begin;
	size_t buckets;

	while ((size_t)1 << bits < 2 * total)
		bits++;
	column->shift = 64 - bits;
	buckets = (size_t)1 << bits;
	begin = ag_arena_alloc(&builder->set->arena, buckets + 1, sizeof(*begin));
	entries = ag_arena_alloc(&builder->set->arena, total, sizeof(*entries));
	if (!begin || !entries)
		return -ENOMEM;
	pour_hashes(builder, column, begin, NULL);
	add_up(begin, buckets);
	pour_hashes(builder, column, begin, entries);
	move_back(begin, buckets);
	column->begin = begin;
	column->entries = entries;
	return 0;
}

static int compare_bounds(const void *left, const void *right)
{
	const uint64_t *a = left;
	const uint64_t *b = right;

	return (*a > *b) - (*a < *b);
}

/** Where the ranges of a column's rules begin and where what is behind them does. */
static int find_bounds(struct builder *builder, struct ag_column *column)
{
	size_t size = 0;
	size_t count = 0;
	size_t kept = 0;
	uint64_t *bounds;

	for (size_t i = 0; i < builder->rules->count; i++) {
		if (builder->column_of[i] == (column->field | BY_INTERVAL)) {
			require(builder, i, column->field);
			size += 2 * builder->required.n_ranges;
		}
	}
	bounds = ag_arena_alloc(&builder->set->arena, size, sizeof(*bounds));
	if (!bounds)
		return -ENOMEM;
	for (size_t i = 0; i < builder->rules->count; i++) {
		if (builder->column_of[i] != (column->field | BY_INTERVAL))
			continue;
		require(builder, i, column->field);
		for (size_t j = 0; j < builder->required.n_ranges; j++) {
			bounds[count++] = builder->required.ranges[j].low;
			bounds[count++] = builder->required.ranges[j].high + 1;
		}
	}
	qsort(bounds, count, sizeof(*bounds), compare_bounds);
	for (size_t i = 0; i < count; i++) {
		if (!kept || bounds[i] != bounds[kept - 1])
			bounds[kept++] = bounds[i];
	}
	column->bounds = bounds;
	column->n_bounds = kept;
	return 0;
}

/** The first interval of a range, and the one behind its last. */
static size_t interval_of(const struct ag_column *column, uint64_t bound)
{
	return find_interval(column, bound) - 1;
}

static size_t count_intervals(const struct builder *builder, const struct ag_column *column)
{
	size_t count = 0;

	for (size_t i = 0; i < builder->required.n_ranges; i++)
		count += interval_of(column, builder->required.ranges[i].high + 1) -
			 interval_of(column, builder->required.ranges[i].low);
	return count;
}

/** Ranges that overlap have many intervals in common, in the worst case half of all each. */
static size_t measure_intervals(struct builder *builder, const struct ag_column *column)
{
	size_t most = 16 * column->n_bounds;
	size_t total = 0;

	for (size_t i = 0; i < builder->rules->count; i++) {
		size_t count;

		if (builder->column_of[i] != (column->field | BY_INTERVAL))
			continue;
		require(builder, i, column->field);
		count = count_intervals(builder, column);
		if (count > most - total)
			builder->column_of[i] = NO_COLUMN;
		else if (take_entries(builder, i, count))
			total += count;
	}
	return total;
}

static void pour_intervals(struct builder *builder, const struct ag_column *column, uint32_t *begin,
			   struct ag_entry *entries)
{
	for (size_t i = 0; i < builder->rules->count; i++) {
		if (builder->column_of[i] != (column->field | BY_INTERVAL))
			continue;
		require(builder, i, column->field);
		for (size_t j = 0; j < builder->required.n_ranges; j++) {
			const struct ag_range *range = &builder->required.ranges[j];
			size_t end = interval_of(column, range->high + 1);

			for (size_t k = interval_of(column, range->low); k < end; k++) {
				uint32_t at = begin[k]++;

				if (entries)
					entries[at].rule = builder->rules->rules[i];
			}
		}
	}
}

static int build_intervals(struct builder *builder, struct ag_column *column)
{
	struct ag_entry *entries;
	uint32_t *begin;
	size_t total;

	if (find_bounds(builder, column))
		return -ENOMEM;
	total = measure_intervals(builder, column);
	begin = ag_arena_alloc(&builder->set->arena, column->n_bounds + 1, sizeof(*begin));
	entries = ag_arena_alloc(&builder->set->arena, total, sizeof(*entries));
	if (!begin || !entries)
		return -ENOMEM;
	pour_intervals(builder, column, begin, NULL);
	add_up(begin, column->n_bounds);
	pour_intervals(builder, column, begin, entries);
	move_back(begin, column->n_bounds);
	column->begin = begin;
	column->entries = entries;
	return 0;
}

static int build_columns(struct builder *builder, struct ag_index *out)
{
	bool used[NO_COLUMN + 1] = { false };
	struct ag_column *columns;
	size_t count = 0;

	for (size_t i = 0; i < builder->rules->count; i++)
		used[builder->column_of[i]] = true;
	for (unsigned int i = 0; i < NO_COLUMN; i++)
		count += used[i];
	columns = ag_arena_alloc(&builder->set->arena, count, sizeof(*columns));
	if (!columns)
		return -ENOMEM;
	count = 0;
	for (unsigned int i = 0; i < NO_COLUMN; i++) {
		struct ag_column *column = &columns[count];
		int r;

		if (!used[i])
			continue;
		column->field = (enum ag_field)(i & ~(unsigned int)BY_INTERVAL);
		column->type = ag_field_type(column->field);
		r = i & BY_INTERVAL ? build_intervals(builder, column)
				    : build_hashes(builder, column);
		if (r)
			return r;
		count++;
	}
	out->columns = columns;
	out->n_columns = count;
	return 0;
}

/** What stands in no column; last, since some find no room there. */
static int build_always(struct builder *builder, struct ag_index *out)
{
	struct ag_entry *entries;
	size_t count = 0;

	for (size_t i = 0; i < builder->rules->count; i++)
		count += builder->column_of[i] == NO_COLUMN;
	entries = ag_arena_alloc(&builder->set->arena, count, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	out->always = entries;
	out->n_always = count;
	for (size_t i = 0; i < builder->rules->count; i++) {
		if (builder->column_of[i] == NO_COLUMN)
			(entries++)->rule = builder->rules->rules[i];
	}
	return 0;
}

int ag_index_build(struct ag_ruleset *set, const struct ag_candidates *rules,
		   const struct ag_index_plan *plan, struct ag_index *out)
{
	struct builder builder = { .set = set, .rules = rules, .plan = plan };
	int r = builder_begin(&builder);

	if (!r)
		r = choose_all(&builder);
	if (!r)
		r = build_columns(&builder, out);
	if (!r)
		r = build_always(&builder, out);
	builder_clear(&builder);
	return r;
}
