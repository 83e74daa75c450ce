// SPDX-License-Identifier: GPL-2.0-only

//! Netlink messages: the header that all have, and the ends of an answer (acknowledgement, error, end of a dump).

use nix::errno::Errno;

use super::{
    abi::{
        NLMSGERR_ATTR_MSG, NLMSG_DONE, NLMSG_ERROR, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP_INTR,
    },
    attribute,
    malformed::Malformed,
};

/// Bytes of `struct nlmsghdr` and of `struct genlmsghdr`.
const HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;

/// The kernel's no, with its reason in words if it gave one.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) errno: Errno,
    pub(super) message: Option<String>,
}

/// What a message received is.
pub(super) enum Part<'a> {
    /// An object's attributes.
    Object(&'a [u8]),
    /// The answer is complete.
    End(Result<(), Refusal>),
}

/// A message received.
pub(super) struct Message<'a> {
    pub(super) sequence: u32,
    /// The objects changed while they were being dumped.
    pub(super) interrupted: bool,
    pub(super) part: Part<'a>,
}

/// Writes a generic netlink request.
pub(super) fn request(
    family: u16,
    flags: u16,
    sequence: u32,
    command: u8,
    version: u8,
    attributes: &[u8],
) -> Vec<u8> {
    let length = HEADER + GENERIC_HEADER + attributes.len();
    let length = u32::try_from(length).expect("a request holds a few numbers and a name");
    let mut octets = Vec::new();
    octets.extend(length.to_ne_bytes());
    octets.extend(family.to_ne_bytes());
    octets.extend(flags.to_ne_bytes());
    octets.extend(sequence.to_ne_bytes());
    // The kernel fills in the sender.
    octets.extend([0; 4]);
    octets.extend([command, version, 0, 0]);
    octets.extend(attributes);
    octets
}

/// Takes the first message off a datagram.
pub(super) fn take<'a>(datagram: &mut &'a [u8]) -> Result<Message<'a>, Malformed> {
    let header = datagram.first_chunk::<HEADER>().ok_or(Malformed)?;
    let [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, ..] = *header;
    let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).map_err(|_| Malformed)?;
    let kind = u16::from_ne_bytes([t0, t1]);
    let flags = u16::from_ne_bytes([f0, f1]);
    let payload = datagram.get(HEADER..length).ok_or(Malformed)?;
    *datagram = datagram
        .get(length.next_multiple_of(4)..)
        .unwrap_or_default();
    let part = match kind {
        NLMSG_ERROR => Part::End(result(payload, flags, true)?),
        NLMSG_DONE => Part::End(result(payload, flags, false)?),
        _ => Part::Object(payload.get(GENERIC_HEADER..).ok_or(Malformed)?),
    };
    Ok(Message {
        sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
        interrupted: flags & NLM_F_DUMP_INTR != 0,
        part,
    })
}

/// Reads an error number, 0 for success, and the attributes after it. An error message, unlike a dump's end, has the
/// request's header in between, and the whole request unless it says that it was capped.
fn result(
    payload: &[u8],
    flags: u16,
    quotes_request: bool,
) -> Result<Result<(), Refusal>, Malformed> {
    let (number, rest) = payload.split_first_chunk::<4>().ok_or(Malformed)?;
    let number = i32::from_ne_bytes(*number);
    if number >= 0 {
        return Ok(Ok(()));
    }
    let quoted = match rest.first_chunk::<4>() {
        Some(length) if quotes_request && flags & NLM_F_CAPPED == 0 => {
            usize::try_from(u32::from_ne_bytes(*length))
                .map_err(|_| Malformed)?
                .next_multiple_of(4)
        }
        _ if quotes_request => HEADER,
        _ => 0,
    };
    let message = if flags & NLM_F_ACK_TLVS != 0 {
        let attributes = attribute::parse(rest.get(quoted..).ok_or(Malformed)?)?;
        let message = attributes
            .iter()
            .find(|attribute| attribute.kind == NLMSGERR_ATTR_MSG);
        message.map(|message| String::from_utf8_lossy(message.string()).into_owned())
    } else {
        None
    };
    Ok(Err(Refusal {
        errno: Errno::from_raw(number.checked_neg().ok_or(Malformed)?),
        message,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::attribute::Attributes;

    /// A message as the kernel writes it.
    fn kernel(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + payload.len()).expect("payloads are small");
        [
            &length.to_ne_bytes()[..],
            &kind.to_ne_bytes(),
            &flags.to_ne_bytes(),
            &9u32.to_ne_bytes(),
            &[0; 4],
            payload,
        ]
        .concat()
    }

    fn end(octets: &[u8]) -> Result<(), Refusal> {
        let mut datagram = octets;
        let message = take(&mut datagram).expect("it is sound");
        assert_eq!(message.sequence, 9);
        assert!(datagram.is_empty());
        match message.part {
            Part::End(result) => result,
            Part::Object(_) => panic!("it is an end"),
        }
    }

    #[test]
    fn a_refusal_comes_with_the_kernels_words() {
        let words = Attributes::default().string(NLMSGERR_ATTR_MSG, "the pin is bound");
        let error = (-16i32).to_ne_bytes();
        let asked = request(30, 5, 9, 3, 1, Attributes::default().uint(1, 7).as_slice());
        for (flags, quoted) in [
            (NLM_F_ACK_TLVS | NLM_F_CAPPED, &asked[..HEADER]),
            (NLM_F_ACK_TLVS, &asked[..]),
        ] {
            let octets = kernel(
                NLMSG_ERROR,
                flags,
                &[&error, quoted, words.as_slice()].concat(),
            );
            let refusal = end(&octets).expect_err("it is an error");
            assert_eq!(refusal.errno, Errno::EBUSY);
            assert_eq!(refusal.message.as_deref(), Some("the pin is bound"));
        }
        let refusal = end(&kernel(
            NLMSG_DONE,
            NLM_F_ACK_TLVS,
            &[&error, words.as_slice()].concat(),
        ));
        assert_eq!(
            refusal.expect_err("it is an error").message.as_deref(),
            Some("the pin is bound")
        );
        let refusal = end(&kernel(
            NLMSG_ERROR,
            NLM_F_CAPPED,
            &[&error, &asked[..HEADER]].concat(),
        ));
        assert!(refusal.expect_err("it is an error").message.is_none());
    }

    #[test]
    fn success() {
        let asked = request(30, 5, 9, 3, 1, &[]);
        assert!(end(&kernel(
            NLMSG_ERROR,
            NLM_F_CAPPED,
            &[&[0; 4], &asked[..HEADER]].concat()
        ))
        .is_ok());
        assert!(end(&kernel(NLMSG_DONE, 0, &[0; 4])).is_ok());
    }

    #[test]
    fn messages_in_one_datagram() {
        let asked = request(30, 0, 9, 3, 1, &[1, 2, 3]);
        let octets = [asked.as_slice(), &[0], &kernel(NLMSG_DONE, 0x10, &[0; 4])].concat();
        let mut datagram = octets.as_slice();
        let first = take(&mut datagram).expect("it is sound");
        assert!(matches!(first.part, Part::Object([1, 2, 3])) && !first.interrupted);
        assert!(take(&mut datagram).expect("it is sound").interrupted);
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let good = kernel(
            NLMSG_ERROR,
            NLM_F_ACK_TLVS | NLM_F_CAPPED,
            &[&(-1i32).to_ne_bytes()[..], &[0; 16]].concat(),
        );
        assert!(take(&mut good.as_slice()).is_ok());
        for length in 0..good.len() {
            assert!(take(&mut &good[..length]).is_err(), "{length}");
        }
        // Lengths inside: of the message, and of an error without the request it answers.
        for length in [0, 15, 35, 37] {
            let wrong = [&u32::to_ne_bytes(length), &good[4..]].concat();
            assert!(take(&mut wrong.as_slice()).is_err(), "{length}");
        }
    }
}
