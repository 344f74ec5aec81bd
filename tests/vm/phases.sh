# SPDX-License-Identifier: Apache-2.0
# In the guest: all phases. A device that takes 20 ms for each I/O and one at a time, so that what waits is known; a disk
# with a volatile cache, for flush sequences; and one that does half of some I/Os, so that they are issued again.
set -eu

null_disk slow irqmode=2 completion_nsec=20000000 hw_queue_depth=1
name=$null
# Without a scheduler there is one request, too, and what waits for it has none yet, so no time of creation.
scheduler "$name" mq-deadline
echo 16 >/sys/block/$name/queue/nr_requests

data=$(disk data)
data=${data#/dev/}

# Its driver counts in ticks, of 4 ms on these kernels; every third command it does half of what it is asked for.
debug=/sys/bus/pseudo/drivers/scsi_debug
half=$(scsi_disks 1)
echo 5 >$debug/delay
note disks "$name $data $half"

agent_config lines '[probe.block_io]' 'const.phases = total queue device'
start_agent

counters before
# Four at once on a device that takes one: each waits for three others.
for reader in 1 2 3 4; do
	reads "$name" 25 4k $((reader * 100)) &
	pids="${pids:-} $!"
done
await_all $pids
# Alone, nothing waits.
reads "$name" 20 8k
writes "$name" 20 4k
echo 0x100 >$debug/opts
echo 3 >$debug/every_nth
reads "$half" 20 64k
echo 0 >$debug/every_nth
# Flush sequences with data; and empty ones, by fsync of what is written already.
commits "$data" 50 4k
/tools/dd status=none if=/dev/zero of="/dev/$data" bs=64k count=40 oflag=direct conv=fsync
# Both CPUs, all contexts.
pids=''
for reader in 1 2 3 4; do
	reads "$data" 1500 4k $((reader * 500)) &
	pids="$pids $!"
	writes "$data" 500 4k $((reader * 500)) &
	pids="$pids $!"
done
await_all $pids
counters after

stop_agent
