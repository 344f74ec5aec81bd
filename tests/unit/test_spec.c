/* SPDX-License-Identifier: Apache-2.0 */
#include "spec_case.h"

static const char block_io[] =
	"; Block I/O\n"
	"[probe]\n"
	"version = 1\n"
	"object  = block_io.bpf.o\n"
	"about   = Block I/O: throughput and latency by device and operation\n"
	"[const]\n"
	"flush_seq = kernel_bit(__RQF_FLUSH_SEQ, 4)\n"
	"cpus      = possible_cpus\n"
	"guarded   = has(function bpf_prog_inc_misses_counter)\n"
	"limit     = 2^30\n"
	"hex       = 0x10\n"
	"on        = yes\n"
	"[program block_rq_complete]\n"
	"when = tracepoint block_rq_complete args 3, field request.start_time_ns\n"
	"[program fast]\n"
	"when  = type bpf_timer\n"
	"group = one-of way\n"
	"[program slow]\n"
	"group = optional\n"
	"run   = before-read\n"
	"[map block_io]\n"
	"measurement = block_io\n"
	"max_keys    = 1792\n"
	"index       = block_io_index\n"
	"shards      = shards\n"
	"rows        = rows\n"
	"tag.device = dev disk\n"
	"tag.layer  = dev disk_layer\n"
	"tag.op     = op enum(block_op)\n"
	"field.ios = ios counter rate\n"
	"field.errors = errors counter\n"
	"sum.latency.total = total_sum ns\n"
	"histogram.latency.total = lat.total log-linear(2) us first=1 last=2^30\n"
	"histogram.depth = depth log-linear( 0 ) ns first = 16 last = 32\n"
	"[map drops]\n"
	"tag.reason = key enum(block_drop)\n"
	"field.events = value counter\n";

static void a_whole_description_parses(void **state)
{
	struct spec *spec = parse(block_io);

	assert_string_equal(spec->name, "block_io");
	assert_string_equal(spec->file, "block_io.ini");
	assert_string_equal(spec->object, "block_io.bpf.o");
	assert_string_equal(spec->about,
	                    "Block I/O: throughput and latency by device and operation");
	assert_true(spec->enabled);
	assert_int_equal(spec->n_consts, 6);
	assert_int_equal(spec->n_programs, 3);
	assert_int_equal(spec->n_maps, 2);
	spec_free(spec);
}

static void constants_have_a_kind_and_a_place(void **state)
{
	struct spec *spec = parse(block_io);
	const struct spec_const *c = spec->consts;

	assert_string_equal(c[0].name, "flush_seq");
	assert_string_equal(c[0].place, "block_io.ini:7");
	assert_int_equal(c[0].kind, SPEC_CONST_KERNEL_BIT);
	assert_string_equal(c[0].enumerator, "__RQF_FLUSH_SEQ");
	assert_int_equal(c[0].number, 4);
	assert_int_equal(c[1].kind, SPEC_CONST_CPUS);
	assert_int_equal(c[2].kind, SPEC_CONST_HAS);
	assert_int_equal(c[2].has.kind, SPEC_FUNCTION);
	assert_string_equal(c[2].has.name, "bpf_prog_inc_misses_counter");
	assert_int_equal(c[3].kind, SPEC_CONST_NUMBER);
	assert_int_equal(c[3].number, 1 << 30);
	assert_int_equal(c[4].number, 16);
	assert_int_equal(c[5].number, 1);
	spec_free(spec);
}

static void programs_have_predicates_and_groups(void **state)
{
	struct spec *spec = parse(block_io);
	const struct spec_program *p = spec->programs;

	assert_string_equal(p[0].name, "block_rq_complete");
	assert_int_equal(p[0].n_when, 2);
	assert_int_equal(p[0].when[0].kind, SPEC_TRACEPOINT);
	assert_string_equal(p[0].when[0].name, "block_rq_complete");
	assert_int_equal(p[0].when[0].args, 3);
	assert_int_equal(p[0].when[1].kind, SPEC_FIELD);
	assert_string_equal(p[0].when[1].name, "request");
	assert_string_equal(p[0].when[1].member, "start_time_ns");
	assert_false(p[0].optional);
	assert_null(p[0].one_of);
	assert_string_equal(p[1].one_of, "way");
	assert_int_equal(p[1].when[0].kind, SPEC_TYPE);
	assert_int_equal(p[1].when[0].args, -1);
	assert_true(p[2].optional);
	assert_int_equal(p[2].n_when, 0);
	assert_false(p[1].before_read);
	assert_true(p[2].before_read);
	spec_free(spec);
}

static void predicates_ask_for_what_is_in_modules_and_can_be_traced(void **state)
{
	struct spec *spec = parse(
		PROBE FIELD "[program f]\n"
			    "when = tracepoint rpc_done args 2 in sunrpc, field a.b in dm-mod, "
			    "kprobe finish_task_switch.isra.0, module 8021q\n");
	const struct spec_predicate *when = spec->programs[0].when;

	assert_int_equal(spec->programs[0].n_when, 4);
	assert_int_equal(when[0].args, 2);
	assert_string_equal(when[0].module, "sunrpc");
	assert_string_equal(when[1].member, "b");
	assert_string_equal(when[1].module, "dm-mod");
	assert_int_equal(when[2].kind, SPEC_KPROBE);
	assert_string_equal(when[2].name, "finish_task_switch.isra.0");
	assert_null(when[2].module);
	assert_int_equal(when[3].kind, SPEC_MODULE);
	assert_string_equal(when[3].name, "8021q");
	spec_free(spec);
}

static void maps_have_tags_fields_and_histograms(void **state)
{
	struct spec *spec = parse(block_io);
	const struct spec_map *m = &spec->maps[0];

	assert_string_equal(m->name, "block_io");
	assert_string_equal(m->measurement, "block_io");
	assert_int_equal(m->max_keys, 1792);
	assert_string_equal(m->index, "block_io_index");
	assert_string_equal(m->shards, "shards");
	assert_string_equal(m->rows, "rows");
	assert_int_equal(m->n_tags, 3);
	assert_string_equal(m->tags[0].name, "device");
	assert_string_equal(m->tags[0].member, "dev");
	assert_string_equal(m->tags[0].decoder, "disk");
	assert_null(m->tags[0].arg);
	assert_string_equal(m->tags[2].arg, "block_op");
	assert_int_equal(m->tags[2].line, 29);
	assert_int_equal(m->n_fields, 2);
	assert_true(m->fields[0].rate);
	assert_false(m->fields[1].rate);
	assert_int_equal(m->fields[1].kind, SPEC_COUNTER);
	assert_int_equal(m->n_histograms, 2);
	assert_null(spec->maps[1].measurement);
	spec_free(spec);
}

/* The sum stands before its histogram here. */
static void a_sum_belongs_to_the_histogram_of_its_name(void **state)
{
	struct spec *spec = parse(block_io);
	const struct spec_histogram *h = spec->maps[0].histograms;

	assert_string_equal(h[0].name, "latency");
	assert_string_equal(h[0].phase, "total");
	assert_string_equal(h[0].member, "lat.total");
	assert_string_equal(h[0].sum_member, "total_sum");
	assert_int_equal(h[0].unit, SPEC_UNIT_US);
	assert_int_equal(h[0].sum_unit, SPEC_UNIT_NS);
	assert_int_equal(h[0].scale.bits, 2);
	assert_int_equal(h[0].scale.first, 1);
	assert_int_equal(h[0].scale.last, 1 << 30);
	assert_int_equal(h[0].sum_line, 32);
	assert_int_equal(h[0].line, 33);
	assert_string_equal(h[1].name, "depth");
	assert_null(h[1].phase);
	assert_null(h[1].sum_member);
	assert_int_equal(h[1].scale.first, 16);
	spec_free(spec);
}

static const char phases[] =
	PROBE "[const]\n"
	      "phases = flags( block_phase )  total   queue\n"
	      "how = enum(mode) fast\n"
	      "limit = 5\n"
	      "[program f]\n"
	      "when = const phases has queue, tracepoint block_rq_issue args 1\n"
	      "[map m]\n"
	      "when = const how has fast, type t\n"
	      "measurement = m\n"
	      "tag.comm = comm string\n"
	      "tag.id = id hex\n"
	      "field.depth = depth gauge\n"
	      "field.longest = longest max\n"
	      "max.size.read = read.max us\n"
	      "histogram.size.read = read.slots exp2 ns first=1000 last=8000\n";

static void a_constant_has_the_words_of_an_enum(void **state)
{
	struct spec *spec = parse(phases);
	const struct spec_const *c = spec->consts;

	assert_int_equal(c[0].kind, SPEC_CONST_FLAGS);
	assert_string_equal(c[0].enumerator, "block_phase");
	assert_string_equal(c[0].words, "total queue");
	assert_int_equal(c[1].kind, SPEC_CONST_ENUM);
	assert_string_equal(c[1].enumerator, "mode");
	assert_string_equal(c[1].words, "fast");
	assert_int_equal(c[2].kind, SPEC_CONST_NUMBER);
	assert_null(c[2].words);
	spec_free(spec);
}

static void programs_and_maps_can_ask_for_a_word(void **state)
{
	struct spec *spec = parse(phases);
	const struct spec_program *p = &spec->programs[0];
	const struct spec_map *m = &spec->maps[0];

	assert_int_equal(p->n_when, 2);
	assert_int_equal(p->when[0].kind, SPEC_CONST_HOLDS);
	assert_string_equal(p->when[0].name, "phases");
	assert_string_equal(p->when[0].member, "queue");
	assert_int_equal(p->when_line, 9);
	assert_int_equal(m->n_when, 2);
	assert_int_equal(m->when[0].kind, SPEC_CONST_HOLDS);
	assert_string_equal(m->when[0].name, "how");
	assert_string_equal(m->when[0].member, "fast");
	assert_int_equal(m->when[1].kind, SPEC_TYPE);
	assert_int_equal(m->when_line, 11);
	spec_free(spec);
}

static void maps_have_gauges_and_maxima_too(void **state)
{
	struct spec *spec = parse(phases);
	const struct spec_map *m = &spec->maps[0];
	const struct spec_histogram *h = &m->histograms[0];

	assert_string_equal(m->tags[0].decoder, "string");
	assert_string_equal(m->tags[1].decoder, "hex");
	assert_int_equal(m->fields[0].kind, SPEC_GAUGE);
	assert_int_equal(m->fields[1].kind, SPEC_MAXIMUM);
	assert_int_equal(m->n_histograms, 1);
	assert_string_equal(h->name, "size");
	assert_string_equal(h->phase, "read");
	assert_string_equal(h->max_member, "read.max");
	assert_int_equal(h->max_unit, SPEC_UNIT_US);
	assert_int_equal(h->max_line, 17);
	assert_null(h->sum_member);
	assert_int_equal(h->scale.kind, BUCKET_EXP2);
	assert_int_equal(h->scale.bits, 0);
	assert_int_equal(h->scale.first, 1000);
	assert_int_equal(h->scale.last, 8000);
	assert_int_equal(h->unit, SPEC_UNIT_NS);
	spec_free(spec);
}

static void a_probe_can_be_off_until_asked_for(void **state)
{
	struct spec *spec = parse(PROBE "enabled = no\n[map m]\nmeasurement = m\n"
	                                "field.f = value counter\n");

	assert_false(spec->enabled);
	assert_string_equal(spec->about, "");
	spec_free(spec);
}

static void rules_of_the_section_probe(void **state)
{
	static const struct rule rules[] = {
		{FIELD, "p.ini: has no section [probe]"},
		{"[probe]\nobject = p.bpf.o\n" FIELD,
	         "p.ini: [probe] has no version; write: version = 1"},
		{"[probe]\nversion = 1\n" FIELD,
	         "p.ini: [probe] has no object; write: object = p.bpf.o"},
		{"[probe]\nversion = 2\nobject = p.bpf.o\n" FIELD,
	         "p.ini:2: [probe] version: \"2\" is not known here; this agent reads version 1"},
		{"[probe]\nversion = 1\nobject = ../p.bpf.o\n" FIELD,
	         "p.ini:3: [probe] object: \"../p.bpf.o\" is no name of an object: FILE.bpf.o, beside "
	         "the description"},
		{"[probe]\nversion = 1\nobject = p.o\n" FIELD,
	         "p.ini:3: [probe] object: \"p.o\" is no name of an object: FILE.bpf.o, beside the "
	         "description"},
		{"[probe]\nversion = 1\nobject = .bpf.o\n" FIELD,
	         "p.ini:3: [probe] object: \".bpf.o\" is no name of an object: FILE.bpf.o, beside the "
	         "description"},
		{PROBE "enabled = maybe\n" FIELD,
	         "p.ini:4: [probe] enabled: expected yes or no, not \"maybe\""},
		{PROBE "abuot = x\n" FIELD,
	         "p.ini:4: [probe] abuot: no such key; did you mean \"about\"?"},
		{PROBE "about =\n" FIELD, "p.ini:4: [probe] about: a value is missing"},
		{PROBE, "p.ini: describes no map to measure; it needs a section [map NAME]"},
		{PROBE "[map drops]\ntag.reason = key uint\nfield.events = value counter\n",
	         "p.ini: describes no map to measure; it needs a section [map NAME]"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void rules_of_section_names(void **state)
{
	static const struct rule rules[] = {
		{PROBE FIELD "[mapp n]\nmeasurement = n\n",
	         "p.ini:7: [mapp n]: expected a section, not \"mapp\" (probe, const, program, map); did "
	         "you mean \"map\"?"},
		{PROBE FIELD "[map]\n", "p.ini:7: [map]: the section's own name is missing"},
		{PROBE FIELD "[map a b]\n",
	         "p.ini:7: [map a b]: nothing may follow here, but \"b\" does"},
		{PROBE FIELD "[const x]\n",
	         "p.ini:7: [const x]: nothing may follow here, but \"x\" does"},
		{PROBE FIELD "[map 1st]\n",
	         "p.ini:7: [map 1st]: expected the section's own name, not \"1st\""},
		{PROBE FIELD "[map m]\n", "p.ini:7: [map m]: a second section of that name"},
		{PROBE FIELD "[const]\n[const]\n",
	         "p.ini:8: [const]: a second section of that name"},
		{PROBE FIELD "[program a]\n[program a]\n",
	         "p.ini:8: [program a]: a second section of that name"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void rules_of_constants(void **state)
{
	static const struct rule rules[] = {
		{CONST "a = maybe\n",
	         "p.ini:8: [const] a: expected a number, yes, no, possible_cpus, kernel_bit(..), "
	         "has(..), enum(..) or flags(..), not \"maybe\""},
		{CONST "a = posible_cpus\n",
	         "p.ini:8: [const] a: expected a number, yes, no, possible_cpus, kernel_bit(..), "
	         "has(..), enum(..) or flags(..), not \"posible_cpus\"; did you mean "
	         "\"possible_cpus\"?"},
		{CONST "a = 1 2\n", "p.ini:8: [const] a: nothing may follow here, but \"2\" does"},
		{CONST "a = kernel_bit(X)\n", "p.ini:8: [const] a: expected \",\", not \")\""},
		{CONST "a = kernel_bit(X, 64)\n",
	         "p.ini:8: [const] a: a bit's number: 64 is not in 0 to 63"},
		{CONST "a = kernel_bit(X, 4\n", "p.ini:8: [const] a: \")\" is missing"},
		{CONST "a = has(functon f)\n",
	         "p.ini:8: [const] a: expected a predicate, not \"functon\" (tracepoint, type, field, "
	         "function, kprobe, module, const); did you mean \"function\"?"},
		{CONST "a = has(const b has c)\n",
	         "p.ini:8: [const] a: a constant cannot ask for another one; only when of a program or "
	         "map can"},
		{CONST "a = flags(p)\n", "p.ini:8: [const] a: a word of enum p is missing"},
		{CONST "a = flags(p) one two one\n",
	         "p.ini:8: [const] a: \"one\" stands there twice"},
		{CONST "a = flags(p) one, two\n",
	         "p.ini:8: [const] a: expected a word of enum p, not \",\""},
		{CONST "a = flags() one\n",
	         "p.ini:8: [const] a: expected the name of an enum, not \")\""},
		{CONST "a = flags one\n", "p.ini:8: [const] a: expected \"(\", not \"one\""},
		{CONST "a = flag(p) one\n",
	         "p.ini:8: [const] a: expected a number, yes, no, possible_cpus, kernel_bit(..), "
	         "has(..), enum(..) or flags(..), not \"flag\"; did you mean \"flags\"?"},
		{CONST "a = enum(p) one two\n",
	         "p.ini:8: [const] a: nothing may follow here, but \"two\" does"},
		{CONST "a = enum(p) 3\n",
	         "p.ini:8: [const] a: expected a word of enum p, not \"3\""},
		{CONST "1a = 1\n", "p.ini:8: [const] 1a: expected a variable's name, not \"1a\""},
		{PROBE FIELD "index = i\nrows = s\n[const]\ns = 1\n",
	         "p.ini:4: [map m] rows: the engine sets s; it cannot be in [const]"},
		{PROBE FIELD "index = i\nshards = s\n[const]\ns = 1\n",
	         "p.ini:4: [map m] shards: the engine sets s; it cannot be in [const]"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

#define PROGRAM PROBE FIELD "[program f]\n"

static void rules_of_programs(void **state)
{
	static const struct rule rules[] = {
		{PROGRAM "wenn = type t\n",
	         "p.ini:8: [program f] wenn: no such key; did you mean \"when\"?"},
		{PROGRAM "when = tracepont t\n",
	         "p.ini:8: [program f] when: expected a predicate, not \"tracepont\" (tracepoint, type, "
	         "field, function, kprobe, module, const); did you mean \"tracepoint\"?"},
		{PROGRAM "when = tracepoint t arg 1\n",
	         "p.ini:8: [program f] when: nothing may follow here, but \"arg\" does"},
		{PROGRAM "when = tracepoint t args\n",
	         "p.ini:8: [program f] when: a number of arguments is missing"},
		{PROGRAM "when = tracepoint t args 13\n",
	         "p.ini:8: [program f] when: a number of arguments: 13 is not in 0 to 12"},
		{PROGRAM "when = type\n", "p.ini:8: [program f] when: a name is missing"},
		{PROGRAM "when = type a,\n",
	         "p.ini:8: [program f] when: a predicate is missing (tracepoint, type, field, "
	         "function, kprobe, module, const)"},
		{PROGRAM "when = field request\n",
	         "p.ini:8: [program f] when: expected STRUCT.MEMBER, not \"request\""},
		{PROGRAM "when = field a.b.c\n",
	         "p.ini:8: [program f] when: expected STRUCT.MEMBER, not \"a.b.c\""},
		{PROGRAM "when = type a, type b, type c, type d, type e\n",
	         "p.ini:8: [program f] when: more than 4 predicates"},
		{PROGRAM "when = type a in\n",
	         "p.ini:8: [program f] when: a module's name is missing"},
		{PROGRAM "when = type a on b\n",
	         "p.ini:8: [program f] when: nothing may follow here, but \"on\" does"},
		{PROGRAM "when = kprobe\n",
	         "p.ini:8: [program f] when: a function's name is missing"},
		{PROGRAM "when = kprobe tcp-ack\n",
	         "p.ini:8: [program f] when: expected a function's name, not \"tcp-ack\""},
		{PROGRAM "when = module ../nfs\n",
	         "p.ini:8: [program f] when: expected a module's name, not \"../nfs\""},
		{PROGRAM "when = const\n",
	         "p.ini:8: [program f] when: a constant's name is missing"},
		{PROGRAM "when = const phases\n", "p.ini:8: [program f] when: has WORD is missing"},
		{PROGRAM "when = const phases queue\n",
	         "p.ini:8: [program f] when: expected has WORD, not \"queue\""},
		{PROGRAM "when = const phases has\n",
	         "p.ini:8: [program f] when: a word of its enum is missing"},
		{PROGRAM "when = const phases has 2\n",
	         "p.ini:8: [program f] when: expected a word of its enum, not \"2\""},
		{PROGRAM "group = optionl\n",
	         "p.ini:8: [program f] group: expected a group, not \"optionl\" (required, optional, "
	         "one-of); did you mean \"optional\"?"},
		{PROGRAM "run = befor-read\n",
	         "p.ini:8: [program f] run: expected a way to run, not \"befor-read\" (attached, before-read); did you mean "
	         "\"before-read\"?"},
		{PROGRAM "group = one-of\n",
	         "p.ini:8: [program f] group: the group's name is missing"},
		{PROGRAM "group = one-of a b\n",
	         "p.ini:8: [program f] group: nothing may follow here, but \"b\" does"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void rules_of_the_keys_of_a_map(void **state)
{
	static const struct rule rules[] = {
		{MAP "tagg.device = dev disk\n",
	         "p.ini:6: [map m] tagg.device: no such key; did you mean \"tag.device\"?"},
		{MAP "maxkeys = 5\n",
	         "p.ini:6: [map m] maxkeys: no such key; did you mean \"max_keys\"?"},
		{MAP "max_keys = 0\n",
	         "p.ini:6: [map m] max_keys: \"0\" is no number from 1 to 1048576"},
		{MAP "max_keys = 2^21\n",
	         "p.ini:6: [map m] max_keys: \"2^21\" is no number from 1 to 1048576"},
		{MAP "when = typ t\n",
	         "p.ini:6: [map m] when: expected a predicate, not \"typ\" (tracepoint, type, field, "
	         "function, kprobe, module, const); did you mean \"type\"?"},
		{MAP "index = a b\n", "p.ini:6: [map m] index: expected a map's name, not \"a b\""},
		{MAP "field.f = value counter\nrows = r\n",
	         "p.ini:4: [map m] shards and rows go with index: name the map that gives the rows"},
		{MAP "shards = 3\n",
	         "p.ini:6: [map m] shards: expected a constant's name, not \"3\""},
		{MAP "reference = diskstat device op f\n",
	         "p.ini:6: [map m] reference: expected a reference, not \"diskstat\" (diskstats); did you mean "
	         "\"diskstats\"?"},
		{MAP "reference = diskstats device op\n",
	         "p.ini:6: [map m] reference: the field that is compared is missing"},
		{MAP "reference.read = read\n",
	         "p.ini:6: [map m] reference.read: no such key; did you mean \"reads\"?"},
		{MAP "field.f = value counter\nreference.reads = read\n",
	         "p.ini:7: [map m] reference: write as well: reference = diskstats TAG TAG FIELD"},
		{MAP "field.f = value counter\nreference = diskstats device op f\n",
	         "p.ini:7: [map m] reference: compares nothing; write reference.reads = VALUE of tag op, or writes, discards, "
	         "flushes"},
		{MAP
	         "tag.op = op hex\nfield.f = value counter\nreference = diskstats device op f\nreference.reads = read\n",
	         "p.ini:8: [map m] reference: the map has no tag.device"},
		{MAP
	         "tag.op = op hex\ntag.device = dev disk\nfield.f = value gauge\nreference = diskstats device op f\n"
	         "reference.reads = read\n",
	         "p.ini:9: [map m] reference: field.f is no counter of the map"},
		{PROBE "[map m]\nmeasurement = block io\nfield.f = value counter\n",
	         "p.ini:5: [map m] measurement: \"block io\" is no name of a measurement: a letter, then "
	         "letters, digits, _ and -, at most 42"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void rules_of_tags(void **state)
{
	static const struct rule rules[] = {
		{MAP_FIELD "tag.d = dev dsk\n",
	         "p.ini:7: [map m] tag.d: expected a decoder, not \"dsk\" (disk, disk_layer, enum, "
	         "uint, hex, string); did you mean \"disk\"?"},
		{MAP_FIELD "tag.d = dev\n",
	         "p.ini:7: [map m] tag.d: a decoder is missing (disk, disk_layer, enum, uint, hex, "
	         "string)"},
		{MAP_FIELD "tag.d = dev disk(x)\n",
	         "p.ini:7: [map m] tag.d: nothing may follow here, but \"(\" does"},
		{MAP_FIELD "tag.d = op enum\n", "p.ini:7: [map m] tag.d: \"(\" is missing"},
		{MAP_FIELD "tag.d = op enum()\n",
	         "p.ini:7: [map m] tag.d: expected the name of an enum, not \")\""},
		{MAP_FIELD "tag.d = a..b uint\n",
	         "p.ini:7: [map m] tag.d: expected a member's name, not \"a..b\""},
		{MAP_FIELD "tag.d = a.b.c.d.e.f.g.h.i uint\n",
	         "p.ini:7: [map m] tag.d: expected a member's name, not \"a.b.c.d.e.f.g.h.i\""},
		{MAP_FIELD "tag.2d = dev uint\n",
	         "p.ini:7: [map m] tag.2d: \"2d\" is no name of a tag: a letter, then letters, digits, _ "
	         "and -, at most 42"},
		{MAP_FIELD "tag.host = dev uint\n",
	         "p.ini:7: [map m] tag.host: a tag cannot be called host: the name is taken"},
		{MAP_FIELD "tag.le = dev uint\n",
	         "p.ini:7: [map m] tag.le: a tag cannot be called le: the name is taken"},
		{MAP_FIELD "tag.time = dev uint\n",
	         "p.ini:7: [map m] tag.time: a tag cannot be called time: the name is taken"},
		{MAP_FIELD "tag.phase = dev uint\n"
	                   "histogram.h.total = t log-linear(2) us first=1 last=2\n",
	         "p.ini:7: [map m] tag.phase: the name is taken by a histogram with a phase"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void a_tag_phase_is_free_where_no_histogram_has_one(void **state)
{
	spec_free(parse(MAP
	                "tag.phase = dev uint\nhistogram.h = t log-linear(2) us first=1 last=2\n"));
}

static void rules_of_fields(void **state)
{
	static const struct rule rules[] = {
		{MAP, "p.ini:4: [map m] measures nothing: it has no field and no histogram"},
		{PROBE "[map m]\nfield.f = value counter\n", "p.ini:4: [map m] has no measurement"},
		{MAP "field.a = x conter\n",
	         "p.ini:6: [map m] field.a: expected a kind, not \"conter\" (counter, gauge, max); did "
	         "you mean \"counter\"?"},
		{MAP "field.a = x counter rat\n",
	         "p.ini:6: [map m] field.a: expected nothing more or \"rate\", not \"rat\" (rate); did you "
	         "mean \"rate\"?"},
		{MAP "field.a = x gauge rate\n",
	         "p.ini:6: [map m] field.a: rate goes with counter; a gauge is no increment of a window"},
		{MAP "field.a = x max rate\n",
	         "p.ini:6: [map m] field.a: rate goes with counter; a max is no increment of a window"},
		{MAP "field.a = x gauge rat\n",
	         "p.ini:6: [map m] field.a: nothing may follow here, but \"rat\" does"},
		{MAP "field.a = x counter rate rate\n",
	         "p.ini:6: [map m] field.a: nothing may follow here, but \"rate\" does"},
		{MAP "field.time = x counter\n",
	         "p.ini:6: [map m] field.time: a field cannot be called time: the name is taken"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void rules_of_histograms(void **state)
{
	static const struct rule rules[] = {
		{MAP "histogram.h = t loglinear(2) us first=1 last=2\n",
	         "p.ini:6: [map m] histogram.h: expected a scale, not \"loglinear\" (log-linear, exp2); did "
	         "you mean \"log-linear\"?"},
		{MAP "histogram.h = t log-linear(7) us first=1 last=2\n",
	         "p.ini:6: [map m] histogram.h: the scale's bits: 7 is not in 0 to 6"},
		{MAP "histogram.h = t log-linear(2) ms first=1 last=2\n",
	         "p.ini:6: [map m] histogram.h: expected a unit, not \"ms\" (ns, us); did you mean "
	         "\"ns\"?"},
		{MAP "histogram.h = t log-linear(2) us last=2\n",
	         "p.ini:6: [map m] histogram.h: expected first=N, not \"last\""},
		{MAP "histogram.h = t log-linear(2) us first=1\n",
	         "p.ini:6: [map m] histogram.h: last=N is missing"},
		{MAP "histogram.h = t log-linear(2) us first=1 last=1000\n",
	         "p.ini:6: [map m] histogram.h: first and last must be powers of two, first below last"},
		{MAP "histogram.h = t exp2 us first=3 last=10\n",
	         "p.ini:6: [map m] histogram.h: last must be first times a power of two, and above it"},
		{MAP "histogram.h = t exp2 us first=3 last=3\n",
	         "p.ini:6: [map m] histogram.h: last must be first times a power of two, and above it"},
		{MAP "histogram.h = t exp2 us first=0 last=3\n",
	         "p.ini:6: [map m] histogram.h: first: 0 is not in 1 to 18446744073709551615"},
		{MAP "histogram.h = t exp2(2) us first=1 last=2\n",
	         "p.ini:6: [map m] histogram.h: expected a unit, not \"(\" (ns, us)"},
		{MAP "histogram.h = t log-linear us first=1 last=2\n",
	         "p.ini:6: [map m] histogram.h: expected \"(\", not \"us\""},
		{MAP "histogram.h = t log-linear(6) us first=1 last=2^40\n",
	         "p.ini:6: [map m] histogram.h: this scale has 2241 slots, more than 1024"},
		{MAP "histogram.h." SCALE,
	         "p.ini:6: [map m] histogram.h.: \"\" is no name of a phase: a letter, then letters, "
	         "digits, _ and -, at most 42"},
		{MAP "histogram.h.a.b" SCALE,
	         "p.ini:6: [map m] histogram.h.a.b: \"a.b\" is no name of a phase: a letter, then "
	         "letters, digits, _ and -, at most 42"},
		{MAP "histogram.h" SCALE "histogram.h.total" SCALE,
	         "p.ini:7: [map m] histogram.h has a phase on one line and none on another"},
		{MAP "histogram.h.a" SCALE "histogram.h.b = t log-linear(3) us first=1 last=2^4\n",
	         "p.ini:7: [map m] histogram.h.b: its scale or unit is not that of phase a, beside which "
	         "it leaves"},
		{MAP "histogram.h" SCALE "histogram.h_summary" SCALE,
	         "p.ini:7: [map m] histogram.h and histogram.h_summary: the summary of one has the "
	         "other's name"},
		{MAP "histogram.h" SCALE "max.h = s\n",
	         "p.ini:7: [map m] max.h: a unit is missing (ns, us)"},
		{MAP "histogram.h" SCALE "max.h.1 = s us\n",
	         "p.ini:7: [map m] max.h.1: \"1\" is no name of a phase: a letter, then letters, digits, "
	         "_ and -, at most 42"},
		{MAP "histogram.h" SCALE "sum.h = s\n",
	         "p.ini:7: [map m] sum.h: a unit is missing (ns, us)"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

#define DROPS MAP_FIELD "[map drops]\n"

static void rules_of_the_map_of_drops(void **state)
{
	static const struct rule rules[] = {
		{DROPS "measurement = d\ntag.reason = key uint\nfield.events = value counter\n",
	         "p.ini:7: [map drops] has a measurement; drops leave with the agent's own metrics"},
		{DROPS "field.events = value counter\n",
	         "p.ini:7: [map drops] must have one tag and one field, and nothing else"},
		{DROPS "tag.reason = key uint\n",
	         "p.ini:7: [map drops] must have one tag and one field, and nothing else"},
	};

	assert_rules(rules, ARRAY_SIZE(rules));
}

static void everything_is_bounded(void **state)
{
	static char text[20000];
	char *end = text + sprintf(text, "%s", MAP);

	for (int i = 0; i < 33; i++)
		end += sprintf(end, "field.f%d = a counter\n", i);
	assert_refused(text, "p.ini:38: [map m] field.f32: more than 32 fields in one map");
	end = text + sprintf(text, "%s", MAP_FIELD);
	for (int i = 0; i < 9; i++)
		end += sprintf(end, "tag.t%d = a uint\n", i);
	assert_refused(text, "p.ini:15: [map m] tag.t8: more than 8 tags in one map");
	end = text + sprintf(text, "%s", MAP);
	for (int i = 0; i < 17; i++)
		end += sprintf(end, "histogram.h%d%s", i, SCALE);
	assert_refused(text, "p.ini:22: [map m] histogram.h16: more than 16 histograms in one map");
	end = text + sprintf(text, "%s", CONST);
	for (int i = 0; i < 33; i++)
		end += sprintf(end, "c%d = 1\n", i);
	assert_refused(text, "p.ini:40: [const] c32: more than 32 constants in one probe");
	end = text + sprintf(text, "%s", MAP_FIELD);
	for (int i = 0; i < 65; i++)
		end += sprintf(end, "[program p%d]\n", i);
	assert_refused(text, "p.ini:71: [program p64]: more than 64 programs in one probe");
	end = text + sprintf(text, "%s", PROBE);
	for (int i = 0; i < 17; i++)
		end += sprintf(end, "[map m%d]\nmeasurement = m%d\nfield.f = value counter\n", i,
		               i);
	assert_refused(text, "p.ini:52: [map m16]: more than 16 maps in one probe");
}

static void a_value_of_many_words_is_refused(void **state)
{
	assert_refused(MAP_FIELD "tag.t = ((((((((((((((((((((((((((((((((((((((((\n",
	               "p.ini:7: [map m] tag.t: expected a member's name, not \"(\"");
	assert_refused(MAP_FIELD "tag.t = (((((((((((((((((((((((((((((((((((((((((\n",
	               "p.ini:7: [map m] tag.t: more than 40 words");
}

static void all_mistakes_are_told_in_one_run(void **state)
{
	static const char text[] = "[probe]\nversion = 3\nobjekt = p.bpf.o\n"
				   "[map m]\nmeasurement = m\nfield.f = value countr\n"
				   "tag.d = dev dsk\n[const]\na = b\n";
	struct spec *spec = NULL;
	struct report report = {0};

	assert_int_equal(spec_parse("p", "p.ini", text, strlen(text), &spec, &report), -EINVAL);
	assert_int_equal(report.n_errors, 5);
	report_free(&report);
}

static void a_name_that_cannot_be_a_tag_is_no_probe(void **state)
{
	struct spec *spec = NULL;
	struct report report = {0};

	assert_int_equal(spec_parse("my probe", "my probe.ini", PROBE FIELD, strlen(PROBE FIELD),
	                            &spec, &report),
	                 -EINVAL);
	assert_string_equal(report.items[0].text,
	                    "my probe.ini: a probe cannot be called \"my probe\": a letter, then "
	                    "letters, digits, _ and -, at most 42");
	report_free(&report);
}

static void a_constant_is_set_in_the_words_of_the_description(void **state)
{
	struct spec *spec = parse(block_io);
	struct report report = {0};

	assert_int_equal(spec_set_const(spec, "flush_seq", "no", "t.ini:3", &report), 0);
	assert_int_equal(spec->consts[0].kind, SPEC_CONST_NUMBER);
	assert_int_equal(spec->consts[0].number, 0);
	assert_null(spec->consts[0].enumerator);
	assert_string_equal(spec->consts[0].name, "flush_seq");
	assert_string_equal(spec->consts[0].place, "t.ini:3");
	assert_int_equal(spec_set_const(spec, "guarded", "has(type t)", "t.ini:4", &report), 0);
	assert_string_equal(spec->consts[2].has.name, "t");
	assert_int_equal(report.n_errors, 0);
	spec_free(spec);
}

/* What is said, and what the constant's words are afterwards. */
static void assert_words(const char *key, const char *value, const char *message, const char *words)
{
	struct spec *spec = parse(phases);
	struct report report = {0};
	int err = spec_set_const(spec, key, value, "t.ini:3", &report);

	assert_int_equal(err, message ? -EINVAL : 0);
	assert_int_equal(report.n_items, message != NULL);
	if (message)
		assert_string_equal(report.items[0].text, message);
	const struct spec_const *c = &spec->consts[strcmp(key, "how") ? 0 : 1];

	assert_int_equal(c->kind, c == spec->consts ? SPEC_CONST_FLAGS : SPEC_CONST_ENUM);
	assert_string_equal(c->enumerator, c == spec->consts ? "block_phase" : "mode");
	assert_string_equal(c->words, words);
	assert_string_equal(c->place,
	                    message ? c == spec->consts ? "block_io.ini:5" : "block_io.ini:6"
	                            : "t.ini:3");
	report_free(&report);
	spec_free(spec);
}

static void words_alone_set_a_constant_that_has_an_enum(void **state)
{
	assert_words("phases", "device", NULL, "device");
	assert_words("phases", "total  queue device", NULL, "total queue device");
	assert_words("phases", "flags(block_phase) device", NULL, "device");
	assert_words("phases", "enum flags", NULL, "enum flags");
	assert_words("how", "slow", NULL, "slow");
	assert_words("how", "enum(mode) slow", NULL, "slow");
}

static void what_is_no_word_does_not_set_it(void **state)
{
	assert_words(
		"phases", "3",
		"t.ini:3: [probe.block_io] const.phases: expected a word of enum block_phase, not "
		"\"3\"; for example: total queue",
		"total queue");
	assert_words(
		"phases", "has(type t)",
		"t.ini:3: [probe.block_io] const.phases: expected a word of enum block_phase, not "
		"\"(\"; for example: total queue",
		"total queue");
	assert_words(
		"phases", "",
		"t.ini:3: [probe.block_io] const.phases: a word of enum block_phase is missing; for "
		"example: total queue",
		"total queue");
	assert_words("phases", "total total",
	             "t.ini:3: [probe.block_io] const.phases: \"total\" stands there twice",
	             "total queue");
	assert_words(
		"how", "slow fast",
		"t.ini:3: [probe.block_io] const.how: nothing may follow here, but \"fast\" does",
		"fast");
}

static void another_enum_does_not_set_it(void **state)
{
	assert_words(
		"phases", "flags(mode) fast",
		"t.ini:3: [probe.block_io] const.phases: is flags(block_phase) in the probe; write "
		"the words alone, as in \"total queue\"",
		"total queue");
	assert_words(
		"phases", "enum(block_phase) queue",
		"t.ini:3: [probe.block_io] const.phases: is flags(block_phase) in the probe; write "
		"the words alone, as in \"total queue\"",
		"total queue");
	assert_words(
		"how", "flags(mode) fast slow",
		"t.ini:3: [probe.block_io] const.how: is enum(mode) in the probe; write the words "
		"alone, as in \"fast\"",
		"fast");
}

static void a_wrong_constant_changes_nothing(void **state)
{
	struct spec *spec = parse(block_io);
	struct report report = {0};

	assert_int_equal(spec_set_const(spec, "flush_sec", "1", "t.ini:3", &report), -EINVAL);
	assert_string_equal(report.items[0].text,
	                    "t.ini:3: [probe.block_io] const.flush_sec: the probe has no such "
	                    "constant; did you mean \"flush_seq\"?");
	assert_int_equal(spec_set_const(spec, "flush_seq", "has(", "t.ini:3", &report), -EINVAL);
	assert_string_equal(report.items[1].text,
	                    "t.ini:3: [probe.block_io] const.flush_seq: a predicate is missing "
	                    "(tracepoint, type, field, function, kprobe, module, const)");
	assert_int_equal(spec->consts[0].kind, SPEC_CONST_KERNEL_BIT);
	assert_string_equal(spec->consts[0].place, "block_io.ini:7");
	report_free(&report);
	spec_free(spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_description_parses),
		cmocka_unit_test(constants_have_a_kind_and_a_place),
		cmocka_unit_test(programs_have_predicates_and_groups),
		cmocka_unit_test(predicates_ask_for_what_is_in_modules_and_can_be_traced),
		cmocka_unit_test(maps_have_tags_fields_and_histograms),
		cmocka_unit_test(a_sum_belongs_to_the_histogram_of_its_name),
		cmocka_unit_test(a_constant_has_the_words_of_an_enum),
		cmocka_unit_test(programs_and_maps_can_ask_for_a_word),
		cmocka_unit_test(maps_have_gauges_and_maxima_too),
		cmocka_unit_test(a_probe_can_be_off_until_asked_for),
		cmocka_unit_test(rules_of_the_section_probe),
		cmocka_unit_test(rules_of_section_names),
		cmocka_unit_test(rules_of_constants),
		cmocka_unit_test(rules_of_programs),
		cmocka_unit_test(rules_of_the_keys_of_a_map),
		cmocka_unit_test(rules_of_tags),
		cmocka_unit_test(a_tag_phase_is_free_where_no_histogram_has_one),
		cmocka_unit_test(rules_of_fields),
		cmocka_unit_test(rules_of_histograms),
		cmocka_unit_test(rules_of_the_map_of_drops),
		cmocka_unit_test(everything_is_bounded),
		cmocka_unit_test(a_value_of_many_words_is_refused),
		cmocka_unit_test(all_mistakes_are_told_in_one_run),
		cmocka_unit_test(a_name_that_cannot_be_a_tag_is_no_probe),
		cmocka_unit_test(a_constant_is_set_in_the_words_of_the_description),
		cmocka_unit_test(words_alone_set_a_constant_that_has_an_enum),
		cmocka_unit_test(what_is_no_word_does_not_set_it),
		cmocka_unit_test(another_enum_does_not_set_it),
		cmocka_unit_test(a_wrong_constant_changes_nothing),
	};

	return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
