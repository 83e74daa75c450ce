// SPDX-License-Identifier: GPL-2.0-only

//! Makes pins out of attributes.

use tlsconn_uapi as uapi;

use super::object::{enumerated, Object};
use crate::{
    model::{Other, Pin, PinState},
    netlink::{attribute::Attribute, malformed::Malformed, selector::shown},
    octets::Name,
};

/// Reads a pin. Which tracked connections carry its mark too is not told with it.
pub(in crate::netlink) fn pin(octets: &[u8]) -> Result<Pin, Malformed> {
    let object = Object::parse(octets)?;
    let connection = object.may(uapi::TLSCONN_A_PIN_CONNECTION, Attribute::uint)?;
    let shared = object.may(uapi::TLSCONN_A_PIN_CONNECTIONS, Attribute::u64s)?;
    Ok(Pin {
        name: object.must(uapi::TLSCONN_A_PIN_NAME, |attribute| {
            Ok(Name(attribute.string().into()))
        })?,
        mark: object.must(uapi::TLSCONN_A_PIN_MARK, Attribute::u32)?,
        mask: object.must(uapi::TLSCONN_A_PIN_MASK, Attribute::u32)?,
        state: object.must(uapi::TLSCONN_A_PIN_STATE, enumerated(PinState::from_number))?,
        connection,
        selector: object
            .may(uapi::TLSCONN_A_PIN_SELECTOR, shown)?
            .unwrap_or_default(),
        expires_in: object.may(uapi::TLSCONN_A_PIN_EXPIRES_IN, Attribute::uint)?,
        lasts: object.may(uapi::TLSCONN_A_PIN_LASTS, Attribute::u32)?,
        follow: object.has(uapi::TLSCONN_A_PIN_FOLLOW),
        shared: object.has(uapi::TLSCONN_A_PIN_SHARED),
        deny: object.has(uapi::TLSCONN_A_PIN_DENY),
        connections: shared.unwrap_or_else(|| connection.into_iter().collect()),
        mark_lost: object.has(uapi::TLSCONN_A_PIN_MARK_LOST),
        others: object
            .all(uapi::TLSCONN_A_PIN_OTHERS)
            .map(untracked)
            .collect::<Result<_, _>>()?,
    })
}

fn untracked(nest: Attribute<'_>) -> Result<Other, Malformed> {
    let object = Object::parse(nest.value)?;
    Ok(Other::Untracked(
        object.end(
            uapi::TLSCONN_A_CONNECTION_SRC_ADDR,
            uapi::TLSCONN_A_CONNECTION_SRC_PORT,
        )?,
        object.end(
            uapi::TLSCONN_A_CONNECTION_DST_ADDR,
            uapi::TLSCONN_A_CONNECTION_DST_PORT,
        )?,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;
    use crate::netlink::attribute::Attributes;

    #[test]
    fn pins() {
        let attributes = Attributes::default()
            .string(uapi::TLSCONN_A_PIN_NAME, "default")
            .u32(uapi::TLSCONN_A_PIN_MARK, 0x5400_0000)
            .u32(uapi::TLSCONN_A_PIN_MASK, 0xff00_0000)
            .uint(uapi::TLSCONN_A_PIN_CONNECTION, 2)
            .push(uapi::TLSCONN_A_PIN_STATE, &[1]);
        let value =
            to_value(pin(attributes.as_slice()).expect("it is sound")).expect("it serialises");
        assert_eq!(
            value,
            json!({"name": "default", "mark": "0x54000000", "mask": "0xff000000", "state": "bound", "connection": 2,
                   "selector": {}, "expires_in": null, "follow": false, "shared": false, "deny": false, "mark_lost": false, "connections": [2], "others": []})
        );
        assert!(pin(&attributes.as_slice()[..8]).is_err());
        let end = Attributes::default()
            .push(uapi::TLSCONN_A_CONNECTION_SRC_ADDR, &[10, 0, 0, 1])
            .push(uapi::TLSCONN_A_CONNECTION_SRC_PORT, &[0x9c, 0x40])
            .push(uapi::TLSCONN_A_CONNECTION_DST_ADDR, &[10, 0, 0, 2])
            .push(uapi::TLSCONN_A_CONNECTION_DST_PORT, &[1, 0xbb]);
        let ids = [3_u64, 70_000].map(u64::to_ne_bytes).concat();
        let shared = Attributes::default()
            .string(uapi::TLSCONN_A_PIN_NAME, "all")
            .u32(uapi::TLSCONN_A_PIN_MARK, 0x5500_0000)
            .u32(uapi::TLSCONN_A_PIN_MASK, 0xff00_0000)
            .flag(uapi::TLSCONN_A_PIN_SHARED, true)
            .push(uapi::TLSCONN_A_PIN_CONNECTIONS, &ids)
            .push(uapi::TLSCONN_A_PIN_STATE, &[1]);
        let shared = pin(shared.as_slice()).expect("it is sound");
        assert_eq!(
            (shared.connection, shared.connections),
            (None, vec![3, 70_000])
        );
        let marked = attributes.push(uapi::TLSCONN_A_PIN_OTHERS | 0x8000, end.as_slice());
        let marked = pin(marked.as_slice()).expect("it is sound");
        assert_eq!(
            to_value(marked).expect("it serialises")["others"],
            json!(["10.0.0.1:40000 -> 10.0.0.2:443"])
        );
    }
}
