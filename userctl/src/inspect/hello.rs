// SPDX-License-Identifier: GPL-2.0-only

//! What a ClientHello looks like where it is not known that one is next.

/// Octets of a handshake message's header, and of the shortest ClientHello: version, random, no session id, a cipher suite, a
/// compression method.
const SHORTEST: u32 = 2 + 32 + 1 + 4 + 2;
const LONGEST: u32 = 1 << 17;

/// Whether octets begin with a ClientHello in a record: header, message header, version (RFC 8446 4.1.2, 5.1). SSL 2.0's looks
/// like too much else.
pub(super) fn begins(octets: &[u8]) -> bool {
    let &[22, 3, 0..=4, high, low, 1, len2, len1, len0, 3, 0..=4, ..] = octets else {
        return false;
    };
    let record = u16::from_be_bytes([high, low]);
    let message = u32::from_be_bytes([0, len2, len1, len0]);
    (SHORTEST..LONGEST).contains(&message) && (6..=1 << 14).contains(&record)
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
        assert!(!begins(&hello[..10]));
    }
}
