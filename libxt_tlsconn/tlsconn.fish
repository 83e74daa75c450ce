# SPDX-License-Identifier: GPL-2.0-only
# What fish proposes behind `-m tlsconn`, beside its own completions for iptables.

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
    $tlsconn -l record-type -x -a '(__fish_complete_list , __fish_tlsconn_types)' -d 'Record types that the packet carries'
    $tlsconn -l wire -f -d 'Compare the type in the record header'
    $tlsconn -l all -f -d 'Every payload octet is of such a type'
    $tlsconn -l state -x -a '(__fish_complete_list , __fish_tlsconn_states)' -d 'States of the connection'
    $tlsconn -l pinned -f -d 'The connection mark carries the pin mark'
    $tlsconn -l pin-mark -x -d 'Which mark that is: VALUE[/MASK]'
    $tlsconn -l tls-version -x -a 'ssl3 1.0 1.1 1.2 1.3' -d 'Version negotiated, or a range'
    $tlsconn -l resumed -f -d 'The connection resumes a session'
    $tlsconn -l sni -x -d 'Server name asked for, with * and ?'
    $tlsconn -l no-sni -f -d 'No server name was asked for'
    $tlsconn -l alpn -x -a 'h2 http/1.1' -d 'First protocol offered'
    $tlsconn -l ech -f -d 'Encrypted ClientHello was offered'
    $tlsconn -l session-id -x -d 'How a session id begins, in hex'
    $tlsconn -l client-random -x -d 'How the client random begins, in hex'
    $tlsconn -l server-random -x -d 'How the server random begins, in hex'
end
