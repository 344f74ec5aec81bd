# SPDX-License-Identifier: Apache-2.0
# In the guest: a disk goes while the agent counts, and the next one gets its number; a dm device is renamed, and its number
# given to another one; a hidden path of an NVMe disk goes, and another NVMe disk's path gets its number.
set -eu

remove_null() { # NAME of its folder
	echo 0 >"/sys/kernel/config/nullb/$1/power"
	rmdir "/sys/kernel/config/nullb/$1"
}

null_disk below memory_backed=1
below=$null
dm() { # NAME OFFSET: a device of device mapper; $dm is the kernel's name of it
	/tools/dmsetup create --noudevsync --noudevrules "$1" --table "0 65536 linear /dev/$below $2"
	dm=dm-$(/tools/dmsetup info -c --noheadings -o minor "$1" | tr -d ' ')
	await [ -b "/dev/$dm" ]
	echo 0 >/sys/block/$dm/queue/read_ahead_kb
	reads "$dm" 1 4k # who opens a disk first looks for partitions
}
dm one 0
note dm "$dm"

head() { # SERIAL: $nvme is the name that people know
	for disk in /sys/block/nvme[0-9]n1; do
		nvme=${disk##*/}
		[ "$(tr -d ' ' <"$disk/device/serial")" = "$1" ] && [ -b "/dev/$nvme" ] && return
	done
	return 1
}
await head solo && solo=$nvme
await head shared && shared=$nvme
for policy in /sys/class/nvme-subsystem/*/iopolicy; do
	echo round-robin >"$policy"
done
note paths "$(find /sys/block -name 'nvme*c*n1' | wc -l)"

# Longer than all that follows, so that most of it is in one window.
agent_config lines '[probe.bio_io]' 'enabled = yes'
sed -i 's/interval = 1s/interval = 5s/' /tmp/thermograf.ini
start_agent
counters before

null_disk first memory_backed=1
first=$null number=$(cat "/sys/block/$null/dev")
reads "$first" 30 4k
writes "$first" 10 8k
cat /proc/diskstats >/result/first
remove_null first
null_disk second memory_backed=1
note first "$first"
note second "$null"
note numbers "$number $(cat "/sys/block/$null/dev")"
reads "$null" 20 4k

reads "$dm" 10 4k
/tools/dmsetup rename --noudevsync one two
reads "$dm" 5 4k
cat /proc/diskstats >/result/renamed
/tools/dmsetup remove --noudevsync two
dm three 2048
note dm_again "$dm"
reads "$dm" 3 4k

# The lowest number that is free is the first path's.
controller() { # SERIAL: $controller is the address of its first
	for class in /sys/class/nvme/nvme[0-9]; do
		controller=$(readlink -f "$class/device")
		controller=${controller##*/}
		[ "$(tr -d ' ' <"$class/serial")" = "$1" ] && return
	done
	return 1
}
driver=/sys/bus/pci/drivers/nvme
note shared "$shared"
note solo "$solo"
reads "$shared" 30 4k
reads "$solo" 20 4k
controller solo
echo "$controller" >$driver/unbind
solo_controller=$controller
controller shared
echo "$controller" >$driver/unbind
echo "$solo_controller" >$driver/bind
await head solo
note solo_again "$nvme"
reads "$nvme" 50 4k
counters after

stop_agent
