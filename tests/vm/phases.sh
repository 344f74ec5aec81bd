# SPDX-License-Identifier: Apache-2.0
# In the guest: all phases. A device that takes 20 ms for each I/O and one at a time, so that what waits is known; a disk
# with a volatile cache, for flush sequences; and one that does half of some I/Os, so that they are issued again.
set -eu

mkdir -p /sys/kernel/config
mount -t configfs none /sys/kernel/config
slow=/sys/kernel/config/nullb/slow
mkdir $slow
echo 2 >$slow/irqmode # a timer
echo 20000000 >$slow/completion_nsec
echo 1 >$slow/submit_queues
echo 1 >$slow/hw_queue_depth
echo 64 >$slow/size
echo 1 >$slow/power
# Newer kernels take the folder's name; the module made nullb0 by itself.
name=nullb1
[ -b /dev/slow ] && name=slow
[ -b /dev/$name ] || echo "no device of null_blk: $(ls /dev)"
# Without a scheduler there is one request, too, and what waits for it has none yet, so no time of creation.
echo mq-deadline >/sys/block/$name/queue/scheduler
echo 16 >/sys/block/$name/queue/nr_requests

data=$(disk data)

# Its driver counts in ticks, of 4 ms on these kernels; every third command it does half of what it is asked for.
debug=/sys/bus/pseudo/drivers/scsi_debug
for try in $(seq 100); do
	half=$(ls /sys/bus/scsi/devices/*/block 2>/dev/null | grep '^sd' || true)
	[ -n "$half" ] && [ -b "/dev/$half" ] && break
	sleep 0.1
done
echo 5 >$debug/delay
echo "$name ${data#/dev/} $half" >/result/disks

cat >/tmp/thermograf.ini <<END
[agent]
interval = 1s
[output.lines]
type = file
path = /result/lines
[probe.block_io]
const.phases = total queue device
END
start_agent

cat /proc/diskstats >/result/before
# Four at once on a device that takes one: each waits for three others.
for reader in 1 2 3 4; do
	/tools/dd status=none if=/dev/$name of=/dev/null bs=4k count=25 skip=$((reader * 100)) iflag=direct &
	pids="${pids:-} $!"
done
for pid in $pids; do
	wait "$pid"
done
# Alone, nothing waits.
/tools/dd status=none if=/dev/$name of=/dev/null bs=8k count=20 iflag=direct
/tools/dd status=none if=/dev/zero of=/dev/$name bs=4k count=20 oflag=direct
echo 0x100 >$debug/opts
echo 3 >$debug/every_nth
/tools/dd status=none if=/dev/$half of=/dev/null bs=64k count=20 iflag=direct
echo 0 >$debug/every_nth
# Flush sequences with data; and empty ones, by fsync of what is written already.
/tools/dd status=none if=/dev/zero of="$data" bs=4k count=50 oflag=direct,dsync
/tools/dd status=none if=/dev/zero of="$data" bs=64k count=40 oflag=direct conv=fsync
# Both CPUs, all contexts.
pids=''
for reader in 1 2 3 4; do
	/tools/dd status=none if="$data" of=/dev/null bs=4k count=1500 skip=$((reader * 500)) iflag=direct &
	pids="$pids $!"
	/tools/dd status=none if=/dev/zero of="$data" bs=4k count=500 seek=$((reader * 500)) oflag=direct &
	pids="$pids $!"
done
for pid in $pids; do
	wait "$pid"
done
sync
cat /proc/diskstats >/result/after

stop_agent
