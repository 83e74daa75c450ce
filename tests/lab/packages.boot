# SPDX-License-Identifier: GPL-2.0-only
# What tests/boot has in the Debian root that it boots, beside our packages: it is no build root.
systemd systemd-sysv udev dbus kmod initramfs-tools
iproute2 procps openssl python3 ca-certificates
iptables nftables iptables-persistent firewalld docker.io ucf
