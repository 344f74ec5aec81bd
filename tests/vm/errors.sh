# SPDX-License-Identifier: Apache-2.0
# In the guest: what can go wrong below a request. Disks of scsi_debug, which does wrong on command: by halves, busy,
# not at all within its time, on a bad sector; and commands that are no I/O.
set -eu

load scsi_debug max_luns=7 dev_size_mb=64 delay=0
disks=$(scsi_disks 7)
set -- $disks
halves=$1 busy=$2 late=$3 bad=$4 commands=$5 mute=$6 slow=$7
note halves "$halves"
note busy "$busy"
note late "$late"
note bad "$bad"
note commands "$commands"
# Its commands find no disk behind them that the kernel would account.
note mute "$mute"
note slow "$slow"
for name in "$@"; do
	scheduler "$name" mq-deadline
	# What is read ahead would come and go by itself.
	echo 0 >/sys/block/$name/queue/read_ahead_kb
done
echo 1 >/sys/block/$late/device/timeout

agent_config lines '[probe.block_io]' 'const.phases = total queue device' '[probe.block_inflight]' 'enabled = yes'
start_agent

counters before
wrong 0x100 3 # short transfers: half is done, the rest is issued again
reads "$halves" 20 64k
writes "$halves" 20 64k
right
wrong 0x8000 3 # the host is busy
reads "$busy" 20 4k
right
wrong 4 1 # no answer, until it is asked again
reads "$late" 1 4k &
sleep 0.3
right
await_all $!
reads "$late" 3 4k
wrong 2 0 # a medium error at sector 0x1234
reads "$bad" 10 4k
/tools/dd status=none if="/dev/$bad" of=/dev/null bs=64k skip=36 count=1 iflag=direct || note refused 64k
right
reads "$bad" 10 4k
/tools/sg_turs --number=7 "/dev/$commands"
/tools/sg_inq "/dev/$commands" >/dev/null
for n in 1 2 3; do
	echo 1 >/sys/block/$mute/device/rescan
done
# A command that takes longer than a window, in the memory of requests that were reads on this CPU.
taskset 1 /tools/dd status=none if="/dev/$slow" of=/dev/null bs=4k count=100 iflag=direct
echo 500 >/sys/bus/pseudo/drivers/scsi_debug/delay # in ticks: 2 s at 250 Hz
start=$(cut -d ' ' -f 1 /proc/uptime)
taskset 1 /tools/sg_turs "/dev/$slow"
note command_s "$start $(cut -d ' ' -f 1 /proc/uptime)"
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/delay
counters after

stop_agent
