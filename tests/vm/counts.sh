# SPDX-License-Identifier: Apache-2.0
# In the guest: a bit of everything on disks of all kinds at once: drivers, sizes of blocks, schedulers, throttling of
# writeback, partitions, and disks that the kernel does not account.
set -eu

# A disk to test, and the operations that it must have shown afterwards.
disks=''
disk_with() {
	note "ops-$1" "$2"
	disks="$disks $1"
}

plain='read write writeback' cached="$plain commit flush"

data=$(disk data) data=${data#/dev/}
echo 2000 >/sys/block/$data/queue/wbt_lat_usec
disk_with "$data" "$cached"
wide=$(disk wide) wide=${wide#/dev/}
echo 0 >/sys/block/$wide/queue/wbt_lat_usec
disk_with "$wide" "$cached"
for name in nvme0n1 nvme1n1; do
	disk_with $name "$cached discard"
done
truncate -s 64M /tmp/backing
losetup /dev/loop0 /tmp/backing
disk_with loop0 "$cached discard"

load scsi_debug sector_size=4096 dev_size_mb=64 num_parts=2 lbpu=1 delay=0
scsi=$(scsi_disks 1)
await [ -b "/dev/${scsi}2" ]
disk_with "$scsi" "$cached discard"

for which in none mq-deadline kyber bfq; do
	null_disk $which memory_backed=1 discard=1
	scheduler "$null" $which
	disk_with "$null" "$plain discard"
done
null_disk big blocksize=4096
disk_with "$null" "$plain"
null_disk merging
scheduler "$null" mq-deadline
merging=$null
disk_with "$merging" "$plain"
# Zones of 4 MiB, each to be written in order.
null_disk zoned memory_backed=1 zoned=1 zone_size=4
scheduler "$null" mq-deadline
zoned=$null

# The kernel counts nothing for these. Of the second one only flushes have a time.
null_disk silent
silent=$null
null_disk silent-cache memory_backed=1 cache_size=1
silent_cache=$null
for name in $silent $silent_cache; do
	echo 0 >/sys/block/$name/queue/iostats
	scheduler $name mq-deadline
done

note disks "$disks"
note zoned "$zoned"
note scsi "$scsi"
note merging "$merging"
note silent "$silent"
note silent_cache "$silent_cache"

echo 10 >/proc/sys/vm/dirty_expire_centisecs
echo 10 >/proc/sys/vm/dirty_writeback_centisecs

agent_config lines
start_agent

flushed() {
	[ "$(awk '/^(Dirty|Writeback):/ { n += $2 } END { print n }' /proc/meminfo)" = 0 ]
}

# Partitions stand for their disk.
work() {
	writes "$1" 10 16k
	reads "$1" 40 4k &
	reads "$1" 40 16k 40 &
	commits "$1" 8 4k 4096 &
	wait
	/tools/dd status=none if=/dev/zero of="/dev/$1" bs=64k count=20 seek=128 conv=fsync,notrunc
	# Nobody waits for these: the flusher writes them while the device is open, a close would wait.
	(/tools/dd status=none if=/dev/zero bs=64k count=10 && await flushed) >"/dev/$1"
	/tools/dd status=none if="/dev/$1" of=/dev/null bs=64k count=20 skip=256
	# Who cannot refuses; that one may be a failed I/O, or none.
	/tools/blkdiscard -f -o 1M -l 512k "/dev/$1" 2>/dev/null || true
	/tools/blkdiscard -f -z -o 2M -l 64k "/dev/$1" 2>/dev/null || true
}

counters before
pids=''
for name in $disks; do
	parts=$name
	[ "$name" = "$scsi" ] && parts="${scsi}1 ${scsi}2"
	for part in $parts; do
		work "$part" &
		pids="$pids $!"
	done
done
await_all $pids
writes "$zoned" 40 4k
reads "$zoned" 20 4k
# 10 operations of zones: 5 are finished, and made empty again.
for zone in 0 1 2 3 4; do
	/tools/blkzone finish -o $((zone * 8192)) -l 8192 "/dev/$zoned"
	/tools/blkzone reset -o $((zone * 8192)) -l 8192 "/dev/$zoned"
done
reads "$silent" 50 4k
writes "$silent" 30 4k
commits "$silent_cache" 10 4k
counters after

stop_agent
