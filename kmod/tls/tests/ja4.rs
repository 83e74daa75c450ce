// SPDX-License-Identifier: GPL-2.0-only
//! JA4 of a ClientHello: values that FoxIO has published, what makes them, and what has none.

use crate::common::{message, Hello};
use crate::offer::*;

#[test]
fn published() {
    let example = Offer {
        version: 0x0303,
        suites: list("1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"),
        extensions: list(
            "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015",
        ),
        protocol: b"h2".into(),
        versions: list("0304,0303"),
        algorithms: list("0403,0804,0401,0503,0805,0501,0806,0601"),
    };
    let text = |offer: &Offer| ja4(&offer.message()).expect("it has one");
    assert_eq!(text(&example), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    let with_grease = Offer {
        suites: [list("dada"), example.suites.clone()].concat(),
        extensions: [list("4a4a"), example.extensions.clone(), list("baba")].concat(),
        versions: list("eaea,0304,0303"),
        algorithms: [example.algorithms.clone(), list("fafa")].concat(),
        ..example.clone()
    };
    assert_eq!(text(&with_grease), text(&example));
    // "If there are no signature algorithms in the hello packet, then the string ends without an underscore."
    let without_algorithms = Offer {
        algorithms: vec![],
        ..example.clone()
    };
    assert_eq!(
        text(&without_algorithms),
        "t13d1516h2_8daaf6152771_6d807ffa2a79"
    );
    // Of FoxIO's capture sigalg-grease.pcapng.
    let newer = Offer {
        extensions: list(
            "fe0d,0010,0017,0033,44cd,ff01,000a,000d,0023,002b,000b,ca34,002d,0000,0005,001b,0012",
        ),
        algorithms: list("5a5a,0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601"),
        ..example.clone()
    };
    assert_eq!(text(&newer), "t13d1517h2_8daaf6152771_cb7bf5808d99");
    // Of badcurveball.pcap.
    let older = Offer {
        suites: [example.suites.clone(), list("000a")].concat(),
        extensions: list(
            "0000,0017,ff01,000a,000b,0023,0010,0005,000d,0012,0033,002d,002b,001b,0015",
        ),
        algorithms: list("0403,0804,0401,0503,0805,0501,0806,0601,0201"),
        ..example
    };
    assert_eq!(text(&older), "t13d1615h2_46e7e9700bed_45f260be83e2");
    // As Wireshark 4.4 has it of its rsasnakeoil2.pcap, and of its tls13-rfc8446.pcap, where a draft is offered.
    let oldest = Offer {
        version: 0x0300,
        suites: list("0003,0004,0005,0006,0009,000a,0012,0013,0015,0016,002f,0032,0033,0035,0038,0039,0062,0064,fefe,feff"),
        ..Offer::default()
    };
    assert_eq!(text(&oldest), "ts3i200000_6c5778701a4a_000000000000");
    let draft = Offer {
        version: 0x0303,
        suites: list("1301,1303,1302,c02b,c02f,cca9,cca8,c02c,c030,c00a,c009,c013,c014,009c,009d,002f,0035,000a"),
        extensions: list("0017,ff01,000a,000b,0023,0033,002b,000d,002d"),
        versions: list("7f1c,0303,0302,0301"),
        algorithms: list("0403,0804,0401,0503,0805,0501,0806,0601,0201"),
        ..Offer::default()
    };
    assert_eq!(text(&draft), "t00i180900_e8a523a41297_78e6aca7449b");
}

#[test]
fn first_and_last_of_the_first_protocol() {
    for (protocol, ends) in [
        (&b"h2"[..], "h2"),
        (b"http/1.1", "h1"),
        (b"x", "xx"),
        (b"H-Z", "HZ"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"0\xab", "3b"),
        (b"01\xab\xcd", "3d"),
        (b"0\xab\xcd1", "01"),
        (b" a", "21"),
        (b"\x0a\x0a", "0a"),
        (&[b'q'; 255], "qq"),
    ] {
        let offer = Offer {
            version: 0x0303,
            suites: vec![0x1301],
            extensions: vec![PROTOCOLS],
            protocol: protocol.into(),
            ..Offer::default()
        };
        let text = ja4(&offer.message()).expect("it has one");
        assert_eq!(&text[..10], format!("t12i0101{ends}"));
        assert_eq!(&text[23..], "_000000000000");
    }
}

#[test]
fn versions() {
    for (version, text) in [
        (0x0304, "t13"),
        (0x0303, "t12"),
        (0x0302, "t11"),
        (0x0301, "t10"),
        (0x0300, "ts3"),
        (0x0002, "ts2"),
        (0xfeff, "td1"),
        (0xfefd, "td2"),
        (0xfefc, "td3"),
        (0x0305, "t00"),
        (0x7f1c, "t00"),
    ] {
        let by_field = Offer {
            version,
            ..Offer::default()
        };
        assert_eq!(&ja4(&by_field.message()).expect("it has one")[..3], text);
        let by_extension = Offer {
            version: 0x0301,
            extensions: vec![VERSIONS],
            versions: vec![0x0a0a, version, 0x0002],
            ..Offer::default()
        };
        assert_eq!(
            &ja4(&by_extension.message()).expect("it has one")[..3],
            text
        );
    }
}

#[test]
fn bounds() {
    let many = |from: u16, number: u16| -> Vec<u16> { (from..from + number).collect() };
    let with = |suites: u16, extensions: u16, algorithms: u16| {
        let offer = Offer {
            version: 0x0303,
            suites: many(0xc000, suites),
            extensions: [many(0x2000, extensions - 1), vec![SIGNATURE_ALGORITHMS]].concat(),
            algorithms: many(0x0400, algorithms),
            ..Offer::default()
        };
        (ja4(&offer.message()), offer.expected())
    };
    for (suites, extensions, algorithms, has) in [
        (99, 99, 1, true),
        (100, 100, 1, true),
        (256, 128, 64, true),
        (257, 128, 64, false),
        (256, 129, 64, false),
        (256, 128, 65, false),
    ] {
        let (found, expected) = with(suites, extensions, algorithms);
        let why = format!("{suites} suites, {extensions} extensions, {algorithms} algorithms");
        assert_eq!(found, has.then_some(expected), "{why}");
    }
    // GREASE is no exception.
    let offer = Offer {
        suites: [vec![0x0a0a], many(0xc000, 256)].concat(),
        ..Offer::default()
    };
    assert_eq!(ja4(&offer.message()), None);
    let offer = Offer {
        suites: vec![0x1301],
        extensions: [vec![0x0a0a], many(0x2000, 128)].concat(),
        ..Offer::default()
    };
    assert_eq!(ja4(&offer.message()), None);
}

#[test]
fn what_is_no_whole_hello_has_none() {
    let offer = Offer {
        version: 0x0303,
        suites: vec![0x1301, 0xc02f],
        extensions: vec![SERVER_NAME, PROTOCOLS, VERSIONS, 51, SIGNATURE_ALGORITHMS],
        protocol: b"h2".into(),
        versions: vec![0x0304],
        algorithms: vec![0x0403, 0x0804],
    };
    let body = offer.body();
    assert_eq!(ja4(&message(1, &body)), Some(offer.expected()));
    assert_eq!(ja4(&message(2, &body)), None);
    assert_eq!(ja4(&message(1, &[])), None);
    for len in 0..body.len() {
        // Cut off, and shorter than its fields say: without extensions it may end after what comes before them.
        assert_eq!(ja4(&offer.message()[..len + 4]), None, "{len}");
        let shorter = ja4(&message(1, &body[..len]));
        let is_before_extensions = len == 2 + 32 + 3 + 6 + 2;
        assert_eq!(shorter.is_some(), is_before_extensions, "{len}");
    }
    // Longer than they say, within the message; what stands after it is another.
    assert_eq!(ja4(&message(1, &[&body[..], &[0]].concat())), None);
    let followed = [&offer.message()[..], &message(1, &[1, 2, 3])].concat();
    assert_eq!(ja4(&followed), Some(offer.expected()));
    // Lists that do not fill their extension, or that have half a number.
    for (extension, bytes) in [
        (SIGNATURE_ALGORITHMS, &[][..]),
        (SIGNATURE_ALGORITHMS, &[0, 3, 4, 3, 8]),
        (SIGNATURE_ALGORITHMS, &[0, 2, 4, 3, 8, 4]),
        (SIGNATURE_ALGORITHMS, &[0, 4, 4, 3]),
        (VERSIONS, &[3, 3, 4, 3]),
        (VERSIONS, &[4, 3, 4]),
        (PROTOCOLS, &[0, 2, 1, b'x', 0]),
        (PROTOCOLS, &[0, 2, 2, b'x']),
    ] {
        let hello = Hello::client().with(extension, bytes);
        assert_eq!(ja4(&message(1, &hello.client_body())), None, "{bytes:?}");
    }
}
