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
echo "${data#/dev/} nullb0 loop0" >/result/disks

cat >/tmp/thermograf.ini <<END
[agent]
interval = 1s
[output.lines]
type = file
path = /result/lines
END
start_agent

# Until no page is dirty or on its way.
flushed() {
	for try in $(seq 100); do
		[ "$(awk '/^(Dirty|Writeback):/ { n += $2 } END { print n }' /proc/meminfo)" = 0 ] && return
		sleep 0.1
	done
	return 1
}

work() {
	/tools/dd status=none if=/dev/zero of="$1" bs=16k count=60 oflag=direct
	/tools/dd status=none if=/dev/zero of="$1" bs=4k count=25 oflag=direct,dsync
	/tools/dd status=none if=/dev/zero of="$1" bs=64k count=40 seek=2 conv=fsync
	# Nobody waits for these: the flusher writes them while the device is open, a close would wait.
	(/tools/dd status=none if=/dev/zero bs=64k count=20 && flushed) >"$1"
	/tools/dd status=none if="$1" of=/dev/null bs=4k count=300 iflag=direct
	/tools/dd status=none if="$1" of=/dev/null bs=128k count=30 skip=10
}

# Both CPUs complete I/O of the same disks at the same time, in all contexts that there are.
load() {
	/tools/dd status=none if=/dev/zero of="$1" bs=4k count=2000 oflag=direct &
	/tools/dd status=none if=/dev/zero of="$1" bs=4k count=300 seek=4096 oflag=direct,dsync &
	/tools/dd status=none if="$1" of=/dev/null bs=4k count=2000 skip=2048 iflag=direct &
	/tools/dd status=none if="$1" of=/dev/null bs=8k count=2000 iflag=direct &
}

cat /proc/diskstats >/result/before
for round in 1 2; do
	pids=''
	for name in $(cat /result/disks); do
		work "/dev/$name" &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid"
	done
	blkdiscard -o 1048576 -l $((round * 524288)) /dev/loop0
	sleep 1.2 # over a boundary: the second round falls into another window
done
(
	for name in $(cat /result/disks); do
		load "/dev/$name"
	done
	wait
)
sync
cat /proc/diskstats >/result/after

stop_agent
