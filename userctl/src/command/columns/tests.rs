// SPDX-License-Identifier: GPL-2.0-only

//! What is in every column, and in which order that puts connections.

use super::*;
use crate::model::{tests::connection, Bytes, Marking, Reason, Times, Version};

fn captured(first: u64, last: u64, bytes: u64) -> Connection {
    Connection {
        id: first,
        bytes: Bytes::ByPart {
            client: bytes,
            server: 0,
        },
        times: Some(Times {
            first: Time(first * 1_000_000_000),
            last: Time(last * 1_000_000_000),
            loose: None,
        }),
        marking: None,
        ..connection()
    }
}

fn shown(columns: &str, connections: &[Connection]) -> String {
    let columns: Result<Vec<Column>, _> = columns.split(',').map(str::parse).collect();
    let columns = columns.expect("there are such");
    table(connections, &columns, Time(6_000_000_000)).render(true, None, false)
}

#[test]
fn every_column_has_something_to_show() {
    let connection = captured(1, 3, 500);
    for &(name, title, _) in COLUMNS {
        let text = shown(name, std::slice::from_ref(&connection));
        let (heading, cell) = text.split_once('\n').expect("two lines");
        assert_eq!(heading, title);
        let is_known = !matches!(name, "reason" | "loose") && !OF_LIVE.contains(&name);
        assert_eq!(cell != "-\n", is_known, "{name}: {cell}");
    }
    let text = shown(
        "id,time,age,idle,rate,bytes,records,cipher",
        &[connection, captured(2, 5, 3)],
    );
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    assert_eq!(
        rows[1],
        ["1", "00:00:01", "5.0s", "3.0s", "250", "500/0", "3/4", cipher]
    );
    assert_eq!(
        rows[2],
        ["2", "00:00:02", "4.0s", "1.0s", "1", "3/0", "3/4", cipher]
    );
    assert!("nothing".parse::<Column>().is_err());
}

#[test]
fn of_this_machine() {
    let mut other = connection();
    other.id = 8;
    other.marking = Some(Marking {
        waiting: Bytes::ByPart {
            client: 300,
            server: 2,
        },
        retry: None,
        pin: None,
        mark: 0x7,
    });
    let mut connections = [other, connection()];
    assert_eq!(
        shown("id,waiting,pin,mark", &connections),
        "ID  WAITING  PIN      MARK\n8   300/2    -        0x7\n7   0/0      default  0x54000000\n"
    );
    for (by, last) in [("waiting", 8), ("pin", 7), ("mark", 7)] {
        by.parse::<Column>()
            .expect("a column")
            .sort(&mut connections, Time(0));
        assert_eq!(connections[1].id, last, "{by}");
    }
}

#[test]
fn sorted_by_what_a_column_means() {
    let order = |by: &str, connections: &[Connection]| -> Vec<u64> {
        let mut connections = connections.to_vec();
        let by: Column = by.parse().expect("a column");
        by.sort(&mut connections, Time(9_000_000_000));
        connections.iter().map(|connection| connection.id).collect()
    };
    let mut connections = [captured(1, 9, 100), captured(2, 3, 20), captured(3, 4, 3)];
    connections[0].src = "10.0.10.2:1".parse().expect("an address");
    connections[1].src = "10.0.9.2:1".parse().expect("an address");
    connections[2].src = "10.0.9.2:2".parse().expect("an address");
    connections[1].reason = Some(Reason::Hole);
    connections[2].sni = None;
    connections[0].version = Some(Version::Tls10);
    connections[1].version = None;
    connections[2].version = Some(Version::Ssl3);
    assert_eq!(order("bytes", &connections), [3, 2, 1]);
    assert_eq!(order("src", &connections), [2, 3, 1]);
    assert_eq!(order("idle", &connections), [1, 3, 2]);
    assert_eq!(order("time", &connections), [1, 2, 3]);
    // What is not known comes first.
    assert_eq!(order("reason", &connections), [1, 3, 2]);
    assert_eq!(order("sni", &connections), [3, 1, 2]);
    assert_eq!(order("version", &connections), [2, 3, 1]);
}
