# SPDX-License-Identifier: GPL-2.0-only
# The format of iptables' own extension tests, for its iptables-test.py: rule ; what iptables-save prints of it, = for
# the same ; whether it is to be accepted.
:INPUT,FORWARD,OUTPUT
# types, by name and by number
-p tcp -m tlsconn --record-type change-cipher-spec;=;OK
-p tcp -m tlsconn --record-type alert;=;OK
-p tcp -m tlsconn --record-type handshake;=;OK
-p tcp -m tlsconn --record-type application-data;=;OK
-p tcp -m tlsconn --record-type heartbeat;=;OK
-p tcp -m tlsconn --record-type unknown;=;OK
-p tcp -m tlsconn --record-type none;=;OK
-p tcp -m tlsconn --record-type change-cipher-spec,alert,handshake,application-data,heartbeat,unknown,none;=;OK
-p tcp -m tlsconn ! --record-type application-data,heartbeat,unknown;=;OK
-p tcp -m tlsconn --record-type 20;-p tcp -m tlsconn --record-type change-cipher-spec;OK
-p tcp -m tlsconn --record-type 21;-p tcp -m tlsconn --record-type alert;OK
-p tcp -m tlsconn --record-type 22;-p tcp -m tlsconn --record-type handshake;OK
-p tcp -m tlsconn --record-type 23;-p tcp -m tlsconn --record-type application-data;OK
-p tcp -m tlsconn --record-type 24;-p tcp -m tlsconn --record-type heartbeat;OK
-p tcp -m tlsconn --record-type none,24,unknown,alert,21;-p tcp -m tlsconn --record-type alert,heartbeat,unknown,none;OK
-p tcp -m tlsconn ! --record-type 23,20;-p tcp -m tlsconn ! --record-type change-cipher-spec,application-data;OK
-p tcp -m tlsconn --record-type 19;;FAIL
-p tcp -m tlsconn --record-type 25;;FAIL
-p tcp -m tlsconn --record-type -1;;FAIL
-p tcp -m tlsconn --record-type 0;;FAIL
-p tcp -m tlsconn --record-type 276;;FAIL
-p tcp -m tlsconn --record-type data;;FAIL
-p tcp -m tlsconn --record-type Alert;;FAIL
-p tcp -m tlsconn --record-type alert,;;FAIL
-p tcp -m tlsconn --record-type ,alert;;FAIL
-p tcp -m tlsconn --record-type alert,,none;;FAIL
-p tcp -m tlsconn --record-type "alert, none";;FAIL
-p tcp -m tlsconn --record-type "";;FAIL
-p tcp -m tlsconn --record-type;;FAIL
-p tcp -m tlsconn --record-type alert --record-type none;;FAIL
# how types are compared
-p tcp -m tlsconn --record-type handshake --wire;=;OK
-p tcp -m tlsconn --record-type handshake --all;=;OK
-p tcp -m tlsconn ! --record-type alert,handshake --wire --all;=;OK
-p tcp -m tlsconn --record-type unknown,none --wire;=;OK
-p tcp -m tlsconn --all --wire --record-type 22;-p tcp -m tlsconn --record-type handshake --wire --all;OK
-p tcp -m tlsconn --wire;;FAIL
-p tcp -m tlsconn --all;;FAIL
-p tcp -m tlsconn --state new --wire;;FAIL
-p tcp -m tlsconn --state new --all;;FAIL
-p tcp -m tlsconn --record-type alert ! --wire;;FAIL
-p tcp -m tlsconn --record-type alert ! --all;;FAIL
-p tcp -m tlsconn --record-type alert --wire --wire;;FAIL
-p tcp -m tlsconn --record-type alert --all --all;;FAIL
# states
-p tcp -m tlsconn --state new;=;OK
-p tcp -m tlsconn --state hello;=;OK
-p tcp -m tlsconn --state handshake;=;OK
-p tcp -m tlsconn --state established;=;OK
-p tcp -m tlsconn --state closed;=;OK
-p tcp -m tlsconn --state not-tls;=;OK
-p tcp -m tlsconn --state lost;=;OK
-p tcp -m tlsconn --state tainted;=;OK
-p tcp -m tlsconn ! --state new,hello,handshake,established,closed,not-tls,lost,tainted;=;OK
-p tcp -m tlsconn ! --state tainted,new,tainted,not-tls;-p tcp -m tlsconn ! --state new,not-tls,tainted;OK
-p tcp -m tlsconn --state NEW;;FAIL
-p tcp -m tlsconn --state 1;;FAIL
-p tcp -m tlsconn --state new,unknown;;FAIL
-p tcp -m tlsconn --state new,;;FAIL
-p tcp -m tlsconn --state "";;FAIL
-p tcp -m tlsconn --state;;FAIL
-p tcp -m tlsconn --state new --state lost;;FAIL
# pins
-p tcp -m tlsconn --pinned;=;OK
-p tcp -m tlsconn ! --pinned;=;OK
-p tcp -m tlsconn --pinned --pin-mark 0x54000000/0xff000000;-p tcp -m tlsconn --pinned;OK
-p tcp -m tlsconn --pin-mark 0x54000000/0xff000000 ! --pinned;-p tcp -m tlsconn ! --pinned;OK
-p tcp -m tlsconn --pinned --pin-mark 1409286144/037700000000;-p tcp -m tlsconn --pinned;OK
-p tcp -m tlsconn --pinned --pin-mark 0x54000000;-p tcp -m tlsconn --pinned --pin-mark 0x54000000/0xffffffff;OK
-p tcp -m tlsconn --pinned --pin-mark 0x55000000/0xff000000;=;OK
-p tcp -m tlsconn --pinned --pin-mark 0x0/0x1;=;OK
-p tcp -m tlsconn --pinned --pin-mark 0xffffffff/0xffffffff;=;OK
-p tcp -m tlsconn --pinned --pin-mark 4294967295;-p tcp -m tlsconn --pinned --pin-mark 0xffffffff/0xffffffff;OK
-p tcp -m tlsconn --pinned --pin-mark 010/017;-p tcp -m tlsconn --pinned --pin-mark 0x8/0xf;OK
-p tcp -m tlsconn --pin-mark 7/7 ! --pinned;-p tcp -m tlsconn ! --pinned --pin-mark 0x7/0x7;OK
-p tcp -m tlsconn --pin-mark 0x1/0x1;;FAIL
-p tcp -m tlsconn --state new --pin-mark 0x1/0x1;;FAIL
-p tcp -m tlsconn --pinned ! --pin-mark 0x1/0x1;;FAIL
-p tcp -m tlsconn --pinned --pinned;;FAIL
-p tcp -m tlsconn --pinned ! --pinned;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 0x1/0x1 --pin-mark 0x1/0x1;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 0x100000000;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 0x1/0x100000000;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 0x0/0x0;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 0x2/0x1;;FAIL
-p tcp -m tlsconn --pinned --pin-mark -1;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 08;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 0x;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 0x1/;;FAIL
-p tcp -m tlsconn --pinned --pin-mark /0x1;;FAIL
-p tcp -m tlsconn --pinned --pin-mark 0x1/0x1/0x1;;FAIL
-p tcp -m tlsconn --pinned --pin-mark one;;FAIL
-p tcp -m tlsconn --pinned --pin-mark "";;FAIL
-p tcp -m tlsconn --pinned --pin-mark;;FAIL
# conditions combine, in one match or in several
-p tcp -m tlsconn ! --pinned --state established --all --record-type 23;-p tcp -m tlsconn --record-type application-data --all --state established ! --pinned;OK
-p tcp -m tlsconn --state new -m tlsconn ! --pinned;=;OK
-p tcp -m tlsconn --record-type none -m connmark ! --mark 0x1;=;OK
# at least one condition, TCP only
-p tcp -m tlsconn;;FAIL
-p tcp -m tlsconn --bogus;;FAIL
-m tlsconn --state new;;FAIL
-p udp -m tlsconn --state new;;FAIL
! -p tcp -m tlsconn --state new;;FAIL
-m tlsconn --state new -p tcp;-p tcp -m tlsconn --state new;OK
