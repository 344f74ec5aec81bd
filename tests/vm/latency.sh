# SPDX-License-Identifier: Apache-2.0
# In the guest: devices that take as long as we tell them. Of each, one I/O at a time; what dd says it took stands beside.
set -eu

# timed DEVICE COUNT: direct reads one after the other; notes the seconds that all of them took, as user space saw it.
timed() {
	/tools/dd if="/dev/$1" of=/dev/null bs=4k count="$2" iflag=direct 2>"/tmp/dd-$1"
	note "seconds-$1" "$(sed -n 's/.*copied, \([0-9.e-]*\) s.*/\1/p' "/tmp/dd-$1")"
}

# A device of null_blk with a timer of so many microseconds, and the number of reads.
devices=''
for pair in 700:200 6000:60 48000:20 1000000:3; do
	us=${pair%:*}
	null_disk "n$us" irqmode=2 completion_nsec="${us}000"
	devices="$devices $null:$us:${pair#*:}"
done

load scsi_debug dev_size_mb=64 ndelay=6000000 max_luns=2
disks=$(scsi_disks 2)
set -- $disks
scsi=$1 shallow=$2
devices="$devices $scsi:6000:60"

# It delays bios on their way to a device that answers at once: the delay is the dm device's, not the disk's.
null_disk below
below=$null
/tools/dmsetup create --noudevsync --noudevrules delayed --table "0 $(cat /sys/block/$below/size) delay /dev/$below 0 48"
await [ -b /dev/dm-0 ]
devices="$devices dm-0:48000:20"

note kernel "$(uname -r)"
note devices "$devices"
note below "$below"
note shallow "$shallow"

agent_config lines '[probe.block_io]' 'const.phases = total queue device' '[probe.bio_io]' 'enabled = yes'
start_agent

counters before
for words in $devices; do
	name=${words%%:*}
	timed "$name" "${words##*:}" &
	pids="${pids:-} $!"
done
await_all $pids
# One command at a time, four at once: the rest waits above the driver.
echo 1 >/sys/block/$shallow/device/queue_depth
scheduler "$shallow" mq-deadline
pids=''
for reader in 1 2 3 4; do
	reads "$shallow" 15 4k $((reader * 100)) &
	pids="$pids $!"
done
await_all $pids
counters after

stop_agent
/tools/dmsetup remove --noudevsync delayed
