/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * thermograf.bpf.h: what authors of probes include: the contract's helpers, no kernel types.
 *
 * The contract (thermograf-probe(5)): counters in maps only grow and are never cleared; a new key is inserted
 * with BPF_NOEXIST; what could not be counted is counted in the map `drops`.
 */
#pragma once
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#define TG_INLINE static __always_inline

/* Keeps an enum in the object's BTF that no type in it refers to (clang drops such enums, also 14). */
#define TG_KEEP_ENUM(name) const volatile enum name tg_keep_##name = 0

/*
 * The map of what could not be counted: an array of u64, one slot per enumerator of an enum that the INI names
 * (tag.reason = key enum(..)). The key is a plain u32: an array keyed by an enum loses its BTF in libbpf 1.1.
 */
#define TG_DROPS(reasons)                                            \
	struct {                                                     \
		__uint(type, BPF_MAP_TYPE_ARRAY);                    \
		__uint(max_entries, reasons);                        \
		__type(key, __u32);                                  \
		__type(value, __u64);                                \
	} drops SEC(".maps");                                        \
	TG_INLINE void tg_drop(__u32 reason)                         \
	{                                                            \
		__u64 *count = bpf_map_lookup_elem(&drops, &reason); \
                                                                     \
		if (count)                                           \
			TG_ATOMIC_ADD(*count, 1);                    \
	}

/*
 * An atomic add that 5.10 can load: nobody uses the former value and no order is asked for. Of the older builtins,
 * __sync_fetch_and_add becomes a fetch-and-add with clang 22, also when its result is thrown away.
 */
#define TG_ATOMIC_ADD(place, amount) \
	((void)__atomic_fetch_add(&(place), (amount), __ATOMIC_RELAXED))

/*
 * The argument of a typed tracepoint (tp_btf) as a number, to be hashed or kept. The verifier lets no typed pointer be
 * used so, but what stands in the context can be read. Some 15 ns; each member that a raw tracepoint reads costs as much.
 */
TG_INLINE __u64 tg_argument(const void *context, int index)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), (const __u64 *)context + index);
	return number;
}

/*
 * Hides from clang what it knows of a 64-bit number, so that the register that is compared is also the one that
 * indexes. 5.10's verifier forgets a bound when clang compares a 32-bit copy ("R4 unbounded memory access").
 */
#define TG_OPAQUE(number) asm volatile("" : "+r"(number))

/*
 * Adding to a counter. A CPU that has a shard to itself needs no locked instruction (two to four times the
 * cost of a plain add). `exclusive` must be known to the verifier, which then drops the other branch.
 */
#define TG_ADD(exclusive, place, amount)              \
	do {                                          \
		if (exclusive)                        \
			(place) += (amount);          \
		else                                  \
			TG_ATOMIC_ADD(place, amount); \
	} while (0)

/*
 * The greatest value of each window (kind max). It cannot be subtracted, so it stands beside the number of its window,
 * which the engine writes into tg_window right before it reads. Two words, by the window's parity: what completes
 * between that and the read must not overwrite what is about to be read. A word is window << 32 | value.
 */
struct tg_max {
	__u64 word[2];
};

/* Defines the number of the running window; once in an object that has a struct tg_max. */
#define TG_WINDOW volatile __u32 tg_window SEC(".data.window") = 0

/*
 * How a maximum that several CPUs may write is replaced. TG_MAX_SWAP needs a kernel that has compare-and-swap (5.12;
 * arm64's JIT 5.18), and not only at run time: older ones refuse the instruction wherever it stands. TG_MAX_STORE
 * may lose one of two values that CPUs store within nanoseconds; the agent then tells the bound of the highest slot
 * that counted. One CPU alone needs no more than that.
 */
enum tg_max_mode { TG_MAX_STORE, TG_MAX_SWAP };

/* CPUs that store a greater maximum at the same instant; more than so many lose theirs. */
#define TG_MAX_TRIES 8

TG_INLINE void tg_take_max(struct tg_max *max, __u32 window, __u64 value, enum tg_max_mode mode)
{
	volatile __u64 *word = &max->word[window & 1];
	__u64 mine = (__u64)window << 32 | (value > 0xffffffff ? 0xffffffff : value), seen = *word;

	if (mode == TG_MAX_STORE) {
		if (mine > seen)
			*word = mine;
		return;
	}
	for (int i = 0; i < TG_MAX_TRIES && mine > seen; i++) {
		__u64 found = __sync_val_compare_and_swap(&max->word[window & 1], seen, mine);

		if (found == seen)
			return;
		seen = found;
	}
}

/*
 * Nanoseconds to microseconds, rounded up, so that the bucket le=512 holds 256 us < t <= 512 us exactly.
 * BPF has no high half of a product, so clang divides: 20 to 40 cycles on older CPUs. Below 2^32 ns (4.3 s) the
 * reciprocal is exact: floor(x / 1000) = x * 274877907 >> 38 for every 32-bit x (Granlund, Montgomery 1994).
 */
TG_INLINE __u64 tg_ceil_us(__u64 ns)
{
	ns += 999;
	if (ns >> 32)
		return ns / 1000;
	return ns * 274877907 >> 38;
}

/* floor(log2(v)) for v > 0; BPF has no such instruction before 7.0. */
TG_INLINE __u32 tg_log2(__u32 v)
{
	__u32 shift, log;

	log = (v > 0xffff) << 4;
	v >>= log;
	shift = (v > 0xff) << 3;
	v >>= shift;
	log |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	log |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	log |= shift;
	return log | (v >> 1);
}

/*
 * The slot of a value on the scale log-linear(bits) with first = 1 (lib/bucket.h has the bounds and the same
 * formula). The scale must end at or below 2^32; `slots` counts the last one, for what is above (+Inf).
 * The value is a whole number, rounded up; 0 and 1 fall into slot 0.
 */
TG_INLINE __u32 tg_log_linear(__u64 value, __u32 bits, __u32 slots)
{
	__u64 below = value - (value > 0); /* (lower, upper] becomes [lower, upper) */
	__u32 octave, slot;

	if (below >> 32)
		return slots - 1;
	if (!(below >> bits))
		return below;
	octave = tg_log2(below);
	slot = ((octave - bits + 1) << bits) + ((below >> (octave - bits)) & ((1u << bits) - 1));
	return slot < slots ? slot : slots - 1;
}
