# SPDX-License-Identifier: Apache-2.0
# In the guest: a disk goes while the agent counts, and the next one gets its number; a dm device is renamed, and its number
# given to another one.
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
counters after

stop_agent
