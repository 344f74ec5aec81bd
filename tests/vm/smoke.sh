# SPDX-License-Identifier: Apache-2.0
# In the guest: the agent counts a known workload on three disks, one with a volatile cache (virtio), one without
# (null_blk) and one that can discard (loop), while /proc/diskstats is read before and after at rest.
set -eu

# The flusher comes every 0.1 s for what is older than that.
echo 10 >/proc/sys/vm/dirty_expire_centisecs
echo 10 >/proc/sys/vm/dirty_writeback_centisecs

data=$(disk data)
truncate -s 64M /tmp/backing
losetup /dev/loop0 /tmp/backing
disks="${data#/dev/} nullb0 loop0"
note disks "$disks"

agent_config lines
start_agent

# Until no page is dirty or on its way.
flushed() {
	[ "$(awk '/^(Dirty|Writeback):/ { n += $2 } END { print n }' /proc/meminfo)" = 0 ]
}

work() {
	writes "$1" 60 16k
	commits "$1" 25 4k
	/tools/dd status=none if=/dev/zero of="/dev/$1" bs=64k count=40 seek=2 conv=fsync
	# Nobody waits for these: the flusher writes them while the device is open, a close would wait.
	(/tools/dd status=none if=/dev/zero bs=64k count=20 && await flushed) >"/dev/$1"
	reads "$1" 300 4k
	/tools/dd status=none if="/dev/$1" of=/dev/null bs=128k count=30 skip=10
}

# Both CPUs complete I/O of the same disks at the same time, in all contexts that there are.
load_disk() {
	writes "$1" 2000 4k &
	commits "$1" 300 4k 4096 &
	reads "$1" 2000 4k 2048 &
	reads "$1" 2000 8k &
}

counters before
for round in 1 2; do
	pids=''
	for name in $disks; do
		work "$name" &
		pids="$pids $!"
	done
	await_all $pids
	blkdiscard -o 1048576 -l $((round * 524288)) /dev/loop0
	sleep 1.2 # over a boundary: the second round falls into another window
done
(
	for name in $disks; do
		load_disk "$name"
	done
	wait
)
counters after

stop_agent
