// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * block_inflight: what every disk still owes: how many I/Os it was given and did not end, and the age of the oldest.
 *
 * A histogram of completions says nothing of an I/O that hangs: it comes into the picture when it ends, minutes later
 * or never. This looks at what is outstanding, at the end of each window.
 *
 * Who begins is noted in a table: a request when it is inserted and when it is issued, a bio when it is queued to a disk
 * that takes bios as they are (dm, md, zram). Before each read the agent runs inflight_sweep, which asks of each entry
 * whether it is still open, and the kernel's own structures answer:
 *
 *   request   its state is not idle: the driver has it. Else it is allocated (ref), and its start is still the one that was
 *             noted: it waits to be issued.
 *   bio       BIO_TRACE_COMPLETION: set when it was queued, cleared by bio_endio(). And its operation is the one that was
 *             noted: direct I/O has its bio on the stack, where the next bio of another task may lie 16 bytes
 *             further, and pointers to its disk around it (seen on 7.3: one hung bio told as two).
 *
 * A request that is used again overwrites its own entry, since a place goes by the address. So nothing leaks, requests need
 * no hook at completion, and an entry that has outlived its memory answers no: its disk must be the one that was noted,
 * too. A bio is taken out when it ends, since its memory may be anybody's then; what it is asked is for those that become
 * requests of another disk, whose end nobody tells (bio_io.bpf.c). A set of places that is full of open ones counts the
 * newcomer as a drop.
 *
 * Commands past the block layer are left out: a format may rightly take an hour. So is a write or fsync until a flush that
 * goes before it is over (blk_insert_flush() keeps it to itself until then): of 200 that wait for a cache to be flushed one
 * or two are told, with the age of that flush.
 *
 * Measured as block_io.bpf.c says: the hook at issue 80 ns, that at a bio's queueing, which looks at each bio's disk, 70; an
 * empty program there takes 56. A sweep of the table is 17 runs and half a millisecond.
 */
#include "bio.bpf.h"

#include <bpf/bpf_tracing.h>

/*
 * 8192 sets of 4: of 4,000 outstanding at once, 3 in 10,000 found their set full when they came (Poisson). 768 KiB.
 */
#define SET_BITS 13
#define SET_PLACES 4
/* Sets in one run of the sweep: a loop that older verifiers follow to its end, and some 100 us with interrupts on. */
#define SWEEP_SETS 512

enum inflight_drop {
	INFLIGHT_DROP_SET_FULL, /* no place in the table */
	INFLIGHT_DROP_MAP_FULL, /* more disks than rows */
	INFLIGHT_DROP_MAX,
};

struct inflight_key {
	__u32 dev; /* major << 20 | minor of the whole disk */
};

struct inflight_value {
	struct tg_max ios;
	struct tg_max oldest_ms;
};

struct inflight_place {
	__u64 address; /* bit 0: of a bio; 0: free */
	__u64 time_ns;
	__u32 dev;
	__u32 opf; /* of a bio: BIO_KEPT of it */
};

struct inflight_set {
	struct inflight_place places[SET_PLACES];
};

#define IS_BIO 1ull

/* What nobody changes of a bio's flags while it is open; dm and md take PREFLUSH away. */
#define BIO_KEPT (REQ_OP_MASK | REQ_SYNC | REQ_FUA)

const volatile __u32 io_stat = 0;
const volatile __u32 trace_completion = 0;

TG_WINDOW;
TG_KEEP_ENUM(inflight_drop);
TG_DROPS(INFLIGHT_DROP_MAX)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct inflight_key);
	__type(value, struct inflight_value);
} block_inflight SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << SET_BITS);
	__type(key, __u32);
	__type(value, struct inflight_set);
} inflight_table SEC(".maps");

/* ---- who is open */

TG_INLINE bool has_dev(struct gendisk *disk, __u32 dev)
{
	return disk && ((__u32)BPF_CORE_READ(disk, major) << MINOR_BITS |
	                BPF_CORE_READ(disk, first_minor)) == dev;
}

TG_INLINE bool is_allocated(struct request *rq)
{
	struct request___refcount *old = (void *)rq;

	if (bpf_core_field_exists(old->ref.refs))
		return BPF_CORE_READ(old, ref.refs.counter) > 0;
	return BPF_CORE_READ(rq, ref.counter) > 0;
}

/* When it began; 0: it is over, or its memory is that of a command past the block layer by now. */
TG_INLINE __u64 request_began(struct request *rq, const struct inflight_place *p)
{
	bool timed = BPF_CORE_READ(rq, rq_flags) & io_stat;
	__u64 start_ns = timed ? BPF_CORE_READ(rq, start_time_ns) : p->time_ns;

	if (is_passthrough(BPF_CORE_READ(rq, cmd_flags)) ||
	    !has_dev(probed_request_disk(rq), p->dev))
		return 0;
	if (BPF_CORE_READ(rq, state) != MQ_RQ_IDLE)
		return start_ns;
	return timed && start_ns == p->time_ns && is_allocated(rq) ? start_ns : 0;
}

TG_INLINE __u64 bio_began(__u64 address, const struct inflight_place *p)
{
	struct bio *bio = (void *)address;

	if (!bio_is_open(address, trace_completion) || !has_dev(probed_bio_disk(bio), p->dev))
		return 0;
	return (BPF_CORE_READ(bio, bi_opf) & BIO_KEPT) == p->opf ? p->time_ns : 0;
}

TG_INLINE __u64 began(const struct inflight_place *p)
{
	if (!p->address)
		return 0;
	if (p->address & IS_BIO)
		return bio_began(p->address & ~IS_BIO, p);
	return request_began((void *)p->address, p);
}

/* ---- who begins */

TG_INLINE struct inflight_place *choose_place(struct inflight_set *set, __u64 address)
{
	for (int i = 0; i < SET_PLACES; i++)
		if (set->places[i].address == address)
			return &set->places[i];
	for (int i = 0; i < SET_PLACES; i++)
		if (!set->places[i].address)
			return &set->places[i];
	/* Two CPUs may choose the same: one of them is then not told, if it hangs before its next event. */
	for (int i = 0; i < SET_PLACES; i++)
		if (!began(&set->places[i]))
			return &set->places[i];
	return 0;
}

TG_INLINE struct inflight_set *set_of(__u64 address)
{
	__u32 number = address * 0x9e3779b97f4a7c15ull >> (64 - SET_BITS);

	return bpf_map_lookup_elem(&inflight_table, &number);
}

TG_INLINE int note(__u64 address, __u64 time_ns, __u32 dev, __u32 opf)
{
	struct inflight_set *set = set_of(address);
	struct inflight_place *place = set ? choose_place(set, address) : 0;

	if (!place) {
		tg_drop(INFLIGHT_DROP_SET_FULL);
		return 0;
	}
	place->dev = dev;
	place->opf = opf;
	place->time_ns = time_ns;
	place->address = address;
	return 0;
}

TG_INLINE int note_request(struct request *rq, __u64 address)
{
	struct gendisk *disk = request_disk(rq);

	if (!disk || is_passthrough(rq->cmd_flags))
		return 0;
	return note(address, rq->rq_flags & io_stat ? rq->start_time_ns : bpf_ktime_get_ns(),
	            disk_dev(disk), 0);
}

TG_INLINE int note_bio(struct bio *bio, __u64 address)
{
	struct gendisk *disk = bio_disk(bio);

	if (!disk || !disk_takes_bios(disk))
		return 0;
	return note(address | IS_BIO, bpf_ktime_get_ns(), disk_dev(disk), bio->bi_opf & BIO_KEPT);
}

SEC("?tp_btf/block_rq_insert")
int BPF_PROG(inflight_insert, struct request *rq)
{
	return note_request(rq, tg_argument(ctx, 0));
}

SEC("?tp_btf/block_rq_insert")
int BPF_PROG(inflight_insert_with_queue, struct request_queue *q, struct request *rq)
{
	return note_request(rq, tg_argument(ctx, 1));
}

SEC("?tp_btf/block_rq_issue")
int BPF_PROG(inflight_issue, struct request *rq)
{
	return note_request(rq, tg_argument(ctx, 0));
}

SEC("?tp_btf/block_rq_issue")
int BPF_PROG(inflight_issue_with_queue, struct request_queue *q, struct request *rq)
{
	return note_request(rq, tg_argument(ctx, 1));
}

SEC("?tp_btf/block_bio_queue")
int BPF_PROG(inflight_bio, struct bio *bio)
{
	return note_bio(bio, tg_argument(ctx, 0));
}

SEC("?tp_btf/block_bio_queue")
int BPF_PROG(inflight_bio_with_queue, struct request_queue *q, struct bio *bio)
{
	return note_bio(bio, tg_argument(ctx, 1));
}

/* Of a disk that takes bios as they are. */
SEC("?tp_btf/block_bio_complete")
int BPF_PROG(inflight_bio_end, struct request_queue *q, struct bio *bio)
{
	__u64 address = tg_argument(ctx, 1) | IS_BIO;
	struct inflight_set *set = set_of(address);

	for (int i = 0; set && i < SET_PLACES; i++)
		if (set->places[i].address == address)
			set->places[i].address = 0;
	return 0;
}

/* ---- the sweep: only the agent runs it, so nobody else writes these values */

TG_INLINE struct inflight_value *value_of(__u32 dev)
{
	struct inflight_key key = {.dev = dev};
	struct inflight_value empty = {}, *v = bpf_map_lookup_elem(&block_inflight, &key);

	if (v)
		return v;
	bpf_map_update_elem(&block_inflight, &key, &empty, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&block_inflight, &key);
	if (!v)
		tg_drop(INFLIGHT_DROP_MAP_FULL);
	return v;
}

TG_INLINE void count(const struct inflight_place *p, __u64 began_ns, __u64 now_ns)
{
	bool is_bio = p->address & IS_BIO;
	void *address = (void *)(p->address & ~IS_BIO);
	struct gendisk *disk = is_bio ? probed_bio_disk(address) : probed_request_disk(address);
	struct inflight_value *v = value_of(known_dev(disk, p->dev));
	__u64 word;

	if (!v)
		return;
	word = v->ios.word[tg_window & 1];
	tg_take_max(&v->ios, tg_window, word >> 32 == tg_window ? (__u32)word + 1 : 1,
	            TG_MAX_STORE);
	tg_take_max(&v->oldest_ms, tg_window, now_ns > began_ns ? (now_ns - began_ns) / 1000000 : 0,
	            TG_MAX_STORE);
}

/* Global, so that the verifier looks at it once, and not at each turn of the loop that calls it. */
__attribute__((noinline)) int inflight_sweep_set(__u32 number)
{
	struct inflight_set *set = bpf_map_lookup_elem(&inflight_table, &number);
	__u64 now_ns = bpf_ktime_get_ns();

	if (!set)
		return 0;
	for (int i = 0; i < SET_PLACES; i++) {
		__u64 began_ns = began(&set->places[i]);

		if (began_ns)
			count(&set->places[i], began_ns, now_ns);
	}
	return 1;
}

/* Run n looks at the nth part of the table; 0: that was the last. */
SEC("?raw_tp")
int inflight_sweep(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 first = ctx->args[0] * SWEEP_SETS;

	for (__u32 i = 0; i < SWEEP_SETS; i++)
		if (!inflight_sweep_set(first + i))
			return 0;
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
