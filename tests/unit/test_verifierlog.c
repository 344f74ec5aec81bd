/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of logs that kernels really wrote. */
#include "verifierlog.h"

#include "ground.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *log, *verdict;
} logs[] = {
	/* 5.10 */
	{"arg#0 type is not a struct\nUnrecognized arg#0 type PTR\n"
         "; SEC(\"?tp_btf/block_rq_issue\") int BPF_PROG(verifier_null, struct request *rq)\n"
         "0: (b4) w1 = 0\n6: (85) call bpf_map_lookup_elem#1\nlast_idx 1 first_idx 0\n"
         "regs=2 stack=0 before 0: (b4) w1 = 0\n8: (7b) *(u64 *)(r0 +0) = r1\n"
         "R0 invalid mem access 'map_value_or_null'\n"
         "processed 8 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
         "R0 invalid mem access 'map_value_or_null'"},
	{"parent didn't have regs=2 stack=0 marks\nlast_idx 2 first_idx 0\n"
         "regs=1 stack=0 before 0: (85) call bpf_get_prandom_u32#7\ninfinite loop detected at insn 2\n"
         "processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 1\n",
         "infinite loop detected at insn 2"},
	{"unreachable insn 1\n"
         "processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
         "unreachable insn 1"},
	/* 6.1 */
	{"reg type unsupported for arg#0 function verifier_helper#21\n0: R1=ctx(off=0,imm=0) R10=fp0\n"
         "; { no_helper(); return 0; }\n0: (85) call unknown#9999\ninvalid func unknown#9999\n"
         "processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
         "invalid func unknown#9999"},
	/* 6.12: states follow the sentence. */
	{"arg#0 reference type('UNKNOWN ') size cannot be determined: -22\n0: R1=ctx() R10=fp0\n"
         "2: (15) if r1 == 0x7 goto pc-1        ; R1_w=7\ninfinite loop detected at insn 2\n"
         "cur state: R0=scalar() R1=7 R10=fp0\nold state: R0_w=scalar() R1_rw=P7 R10=fp0\n"
         "processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 1\n",
         "infinite loop detected at insn 2"},
	/* 6.18, after libbpf put its own words into the log. */
	{"0: R1=ctx() R10=fp0\n0: (79) r1 = *(u64 *)(r1 +0)\n"
         "func 'block_rq_issue' arg0 has btf_id 12833 type STRUCT 'request'\n1: R1=trusted_ptr_request()\n"
         "; { return rq->no_such_member; } @ refused.bpf.c:29\n1: <invalid CO-RE relocation>\n"
         "failed to resolve CO-RE relocation <byte_off> [29] struct request___gone.no_such_member (0:0 @ "
         "offset 0)\n"
         "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
         "failed to resolve CO-RE relocation <byte_off> [29] struct request___gone.no_such_member (0:0 @ "
         "offset 0)"},
	/* Cut off, as kernels before 6.4 leave a log that does not fit; and other ends. */
	{"0: R1=ctx() R10=fp0\n0: (79) r1 = *(u64 *)(r1 +0)\n", NULL},
	{"0: R1=ctx()\nprocessed 2 insns\n", NULL},
	{"\nprocessed 2 insns\n", NULL},
	{"processed 2 insns\n", NULL},
	{"", NULL},
};

static void the_verdict_is_the_last_line_that_is_no_state(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		size_t len = 77;
		const char *verdict = verifierlog_verdict(logs[i].log, &len);

		if (!logs[i].verdict) {
			assert_null(verdict);
			assert_int_equal(len, 77);
			continue;
		}
		assert_non_null(verdict);
		assert_int_equal(len, strlen(logs[i].verdict));
		assert_memory_equal(verdict, logs[i].verdict, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict_is_the_last_line_that_is_no_state),
	};

	return cmocka_run_group_tests_name("verifierlog", tests, NULL, NULL);
}
