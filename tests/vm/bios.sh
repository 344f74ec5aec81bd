# SPDX-License-Identifier: Apache-2.0
# In the guest: a device-mapper disk on a virtio disk. bio_io counts it beside /proc/diskstats; then it is suspended, and
# what was written to it hangs until it is resumed.

data=$(disk data)
/tools/dmsetup create --noudevsync --noudevrules stack --table "0 65536 linear $data 2048"
await [ -b /dev/dm-0 ]
note lower "${data#/dev/}"

agent_config lines '[probe.bio_io]' 'enabled = yes' '[probe.block_inflight]' 'enabled = yes'
start_agent

counters before
reads dm-0 150 4k
reads dm-0 40 128k
writes dm-0 120 4k
commits dm-0 30 4k
writes dm-0 1 4k && sync
# Both CPUs.
pids=''
for n in 1 2; do
	reads dm-0 500 4k $((n * 1000)) &
	pids="$pids $!"
	writes dm-0 500 4k $((n * 1000)) &
	pids="$pids $!"
done
await_all $pids

# Three writes at once, none of which goes down. Windows of the load may have three outstanding as well.
three() {
	grep -c '^block_inflight,device=dm-0,.* ios=3i,' /result/lines
}
/tools/dmsetup suspend --noudevsync --nolockfs stack
before=$(three || true)
note loaded "$before"
pids=''
for n in 1 2 3; do
	writes dm-0 1 4k "$n" &
	pids="$pids $!"
done
hangs() {
	[ "$(three)" -ge $((before + 3)) ]
}
await hangs || grep '^block_inflight,device=dm-0,' /result/lines | tail -n 5
note told_while_hung "$(grep '^block_io,device=dm-0,.*op=write' /result/lines | tail -n 1 | grep -o 'ios=[0-9]*i')"
/tools/dmsetup resume --noudevsync stack
await_all $pids
ended() {
	grep '^block_inflight,device=dm-0,' /result/lines | tail -n 1 | grep -q ' ios=0i,'
}
await ended
counters after

stop_agent
