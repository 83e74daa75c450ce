# SPDX-License-Identifier: GPL-2.0-only
"""What firewalls and others load on a gateway, for nft and for iptables, as far as forwarded packets come by it."""

LAN, WAN = "to-client", "to-server"


def nft(text):
    return ("nft -f -", text)


def native(rules, hook="forward", priority="filter", policy="accept", family="inet", name="own", more="", flags=""):
    return nft(f"table {family} {name} {{ {flags}\n{more}\nchain c {{ type filter hook {hook} priority {priority}; policy {policy};\n"
               f"{rules}\n}}\n}}\n")


# What others load, for nft.
OTHERS_NFT = {
    "Debian's gateway": native(
        f"ct state vmap {{ established : accept, related : accept, invalid : drop }}\niifname {LAN} oifname {WAN} accept",
        policy="drop"),
    "Debian's workstation": native("ct state established,related accept\nct state invalid drop", hook="input", policy="drop"),
    "OpenWrt's fw4": nft(f"""table inet fw4 {{
chain forward {{ type filter hook forward priority filter; policy drop;
ct state vmap {{ established : accept, related : accept }} comment "!fw4: Handle forwarded flows"
iifname {LAN} jump forward_lan
iifname {WAN} jump forward_wan
jump handle_reject; }}
chain forward_lan {{ jump accept_to_wan
jump accept_to_lan; }}
chain forward_wan {{ jump reject_to_wan; }}
chain accept_to_wan {{ oifname {WAN} counter accept; }}
chain accept_to_lan {{ oifname {LAN} counter accept; }}
chain reject_to_wan {{ oifname {WAN} counter jump handle_reject; }}
chain handle_reject {{ meta l4proto tcp reject with tcp reset
reject with icmpx type port-unreachable; }}
}}
"""),
    "firewalld": nft(f"""table inet firewalld {{
chain mangle_PREROUTING {{ type filter hook prerouting priority mangle + 10; policy accept; jump mangle_ZONES; }}
chain mangle_ZONES {{ iifname {LAN} goto mangle_internal
goto mangle_internal; }}
chain mangle_internal {{ return; }}
chain filter_FORWARD {{ type filter hook forward priority filter + 10; policy accept;
ct state {{ established, related }} accept
ct status dnat accept
iifname lo accept
ct state invalid drop
jump filter_FORWARD_ZONES
reject with icmpx admin-prohibited; }}
chain filter_FORWARD_ZONES {{ iifname {LAN} goto filter_internal
goto filter_public; }}
chain filter_internal {{ oifname {WAN} accept; }}
chain filter_public {{ reject with icmpx admin-prohibited; }}
}}
"""),
    "an empty table": native(""),
    "marks of others": native("meta mark set meta mark or 0x00010000", hook="prerouting", priority="mangle"),
    "its own bit cleared and set": native("meta mark set 0x00800000", hook="prerouting", priority="mangle"),
    "TCP is not tracked": native("meta l4proto tcp notrack", hook="prerouting", priority="raw"),
    "a set of clients": native("ip saddr @s accept\nip6 saddr fd01::/64 accept", policy="drop",
                               more="set s { type ipv4_addr; elements = { 10.1.0.2 }; }"),
    "after the filter": native(f"iifname {LAN} accept", priority="filter + 10"),
    "NAT": nft(f"""table inet nat {{
chain pre {{ type nat hook prerouting priority dstnat; policy accept; tcp dport 2222 dnat ip to 10.2.0.2; }}
chain post {{ type nat hook postrouting priority srcnat; policy accept; oifname {WAN} masquerade; }}
}}
table inet filter {{
chain forward {{ type filter hook forward priority filter; policy drop;
ct state established,related accept
meta nfproto ipv4 iifname {LAN} accept
meta nfproto ipv6 iifname {LAN} accept; }}
}}
"""),
    "nothing new, by a chain of NAT": nft("table inet nat {\nchain pre { type nat hook prerouting priority dstnat; policy accept;\n"
                                          "tcp dport { 443, 8443 } drop; udp dport 443 drop; }\n}\n"),
    "frames dropped at a device": native("meta l4proto { tcp, udp } drop", family="netdev", hook=f"ingress device {LAN}",
                                         priority="0"),
    "flags": native("tcp flags & (fin | syn | rst | ack) == syn iifname to-client accept\nct state established accept",
                    policy="drop"),
    "another's drop": native("tcp dport 443 drop\ntcp sport 443 drop\nudp dport 443 drop", priority="filter + 20"),
}

# What others load, for iptables.
OTHERS = {
    "Docker": dict(chains=["DOCKER", "DOCKER-FORWARD", "DOCKER-USER", "DOCKER-CT"], policy="DROP", lines=[
        "-A FORWARD -j DOCKER-USER", "-A FORWARD -j DOCKER-FORWARD",
        "-A DOCKER-FORWARD -j DOCKER-CT", "-A DOCKER-FORWARD -j DOCKER", "-A DOCKER-FORWARD -i docker0 -j ACCEPT",
        "-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A DOCKER ! -i docker0 -o docker0 -j DROP",
        "-A DOCKER-USER -j RETURN", f"-A FORWARD -i {LAN} -o {WAN} -j ACCEPT", f"-A FORWARD -i {WAN} -o {LAN} -j ACCEPT"]),
    "ufw": dict(chains=["ufw-before-forward", "ufw-user-forward", "ufw-reject-forward"], policy="DROP", lines=[
        "-A FORWARD -j ufw-before-forward", "-A FORWARD -j ufw-reject-forward",
        "-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A ufw-before-forward -j ufw-user-forward", f"-A ufw-user-forward -i {LAN} -o {WAN} -j ACCEPT"]),
    "libvirt": dict(chains=["LIBVIRT_FWI", "LIBVIRT_FWO", "LIBVIRT_FWX"], policy="ACCEPT", lines=[
        "-A FORWARD -j LIBVIRT_FWX", "-A FORWARD -j LIBVIRT_FWI", "-A FORWARD -j LIBVIRT_FWO",
        "-A LIBVIRT_FWX -i virbr0 -o virbr0 -j ACCEPT", "-A LIBVIRT_FWI -o virbr0 -j REJECT", "-A LIBVIRT_FWO -i virbr0 -j REJECT"]),
    "kube-proxy": dict(chains=["KUBE-FORWARD", "KUBE-PROXY-FIREWALL"], policy="ACCEPT", lines=[
        "-A FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL", "-A FORWARD -j KUBE-FORWARD",
        "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP", "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
        "-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"]),
    "Calico": dict(chains=["cali-FORWARD", "cali-from-wl"], policy="ACCEPT", lines=[
        "-A FORWARD -j cali-FORWARD", "-A cali-FORWARD -j MARK --set-xmark 0x0/0xe0000",
        "-A cali-FORWARD -m mark --mark 0x0/0x10000 -j cali-from-wl", "-A cali-from-wl -i cali+ -j DROP",
        "-A cali-from-wl -j MARK --set-xmark 0x10000/0x10000",
        "-A FORWARD -m mark --mark 0x10000/0x10000 -j ACCEPT"]),
}
