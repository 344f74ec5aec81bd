# SPDX-License-Identifier: Apache-2.0
# In the guest: disks that stand on disks, by bios (dm-linear, which is what LVM makes, dm-crypt, md raid1) and by requests
# (dm-multipath, also by bios), and an NVMe disk with two paths. Then paths fail while somebody waits.
set -eu

size=$((64 * 2048)) # sectors
dm() { # NAME TABLE: the device's name is in $dm
	/tools/dmsetup create --noudevsync --noudevrules "$1" --table "$2"
	dm=dm-$(/tools/dmsetup info -c --noheadings -o minor "$1" | tr -d ' ')
	await [ -b "/dev/$dm" ]
}

null_disk below-linear memory_backed=1
linear_below=$null
dm linear "0 65536 linear /dev/$null 2048"
linear=$dm

null_disk below-crypt memory_backed=1
crypt_below=$null
key=$(printf '0123456789abcdef%.0s' 1 2 3 4 5 6 7 8)
dm crypt "0 $size crypt aes-xts-plain64 $key 0 /dev/$null 0"
crypt=$dm

null_disk leg1 memory_backed=1
leg1=$null
null_disk leg2 memory_backed=1
leg2=$null
/tools/mdadm --create /dev/md0 --run --assume-clean --level=1 --raid-devices=2 --metadata=1.0 --bitmap=none \
	"/dev/$leg1" "/dev/$leg2" 2>&1
md=md0

# Two paths each, which are disks of their own here, with a volatile cache.
for name in path1 path2 bio_path1 bio_path2; do
	null_disk $name memory_backed=1 cache_size=8 irqmode=2 completion_nsec=200000
	eval "$name=$null"
done
group() { # one group of one path
	echo "round-robin 0 1 1 $(cat "/sys/block/$1/dev") 1"
}
dm requests "0 $size multipath 1 queue_if_no_path 0 2 1 $(group "$path1") $(group "$path2")"
requests=$dm
dm bios "0 $size multipath 3 queue_if_no_path queue_mode bio 0 2 1 $(group "$bio_path1") $(group "$bio_path2")"
bios=$dm

# Its number is that of the controller that came first.
head() {
	nvme=$(echo /sys/block/nvme[0-9]n1)
	nvme=${nvme##*/}
	[ -b "/dev/$nvme" ]
}
await head || ls /sys/block
note nvme_paths "$(find /sys/block -name 'nvme*c*n1' | wc -l)"
for name in linear linear_below crypt crypt_below md leg1 leg2 path1 path2 bio_path1 bio_path2 requests bios nvme; do
	eval "note $name \$$name"
done
for name in $linear $crypt $md $requests $bios $nvme; do
	echo 0 >/sys/block/$name/queue/read_ahead_kb
	# Who opens a disk first looks for partitions.
	reads "$name" 1 4k
done

agent_config lines '[probe.bio_io]' 'enabled = yes'
start_agent

# What block_rq_complete says of the multipath device, event by event.
tracing=/sys/kernel/tracing
echo 4096 >$tracing/buffer_size_kb
echo 1 >$tracing/events/block/block_rq_complete/enable

counters before
for name in $linear $crypt $md $requests $bios $nvme; do
	reads "$name" 60 4k &
	pids="${pids:-} $!"
	writes "$name" 30 16k 100 &
	pids="$pids $!"
	commits "$name" 10 4k 2000 &
	pids="$pids $!"
done
await_all $pids
note number "$(tr : , <"/sys/block/$requests/dev")"
grep block_rq_complete: $tracing/trace >/result/trace-healthy || true
echo >$tracing/trace

# bad SIGN PATH...: sectors of the reads of 4 KiB at 200 fail from now on, or no more.
bad() {
	sign=$1
	shift
	for path in "$@"; do
		echo "${sign}1600-1639" >/sys/kernel/config/nullb/$path/badblocks
	done
}

# One path fails: the I/O goes by the other one.
bad + path1 bio_path1
reads "$requests" 5 4k 200
reads "$bios" 5 4k 200
# The other one as well: somebody waits for 1.5 s.
bad + path2 bio_path2
reads "$requests" 1 4k 200 &
pids=$!
reads "$bios" 1 4k 200 &
pids="$pids $!"
sleep 1.5
bad - path2 bio_path2
/tools/dmsetup message requests 0 "reinstate_path $(cat "/sys/block/$path2/dev")"
/tools/dmsetup message bios 0 "reinstate_path $(cat "/sys/block/$bio_path2/dev")"
await_all $pids
grep block_rq_complete: $tracing/trace >/result/trace-failing || true
echo 0 >$tracing/events/block/block_rq_complete/enable

# The NVMe disk loses one of its two controllers while it is read.
reads $nvme 300 4k &
pids=$!
echo 1 >/sys/class/nvme/nvme0/device/remove
await_all $pids
counters after

stop_agent
/tools/mdadm --stop /dev/md0 2>&1
