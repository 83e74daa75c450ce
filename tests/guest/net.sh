# SPDX-License-Identifier: GPL-2.0-only
# Three hosts in a row, in network namespaces: client - gateway - server, IPv4 and IPv6. Sourced by bash.

CLIENT4=10.1.0.2 SERVER4=10.2.0.2
CLIENT6=fd01::2 SERVER6=fd02::2

net_up() {
    local name
    for name in client server; do
        ip netns add $name
        ip -n $name link set lo up
    done
    gateway_up
    # What was held comes with the next retransmission. The endpoints repeat every second at least, instead of every
    # two minutes at last, so that nobody has to wait for it; and for minutes still, as a slow machine needs.
    for name in client gateway server; do
        ip netns exec $name sysctl -qw net.ipv4.tcp_rto_max_ms=1000 net.ipv4.tcp_retries2=255
    done
}

# The gateway and its links, where both ends are there.
gateway_up() {
    ip netns add gateway
    ip -n gateway link set lo up
    net_link client $CLIENT4 10.1.0.1 $CLIENT6 fd01::1
    net_link server $SERVER4 10.2.0.1 $SERVER6 fd02::1
    ip netns exec gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# net_link HOST ADDRESS GATEWAY ADDRESS6 GATEWAY6
net_link() {
    ip link add "to-$1" netns gateway type veth peer name eth0 netns "$1"
    ip -n gateway addr add "$3/24" dev "to-$1"
    ip -n gateway addr add "$5/64" dev "to-$1" nodad
    ip -n "$1" addr add "$2/24" dev eth0
    ip -n "$1" addr add "$4/64" dev eth0 nodad
    ip -n gateway link set "to-$1" up
    ip -n "$1" link set eth0 up
    ip -n "$1" route add default via "$3"
    ip -n "$1" -6 route add default via "$5"
}

net_down() {
    local name
    for name in client gateway server; do
        ip netns pids $name 2>/dev/null | xargs -r kill 2>/dev/null
        ip netns del $name 2>/dev/null
    done
}
