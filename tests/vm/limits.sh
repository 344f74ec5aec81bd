# SPDX-License-Identifier: Apache-2.0
# In the guest: more disks than the map of the kernel holds, and then more than the agent is told to tell apart.
set -eu

disks=''
for number in 1 2 3 4 5 6 7 8; do
	null_disk "n$number"
	disks="$disks $null"
done
note disks "$disks"

# A map with room for 5 of these 8 disks, which only read.
mkdir /tmp/probes
cp /agent/probes/block_io.bpf.o /tmp/probes/
sed 's/^max_keys .*/max_keys = 5/' /agent/probes/block_io.ini >/tmp/probes/block_io.ini

work() {
	for name in $disks; do
		reads "$name" 20 4k
	done
}

agent_config lines
sed -i '/^interval/a probe_dirs = /tmp/probes' /tmp/thermograf.ini
start_agent
counters before
work
counters after
stop_agent

agent_config capped '[probe.block_io]' 'max_series = 6'
start_agent
work
stop_agent
