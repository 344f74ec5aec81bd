# SPDX-License-Identifier: Apache-2.0
# In the guest: a program that runs so long that interrupts of one disk find it running for another. null_blk completes in
# a softirq, virtio in the interrupt itself, on both CPUs.

data=$(disk data)
data=${data#/dev/}
null_disk soft irqmode=1 hw_queue_depth=64
scheduler "$null" none
note disks "$data $null"

agent_config lines '[probe.block_io]' 'enabled = no' '[probe.losses]' 'enabled = yes' 'const.lie = slow'
start_agent

counters before
pids=''
for n in 1 2; do
	reads "$data" 1500 4k $((n * 1500)) &
	pids="$pids $!"
	reads "$null" 2500 4k $((n * 2500)) &
	pids="$pids $!"
done
await_all $pids
counters after
note guarded "$(grep -c ' bpf_prog_inc_misses_counter$' /proc/kallsyms)"

stop_agent
