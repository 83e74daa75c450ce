// SPDX-License-Identifier: GPL-2.0-only

//! Makes connections and pins out of the attributes that the kernel sent. Unknown attributes are of newer modules and
//! are passed over; what has the wrong form refuses the whole object.

mod object;
mod pin;

use tlsconn_uapi as uapi;

pub(super) use self::{
    object::{enumerated, ip, Object},
    pin::pin,
};
use super::{attribute::Attribute, malformed::Malformed};
use crate::{
    cipher::Cipher,
    model::{
        Bytes, Connection, Marking, Reason, Records, RecordsBySide, Resumption, Retry, Side, State,
        Times, Version,
    },
    octets::Name,
    time::Time,
};

/// What one end sent.
#[derive(Default)]
struct Direction {
    bytes: u64,
    waiting: u64,
    retry: Option<Retry>,
    records: Records,
}

/// Reads a connection.
pub(super) fn connection(octets: &[u8]) -> Result<Connection, Malformed> {
    let object = Object::parse(octets)?;
    let client = object.may(
        uapi::TLSCONN_A_CONNECTION_CLIENT,
        enumerated(Side::from_number),
    )?;
    let src = object
        .may(uapi::TLSCONN_A_CONNECTION_SRC, direction)?
        .unwrap_or_default();
    let dst = object
        .may(uapi::TLSCONN_A_CONNECTION_DST, direction)?
        .unwrap_or_default();
    let (src_waits, dst_waits) = (src.waiting, dst.waiting);
    let retry = src.retry.or(dst.retry);
    let (bytes, records) = match client {
        Some(Side::Src) => by_side(src, dst),
        Some(Side::Dst) => by_side(dst, src),
        None => (
            Bytes::ByEnd {
                src: src.bytes,
                dst: dst.bytes,
            },
            None,
        ),
    };
    let waiting = match client {
        Some(Side::Src) => Bytes::ByPart {
            client: src_waits,
            server: dst_waits,
        },
        Some(Side::Dst) => Bytes::ByPart {
            client: dst_waits,
            server: src_waits,
        },
        None => Bytes::ByEnd {
            src: src_waits,
            dst: dst_waits,
        },
    };
    let ends = [
        object.end(
            uapi::TLSCONN_A_CONNECTION_SRC_ADDR,
            uapi::TLSCONN_A_CONNECTION_SRC_PORT,
        )?,
        object.end(
            uapi::TLSCONN_A_CONNECTION_DST_ADDR,
            uapi::TLSCONN_A_CONNECTION_DST_PORT,
        )?,
    ];
    let id = object.must(uapi::TLSCONN_A_CONNECTION_ID, Attribute::uint)?;
    let state = object.must(
        uapi::TLSCONN_A_CONNECTION_STATE,
        enumerated(State::from_number),
    )?;
    let first = object.may(uapi::TLSCONN_A_CONNECTION_FIRST, Attribute::uint)?;
    let last = object.may(uapi::TLSCONN_A_CONNECTION_LAST, Attribute::uint)?;
    let mut connection = Connection {
        resumes: object.may(uapi::TLSCONN_A_CONNECTION_RESUMES, Attribute::uint)?,
        records,
        reason: object
            .may(uapi::TLSCONN_A_CONNECTION_REASON, reason)?
            .flatten(),
        marking: Some(Marking {
            waiting,
            retry,
            pin: object.may(uapi::TLSCONN_A_CONNECTION_PIN, |attribute| {
                Ok(Name(attribute.string().into()))
            })?,
            mark: object
                .may(uapi::TLSCONN_A_CONNECTION_MARK, Attribute::u32)?
                .unwrap_or(0),
        }),
        times: first.zip(last).map(|(first, last)| Times {
            first: Time(first),
            last: Time(last),
            loose: None,
        }),
        ja4: object.may(uapi::TLSCONN_A_CONNECTION_JA4, |attribute| {
            Ok(Name(attribute.value.into()).to_string())
        })?,
        ..Connection::new(id, ends, state, bytes)
    };
    identity(&object, &mut connection)?;
    Ok(connection)
}

macro_rules! identity_of {
    ($([$({ $field:ident [$($kind:ident)+] $attribute:ident $label:literal $title:literal $least:literal $means:literal })+])+) => {
        /// Reads what the hellos said into a connection.
        fn identity(object: &Object<'_>, connection: &mut Connection) -> Result<(), Malformed> {
            $($(connection.$field = field!(object, uapi::$attribute, $($kind)+);)+)+
            Ok(())
        }
    };
}

macro_rules! field {
    ($object:ident, $kind:expr, side) => {
        $object.may($kind, enumerated(Side::from_number))?
    };
    ($object:ident, $kind:expr, flag) => {
        $object.has($kind)
    };
    ($object:ident, $kind:expr, version) => {
        $object
            .may($kind, Attribute::u16)?
            .and_then(Version::from_number)
    };
    ($object:ident, $kind:expr, cipher) => {
        $object.may($kind, Attribute::u16)?.map(Cipher)
    };
    ($object:ident, $kind:expr, name) => {
        $object.name($kind)?
    };
    ($object:ident, $kind:expr, random) => {
        $object.hex($kind)?
    };
    ($object:ident, $kind:expr, id) => {
        $object.hex($kind)?
    };
    ($object:ident, $kind:expr, echo $of:ident) => {
        $object.hex($kind)?
    };
    ($object:ident, $kind:expr, truth) => {
        $object.may($kind, Attribute::bool)?
    };
    ($object:ident, $kind:expr, resumption) => {
        $object.may($kind, enumerated(Resumption::from_number))?
    };
}

crate::identity_fields! { identity_of }

fn by_side(client: Direction, server: Direction) -> (Bytes, Option<RecordsBySide>) {
    (
        Bytes::ByPart {
            client: client.bytes,
            server: server.bytes,
        },
        Some(RecordsBySide {
            client: client.records,
            server: server.records,
        }),
    )
}

fn direction(attribute: Attribute<'_>) -> Result<Direction, Malformed> {
    let object = Object::parse(attribute.value)?;
    let count = |kind| Ok(object.may(kind, Attribute::uint)?.unwrap_or(0));
    let since = object.may(uapi::TLSCONN_A_DIRECTION_TRIED, Attribute::uint)?;
    let interval = object.may(uapi::TLSCONN_A_DIRECTION_INTERVAL, Attribute::uint)?;
    Ok(Direction {
        bytes: count(uapi::TLSCONN_A_DIRECTION_BYTES)?,
        waiting: count(uapi::TLSCONN_A_DIRECTION_WAITING)?,
        retry: since
            .zip(interval)
            .map(|(since, interval)| Retry { since, interval }),
        records: Records {
            change_cipher_spec: count(uapi::TLSCONN_A_DIRECTION_CHANGE_CIPHER_SPEC)?,
            alert: count(uapi::TLSCONN_A_DIRECTION_ALERT)?,
            handshake: count(uapi::TLSCONN_A_DIRECTION_HANDSHAKE)?,
            application_data: count(uapi::TLSCONN_A_DIRECTION_APPLICATION_DATA)?,
            heartbeat: count(uapi::TLSCONN_A_DIRECTION_HEARTBEAT)?,
        },
    })
}

fn reason(attribute: Attribute<'_>) -> Result<Option<Reason>, Malformed> {
    match attribute.u8()? {
        number if u32::from(number) == uapi::TLSCONN_REASON_NONE => Ok(None),
        number => Reason::from_number(number).map(Some).ok_or(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value, Value};

    use super::*;
    use crate::netlink::attribute::Attributes;

    /// What the kernel leaves out never.
    fn bare() -> Attributes {
        Attributes::default()
            .uint(uapi::TLSCONN_A_CONNECTION_ID, 2)
            .push(uapi::TLSCONN_A_CONNECTION_SRC_ADDR, &[10, 0, 1, 2])
            .push(uapi::TLSCONN_A_CONNECTION_DST_ADDR, &[10, 0, 2, 2])
            .push(uapi::TLSCONN_A_CONNECTION_SRC_PORT, &40000u16.to_be_bytes())
            .push(uapi::TLSCONN_A_CONNECTION_DST_PORT, &443u16.to_be_bytes())
            .uint(uapi::TLSCONN_A_CONNECTION_FIRST, 0)
            .uint(uapi::TLSCONN_A_CONNECTION_LAST, 0)
    }

    fn state(attributes: Attributes, state: u32) -> Attributes {
        attributes.push(
            uapi::TLSCONN_A_CONNECTION_STATE,
            &[u8::try_from(state).expect("states are small")],
        )
    }

    fn counts(bytes: u64) -> Vec<u8> {
        Attributes::default()
            .uint(uapi::TLSCONN_A_DIRECTION_BYTES, bytes)
            .uint(uapi::TLSCONN_A_DIRECTION_CHANGE_CIPHER_SPEC, 1)
            .uint(uapi::TLSCONN_A_DIRECTION_HANDSHAKE, 3)
            .uint(uapi::TLSCONN_A_DIRECTION_APPLICATION_DATA, 9)
            .uint(uapi::TLSCONN_A_DIRECTION_WAITING, bytes - 10)
            .as_slice()
            .to_vec()
    }

    #[test]
    fn what_was_sent_again() {
        let of = |attributes: Attributes| {
            let connection = connection(attributes.as_slice()).expect("it is sound");
            connection.marking.and_then(|marking| marking.retry)
        };
        let tried = || Attributes::default().uint(uapi::TLSCONN_A_DIRECTION_TRIED, 700);
        let both = tried().uint(uapi::TLSCONN_A_DIRECTION_INTERVAL, 1500);
        let expected = Retry {
            since: 700,
            interval: 1500,
        };
        let whole = || state(bare(), uapi::TLSCONN_STATE_NEW);
        for side in [
            uapi::TLSCONN_A_CONNECTION_SRC,
            uapi::TLSCONN_A_CONNECTION_DST,
        ] {
            assert_eq!(of(whole().push(side, both.as_slice())), Some(expected));
            assert_eq!(of(whole().push(side, tried().as_slice())), None);
        }
    }

    fn read(attributes: &Attributes) -> Value {
        to_value(connection(attributes.as_slice()).expect("it is sound")).expect("it serialises")
    }

    #[test]
    fn what_is_not_known_is_null() {
        let mut value = read(&state(bare(), uapi::TLSCONN_STATE_NEW));
        let object = value.as_object_mut().expect("it is an object");
        let known: serde_json::Map<String, Value> = object
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        assert_eq!(
            Value::from(known),
            json!({"id": 2, "src": "10.0.1.2:40000", "dst": "10.0.2.2:443", "state": "new", "confirmed": false,
                   "bytes": {"src": 0, "dst": 0}, "waiting": {"src": 0, "dst": 0}, "mark": "0x0",
                   "first": "1970-01-01T00:00:00.000000Z", "last": "1970-01-01T00:00:00.000000Z"})
        );
        assert_eq!(object.len(), 30);
    }

    #[test]
    fn everything_known() {
        let attributes = state(Attributes::default(), uapi::TLSCONN_STATE_TAINTED)
            .uint(uapi::TLSCONN_A_CONNECTION_ID, 1 << 33)
            .push(
                uapi::TLSCONN_A_CONNECTION_SRC_ADDR,
                &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            )
            .push(
                uapi::TLSCONN_A_CONNECTION_DST_ADDR,
                &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
            )
            .push(uapi::TLSCONN_A_CONNECTION_SRC_PORT, &443u16.to_be_bytes())
            .push(uapi::TLSCONN_A_CONNECTION_DST_PORT, &40000u16.to_be_bytes())
            .push(uapi::TLSCONN_A_CONNECTION_CLIENT, &[1])
            .push(uapi::TLSCONN_A_CONNECTION_REASON, &[6])
            .flag(uapi::TLSCONN_A_CONNECTION_CONFIRMED, true)
            .push(uapi::TLSCONN_A_CONNECTION_VERSION, &0x0303u16.to_ne_bytes())
            .push(uapi::TLSCONN_A_CONNECTION_OFFERED, &0x0304u16.to_ne_bytes())
            .push(uapi::TLSCONN_A_CONNECTION_CIPHER, &0xc02fu16.to_ne_bytes())
            .push(uapi::TLSCONN_A_CONNECTION_SNI, b"www.\x1bexample.org")
            .push(uapi::TLSCONN_A_CONNECTION_ALPN, b"h2")
            .push(uapi::TLSCONN_A_CONNECTION_CLIENT_RANDOM, &[0xab; 32])
            .push(uapi::TLSCONN_A_CONNECTION_SERVER_RANDOM, &[0xcd; 32])
            .push(uapi::TLSCONN_A_CONNECTION_SESSION_ID, &[])
            .push(uapi::TLSCONN_A_CONNECTION_SERVER_SESSION_ID, &[1, 2])
            .push(uapi::TLSCONN_A_CONNECTION_RESUMED, &[1])
            .push(uapi::TLSCONN_A_CONNECTION_RESUMPTION, &[1])
            .uint(uapi::TLSCONN_A_CONNECTION_RESUMES, 5)
            .push(uapi::TLSCONN_A_CONNECTION_EARLY_DATA, &[0])
            .push(uapi::TLSCONN_A_CONNECTION_ECH, &[1])
            .push(uapi::TLSCONN_A_CONNECTION_HELLO_RETRY, &[0])
            .push(uapi::TLSCONN_A_CONNECTION_SRC | 0x8000, &counts(1000))
            .push(uapi::TLSCONN_A_CONNECTION_DST | 0x8000, &counts(70))
            .u32(uapi::TLSCONN_A_CONNECTION_MARK, 0x5400_0001)
            .string(uapi::TLSCONN_A_CONNECTION_PIN, "default")
            .uint(uapi::TLSCONN_A_CONNECTION_FIRST, 1_700_000_000_000_000_000)
            .uint(uapi::TLSCONN_A_CONNECTION_LAST, 1_700_000_001_500_000_000)
            .push(
                uapi::TLSCONN_A_CONNECTION_JA4,
                b"t13d1516h2_8daaf6152771_e5627efa2ab1",
            )
            // Of a newer module.
            .push(0x1000, &[1, 2, 3]);
        let records = json!({"change-cipher-spec": 1, "alert": 0, "handshake": 3, "application-data": 9, "heartbeat": 0});
        let value = json!({
            "id": 1u64 << 33, "src": "[2001:db8::1]:443", "dst": "[2001:db8::2]:40000", "client": "dst",
            "state": "tainted", "confirmed": true, "version": "1.2", "offered": "1.3",
            "cipher": {"id": "0xc02f", "name": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
            "sni": "www.\\x1bexample.org", "alpn": "h2", "client_random": "ab".repeat(32),
            "server_random": "cd".repeat(32), "session_id": "", "server_session_id": "0102", "resumed": true,
            "resumption": "ticket", "resumes": 5, "early_data": false, "ech": true, "hello_retry": false,
            "records": {"client": records, "server": records}, "bytes": {"client": 70, "server": 1000}, "ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1",
            "reason": "resent-differently", "waiting": {"client": 60, "server": 990}, "pin": "default", "mark": "0x54000001",
            "first": "2023-11-14T22:13:20.000000Z", "last": "2023-11-14T22:13:21.500000Z",
        });
        assert_eq!(read(&attributes), value);
    }

    #[test]
    fn the_wrong_form_refuses_the_whole() {
        let good = state(bare(), uapi::TLSCONN_STATE_NEW);
        assert!(connection(good.as_slice()).is_ok());
        assert!(connection(bare().as_slice()).is_err());
        assert!(connection(state(bare(), 200).as_slice()).is_err());
        let wrong =
            |kind: u32, value: &[u8]| state(bare(), uapi::TLSCONN_STATE_NEW).push(kind, value);
        assert!(connection(wrong(uapi::TLSCONN_A_CONNECTION_CLIENT, &[2]).as_slice()).is_err());
        assert!(connection(wrong(uapi::TLSCONN_A_CONNECTION_RESUMED, &[2]).as_slice()).is_err());
        assert!(connection(wrong(uapi::TLSCONN_A_CONNECTION_VERSION, &[3]).as_slice()).is_err());
        assert!(connection(wrong(uapi::TLSCONN_A_CONNECTION_REASON, &[99]).as_slice()).is_err());
        assert!(
            connection(wrong(uapi::TLSCONN_A_CONNECTION_SRC, &[9, 0, 1, 0]).as_slice()).is_err()
        );
        assert!(connection(wrong(uapi::TLSCONN_A_CONNECTION_REASON, &[0]).as_slice()).is_ok());
    }
}
