# SPDX-License-Identifier: Apache-2.0
# In the guest: what the scripts of all pairs stand on.

# For TEST.py: a key and its value.
note() {
	echo "$*" >>/result/notes
}

# Asks up to 30 s until the command succeeds.
await() {
	for try in $(seq 300); do
		"$@" && return
		sleep 0.1
	done
	echo "waited 30 s in vain: $*"
	return 1
}

# ---- devices

# load MODULE PARAMETER...: one of LATER in TEST.py.
load() {
	module=$1
	shift
	insmod "/later/$module.ko" "$@"
}

# The block device with this serial number.
disk() {
	for serial in /sys/block/*/serial; do
		[ "$(cat "$serial")" = "$1" ] && set -- "$1" "${serial%/serial}"
	done
	echo "/dev/${2##*/}"
}

# null_disk NAME ATTRIBUTE=VALUE...: a device of null_blk, of 64 MiB; its name is in $null.
null_disk() {
	null=$1 folder=/sys/kernel/config/nullb/$1
	mkdir "$folder"
	shift
	for word in size=64 submit_queues=1 "$@"; do
		echo "${word#*=}" >"$folder/${word%%=*}"
	done
	echo 1 >"$folder/power"
	# Newer kernels take the folder's name; older ones have a number of their own.
	[ -b "/dev/$null" ] || null=nullb$(cat "$folder/index")
	await [ -b "/dev/$null" ]
}

# The disks of scsi_debug in the order of host, target and LUN, once there are $1.
scsi_disks() {
	await scsi_ready "$1"
	for link in /sys/bus/scsi/devices/[0-9]*; do
		[ "$(cat "$link/model" 2>/dev/null)" = "scsi_debug      " ] && ls "$link/block"
	done
}

scsi_ready() {
	[ "$(ls -d /sys/bus/scsi/devices/[0-9]*/block/sd* 2>/dev/null | wc -l)" -ge "$1" ]
}

# How and every how many commands the disks of scsi_debug, all alike, do wrong.
wrong() {
	echo "$1" >/sys/bus/pseudo/drivers/scsi_debug/opts
	echo "$2" >/sys/bus/pseudo/drivers/scsi_debug/every_nth
}

right() {
	wrong 0 0
}

# scheduler NAME WHICH
scheduler() {
	echo "$2" >"/sys/block/$1/queue/scheduler"
}

# ---- I/O, on devices by their names

reads() { # NAME COUNT SIZE [OFFSET in units of SIZE]
	/tools/dd status=none if="/dev/$1" of=/dev/null bs="$3" count="$2" skip="${4:-0}" iflag=direct
}

writes() {
	/tools/dd status=none if=/dev/zero of="/dev/$1" bs="$3" count="$2" seek="${4:-0}" oflag=direct conv=notrunc
}

# Each is durable before the next one.
commits() {
	/tools/dd status=none if=/dev/zero of="/dev/$1" bs="$3" count="$2" seek="${4:-0}" oflag=direct,dsync conv=notrunc
}

# Waits for these processes; fails if one did.
await_all() {
	for pid in "$@"; do
		wait "$pid"
	done
}

counters() { # before or after
	# Before: a file system that is told to sync flushes the disk, which the agent would count alone.
	[ "$1" = before ] || sync
	cat /proc/diskstats >"/result/$1"
}

# ---- the agent

# agent_config FILE [LINES OF CONFIGURATION...]: writes it, for lines in /result/FILE.
agent_config() {
	lines=/result/$1
	shift
	cat >/tmp/thermograf.ini <<END
[agent]
interval = 1s
[output.lines]
type = file
path = $lines
END
	for line in "$@"; do
		echo "$line" >>/tmp/thermograf.ini
	done
}

# Waits: a line about itself ends the first window, so what comes then is after the baseline.
start_agent() {
	/agent/thermograf run --config /tmp/thermograf.ini &
	agent=$!
	await agent_tells
}

agent_tells() {
	grep -q '^thermograf[, ]' "$lines" 2>/dev/null && return
	kill -0 $agent || exit 1
	return 1
}

stop_agent() {
	kill -TERM $agent
	wait $agent
}

# ---- the whole

# Runs /test.sh and hands over what it left in /result, as a tar archive on the disk whose serial number is "result" (a
# console would mix it with the kernel's messages). The last word on the console is the only proof that all went well:
# after a panic QEMU exits with 0, too.
run_test() {
	(. /test.sh) >/result/log 2>&1
	status=$?
	echo $status >/result/status
	[ $status = 0 ] || dmesg | tail -n 25 >>/result/log
	cat /result/log
	tar -c -C /result . | dd of="$(disk result)" bs=64k conv=fsync iflag=fullblock 2>/dev/null && echo "=== DONE"
}
