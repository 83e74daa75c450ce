// SPDX-License-Identifier: GPL-2.0-only

//! Connections that carry a pin's mark though the pin is not bound to them: rules let them through.

use std::net::SocketAddr;

use super::finding::Finding;
use crate::{
    mark::Mark,
    model::{Connection, Other, Pin, PinState},
};

/// All of them, and the commands that clear their marks. Of pins that were released only the default mark is looked for:
/// other bits may have found another use since.
pub(super) fn of(connections: &[Connection], pins: &[Pin]) -> Vec<Finding> {
    let default = Mark::default();
    let matters = |pin: &&Pin| {
        pin.state != PinState::Released || (pin.mark, pin.mask) == (default.value, default.mask)
    };
    let pins: Vec<Pin> = pins.iter().filter(matters).cloned().collect();
    let tracked = connections.iter().filter_map(|connection| {
        let mask = carried(connection, &pins)?;
        let name = format!("connection {}, ", connection.id);
        Some(stray(&name, connection.src, connection.dst, mask))
    });
    // Pins that were released may have had the same mark.
    let mut others: Vec<(&Other, u32)> = Vec::new();
    for pin in &pins {
        for other in pin.others.iter().map(|other| (other, pin.mask)) {
            if !others.contains(&other) {
                others.push(other);
            }
        }
    }
    let untracked = others.into_iter().filter_map(|(other, mask)| match other {
        Other::Untracked(src, dst) => Some(stray("the untracked connection ", *src, *dst, mask)),
        Other::Tracked(_) => None,
    });
    tracked.chain(untracked).collect()
}

/// The bits of the pin's mark that a connection carries; the default mark's too while no pin is armed or bound.
fn carried(connection: &Connection, pins: &[Pin]) -> Option<u32> {
    let mut of_pins = pins.iter();
    if let Some(pin) = of_pins.find(|pin| pin.is_carried_by_another(connection, pins)) {
        return Some(pin.mask);
    }
    let mark = connection.marking.as_ref()?.mark;
    let default = Mark::default();
    let live = pins.iter().any(|pin| pin.state != PinState::Released);
    (!live && mark & default.mask == default.value).then_some(default.mask)
}

fn stray(name: &str, src: SocketAddr, dst: SocketAddr, mask: u32) -> Finding {
    let family = if src.is_ipv6() { " -f ipv6" } else { "" };
    Finding::bad(
        "marks",
        format!("{name}{src} -> {dst}, carries a pin's mark that somebody else has set"),
        format!(
            "conntrack -U{family} -p tcp --orig-src {} --orig-dst {} --orig-port-src {} --orig-port-dst {} --mark 0/{mask:#x}",
            src.ip(),
            dst.ip(),
            src.port(),
            dst.port()
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        model::{tests::connection, Bytes, Marking},
        octets::Name,
    };

    fn pin(connection: u64, others: Vec<Other>) -> Pin {
        Pin {
            name: Name(b"default".into()),
            mark: 0x5400_0000,
            mask: 0xff00_0000,
            state: PinState::Bound,
            connection: Some(connection),
            selector: BTreeMap::new(),
            expires_in: None,
            lasts: None,
            follow: false,
            shared: false,
            deny: false,
            mark_lost: false,
            connections: vec![connection],
            others,
        }
    }

    fn fixes(pins: &[Pin], mark: u32) -> Vec<Option<String>> {
        let marked = Connection {
            marking: Some(Marking {
                waiting: Bytes::default(),
                retry: None,
                pin: None,
                mark,
            }),
            ..connection()
        };
        of(&[marked], pins)
            .into_iter()
            .map(|finding| finding.fix)
            .collect()
    }

    const CLEARED: &str =
        "conntrack -U -p tcp --orig-src 10.0.1.2 --orig-dst 10.0.2.2 --orig-port-src 40000 \
                           --orig-port-dst 443 --mark 0/0xff000000";

    #[test]
    fn tracked_ones() {
        assert_eq!(fixes(&[pin(7, Vec::new())], 0x5400_0000), []);
        for pins in [vec![pin(8, Vec::new())], Vec::new()] {
            assert_eq!(fixes(&pins, 0x5400_0001), [Some(CLEARED.into())]);
            assert_eq!(fixes(&pins, 0x5500_0000), []);
        }
    }

    #[test]
    fn untracked_ones() {
        let other = Other::Untracked(connection().src, connection().dst);
        assert_eq!(fixes(&[pin(7, vec![other])], 0), [Some(CLEARED.into())]);
    }

    #[test]
    fn of_a_pin_that_was_released() {
        let other = Other::Untracked(connection().src, connection().dst);
        let released = |mark, others| Pin {
            mark,
            state: PinState::Released,
            connection: None,
            ..pin(0, others)
        };
        let before = || released(0x5400_0000, Vec::new());
        let live = Pin {
            mark: 0x5600_0000,
            ..pin(8, Vec::new())
        };
        for pins in [vec![before()], vec![before(), live]] {
            assert_eq!(fixes(&pins, 0x5400_0000), [Some(CLEARED.into())]);
            assert_eq!(fixes(&pins, 0x5500_0000), []);
        }
        assert_eq!(fixes(&[released(0x5600_0000, Vec::new())], 0x5600_0000), []);
        // Another pin has its mark now.
        assert_eq!(fixes(&[before(), pin(7, Vec::new())], 0x5400_0000), []);
        // The same one, told of twice.
        let twice = [0, 1].map(|_| released(0x5400_0000, vec![other.clone()]));
        assert_eq!(fixes(&twice, 0), [Some(CLEARED.into())]);
    }
}
