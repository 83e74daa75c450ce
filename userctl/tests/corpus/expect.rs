// SPDX-License-Identifier: GPL-2.0-only

//! What a row of the tables says of a connection, in the words of `inspect`.

use serde_json::{json, Value};

use crate::reference::Row;

/// The record types, as the tables number and `inspect` names them.
const TYPES: [(&str, &str); 5] = [
    ("20", "change-cipher-spec"),
    ("21", "alert"),
    ("22", "handshake"),
    ("23", "application-data"),
    ("24", "heartbeat"),
];

/// A field's name and what it has to be.
pub(crate) type Expected = (&'static str, Value);

/// Of a stream with TLS in it.
pub(crate) fn tls(row: &Row) -> Vec<Expected> {
    let client = match row.get("ch_dir") {
        "orig" => json!("src"),
        "resp" => json!("dst"),
        _ => Value::Null,
    };
    let hello = row.get("ch_count") != "0";
    let answer = row.get("sh_count") != "0";
    let resumed = match row.get("resumed") {
        "yes" => json!(true),
        "no" => json!(false),
        _ => Value::Null,
    };
    // Before ServerHello it is not known that there was no HelloRetryRequest.
    let retry = match (row.get("hrr"), answer) {
        ("1", _) => json!(true),
        (_, true) => json!(false),
        _ => Value::Null,
    };
    let mut fields = tcp(row);
    fields.extend([
        ("client", client),
        ("version", row.may("version").map_or(Value::Null, version)),
        ("offered", if hello { offered(row) } else { Value::Null }),
        ("cipher", cipher(row)),
        ("sni", json!(row.may("sni"))),
        ("alpn", json!(row.may("alpn_offered").and_then(first))),
        ("client_random", json!(row.may("client_random"))),
        ("server_random", json!(row.may("server_random"))),
        ("session_id", session_id(row, "ch_session_id", hello)),
        (
            "server_session_id",
            session_id(row, "sh_session_id", answer),
        ),
        ("resumed", resumed),
        ("resumption", json!(row.may("resumed_how"))),
        ("early_data", flag(row, "ch_early_data", hello)),
        ("ech", flag(row, "ech", hello)),
        ("hello_retry", retry),
        ("state", state(row)),
    ]);
    let sides = match row.get("ch_dir") {
        "orig" => [
            ("client records", "rec_orig"),
            ("server records", "rec_resp"),
        ],
        "resp" => [
            ("client records", "rec_resp"),
            ("server records", "rec_orig"),
        ],
        _ => return fields,
    };
    fields.extend(sides.map(|(field, column)| (field, records(row.get(column)))));
    fields
}

/// Of a stream without.
pub(crate) fn no_tls(row: &Row) -> Vec<Expected> {
    let mut fields = tcp(row);
    let payload = row.get("bytes_orig") != "0" || row.get("bytes_resp") != "0";
    fields.extend([
        ("client", Value::Null),
        ("client_random", Value::Null),
        ("state", json!(if payload { "not-tls" } else { "followed" })),
    ]);
    fields
}

fn tcp(row: &Row) -> Vec<Expected> {
    let bytes = |column| json!(row.get(column).parse::<u64>().expect("a number"));
    vec![
        ("id", json!(row.place().1)),
        ("src", json!(row.get("orig"))),
        ("dst", json!(row.get("resp"))),
        ("src bytes", bytes("bytes_orig")),
        ("dst bytes", bytes("bytes_resp")),
    ]
}

/// A walk over the record headers of a side ends early where they make no sense: at the first byte, which is no TLS,
/// or after good ones.
fn state(row: &Row) -> Value {
    let ends = [row.get("walk_end_orig"), row.get("walk_end_resp")];
    match (
        ends.contains(&"not-tls@0"),
        ends.iter().any(|end| end.starts_with("not-tls@")),
    ) {
        (true, _) => json!("not-tls"),
        (false, true) => json!("tainted"),
        (false, false) => json!("followed"),
    }
}

fn version(name: &str) -> Value {
    match name {
        "SSLv3" => json!("ssl3"),
        // Drafts and experiments are no versions.
        name => match name.strip_prefix("TLSv") {
            Some(number) if !number.contains("draft") => json!(number),
            _ => Value::Null,
        },
    }
}

/// The highest of the versions offered.
fn offered(row: &Row) -> Value {
    let highest = match row.may("ch_supported_versions") {
        // Drafts of TLS 1.3 are no versions of their own.
        Some(versions) => versions
            .split(',')
            .filter(|version| version.starts_with("03"))
            .max()
            .map(String::from),
        None => row
            .may("ch_version")
            .map(|version| version.replace("0x", "")),
    };
    match highest.as_deref() {
        Some("0300") => json!("ssl3"),
        Some("0301") => json!("1.0"),
        Some("0302") => json!("1.1"),
        Some("0303") => json!("1.2"),
        Some("0304") => json!("1.3"),
        _ => Value::Null,
    }
}

fn cipher(row: &Row) -> Value {
    row.may("cipher").map_or(
        Value::Null,
        |id| json!({"id": id, "name": row.may("cipher_name")}),
    )
}

fn first(protocols: &str) -> Option<&str> {
    // A slash parts them, and is part of HTTP's own names.
    let known = ["http/1.0", "http/1.1", "spdy/3.1", "spdy/3", "spdy/2"];
    let name = known.into_iter().find(|name| protocols.starts_with(name));
    name.or_else(|| protocols.split('/').next())
}

fn session_id(row: &Row, column: &str, there: bool) -> Value {
    match there {
        true => json!(row.may(column).unwrap_or("")),
        false => Value::Null,
    }
}

fn flag(row: &Row, column: &str, there: bool) -> Value {
    match there {
        true => json!(row.get(column) == "1"),
        false => Value::Null,
    }
}

/// Counts such as `20:1,22:3`.
fn records(counts: &str) -> Value {
    let count = |number: &str| {
        counts
            .split(',')
            .filter_map(|part| part.split_once(':'))
            .find(|(kind, _)| *kind == number)
            .map_or(0, |(_, count)| count.parse::<u64>().expect("a number"))
    };
    TYPES
        .iter()
        .map(|(number, name)| ((*name).to_owned(), json!(count(number))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
