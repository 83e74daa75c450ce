# SPDX-License-Identifier: GPL-2.0-only
# What fish proposes after `-m tlsconn`, beside its own completions for iptables.

function __fish_tlsconn_given
    string match -qr -- '(-m|--match)[ =]*tlsconn\s' (commandline --current-process --cut-at-cursor)
end

function __fish_tlsconn_types
    string split ' ' 'change-cipher-spec alert handshake application-data heartbeat unknown in-doubt none'
end

function __fish_tlsconn_states
    string split ' ' 'new hello handshake established closed not-tls lost tainted'
end

for command in {iptables,ip6tables}{,-legacy,-nft}
    complete -c $command -s m -l match -x -a tlsconn -d 'TLS records and connections'
    set -l tlsconn complete -c $command -n __fish_tlsconn_given
    $tlsconn -l record-type -x -a '(__fish_complete_list , __fish_tlsconn_types)' -d 'The packet carries bytes of a TLS record of such a type'
    $tlsconn -l wire -f -d 'Compare the type in the record header'
    $tlsconn -l all -f -d 'Every payload byte is of such a type, instead of any byte'
    $tlsconn -l state -x -a '(__fish_complete_list , __fish_tlsconn_states)' -d 'The connection is in one of these states'
    $tlsconn -l pinned -f -d 'The connection mark carries the pin mark'
    $tlsconn -l pin-mark -x -d 'Which mark the pin mark is'
    $tlsconn -l tls-version -x -a 'ssl3 1.0 1.1 1.2 1.3' -d 'The negotiated version is this one, or lies in this range'
    $tlsconn -l resumed -f -d 'The connection resumes a session'
    $tlsconn -l sni -x -d 'The client asks for such a server name'
    $tlsconn -l no-sni -f -d 'The client asks for no server name'
    $tlsconn -l alpn -x -a 'h2 http/1.1' -d 'The first protocol that the client offers is this one'
    $tlsconn -l ech -f -d 'The client offers Encrypted ClientHello'
    $tlsconn -l session-id -x -d 'The client\'s or the server\'s session id begins with these bytes'
    $tlsconn -l client-random -x -d 'The client random begins with these bytes'
    $tlsconn -l server-random -x -d 'The server random begins with these bytes'
    $tlsconn -l sni-set -x -d 'The client asks for a server name of this set'
    $tlsconn -l ja4 -x -d 'JA4 of the client\'s (first) hello fits this'
end
