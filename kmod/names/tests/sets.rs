// SPDX-License-Identifier: GPL-2.0-only
//! Tables beside a plain set of texts.

mod common;

use std::{collections::BTreeSet, thread};

use common::{all, encoded, expected, found, keyed, table};
use proptest::{collection::vec, prelude::*};
use tlsconn_names::Encoded;

#[test]
fn hosts_and_domains() {
    let set = table([
        "host.example",
        ".domain.example",
        "a.domain.example",
        ".org",
    ]);
    for (host, name) in [
        ("host.example", Some("host.example")),
        ("HOST.Example.", Some("host.example")),
        ("x.host.example", None),
        ("example", None),
        ("domain.example", Some(".domain.example")),
        ("x.domain.example", Some(".domain.example")),
        ("a.domain.example", Some("a.domain.example")),
        ("b.a.domain.example", Some(".domain.example")),
        ("xdomain.example", None),
        ("org", Some(".org")),
        ("a b\u{e4}.x.org", Some(".org")),
        ("..org", Some(".org")),
        (".org", Some(".org")),
        ("x.org..", None),
        ("", None),
        (".", None),
        ("host.example\0", None),
        ("\0host.example", None),
    ] {
        assert_eq!(
            found(&set, host.as_bytes()).as_deref(),
            name.map(str::as_bytes),
            "{host:?}"
        );
    }
}

#[test]
fn a_set_without_names() {
    let set = table([""; 0]);
    assert!(set.is_empty() && set.find(b"a").is_none() && set.at(0).is_none());
    assert!(set.place(&Encoded::new(b"a").expect("a name")).is_none());
}

#[test]
fn the_longest_names() {
    let labels = ["a"; 128].join(".");
    let whole = "b".repeat(255);
    // As deep as a domain may be.
    let deep = ["a"; 16].join(".");
    let set = table([labels.as_str(), &format!(".{whole}"), &format!(".{deep}")]);
    assert_eq!(
        found(&set, labels.as_bytes()).as_deref(),
        Some(labels.as_bytes())
    );
    assert_eq!(
        found(&set, whole.as_bytes()).as_deref(),
        Some(format!(".{whole}").as_bytes())
    );
    let other = format!("x.{}", &labels[2..]);
    assert_eq!(
        found(&set, other.as_bytes()).as_deref(),
        Some(format!(".{deep}").as_bytes())
    );
    assert_eq!(found(&set, format!("{whole}b").as_bytes()), None);
}

/// A list may have one name a million times.
#[test]
fn names_that_are_there_again() {
    let set = table((0..100_000).map(|at| format!("h{}.example", at % 3)));
    assert_eq!(set.len(), 3);
    let texts: BTreeSet<_> = all(&set).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), 3);
}

#[test]
fn hits_are_exact_on_several_processors() {
    let set = table(["host.example", ".example"]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100_000 {
                    set.count(set.find(b"host.example").expect("it is in"), 1);
                    set.count(set.find(b"x.example").expect("it is in"), 1);
                }
            });
        }
    });
    for host in [&b"host.example"[..], b"x.example"] {
        assert_eq!(set.hits(set.find(host).expect("it is in")), 400_000);
    }
    let place = set.find(b"host.example").expect("it is in");
    set.count(place, u32::MAX);
    set.count(place, u32::MAX);
    assert_eq!(set.hits(place), 0xffff_0000, "it stays there");
}

#[test]
fn hits_go_on_in_another_table() {
    let old = table(["host.example", ".gone"]);
    for host in [&b"host.example"[..], b"x.gone"] {
        old.count(old.find(host).expect("it is in"), 7);
    }
    let new = keyed([1, 2], &encoded(["new", "host.example"]));
    new.count(new.find(b"host.example").expect("it is in"), 1);
    new.take_hits(&old, || {});
    assert_eq!(new.hits(new.find(b"host.example").expect("it is in")), 8);
    assert_eq!(new.hits(new.find(b"new").expect("it is in")), 0);
}

/// Names of a public list's length, 17 bytes in the mean: what the documents promise.
#[test]
fn a_million_names_in_24_megabytes() {
    let mut seed = 1_u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed >> 33
    };
    let (count, mut octets) = (100_000, 0);
    let names: Vec<String> = (0..count)
        .map(|at| {
            let end = ["com", "net", "org", "co.uk"][random() as usize % 4];
            let more = "x".repeat((random() % 9 + random() % 9) as usize);
            let name = format!("{at:05}{more}.{end}");
            octets += name.len();
            name
        })
        .collect();
    let mean = octets as f64 / f64::from(count);
    assert!((17.0..18.5).contains(&mean), "{mean}");
    let set = table(&names);
    assert_eq!(set.len(), count);
    assert!(set.octets() < 24 * u64::from(count), "{}", set.octets());
    assert!(names.iter().all(|name| found_itself(&set, name)));
}

fn found_itself(set: &common::Names, name: &str) -> bool {
    let place = set.find(name.as_bytes());
    place.is_some() && place == set.place(&Encoded::new(name.as_bytes()).expect("a name"))
}

fn name() -> impl Strategy<Value = String> {
    "\\.?[ab_0]{1,3}(\\.[ab-]{1,2}){0,4}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_a_plain_set(
        names in vec(name(), 0..60),
        hosts in vec("[abAB_0]{0,3}(\\.[ab\u{e4} -]{0,2}){0,5}\\.?", 1..60),
        key: [u64; 2],
    ) {
        let set = keyed(key, &encoded(&names));
        let plain: BTreeSet<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        prop_assert_eq!(set.len() as usize, plain.len());
        let texts: BTreeSet<_> = all(&set).into_iter().map(|(_, text)| text).collect();
        prop_assert_eq!(&texts, &plain);
        for host in hosts.iter().chain(&names) {
            prop_assert_eq!(found(&set, host.as_bytes()), expected(&plain, host.as_bytes()), "{}", host);
        }
        for name in &names {
            let place = set.place(&Encoded::new(name.as_bytes()).expect("a name"));
            let text = all(&set).into_iter().find(|(at, _)| Some(*at) == place).map(|(_, text)| text);
            prop_assert_eq!(text.as_deref(), Some(name.as_bytes()));
        }
    }
}
