# SPDX-License-Identifier: Apache-2.0
# In the guest, below its systemd: the unit that was installed, from its user to its end, while the receiver is a script and
# the token a credential of systemd.
set -eu

unit=thermograf.service
drop_ins=/etc/systemd/system/$unit.d
disk=$(disk data)
disk=${disk#/dev/}
echo "$disk" >/result/disk

took() {
	echo "$1=$(cut -d' ' -f1 /proc/uptime)" >>/result/times
}

show() {
	systemctl show $unit >"/result/show.$1"
}

main_pid() {
	systemctl show -P MainPID $unit
}

# A line about itself ends the first window: what comes then is after the baseline.
forget_lines() {
	rm -f /result/received
	touch /result/received
}

is_counting() {
	grep -q '^thermograf,' /result/received
}

tells_of_disk() {
	grep -q "^block_io,.*device=$disk," /result/received
}

is_listening() {
	grep -q ':1F96 00000000:0000 0A' /proc/net/tcp # 8086
}

work() {
	reads "$disk" 60 4096
	writes "$disk" 60 4096
}

took booted
systemd-sysusers
systemd-tmpfiles --create thermograf.conf
id -u thermograf >/result/user
forget_lines
python3 /receiver.py /result 8086 a-secret-of-the-guest &
await is_listening
echo a-secret-of-the-guest >/etc/thermograf/secrets/token
chmod 0600 /etc/thermograf/secrets/token
mkdir -p $drop_ins
cp /usr/share/doc/thermograf/examples/systemd/secrets.conf /usr/share/doc/thermograf/examples/systemd/environment.conf $drop_ins/
echo FLOOR=seven >/etc/thermograf/environment
chmod 0600 /etc/thermograf/environment
cat >$drop_ins/test.conf <<END
[Service]
WatchdogSec=4s
RestartSec=0
END
cat >/etc/thermograf/conf.d/test.ini <<'END'
[agent]
interval = 1s
[global_tags]
dc = guest
floor = ${FLOOR}
[output.store]
urls = http://127.0.0.1:8086
token_file = token
[probe.nonesuch]
enabled = yes
END
systemctl daemon-reload
systemd-analyze security $unit >/result/security
sed -n 's/.*exposure level for [^:]*: //p' /result/security >/result/exposure
took prepared

# The first one fails: nothing is tried again.
echo nonsense >/etc/thermograf/conf.d/wrong.ini
if systemctl start $unit; then
	exit 1
fi
show wrong
rm /etc/thermograf/conf.d/wrong.ini
systemctl reset-failed $unit
took failed

systemctl start $unit
took started
await is_counting
work
await tells_of_disk
show started
first=$(main_pid)
cat "/proc/$first/status" >/result/process

# Hangs; what it counted until then is lost, so nothing is counted until the next one tells.
kill -STOP "$first"
restarted() {
	[ "$(main_pid)" != "$first" ] && [ "$(systemctl show -P ActiveState $unit)" = active ]
}
await restarted
show restarted
took restarted

forget_lines
await is_counting
counters before
work

# Other tags on the lines of the same process; and a mistake changes nothing.
sed -i 's/^dc = .*/dc = elsewhere/' /etc/thermograf/conf.d/test.ini
systemctl reload $unit
has_other_tag() {
	grep -q '^thermograf,dc=elsewhere' /result/received
}
await has_other_tag
echo nonsense >/etc/thermograf/conf.d/wrong.ini
systemctl reload $unit
is_refused() {
	journalctl -u $unit --no-pager | grep -q 'was not reloaded'
}
await is_refused
rm /etc/thermograf/conf.d/wrong.ini
work
show reloaded
took reloaded

# Nobody takes the last windows: they are in the spool when it ends, and follow when it is back.
touch /result/away
reads "$disk" 60 4096
systemctl stop $unit
show stopped
counters after
ls -lR /var/lib/thermograf >/result/spool
took stopped
rm /result/away
wc -l </result/received >/result/before_return
systemctl start $unit
all_is_there() {
	[ "$(awk '/^block_io,.*,op=read / && /device='"$disk"',/ { sub(/.*ios=/, ""); n += $1 } END { print n + 0 }' /result/received)" -ge 180 ]
}
await all_is_there
took returned

# And the end of one whose receiver is there.
reads "$disk" 60 4096
systemctl stop $unit
counters after
took ended
journalctl -u $unit -o json --no-pager >/result/journal
