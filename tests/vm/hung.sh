# SPDX-License-Identifier: Apache-2.0
# In the guest: the agent's own root, its program, libraries, configuration and spool, is on a disk that hangs. It goes on
# collecting and pushing: /www is a receiver outside of that disk.

data=$(disk data)
/tools/dmsetup create --noudevsync --noudevrules root --table "0 131072 linear $data 0"
await [ -b /dev/dm-0 ]
/tools/mkfs.ext4 -q -F /dev/dm-0
mkdir /root
mount -t ext4 /dev/dm-0 /root
for name in agent bin lib lib64 usr; do
	[ ! -e /$name ] || cp -a /$name /root/
done
for name in proc sys dev result; do
	mkdir -p /root/$name
	mount --bind /$name /root/$name
done
mkdir -p /root/tmp /root/spool

ifconfig lo up
mkdir -p /www/cgi-bin
cat >/www/cgi-bin/write <<'END'
#!/bin/sh
head -c "$CONTENT_LENGTH" >>/result/pushed
printf 'HTTP/1.1 204 No Content\r\n\r\n'
END
chmod +x /www/cgi-bin/write
httpd -p 127.0.0.1:8086 -h /www

cat >/root/tmp/thermograf.ini <<'END'
[agent]
interval = 500ms
flush_jitter = 0
[output.there]
type = http
urls = http://127.0.0.1:8086/cgi-bin/write
content_encoding = identity
spool_dir = /spool
[output.away]
urls = http://127.0.0.1:1
spool_dir = /spool
[output.lines]
type = file
path = /result/lines
[probe.block_inflight]
enabled = yes
END
chroot /root /agent/thermograf run --config /tmp/thermograf.ini &
agent=$!
pushed() {
	grep -c '^thermograf,.*windows_total=' /result/pushed
}
windows() {
	[ -e /result/pushed ] && [ "$(pushed)" -ge "$1" ]
}
# Some windows of the output that is away are on the disk.
await windows 4
cat /proc/diskstats >/result/before
/tools/dmsetup suspend --noudevsync --nolockfs root
note suspended_after "$(pushed)"
# What is not kept in memory would have to be read again.
echo 3 >/proc/sys/vm/drop_caches
seen=$(pushed)
await windows $((seen + 8))
note resumed_after "$(pushed)"
/tools/dmsetup resume --noudevsync root
await windows $((seen + 12))
cat /proc/diskstats >/result/after

stop_agent
note spool_bytes "$(cat /root/spool/away/* | wc -c)"
