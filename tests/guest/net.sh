# SPDX-License-Identifier: GPL-2.0-only
# Three hosts in a row, in network namespaces: client - gateway - server, IPv4 and IPv6. Sourced by bash. Few programs are
# started, as that takes an emulated machine long.

CLIENT4=10.1.0.2 SERVER4=10.2.0.2
CLIENT6=fd01::2 SERVER6=fd02::2

net_up() {
    ip -batch - <<<"$(printf 'netns add %s\n' client server gateway)" &&
        net_host client && net_host server && gateway_links
}

# A gateway and its links, where both ends are there.
gateway_up() {
    ip netns add gateway && gateway_links
}

gateway_links() {
    ip -n gateway -batch - <<-END &&
		link set lo up
		$(net_link client 10.1.0.1 fd01::1)
		$(net_link server 10.2.0.1 fd02::1)
	END
        net_end client $CLIENT4 10.1.0.1 $CLIENT6 fd01::1 && net_end server $SERVER4 10.2.0.1 $SERVER6 fd02::1 &&
        nsenter --net=/run/netns/gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "${REPEAT[@]}"
}

# What was held comes with the next retransmission. The endpoints repeat every second at least, instead of every two
# minutes at last, so that nobody has to wait for it; and for minutes still, as a slow machine needs.
REPEAT=(net.ipv4.tcp_rto_max_ms=1000 net.ipv4.tcp_retries2=255)

net_host() {
    nsenter --net="/run/netns/$1" sysctl -qw "${REPEAT[@]}"
}

# net_link HOST GATEWAY GATEWAY6: what the gateway has of it.
net_link() {
    cat <<-END
		link add to-$1 type veth peer name eth0 netns $1
		addr add $2/24 dev to-$1
		addr add $3/64 dev to-$1 nodad
		link set to-$1 up
	END
}

# net_end HOST ADDRESS GATEWAY ADDRESS6 GATEWAY6: what the host has of it.
net_end() {
    ip -n "$1" -batch - <<-END
		link set lo up
		addr add $2/24 dev eth0
		addr add $4/64 dev eth0 nodad
		link set eth0 up
		route add default via $3
		route add default via $5
	END
}

net_down() {
    local name process names=()
    for name in client gateway server; do
        [ -e "/run/netns/$name" ] || continue
        names+=("$name")
        for process in /proc/[0-9]*; do
            [ ! "$process/ns/net" -ef "/run/netns/$name" ] || kill "${process#/proc/}" 2>/dev/null
        done
    done
    [ ${#names[@]} = 0 ] || ip -force -batch - <<<"$(printf 'netns del %s\n' "${names[@]}")" 2>/dev/null
}
