// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl show`: one connection, every field.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::{
    cipher::Cipher,
    completion,
    failure::Failure,
    model::{Bytes, Connection, Connections, Records},
    netlink::Tlsconn,
    octets::Hex,
    output::Output,
    table::{Cell, Column, Table},
};

/// Show one connection, every field
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The connection's id, from `tlsconnctl list`
    #[arg(value_parser = super::id, add = ArgValueCandidates::new(completion::connections))]
    id: u64,
}

impl Show {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let connection = Tlsconn::open()?.connection(self.id)?;
        if output.json {
            return output.object(&Connections {
                connections: &[connection],
            });
        }
        output.table(&table(&connection))
    }
}

/// A connection's fields, a line each.
pub(crate) fn table(connection: &Connection) -> Table {
    let mut table = Table::new(vec![Column::new("FIELD"), Column::new("VALUE")]);
    let mut row = |field: &str, value: Cell| table.row(vec![Cell::new(field), value]);
    row("id", Cell::new(connection.id));
    row("source", Cell::new(connection.src));
    row("destination", Cell::new(connection.dst));
    for (field, label, value) in identity(connection) {
        row(label, value);
        // What is told beside it.
        match field {
            "client" => {
                row("state", Cell::new(connection.state));
                row("reason", Cell::or_dash(connection.reason));
            }
            "alpn" => row("JA4", Cell::or_dash(connection.ja4.as_ref())),
            "resumption" => row("resumes", Cell::or_dash(connection.resumes)),
            _ => {}
        }
    }
    for (side, bytes) in by_side(&connection.bytes) {
        row(&format!("{side} bytes"), Cell::new(bytes));
    }
    if let Some(marking) = &connection.marking {
        for (side, bytes) in by_side(&marking.waiting) {
            row(&format!("{side} waiting"), Cell::new(bytes));
        }
    }
    if let Some(by_side) = &connection.records {
        row("client records", Cell::new(records(&by_side.client)));
        row("server records", Cell::new(records(&by_side.server)));
    }
    if let Some(marking) = &connection.marking {
        row("pin", Cell::or_dash(marking.pin.as_ref()));
        row("mark", Cell::new(format!("{:#x}", marking.mark)));
    }
    if let Some(times) = &connection.times {
        row("first packet", Cell::new(times.first));
        row("last packet", Cell::new(times.last));
    }
    table
}

/// What each side is called, and its bytes.
fn by_side(bytes: &Bytes) -> [(&'static str, u64); 2] {
    match *bytes {
        Bytes::ByPart { client, server } => [("client", client), ("server", server)],
        Bytes::ByEnd { src, dst } => [("source", src), ("destination", dst)],
    }
}

macro_rules! identity_of {
    ($([$({ $field:ident [$($kind:ident)+] $attribute:ident $label:literal $title:literal $least:literal $means:literal })+])+) => {
        /// What the hellos said: fields, what they are called, and their values.
        fn identity(connection: &Connection) -> Vec<(&'static str, &'static str, Cell)> {
            vec![$($((stringify!($field), $label, cell!(&connection.$field, $($kind)+)),)+)+]
        }
    };
}

macro_rules! cell {
    ($value:expr, flag) => {
        Cell::new(yes_no(*$value))
    };
    ($value:expr, truth) => {
        Cell::or_dash($value.map(yes_no))
    };
    ($value:expr, cipher) => {
        Cell::or_dash($value.map(cipher))
    };
    ($value:expr, id) => {
        Cell::or_dash($value.as_ref().map(id))
    };
    ($value:expr, echo $of:ident) => {
        cell!($value, id)
    };
    ($value:expr, $other:ident) => {
        Cell::or_dash($value.as_ref())
    };
}

crate::identity_fields! { identity_of }

fn cipher(cipher: Cipher) -> String {
    match cipher.name() {
        Some(name) => format!("{} {name}", cipher.id()),
        None => cipher.id(),
    }
}

fn id(id: &Hex) -> String {
    match id.0.is_empty() {
        true => "empty".into(),
        false => id.to_string(),
    }
}

fn yes_no(value: bool) -> &'static str {
    if value {
        "yes"
    } else {
        "no"
    }
}

/// Records by type, those that came.
fn records(records: &Records) -> String {
    let Records {
        change_cipher_spec,
        alert,
        handshake,
        application_data,
        heartbeat,
    } = records;
    let counts: Vec<String> = [
        ("change-cipher-spec", change_cipher_spec),
        ("alert", alert),
        ("handshake", handshake),
        ("application-data", application_data),
        ("heartbeat", heartbeat),
    ]
    .into_iter()
    .filter(|(_, count)| **count != 0)
    .map(|(name, count)| format!("{count} {name}"))
    .collect();
    if counts.is_empty() {
        "none".into()
    } else {
        counts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::connection;

    #[test]
    fn every_field_has_a_line() {
        let text = table(&connection()).render(false, None, false);
        let fields = serde_json::to_value(connection()).expect("it serialises");
        let fields = fields.as_object().expect("it is an object");
        // Bytes, what waits of them, and records have a line for each side.
        assert_eq!(text.lines().count(), fields.len() + 3);
        for expected in [
            "cipher             0xc02f TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n",
            "resumption         ticket\n",
            "server bytes       250\n",
            "server records     1 change-cipher-spec, 3 handshake\n",
            "mark               0x54000000\n",
        ] {
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn while_the_client_is_not_known() {
        let unknown = Connection {
            client: None,
            records: None,
            bytes: Bytes::ByEnd { src: 5, dst: 6 },
            ..connection()
        };
        let text = table(&unknown).render(false, None, false);
        assert!(
            text.contains("source bytes       5\n") && !text.contains("records"),
            "{text}"
        );
    }
}
