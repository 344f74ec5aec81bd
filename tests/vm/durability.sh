# SPDX-License-Identifier: Apache-2.0
# In the guest: writes until they are durable, on disks with a volatile cache, which take 20 ms for whatever they are asked
# for, and on one without. null_blk with a cache also has FUA; virtio has a cache and no FUA.
set -eu

null_disk cached memory_backed=1 cache_size=8 irqmode=2 completion_nsec=20000000
cached=$null
null_disk journal memory_backed=1 cache_size=8 irqmode=2 completion_nsec=20000000
journal=$null
null_disk shared memory_backed=1 cache_size=8 irqmode=2 completion_nsec=20000000
shared=$null
null_disk plain memory_backed=1
plain=$null
data=$(disk data) data=${data#/dev/}
nvme=nvme0n1
for name in cached journal shared plain data nvme; do
	eval "note $name \$$name"
done

# Without checksums of its own: not all kernels have crc32c where ext4 looks for it at once.
/tools/mkfs.ext4 -q -b 4096 -O ^metadata_csum -E nodiscard,lazy_itable_init=0 "/dev/$journal" 8M
mkdir -p /mnt
mount -t ext4 -o noatime "/dev/$journal" /mnt
echo 1 >/mnt/file
sync

agent_config lines
start_agent

counters before
# By FUA, and an empty flush each by which a block device's fsync ends.
commits "$cached" 10 4k
# Nothing by itself, and one empty flush at the end.
for n in 1 2 3 4 5; do
	/tools/dd status=none if=/dev/zero of="/dev/$cached" bs=4k count=1 seek=$((1000 + n)) oflag=direct conv=notrunc,fsync
done
commits "$data" 20 4k
commits "$nvme" 20 4k
commits "$plain" 20 4k
/tools/dd status=none if=/dev/zero of="/dev/$plain" bs=4k count=1 oflag=direct conv=notrunc,fsync
# A journal's commit record: PREFLUSH, then FUA.
for n in 1 2 3; do
	echo $n >/mnt/file
	/tools/dd status=none if=/dev/zero of=/mnt/file bs=1 count=1 conv=notrunc,fsync
done
# Four at once, that wait for their turn: each long enough that a late start of one of them does not matter.
pids=''
for writer in 1 2 3 4; do
	commits "$shared" 20 4k $((writer * 100)) &
	pids="$pids $!"
done
await_all $pids
umount /mnt
counters after

stop_agent
