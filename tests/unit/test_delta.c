/* SPDX-License-Identifier: Apache-2.0 */
#include "delta.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define TTL (100 * SECOND)
#define CELLS 4
#define WRAP (UINT64_C(1) << 32)

/* Two cells of 8 bytes, two of 4. */
static struct layout_run runs[] = {
	{.offset = 0, .width = 8, .count = 2, .first_cell = 0},
	{.offset = 16, .width = 4, .count = 2, .first_cell = 2},
};
static const struct layout layout = {
	.key_size = 4,
	.value_size = 24,
	.runs = runs,
	.n_runs = ARRAY_SIZE(runs),
	.n_cells = CELLS,
};

/* A table, the read that is being filled, and what the last advance told. */
struct rig {
	struct delta *delta;
	struct rows rows;
	const struct delta_row *told;
	size_t n_told;
};

static void begin_read(struct rig *rig, uint64_t taken_ns)
{
	rows_reset(&rig->rows, layout.key_size, layout.n_cells);
	rig->rows.taken_ns = taken_ns;
}

static void put(struct rig *rig, uint32_t key, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t *cells;

	assert_int_equal(rows_add(&rig->rows, &key, &cells), 0);
	cells[0] = a;
	cells[1] = b;
	cells[2] = c;
	cells[3] = d;
}

static void baseline(struct rig *rig)
{
	assert_int_equal(delta_baseline(rig->delta, &rig->rows), 0);
}

static void advance(struct rig *rig)
{
	assert_int_equal(delta_advance(rig->delta, &rig->rows, &rig->told, &rig->n_told), 0);
	/* Whatever is told must not point into the read. */
	memset(rig->rows.keys, 0xee, rig->rows.cap * layout.key_size);
	memset(rig->rows.cells, 0xee, rig->rows.cap * CELLS * sizeof(uint64_t));
}

static void expect(const struct rig *rig, size_t i, uint32_t key, enum delta_state state,
                   const uint64_t increments[CELLS])
{
	uint32_t found;
	bool counted = false;

	assert_true(i < rig->n_told);
	memcpy(&found, rig->told[i].key, sizeof(found));
	assert_int_equal(found, key);
	assert_int_equal(rig->told[i].state, state);
	for (int c = 0; c < CELLS; c++) {
		assert_int_equal(rig->told[i].increments[c], increments[c]);
		counted |= increments[c] != 0;
	}
	assert_int_equal(rig->told[i].counted, counted);
}

#define EXPECT(rig, i, key, state, ...) \
	expect(rig, i, key, state, (const uint64_t[CELLS]){__VA_ARGS__})

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	*state = rig;
	begin_read(rig, 1);
	return rig ? delta_new(&layout, TTL, &rig->delta) : -1;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	delta_free(rig->delta);
	rows_free(&rig->rows);
	free(rig);
	return 0;
}

static void a_key_of_the_baseline_tells_what_came_after_it(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 1000, 3, 4);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 7, 101, 1512, 3, 5);
	advance(rig);

	assert_int_equal(rig->n_told, 1);
	EXPECT(rig, 0, 7, DELTA_LIVE, 1, 512, 0, 1);
}

static void a_key_that_counted_before_the_baseline_is_live_with_zeros(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 0, 0, 0);
	put(rig, 8, 0, 0, 0, 0);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 7, 100, 0, 0, 0);
	put(rig, 8, 0, 0, 0, 0);
	advance(rig);

	assert_int_equal(rig->n_told, 1);
	EXPECT(rig, 0, 7, DELTA_LIVE, 0, 0, 0, 0);
}

static void a_key_first_seen_later_tells_its_whole_value(void **state)
{
	struct rig *rig = *state;

	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 7, 5, 2560, 5, 0);
	advance(rig);

	assert_int_equal(rig->n_told, 1);
	EXPECT(rig, 0, 7, DELTA_NEW, 5, 2560, 5, 0);
}

static void a_key_of_zeros_is_silent_until_its_first_count_and_new_then(void **state)
{
	struct rig *rig = *state;

	put(rig, 1, 0, 0, 0, 0);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 1, 0, 0, 0, 0);
	put(rig, 2, 0, 0, 0, 0);
	advance(rig);
	assert_int_equal(rig->n_told, 0);

	begin_read(rig, 20 * SECOND);
	put(rig, 1, 0, 0, 1, 0);
	put(rig, 2, 3, 0, 0, 0);
	advance(rig);
	assert_int_equal(rig->n_told, 2);
	EXPECT(rig, 0, 1, DELTA_NEW, 0, 0, 1, 0);
	EXPECT(rig, 1, 2, DELTA_NEW, 3, 0, 0, 0);
}

static void without_a_baseline_everything_is_new(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 5, 6, 7, 8);
	advance(rig);
	EXPECT(rig, 0, 7, DELTA_NEW, 5, 6, 7, 8);
}

static void a_second_baseline_forgets_the_first(void **state)
{
	struct rig *rig = *state;

	put(rig, 1, 10, 0, 0, 0);
	put(rig, 2, 10, 0, 0, 0);
	baseline(rig);
	begin_read(rig, 2);
	put(rig, 2, 50, 0, 0, 0);
	baseline(rig);
	begin_read(rig, 3);
	put(rig, 2, 51, 0, 0, 0);
	put(rig, 1, 10, 0, 0, 0);
	advance(rig);

	assert_int_equal(rig->n_told, 2);
	EXPECT(rig, 0, 2, DELTA_LIVE, 1, 0, 0, 0);
	EXPECT(rig, 1, 1, DELTA_NEW, 10, 0, 0, 0);
}

static void a_cell_of_4_bytes_wraps_without_a_trace(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 0, WRAP - 3, 9);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 7, 110, 0, 7, 9);
	advance(rig);

	EXPECT(rig, 0, 7, DELTA_LIVE, 10, 0, 10, 0);
}

static void a_cell_of_8_bytes_that_went_back_resets_the_whole_row(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 5000, 40, 60);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 7, 3, 6000, 2, 61);
	advance(rig);
	EXPECT(rig, 0, 7, DELTA_RESET, 3, 6000, 2, 61);

	begin_read(rig, 20 * SECOND);
	put(rig, 7, 4, 6000, 2, 61);
	advance(rig);
	EXPECT(rig, 0, 7, DELTA_LIVE, 1, 0, 0, 0);
}

static void a_row_cleared_to_zero_is_a_reset_that_counts_nothing(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 0, 0, 0);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 7, 0, 0, 0, 0);
	advance(rig);
	EXPECT(rig, 0, 7, DELTA_RESET, 0, 0, 0, 0);
}

static void a_vanished_key_tells_zeros_until_its_ttl(void **state)
{
	struct rig *rig = *state;

	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 7, 100, 0, 0, 0);
	advance(rig);
	begin_read(rig, 109 * SECOND);
	advance(rig);
	assert_int_equal(rig->n_told, 1);
	EXPECT(rig, 0, 7, DELTA_VANISHED, 0, 0, 0, 0);

	begin_read(rig, 110 * SECOND);
	advance(rig);
	assert_int_equal(rig->n_told, 0);

	/* Forgotten: what comes back is new. */
	begin_read(rig, 111 * SECOND);
	put(rig, 7, 101, 0, 0, 0);
	advance(rig);
	EXPECT(rig, 0, 7, DELTA_NEW, 101, 0, 0, 0);
}

static void a_key_that_returns_with_more_goes_on(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 0, 50, 0);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	advance(rig);
	begin_read(rig, 20 * SECOND);
	put(rig, 7, 103, 0, 53, 0);
	advance(rig);
	EXPECT(rig, 0, 7, DELTA_LIVE, 3, 0, 3, 0);
}

static void a_key_that_returns_with_less_was_made_anew(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 0, 100, 0);
	put(rig, 8, 100, 0, 100, 0);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	advance(rig);
	begin_read(rig, 20 * SECOND);
	put(rig, 7, 2, 0, 2, 0);
	/* Only the 4-byte cell tells: modulo 2^32 it would be four billion events. */
	put(rig, 8, 200, 0, 0, 200);
	advance(rig);
	EXPECT(rig, 0, 7, DELTA_RESET, 2, 0, 2, 0);
	EXPECT(rig, 1, 8, DELTA_RESET, 200, 0, 0, 200);

	/* Back in sight, a 4-byte cell wraps as before. */
	begin_read(rig, 30 * SECOND);
	put(rig, 8, 201, 0, WRAP - 1, 200);
	advance(rig);
	begin_read(rig, 40 * SECOND);
	put(rig, 8, 202, 0, 0, 200);
	advance(rig);
	EXPECT(rig, 1, 8, DELTA_LIVE, 1, 0, 1, 0);
}

static void an_idle_key_is_not_told_but_remembered(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 0, 0, 0);
	baseline(rig);
	begin_read(rig, 1 + TTL - 1);
	put(rig, 7, 100, 0, 0, 0);
	advance(rig);
	assert_int_equal(rig->n_told, 1);

	begin_read(rig, 1 + TTL);
	put(rig, 7, 100, 0, 0, 0);
	advance(rig);
	assert_int_equal(rig->n_told, 0);

	begin_read(rig, 1 + 5 * TTL);
	put(rig, 7, 102, 0, 0, 0);
	advance(rig);
	assert_int_equal(rig->n_told, 1);
	EXPECT(rig, 0, 7, DELTA_LIVE, 2, 0, 0, 0);
}

static void of_a_key_that_stands_twice_the_last_counts(void **state)
{
	struct rig *rig = *state;

	put(rig, 7, 100, 0, 0, 0);
	put(rig, 7, 101, 0, 0, 0);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 7, 104, 0, 0, 0);
	put(rig, 8, 1, 0, 0, 0);
	put(rig, 7, 105, 0, 0, 0);
	put(rig, 8, 2, 0, 0, 0);
	advance(rig);

	assert_int_equal(rig->n_told, 2);
	EXPECT(rig, 0, 7, DELTA_LIVE, 4, 0, 0, 0);
	EXPECT(rig, 1, 8, DELTA_NEW, 2, 0, 0, 0);
}

static void the_order_is_that_of_first_sight(void **state)
{
	struct rig *rig = *state;

	put(rig, 30, 1, 0, 0, 0);
	put(rig, 10, 1, 0, 0, 0);
	baseline(rig);
	begin_read(rig, 10 * SECOND);
	put(rig, 5, 1, 0, 0, 0);
	put(rig, 10, 2, 0, 0, 0);
	put(rig, 30, 2, 0, 0, 0);
	advance(rig);

	assert_int_equal(rig->n_told, 3);
	EXPECT(rig, 0, 30, DELTA_LIVE, 1, 0, 0, 0);
	EXPECT(rig, 1, 10, DELTA_LIVE, 1, 0, 0, 0);
	EXPECT(rig, 2, 5, DELTA_NEW, 1, 0, 0, 0);
}

/* A map keyed by process: every window other keys. */
static void churning_keys_are_forgotten_before_their_ttl(void **state)
{
	struct rig *rig = *state;
	size_t memory = 0;

	baseline(rig);
	for (uint32_t window = 0; window < 60; window++) {
		begin_read(rig, 10 * SECOND + window);
		for (uint32_t i = 0; i < 200; i++)
			put(rig, window * 200 + i, 1, 0, 0, 0);
		advance(rig);
		assert_true(rig->n_told <= 200 + DELTA_MIN_VANISHED);
		if (window >= 20) {
			assert_int_equal(rig->n_told, 200 + DELTA_MIN_VANISHED);
			/* The newest are kept: the last read's keys, and before them the youngest vanished. */
			EXPECT(rig, rig->n_told - 1, window * 200 + 199, DELTA_NEW, 1, 0, 0, 0);
			EXPECT(rig, DELTA_MIN_VANISHED - 1, window * 200 - 1, DELTA_VANISHED, 0, 0,
			       0, 0);
			assert_int_equal(delta_memory(rig->delta), memory);
		}
		memory = delta_memory(rig->delta);
	}
}

static void the_steady_state_allocates_nothing(void **state)
{
	struct rig *rig = *state;
	size_t memory = 0;

	for (uint64_t window = 0; window < 50; window++) {
		begin_read(rig, (10 + window) * SECOND);
		for (uint32_t key = 0; key < 1792; key++)
			put(rig, key, window * key + 1, 0, window, 0);
		advance(rig);
		assert_int_equal(rig->n_told, 1792);
		if (window)
			assert_int_equal(delta_memory(rig->delta), memory);
		memory = delta_memory(rig->delta);
	}
}

/* The same rules, written as plainly as can be: one list, no table, cell by cell. */
#define MODEL_KEYS 48

struct model_key {
	uint32_t key;
	bool known, ever, gone;
	uint64_t counted_ns;
	uint64_t before[CELLS];
};

struct model {
	struct model_key keys[2 * MODEL_KEYS]; /* known ones, in the order first seen */
	size_t n;
};

struct model_told {
	uint32_t key;
	enum delta_state state;
	uint64_t increments[CELLS];
};

static const uint64_t *model_row(const struct rows *rows, uint32_t key)
{
	const uint64_t *found = NULL;

	for (size_t i = 0; i < rows->n; i++)
		if (memcmp(rows_key(rows, i), &key, sizeof(key)) == 0)
			found = rows_cells(rows, i);
	return found;
}

static void model_learn(struct model *m, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		uint32_t key;
		bool known = false;

		memcpy(&key, rows_key(rows, i), sizeof(key));
		for (size_t k = 0; k < m->n; k++)
			known |= m->keys[k].known && m->keys[k].key == key;
		if (known)
			continue;
		assert_true(m->n < ARRAY_SIZE(m->keys));
		m->keys[m->n++] =
			(struct model_key){.key = key, .known = true, .counted_ns = rows->taken_ns};
	}
}

/* @return whether the key is to be told */
static bool model_key(struct model_key *k, const struct rows *rows, struct model_told *ret_told)
{
	const uint64_t *now = model_row(rows, k->key);
	struct model_told told = {.key = k->key, .state = DELTA_VANISHED};
	bool reset = false, counted = false;

	if (!now) {
		k->known = k->ever && rows->taken_ns - k->counted_ns < TTL;
		k->gone = true;
		*ret_told = told;
		return k->known;
	}
	for (int c = 0; c < CELLS; c++)
		reset |= now[c] < k->before[c] && (c < 2 || k->gone);
	for (int c = 0; c < CELLS; c++) {
		told.increments[c] = now[c] - (reset ? 0 : k->before[c]);
		if (c >= 2)
			told.increments[c] %= WRAP;
		counted |= told.increments[c] != 0;
		k->before[c] = now[c];
	}
	told.state = reset ? DELTA_RESET : counted && !k->ever ? DELTA_NEW : DELTA_LIVE;
	k->gone = false;
	k->ever |= counted;
	if (counted)
		k->counted_ns = rows->taken_ns;
	*ret_told = told;
	return k->ever && rows->taken_ns - k->counted_ns < TTL;
}

/* One kernel's map with everything that may happen to it. */
static void random_read(struct rig *rig, uint64_t *random, uint64_t kernel[MODEL_KEYS][CELLS])
{
	for (uint32_t key = 0; key < MODEL_KEYS; key++) {
		uint64_t *cells = kernel[key];

		if (random_once_in(random, 40))
			memset(cells, 0, CELLS * sizeof(*cells));
		for (int times = random_once_in(random, 20) ? 2 : 1; times--;) {
			for (int c = 0; c < CELLS && random_once_in(random, 3); c++) {
				cells[c] +=
					random_below(random, random_once_in(random, 5) ? WRAP : 9);
				if (c >= 2)
					cells[c] %= WRAP;
			}
			if (!random_once_in(random, 6))
				put(rig, key, cells[0], cells[1], cells[2], cells[3]);
		}
	}
}

static void agrees_with_the_naive_implementation(void **state)
{
	struct rig *rig = *state;
	static uint64_t kernel[MODEL_KEYS][CELLS];
	static struct model model;
	uint64_t random = 20, seen[DELTA_STATE_MAX] = {0};
	uint64_t now_ns = SECOND;

	baseline(rig);
	for (int window = 0; window < 3000; window++) {
		now_ns +=
			random_below(&random, random_once_in(&random, 100) ? 3 * TTL : 20 * SECOND);
		begin_read(rig, now_ns);
		if (!random_once_in(&random, 50))
			random_read(rig, &random, kernel);
		if (!rig->rows.cap)
			continue;

		struct model_told want[MODEL_KEYS];
		size_t n = 0;
		model_learn(&model, &rig->rows);
		for (size_t k = 0, kept = 0, all = model.n; k < all; k++) {
			if (model_key(&model.keys[k], &rig->rows, &want[n]))
				n++;
			if (model.keys[k].known)
				model.keys[kept++] = model.keys[k];
			model.n = kept;
		}

		advance(rig);
		assert_int_equal(rig->n_told, n);
		for (size_t i = 0; i < n; i++) {
			expect(rig, i, want[i].key, want[i].state, want[i].increments);
			seen[want[i].state]++;
		}
	}
	for (int s = DELTA_LIVE; s < DELTA_IDLE; s++)
		assert_true(seen[s] > 100);
}

/* A counter, a gauge and a maximum. */
static struct layout_run mixed_runs[] = {
	{.kind = SPEC_COUNTER, .offset = 0, .width = 8, .count = 1, .first_cell = 0},
	{.kind = SPEC_GAUGE, .offset = 8, .width = 8, .count = 1, .first_cell = 1},
	{.kind = SPEC_MAXIMUM, .offset = 16, .width = 8, .count = 1, .first_cell = 2},
};
static const struct layout mixed = {.key_size = 4,
                                    .value_size = 32,
                                    .runs = mixed_runs,
                                    .n_runs = ARRAY_SIZE(mixed_runs),
                                    .n_cells = 3,
                                    .has_gauges = true,
                                    .has_maxima = true};

/* One read of one key, or of none. */
static const struct delta_row *read_mixed(struct delta *delta, uint64_t second,
                                          const uint64_t cells[3], size_t *n)
{
	struct rows rows = {0};
	const struct delta_row *told;
	uint64_t *room;
	uint32_t key = 1;

	rows_reset(&rows, 4, 3);
	rows.taken_ns = second * SECOND;
	if (cells) {
		assert_int_equal(rows_add(&rows, &key, &room), 0);
		memcpy(room, cells, 3 * sizeof(*cells));
	}
	assert_int_equal(delta_advance(delta, &rows, &told, n), 0);
	rows_free(&rows);
	return told;
}

/* A gauge may fall and a maximum is another window's: neither is subtracted, neither makes a reset. */
static void gauges_and_maxima_pass_as_read(void **state)
{
	static const struct {
		uint64_t cells[3], told[3];
		bool gone, counted;
		enum delta_state state;
	} reads[] = {
		{{10, 5, 900}, {10, 5, 900}, false, true, DELTA_NEW},
		{{13, 3, 40}, {3, 3, 40}, false, true, DELTA_LIVE},
		{{13, 3, 0}, {0, 3, 0}, false, true, DELTA_LIVE}, /* at rest, and still at 3 */
		{{13, 3, 0}, {0, 3, 0}, false, true, DELTA_LIVE},
		{{13, 0, 0}, {0, 0, 0}, false, false, DELTA_LIVE},
		{{13, 0, 7}, {0, 0, 7}, false, true, DELTA_LIVE},
		{{0, 0, 0}, {0, 0, 0}, true, false, DELTA_VANISHED},
		{{2, 9, 1}, {2, 9, 1}, false, true, DELTA_RESET},
	};
	struct delta *delta;
	size_t n;

	(void)state;
	assert_int_equal(delta_new(&mixed, TTL, &delta), 0);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		const struct delta_row *told =
			read_mixed(delta, i + 1, reads[i].gone ? NULL : reads[i].cells, &n);

		assert_int_equal(n, 1);
		assert_int_equal(told->state, reads[i].state);
		assert_int_equal(told->counted, reads[i].counted);
		assert_memory_equal(told->increments, reads[i].told, sizeof(reads[i].told));
	}
	delta_free(delta);
}

/* An hour at the same height is not an hour without news. */
static void a_gauge_above_zero_never_grows_idle(void **state)
{
	struct delta *delta;
	size_t n;

	(void)state;
	assert_int_equal(delta_new(&mixed, TTL, &delta), 0);
	for (uint64_t second = 1; second < 3600; second += 30) {
		read_mixed(delta, second, (const uint64_t[]){1, 5, 0}, &n);
		assert_int_equal(n, 1);
	}
	read_mixed(delta, 3600, (const uint64_t[]){1, 0, 0}, &n);
	read_mixed(delta, 3800, (const uint64_t[]){1, 0, 0}, &n);
	assert_int_equal(n, 0);
	delta_free(delta);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static bool has_number(const void *ctx, const uint8_t *key)
{
	uint32_t number;

	memcpy(&number, key, sizeof(number));
	return number == *(const uint32_t *)ctx;
}

/* What a disk counted is not its successor's: neither as a count nor as a row of zeros. */
static void a_series_that_was_ended_is_told_again_when_it_counts_and_from_there(void **state)
{
	const uint32_t seven = 7;
	struct rig *rig = *state;

	put(rig, 7, 5, 0, 0, WRAP - 1);
	put(rig, 8, 5, 0, 0, 0);
	baseline(rig);
	delta_end(rig->delta, has_number, &seven);
	begin_read(rig, 2);
	put(rig, 7, 5, 0, 0, WRAP - 1);
	put(rig, 8, 5, 0, 0, 0);
	advance(rig);
	assert_int_equal(rig->n_told, 1);
	EXPECT(rig, 0, 8, DELTA_LIVE, 0, 0, 0, 0);
	begin_read(rig, 3);
	put(rig, 7, 6, 0, 0, 1);
	put(rig, 8, 5, 0, 0, 0);
	advance(rig);
	assert_int_equal(rig->n_told, 2);
	EXPECT(rig, 0, 7, DELTA_NEW, 1, 0, 0, 2);
	begin_read(rig, 4);
	put(rig, 7, 6, 0, 0, 1);
	put(rig, 8, 5, 0, 0, 0);
	advance(rig);
	EXPECT(rig, 0, 7, DELTA_LIVE, 0, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_of_the_baseline_tells_what_came_after_it),
		TEST(a_key_that_counted_before_the_baseline_is_live_with_zeros),
		TEST(a_key_first_seen_later_tells_its_whole_value),
		TEST(a_key_of_zeros_is_silent_until_its_first_count_and_new_then),
		TEST(without_a_baseline_everything_is_new),
		TEST(a_second_baseline_forgets_the_first),
		TEST(a_cell_of_4_bytes_wraps_without_a_trace),
		TEST(a_cell_of_8_bytes_that_went_back_resets_the_whole_row),
		TEST(a_row_cleared_to_zero_is_a_reset_that_counts_nothing),
		TEST(a_vanished_key_tells_zeros_until_its_ttl),
		TEST(a_key_that_returns_with_more_goes_on),
		TEST(a_key_that_returns_with_less_was_made_anew),
		TEST(an_idle_key_is_not_told_but_remembered),
		TEST(of_a_key_that_stands_twice_the_last_counts),
		TEST(the_order_is_that_of_first_sight),
		TEST(churning_keys_are_forgotten_before_their_ttl),
		cmocka_unit_test(gauges_and_maxima_pass_as_read),
		cmocka_unit_test(a_gauge_above_zero_never_grows_idle),
		TEST(a_series_that_was_ended_is_told_again_when_it_counts_and_from_there),
		TEST(the_steady_state_allocates_nothing),
		TEST(agrees_with_the_naive_implementation),
	};

	return cmocka_run_group_tests_name("delta", tests, NULL, NULL);
}
