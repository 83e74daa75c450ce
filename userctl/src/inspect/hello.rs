// SPDX-License-Identifier: GPL-2.0-only

//! What a ClientHello looks like where it is not known that one is next.

/// Octets of the shortest ClientHello: version, random, no session id, a cipher suite, a compression method.
const SHORTEST: u32 = 2 + 32 + 1 + 4 + 2;
const LONGEST: u32 = 1 << 17;

/// Octets that tell enough: a record's header, and the first one of a message.
pub(super) const ENOUGH: usize = 6;

/// Whether octets begin with a ClientHello. As many may be cut off as are still enough.
pub(super) fn begins(octets: &[u8]) -> bool {
    of_record(octets) || of_sslv2(octets)
}

/// Record header, message header, version (RFC 8446 4.1.2, 5.1).
fn of_record(octets: &[u8]) -> bool {
    let (header, message) = octets.split_at(octets.len().min(ENOUGH - 1));
    let &[22, 3, 0..=4, high, low] = header else {
        return false;
    };
    let record = u16::from_be_bytes([high, low]);
    if !(1..=1 << 14).contains(&record) {
        return false;
    }
    // Its header may go on in the next record.
    let message = message.get(..record.into()).unwrap_or(message);
    match *message {
        [1, len2, len1, len0, ref version @ ..] => {
            let len = u32::from_be_bytes([0, len2, len1, len0]);
            let is_known = matches!(version, [] | [3] | [3, 0..=4, ..]);
            (SHORTEST..LONGEST).contains(&len) && is_known
        }
        [1, ..] => true,
        _ => false,
    }
}

/// The lengths of its parts add up (RFC 5246 E.2).
fn of_sslv2(octets: &[u8]) -> bool {
    let &[high @ 0x80..=0xff, low, 1, 3, 0..=4, suites1, suites0, id1, id0, challenge1, challenge0, ..] =
        octets
    else {
        return false;
    };
    let [suites, id, challenge] = [[suites1, suites0], [id1, id0], [challenge1, challenge0]]
        .map(|octets| u32::from(u16::from_be_bytes(octets)));
    let len = u32::from(u16::from_be_bytes([high & 0x7f, low]));
    len == 9 + suites + id + challenge
        && suites > 0
        && suites % 3 == 0
        && (16..=32).contains(&challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_record_is_taken_for_one() {
        let hello = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, 7];
        assert!(begins(&hello));
        for (place, octet) in [
            (0, 23),
            (1, 2),
            (2, 5),
            (3, 0x41),
            (5, 2),
            (6, 2),
            (8, 40),
            (9, 2),
            (10, 5),
        ] {
            let mut other = hello;
            other[place] = octet;
            assert!(!begins(&other), "{place}");
        }
        for len in 0..hello.len() {
            assert_eq!(begins(&hello[..len]), len >= ENOUGH, "{len}");
        }
        // A record that ends within the message's header.
        assert!(begins(&[22, 3, 1, 0, 2, 1, 0, 22, 3, 1, 0, 2]));
        let old = [0x80, 46, 1, 3, 1, 0, 21, 0, 0, 0, 16, 0];
        assert!(begins(&old));
        for (place, octet) in [
            (0, 46),
            (1, 47),
            (2, 2),
            (3, 2),
            (4, 5),
            (6, 22),
            (8, 1),
            (10, 15),
        ] {
            let mut other = old;
            other[place] = octet;
            assert!(!begins(&other), "{place}");
        }
    }
}
