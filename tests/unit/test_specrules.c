/* SPDX-License-Identifier: Apache-2.0 */
#include "spec_case.h"

/* The second map stands from line 8 on; both have one measurement. */
#define SHARED MAP_FIELD "tag.d = dev disk\n"
#define SECOND "[map n]\nmeasurement = m\n"
#define TAG "tag.d = dev disk\n"
#define FINER " = t log-linear(3) us first=1 last=2^4\n"
#define WORDS \
	PROBE FIELD "[const]\nphases = flags(block_phase) total\nhow = enum(mode) fast\nlimit = 5\n"

static void names_that_a_field_takes_in_a_style_are_free_of_others(void **state)
{
	static const struct rule rules[] = {
		{MAP "field.a = x counter rate\nfield.a_per_s = y counter\n",
	         "p.ini:7: [map m] field.a_per_s: the rate of field.a has that name already"},
		{MAP "field.a = x counter rate\ntag.a_per_s = d uint\n",
	         "p.ini:7: [map m] tag.a_per_s: the rate of field.a has that name already"},
		{MAP "field.a_total = x counter\n",
	         "p.ini:6: [map m] field.a_total: a counter cannot end in _total, which style prometheus "
	         "appends; leave it out"},
		{MAP "field.a = x counter\nfield.a_total = y gauge\n",
	         "p.ini:7: [map m] field.a_total: style prometheus calls field.a that"},
		{MAP "field.a = x counter\ntag.a_total = d uint\n",
	         "p.ini:7: [map m] tag.a_total: style prometheus calls field.a that"},
		{MAP_FIELD "tag.f = dev uint\n",
	         "p.ini:6: [map m] field.f: a tag has that name already"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
	spec_free(parse(MAP "field.a = x counter\nfield.a_per_s = y counter\n"));
	spec_free(parse(
		MAP "field.a_total = x gauge\nfield.b_total = y max\nfield.total = z counter\n"));
	spec_free(parse(MAP "field.a = x gauge\nfield.a_total = y gauge\ntag.b_total = d uint\n"));
}

static void tags_are_apart_from_what_a_histogram_leaves_with(void **state)
{
	static const struct rule rules[] = {
		{MAP "histogram.h" SCALE "tag.count = c uint\n",
	         "p.ini:7: [map m] tag.count: the name is taken by a field of histogram.h"},
		{MAP "histogram.h" SCALE "tag.bucket = c uint\n",
	         "p.ini:7: [map m] tag.bucket: the name is taken by a field of histogram.h"},
		{MAP "histogram.h" SCALE "tag.le_512 = c uint\n",
	         "p.ini:7: [map m] tag.le_512: the name is taken by a field of histogram.h"},
		{MAP "histogram.h" SCALE "tag.le_inf = c uint\n",
	         "p.ini:7: [map m] tag.le_inf: the name is taken by a field of histogram.h"},
		{MAP "histogram.h" SCALE "tag.p999_us = c uint\n",
	         "p.ini:7: [map m] tag.p999_us: the name is taken by a field of histogram.h"},
		{MAP "histogram.h" SCALE "tag.p50 = c uint\n",
	         "p.ini:7: [map m] tag.p50: the name is taken by a field of histogram.h"},
		{MAP "histogram.h" SCALE "sum.h = s ns\ntag.sum_us = c uint\n",
	         "p.ini:8: [map m] tag.sum_us: the name is taken by a field of histogram.h"},
		{MAP "histogram.h" SCALE "max.h = s ns\ntag.max = c uint\n",
	         "p.ini:8: [map m] tag.max: the name is taken by a field of histogram.h"},
		{MAP "histogram.h" SCALE "tag.d = c uint\ntag.hi = c uint\n",
	         "p.ini:8: [map m] tag.hi: the name is taken by style bcc2telegraf"},
		{MAP "histogram.h" SCALE "tag.d = c uint\ntag.metric = c uint\n",
	         "p.ini:8: [map m] tag.metric: the name is taken by style bcc2telegraf"},
		{MAP "histogram.h" SCALE "tag.d = c uint\ntag.tag1 = c uint\n",
	         "p.ini:8: [map m] tag.tag1: the name is taken by style bcc2telegraf"},
		{MAP "histogram.h" SCALE "tag.d = c uint\ntag.value = c uint\n",
	         "p.ini:8: [map m] tag.value: the name is taken by style bcc2telegraf"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
	spec_free(parse(MAP "histogram.h" SCALE "tag.hi = c uint\ntag.sum_us = c uint\n"
	                    "tag.max = c uint\ntag.p = c uint\ntag.p50_ns = c uint\n"
	                    "tag.le_a = c uint\ntag.p5x = c uint\n"));
	spec_free(parse(MAP_FIELD "tag.d = c uint\ntag.hi = c uint\ntag.count = c uint\n"));
}

static void fields_are_apart_from_histograms_where_names_are_joined(void **state)
{
	static const struct rule rules[] = {
		{MAP "histogram.h" SCALE "field.h_count = x counter\n",
	         "p.ini:7: [map m] field.h_count: histogram.h has that name, where measurement and field "
	         "are joined"},
		{MAP "histogram.h" SCALE "field.h_le_512 = x counter\n",
	         "p.ini:7: [map m] field.h_le_512: histogram.h has that name, where measurement and field "
	         "are joined"},
		{MAP "histogram.h" SCALE "max.h = y us\nfield.h_max_us = x max\n",
	         "p.ini:8: [map m] field.h_max_us: histogram.h has that name, where measurement and field "
	         "are joined"},
		{MAP "histogram.h" SCALE "field.h_summary_p99_us = x counter\n",
	         "p.ini:7: [map m] field.h_summary_p99_us: histogram.h has that name, where measurement "
	         "and field are joined"},
		{MAP "histogram.h" SCALE "field.h_seconds_count = x gauge\n",
	         "p.ini:7: [map m] field.h_seconds_count: histogram.h has that name, where measurement "
	         "and field are joined"},
		{MAP "histogram.h" SCALE SECOND "field.h_count = x counter\n",
	         "p.ini:9: [map n] field.h_count: histogram.h has that name, where measurement and field "
	         "are joined"},
		{MAP "field.h_count = x counter\n" SECOND "histogram.h" SCALE,
	         "p.ini:6: [map m] field.h_count: histogram.h has that name, where measurement and field "
	         "are joined"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
	spec_free(parse(MAP "histogram.h.a" SCALE "field.h_count = x counter\n"));
	spec_free(parse(MAP "histogram.h" SCALE
	                    "field.h_max_us = x max\nfield.h_sum_us = x counter\n"
	                    "field.h_seconds_count = x counter\nfield.hh_count = x counter\n"
	                    "field.h_summary_le_512 = x counter\nfield.h_counts = x counter\n"
	                    "field.h_seconds_max = x max\n"));
}

static void rules_of_sums_and_maxima(void **state)
{
	static const struct rule rules[] = {
		{MAP "histogram.h" SCALE "sum.g = s ns\n",
	         "p.ini:7: [map m] sum.g: there is no histogram of that name"},
		{MAP "histogram.h" SCALE "sum.h.total = s ns\n",
	         "p.ini:7: [map m] sum.h.total: there is no histogram of that name"},
		{MAP "histogram.h" SCALE "max.g = s ns\n",
	         "p.ini:7: [map m] max.g: there is no histogram of that name"},
		{MAP "histogram.h" SCALE "max.h.total = s ns\n",
	         "p.ini:7: [map m] max.h.total: there is no histogram of that name"},
		{MAP "histogram.h.total" SCALE "max.h = s ns\nsum.h = t ns\n",
	         "p.ini:8: [map m] sum.h: there is no histogram of that name"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void maps_can_share_a_measurement_and_keep_histograms_apart(void **state)
{
	struct spec *spec = parse(SHARED "histogram.h.total" SCALE SECOND TAG
	                                 "histogram.h.queue" SCALE "[map o]\nmeasurement = m\n" TAG
	                                 "histogram.h.device" SCALE "histogram.g" FINER);

	assert_int_equal(spec->n_maps, 3);
	assert_string_equal(spec->maps[1].measurement, "m");
	assert_string_equal(spec->maps[2].measurement, "m");
	spec_free(spec);
	spec_free(parse(SECOND "histogram.h.a" SCALE MAP "histogram.h.b" SCALE));
}

static void rules_of_maps_that_share_a_measurement(void **state)
{
	static const struct rule rules[] = {
		{SHARED SECOND TAG "field.g = value counter\n",
	         "p.ini:8: [map n] measurement: m is that of [map m] already, and both have fields, whose "
	         "points would overwrite each other; one may have histograms only"},
		{SHARED SECOND "histogram.h" SCALE,
	         "p.ini:8: [map n] measurement: m is that of [map m] already, which has other tags (d); "
	         "maps of one measurement have the same, in the same order"},
		{SHARED "tag.l = dev disk\n" SECOND "tag.l = dev disk\n" TAG "histogram.h" SCALE,
	         "p.ini:9: [map n] measurement: m is that of [map m] already, which has other tags (d, "
	         "l); maps of one measurement have the same, in the same order"},
		{MAP_FIELD SECOND TAG "histogram.h" SCALE,
	         "p.ini:7: [map n] measurement: m is that of [map m] already, which has other tags "
	         "(none); maps of one measurement have the same, in the same order"},
		{SHARED "histogram.h" SCALE SECOND TAG "histogram.h" SCALE,
	         "p.ini:12: [map n] histogram.h: it stands in [map m] already, whose measurement this map "
	         "shares"},
		{SHARED "histogram.h.a" SCALE SECOND TAG "histogram.h.a" SCALE,
	         "p.ini:12: [map n] histogram.h.a: it stands in [map m] already, whose measurement this "
	         "map shares"},
		{SHARED "histogram.h" SCALE SECOND TAG "histogram.h.a" SCALE,
	         "p.ini:12: [map n] histogram.h has a phase here and none in [map m], whose measurement "
	         "it shares"},
		{SHARED "histogram.h.a" SCALE SECOND TAG "histogram.h" SCALE,
	         "p.ini:12: [map n] histogram.h has no phase here and one in [map m], whose measurement "
	         "it shares"},
		{SHARED "histogram.h.a" SCALE SECOND TAG "histogram.h.b" FINER,
	         "p.ini:12: [map n] histogram.h.b: its scale or unit is not that of phase a in [map m], "
	         "beside which it leaves"},
		{SHARED "histogram.h" SCALE SECOND TAG "histogram.h_summary" SCALE,
	         "p.ini:12: [map n] histogram.h and histogram.h_summary: the summary of one has the "
	         "other's name"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

/* Its tags and histograms are not all known then. */
static void what_a_refused_map_shares_is_not_told(void **state)
{
	assert_refused(
		MAP_FIELD "tag.d = dev dsk\n" SECOND TAG "field.f = value counter\n",
		"p.ini:7: [map m] tag.d: expected a decoder, not \"dsk\" (disk, disk_layer, enum, "
		"uint, hex, string); did you mean \"disk\"?");
}

#define OTHER(measurement) "[map n]\nmeasurement = " measurement "\n"

static void maps_of_two_measurements_do_not_meet_in_a_third(void **state)
{
	static const struct rule rules[] = {
		{MAP "histogram.h_g" SCALE OTHER("m_h") "histogram.g" SCALE,
	         "p.ini:7: [map n] makes points of measurement m_h_g, as [map m] does; one of them needs "
	         "another name"},
		{MAP "histogram.h" SCALE OTHER("m_h") "field.f = x counter\n",
	         "p.ini:7: [map n] makes points of measurement m_h, as [map m] does; one of them needs "
	         "another name"},
		{MAP "histogram.h" SCALE OTHER("m_h_summary") "field.f = x counter\n",
	         "p.ini:7: [map n] makes points of measurement m_h_summary, as [map m] does; one of them "
	         "needs another name"},
		{MAP "histogram.h" SCALE OTHER("m_h_seconds") "field.f = x counter\n",
	         "p.ini:7: [map n] makes points of measurement m_h_seconds, as [map m] does; one of them "
	         "needs another name"},
		{MAP "field.a_b = x counter\n" OTHER("m_a") "field.b = x counter\n",
	         "p.ini:7: [map n] has m_a_b, as [map m] has, where measurement and field are joined"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
	spec_free(parse(MAP "histogram.h" SCALE OTHER("m_h") "histogram.seconds" SCALE));
	spec_free(parse(MAP "histogram.h" SCALE OTHER("m_h") "histogram.g" SCALE));
	spec_free(parse(MAP "field.a_b = x counter\n" OTHER("m_a") TAG "field.b = x counter\n"));
}

static void the_map_of_drops_is_always_read_and_counts(void **state)
{
	static const struct rule rules[] = {
		{WORDS "[map drops]\nwhen = const phases has queue\ntag.reason = key uint\n"
	               "field.events = value counter\n",
	         "p.ini:12: [map drops] when: drops are always read; leave it out"},
		{MAP_FIELD "[map drops]\ntag.reason = key uint\nfield.events = value gauge\n",
	         "p.ini:9: [map drops] field.events: drops are counted; write: counter"},
		{MAP_FIELD "counted = a\n",
	         "p.ini:7: [map m] counted: only the map drops has reasons"},
		{MAP_FIELD
	         "[map drops]\ntag.reason = key uint\nfield.events = value counter\ncounted = a, b\n",
	         "p.ini:10: [map drops] counted: expected a reason, not \",\""},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void a_map_of_the_programs_alone_has_a_condition_and_nothing_to_read(void **state)
{
	static const struct rule rules[] = {
		{WORDS "[map n]\nmax_keys = 5\nfield.f = value counter\n",
	         "p.ini:11: [map n] has no measurement"},
		{WORDS "[map n]\nwhen = const how has fast\nfield.f = value counter\n",
	         "p.ini:11: [map n] has no measurement"},
		{WORDS "[map n]\nwhen = const hw has fast\n",
	         "p.ini:12: [map n] when: [const] has no hw to ask for; did you mean \"how\"?"},
		{PROBE "[const]\nhow = enum(mode) fast\n[map n]\nwhen = const how has fast\n",
	         "p.ini: describes no map to measure; it needs a section [map NAME]"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
	spec_free(parse(WORDS "[map n]\nwhen = const how has fast or slow\n"));
	spec_free(parse(WORDS "[map n]\nwhen = const how has fast\nmax_keys = 5\n"));
}

static void a_predicate_asks_for_a_constant_that_has_words(void **state)
{
	static const struct rule rules[] = {
		{WORDS "[program f]\nwhen = type t, const phses has queue\n",
	         "p.ini:12: [program f] when: [const] has no phses to ask for; did you mean \"phases\"?"},
		{WORDS "[program f]\nwhen = const limit has queue\n",
	         "p.ini:12: [program f] when: limit has no words: it is no enum(..) or flags(..) in "
	         "[const]"},
		{WORDS
	         "[map n]\nmeasurement = n\nfield.f = value counter\nwhen = const hw has fast\n",
	         "p.ini:14: [map n] when: [const] has no hw to ask for; did you mean \"how\"?"},
		{PROBE FIELD "[program f]\nwhen = const phases has queue\n",
	         "p.ini:8: [program f] when: [const] has no phases to ask for"},
		{CONST "phases = flags(block_phase)\n[program f]\nwhen = const phases has queue\n",
	         "p.ini:8: [const] phases: a word of enum block_phase is missing"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
	/* Sections stand in any order. */
	spec_free(parse(PROBE "[program f]\nwhen = const phases has queue\n" FIELD
	                      "when = const phases has total\n[const]\nphases = flags(p) total\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_a_field_takes_in_a_style_are_free_of_others),
		cmocka_unit_test(tags_are_apart_from_what_a_histogram_leaves_with),
		cmocka_unit_test(fields_are_apart_from_histograms_where_names_are_joined),
		cmocka_unit_test(rules_of_sums_and_maxima),
		cmocka_unit_test(maps_can_share_a_measurement_and_keep_histograms_apart),
		cmocka_unit_test(rules_of_maps_that_share_a_measurement),
		cmocka_unit_test(what_a_refused_map_shares_is_not_told),
		cmocka_unit_test(maps_of_two_measurements_do_not_meet_in_a_third),
		cmocka_unit_test(the_map_of_drops_is_always_read_and_counts),
		cmocka_unit_test(a_map_of_the_programs_alone_has_a_condition_and_nothing_to_read),
		cmocka_unit_test(a_predicate_asks_for_a_constant_that_has_words),
	};

	return cmocka_run_group_tests_name("specrules", tests, NULL, NULL);
}
