# SPDX-License-Identifier: Apache-2.0
# In the guest: a program of each kind that libbpf attaches by its section, and programs that no kernel takes, with what the
# agent keeps of root's privileges; first with perf events as this kernel has them, then opened, then without tracefs.

sysctl=/proc/sys/kernel/perf_event_paranoid
note paranoid "$(cat $sysctl)"
agent_config lines '[probe.hooks]' 'enabled = yes' '[probe.block_io]' 'enabled = no'

# Its warnings end it with 0.
check() {
	/agent/thermograf check --json --config /tmp/thermograf.ini "$@"
}

check --load >/result/closed
echo 2 >$sysctl
check --load >/result/open

start_agent
for n in $(seq 20); do
	/bin/busybox ls /agent >/dev/null
done
# What is between them falls into one window or another.
sleep 1.1
stop_agent

umount /sys/kernel/tracing
check >/result/kallsyms
