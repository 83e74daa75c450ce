%% SPDX-License-Identifier: GPL-2.0-only
%% A TLS client or server on Erlang's ssl, with the arguments that peer.py describes. Run by escript.
-module(tls_peer).
-mode(compile).
-export([main/1]).

-define(PATIENCE, 600000).
%% What a client sends as early data.
-define(EARLY, 4096).
-define(ACTIVE, {active, once}).

main([Role | Words]) ->
    {ok, _} = application:ensure_all_started(ssl),
    logger:set_primary_config(level, none),
    register(output, spawn_link(fun output/0)),
    ets:new(newest, [named_table, public]),
    Given = given(Words, #{}),
    case Role of
        "server" -> serve(Given);
        "client" -> connect(Given)
    end,
    tell("{\"event\": \"listening\"}"),
    receive never -> ok end.

given([], Given) -> Given;
given(["--" ++ Name | Words], Given) when Name == "retry"; Name == "ask"; Name == "early"; Name == "padding" ->
    given(Words, Given#{Name => true});
given(["--" ++ Name, Value | Words], Given) -> given(Words, Given#{Name => Value}).

address(Text) ->
    [Host, Port] = string:split(Text, ":"),
    {ok, Address} = inet:parse_address(Host),
    {Address, list_to_integer(Port)}.

%% Lines in one piece.
output() ->
    Port = open_port({fd, 0, 2}, [out]),
    written(Port).

written(Port) ->
    receive {line, Line} -> port_command(Port, [Line, $\n]) end,
    written(Port).

tell(Line) -> output ! {line, Line}, ok.

failed(Why) ->
    Text = [case C of $" -> $'; $\\ -> $/; $\n -> $\s; _ -> C end || C <- lists:flatten(io_lib:format("~0p", [Why]))],
    tell(io_lib:format("{\"event\": \"error\", \"text\": \"~s\"}", [Text])).

version(#{"version" := "1.2"}) -> 'tlsv1.2';
version(_) -> 'tlsv1.3'.

both(Given) ->
    Own = [{certs_keys, [#{certfile => File, keyfile => maps:get("key", Given)}]} || {ok, File} <- [maps:find("cert", Given)]],
    Verify = [{verify, verify_none} || not is_map_key("ask", Given)],
    Verify ++ [{versions, [version(Given)]}, {mode, binary}, {active, false} | Own].

tickets(Given, server) ->
    case version(Given) of
        'tlsv1.3' ->
            Early = case Given of #{"early" := true} -> [{early_data, enabled}]; _ -> [] end,
            [{session_tickets, stateless} | Early];
        _ -> []
    end;
tickets(Given, client) ->
    case version(Given) of
        'tlsv1.3' -> [{session_tickets, manual}];
        _ -> [{reuse_sessions, save}]
    end.

serve(Given) ->
    Ask = case Given of
        #{"ask" := true} ->
            %% It takes no certificate at all with verify_none.
            [{verify, verify_peer}, {fail_if_no_peer_cert, true}, {cacertfile, maps:get("cert", Given)},
             {verify_fun, {fun(_, _, State) -> {valid, State} end, []}}];
        _ -> []
    end,
    Retry = case Given of #{"retry" := true} -> [{supported_groups, [secp384r1]}]; _ -> [] end,
    {Address, Port} = address(maps:get("listen", Given)),
    Options = Ask ++ Retry ++ tickets(Given, server) ++ both(Given)
        ++ [{alpn_preferred_protocols, [list_to_binary(maps:get("alpn", Given))]}, {ip, Address}, {reuseaddr, true},
            {backlog, 64}],
    {ok, Listener} = ssl:listen(Port, Options),
    spawn_link(fun() -> accept_tls(Listener, Given) end).

accept_tls(Listener, Given) ->
    {ok, Raw} = ssl:transport_accept(Listener),
    Worker = spawn(fun() ->
        receive go -> ok end,
        {ok, {_, Port}} = ssl:peername(Raw),
        case ssl:handshake(Raw, ?PATIENCE) of
            {ok, Tls} ->
                told(server, Tls, Port, false),
                {To, At} = address(maps:get("connect", Given)),
                {ok, Plain} = gen_tcp:connect(To, At, [binary, {active, false}]),
                join(Tls, Plain);
            {error, Why} -> failed(Why)
        end
    end),
    ok = ssl:controlling_process(Raw, Worker),
    Worker ! go,
    accept_tls(Listener, Given).

connect(Given) ->
    lists:foreach(fun({Name, Resume}) ->
        {Address, Port} = address(maps:get(Name, Given)),
        {ok, Listener} = gen_tcp:listen(Port, [binary, {ip, Address}, {active, false}, {reuseaddr, true}, {backlog, 64}]),
        spawn_link(fun() -> accept_plain(Listener, Given, Resume) end)
    end, [{"listen", false}, {"resume", true}]).

accept_plain(Listener, Given, Resume) ->
    {ok, Plain} = gen_tcp:accept(Listener),
    Worker = spawn(fun() -> receive go -> connect_one(Plain, Given, Resume) end end),
    ok = gen_tcp:controlling_process(Plain, Worker),
    Worker ! go,
    accept_plain(Listener, Given, Resume).

connect_one(Plain, Given, Resume) ->
    {To, At} = address(maps:get("connect", Given)),
    First = case {Resume, Given} of
        {true, #{"early" := true}} -> {ok, Octets} = gen_tcp:recv(Plain, ?EARLY), Octets;
        _ -> <<>>
    end,
    Early = [{early_data, First} || First =/= <<>>],
    Options = Early ++ resumes(Given, Resume) ++ tickets(Given, client) ++ both(Given)
        ++ [{alpn_advertised_protocols, [list_to_binary(maps:get("alpn", Given))]},
            {server_name_indication, maps:get("name", Given)}],
    case ssl:connect(To, At, Options, ?PATIENCE) of
        {ok, Tls} ->
            {ok, {_, Port}} = ssl:sockname(Tls),
            Taken = told(client, Tls, Port, First =/= <<>>),
            keep(Given, Tls),
            case First of
                <<>> -> ok;
                _ when Taken -> ok;
                _ -> ssl:send(Tls, First)
            end,
            join(Tls, Plain);
        {error, Why} -> failed(Why), gen_tcp:close(Plain)
    end.

resumes(_, false) -> [];
resumes(Given, true) ->
    [{_, Newest}] = ets:lookup(newest, session),
    case version(Given) of
        'tlsv1.3' -> [{session_tickets, manual}, {use_ticket, [Newest]}];
        _ -> [{reuse_session, Newest}]
    end.

%% A ticket of TLS 1.3 comes as a message.
keep(Given, Tls) ->
    case version(Given) of
        'tlsv1.3' -> ok;
        _ ->
            {ok, [{session_id, Id}, {session_data, Data}]} = ssl:connection_information(Tls, [session_id, session_data]),
            ets:insert(newest, {session, {Id, Data}})
    end.

told(Role, Tls, Port, Early) ->
    {ok, Told} = ssl:connection_information(Tls, [protocol, selected_cipher_suite, session_resumption]),
    Agreed = case ssl:negotiated_protocol(Tls) of
        {ok, Protocol} -> ["\"", Protocol, "\""];
        _ -> "null"
    end,
    "tlsv" ++ Version = atom_to_list(proplists:get_value(protocol, Told)),
    Cipher = ssl:suite_to_str(proplists:get_value(selected_cipher_suite, Told)),
    %% A client does not know it up to TLS 1.2.
    Resumed = case {Role, Version} of
        {client, "1.2"} -> null;
        _ -> proplists:get_value(session_resumption, Told)
    end,
    tell(io_lib:format("{\"event\": \"handshake\", \"port\": ~b, \"version\": \"~s\", \"cipher\": \"~s\", \"resumed\": ~p, "
                       "\"alpn\": ~s, \"early\": ~p}", [Port, Version, Cipher, Resumed, Agreed, Early andalso Resumed])),
    Early andalso Resumed.

%% The end of one is the end of both.
join(Tls, Plain) ->
    Other = self(),
    Writer = spawn_link(fun() -> to_tls(Tls, Plain), Other ! over end),
    ok = gen_tcp:controlling_process(Plain, Writer),
    ssl:setopts(Tls, [?ACTIVE]),
    to_plain(Tls, Plain).

to_tls(Tls, Plain) ->
    case gen_tcp:recv(Plain, 0) of
        {ok, Octets} ->
            case ssl:send(Tls, Octets) of
                ok -> to_tls(Tls, Plain);
                {error, Why} -> failed(Why)
            end;
        {error, _} -> ok
    end.

to_plain(Tls, Plain) ->
    receive
        {ssl, Tls, Octets} ->
            gen_tcp:send(Plain, Octets),
            ssl:setopts(Tls, [?ACTIVE]),
            to_plain(Tls, Plain);
        {ssl, session_ticket, Ticket} ->
            ets:insert(newest, {session, Ticket}),
            to_plain(Tls, Plain);
        {ssl_closed, Tls} -> gen_tcp:close(Plain);
        {ssl_error, Tls, Why} -> failed(Why), gen_tcp:close(Plain);
        over -> ssl:close(Tls)
    end.
