#!/usr/bin/env bash
# A machine inside this one, with systemd as its PID 1 and nothing of it left behind: its root is an
# overlay of ours in memory, its network only lo, its control groups a subtree of their own. Needs root.
#
#   box.sh WORK NODE PROJECT    WORK is an empty directory; the machine is gone soon after stdin ends
#
# PROJECT is /opt/zooweeper inside, and its programs are where npm install --global would put them.
set -euo pipefail

if [ "${1:-}" != inside ]; then
  # The mounts, and what is in them, end with the last process of the mount namespace.
  exec unshare --mount --propagation private "$0" inside "$@"
fi
shift
work=$1 node=$2 project=$3

mount -t tmpfs tmpfs "$work"
mkdir "$work"/{upper,work,root,cgroup}
mount -t cgroup2 cgroup2 "$work/cgroup"
group="$work/cgroup/zooweeper-box-$$"
mkdir "$group"
remove_groups() {
  # A group can be removed once its last process is.
  for _ in $(seq 200); do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && return
    sleep 0.05
  done
}
trap remove_groups EXIT

root="$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root"
cd "$root"
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/shm dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx

# Only the units that the test starts, and none that would change the kernel which is ours as well.
rm -rf etc/systemd/system
mkdir -p etc/systemd/system opt/zooweeper etc/zooweeper usr/local/bin
ln -s /lib/systemd/system/basic.target etc/systemd/system/default.target
for unit in systemd-{udevd,timesyncd,networkd,resolved,remount-fs,sysctl,modules-load,update-utmp}.service \
  {kmod-static-nodes,modprobe@}.service sys-{kernel-debug,kernel-tracing,fs-fuse-connections}.mount; do
  ln -s /dev/null "etc/systemd/system/$unit"
done
mount --bind "$project" opt/zooweeper
rm -f usr/local/bin/{node,zooweeperd,mimicqd}
touch usr/local/bin/node
mount --bind "$node" usr/local/bin/node
ln -s /opt/zooweeper/dist/daemon/main.js usr/local/bin/zooweeperd
ln -s /opt/zooweeper/dist/broker/main.js usr/local/bin/mimicqd

boot='set -eu
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
ip link set lo up
mkdir .old
pivot_root . .old
umount -l /.old
exec env -i container=zooweeper-box PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --log-target=console'
(
  echo "$BASHPID" > "$group/cgroup.procs"
  exec unshare --fork --pid --mount --uts --ipc --net --cgroup --kill-child sh -c "$boot" </dev/null
) &
# Until the test lets go of it, or has ended in whatever way.
read -r || true
exec 2>/dev/null # or the shell would tell of the kill
kill -KILL $!
wait
