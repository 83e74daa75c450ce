// SPDX-License-Identifier: GPL-2.0-only

//! What protocols say before they begin TLS on a connection: the engine follows no such connection, but it can be told why.

use super::hello;
use crate::model::Reason;

/// Packets that are looked at for the ClientHello.
const MOST: u8 = 64;

/// RFC 4511 4.14.1.
const LDAP_STARTTLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

const PROXY_V2: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// PostgreSQL's, with its length.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];

/// What was said so far on a connection that is not TLS.
#[derive(Default)]
pub(super) struct Preface {
    said: Option<Reason>,
    /// A ClientHello has come: what comes after it is not looked at.
    found: bool,
    looked_at: u8,
}

impl Preface {
    /// What stood before the ClientHello, if one has come.
    pub(super) fn found(&self) -> Option<Reason> {
        self.said.filter(|_| self.found)
    }

    /// Looks at the payload of a packet, as it was captured.
    pub(super) fn look(&mut self, payload: &[u8]) {
        if self.found || self.looked_at >= MOST || payload.is_empty() {
            return;
        }
        let is_first = self.looked_at == 0;
        self.looked_at += 1;
        if hello::begins(payload) {
            self.found = true;
        } else if let Some((said, rest)) = proxy(payload).filter(|_| is_first) {
            self.said = Some(said);
            self.found = hello::begins(rest);
        } else if let Some(said) = request(payload, is_first) {
            self.said = Some(said);
        }
    }
}

/// The PROXY protocol's header, and what follows it in the packet.
fn proxy(payload: &[u8]) -> Option<(Reason, &[u8])> {
    if payload.starts_with(b"PROXY ") {
        let end = payload.windows(2).position(|two| two == b"\r\n")?;
        return Some((Reason::PrefaceProxyV1, payload.get(end + 2..)?));
    }
    let (&[0x20 | 0x21, _, high, low], rest) =
        payload.strip_prefix(&PROXY_V2)?.split_first_chunk()?
    else {
        return None;
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    Some((Reason::PrefaceProxyV2, rest.get(len..)?))
}

fn request(payload: &[u8], is_first: bool) -> Option<Reason> {
    let has = |text: &[u8]| payload.windows(text.len()).any(|part| part == text);
    match *payload {
        [5, methods, ..] if is_first && payload.len() == 2 + usize::from(methods) => {
            Some(Reason::PrefaceSocks5)
        }
        [4, 1 | 2, .., 0] if is_first && payload.len() >= 9 => Some(Reason::PrefaceSocks4),
        // MySQL's, which answers the server's greeting.
        [32, 0, 0, 1, ..] if payload.len() == 36 => Some(Reason::PrefaceSslRequest),
        _ if payload == SSL_REQUEST => Some(Reason::PrefaceSslRequest),
        _ if is_connect(payload) => Some(Reason::PrefaceHttpConnect),
        _ if payload.len() < 256 && (has(b"<starttls") || has(LDAP_STARTTLS)) => {
            Some(Reason::PrefaceStarttls)
        }
        _ if is_starttls(payload) => Some(Reason::PrefaceStarttls),
        _ => None,
    }
}

/// RFC 9110 9.3.6: the request line is enough.
fn is_connect(payload: &[u8]) -> bool {
    let line = payload.split(|octet| *octet == b'\r').next();
    let words = line.map(|line| line.split(|octet| *octet == b' ').collect::<Vec<_>>());
    matches!(
        words.as_deref(),
        Some([b"CONNECT", _, b"HTTP/1.0" | b"HTTP/1.1"])
    )
}

/// Whether the last line asks for TLS: in SMTP, POP3 and FTP, or behind a tag in IMAP.
fn is_starttls(payload: &[u8]) -> bool {
    let lines = payload.trim_ascii_end();
    let line = lines.rsplit(|octet| *octet == b'\n').next();
    let line = line.unwrap_or(lines).to_ascii_uppercase();
    let words: Vec<&[u8]> = line.split(|octet| *octet == b' ').collect();
    matches!(
        words[..],
        [b"STARTTLS" | b"STLS"]
            | [b"AUTH", b"TLS" | b"SSL" | b"TLS-C" | b"TLS-P"]
            | [_, b"STARTTLS"]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: [u8; 12] = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, 7];

    fn said(packets: &[&[u8]]) -> Option<String> {
        let mut preface = Preface::default();
        for packet in packets {
            preface.look(packet);
        }
        preface.found().map(|reason| reason.to_string())
    }

    #[test]
    fn each_is_named_once_a_hello_has_come() {
        let v1 = b"PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n";
        let v2 = [&PROXY_V2[..], &[0x21, 0x11, 0, 12], &[7; 12]].concat();
        let mysql = [&[32, 0, 0, 1][..], &[0; 32]].concat();
        let ldap = [&[0x30, 29, 2, 1, 1, 0x77, 24, 0x80, 22], LDAP_STARTTLS].concat();
        let cases: [(&str, &[&[u8]]); 21] = [
            ("proxy-v1", &[v1]),
            ("proxy-v2", &[&v2]),
            (
                "http-connect",
                &[
                    b"CONNECT a.example:443 HTTP/1.1\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\n\r\n",
                ],
            ),
            (
                "socks5",
                &[
                    &[5, 1, 0],
                    &[5, 0],
                    &[5, 1, 0, 1, 1, 2, 3, 4, 1, 187],
                    &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
                ],
            ),
            (
                "socks4",
                &[&[4, 1, 1, 187, 1, 2, 3, 4, 0], &[0, 90, 0, 0, 0, 0, 0, 0]],
            ),
            (
                "starttls",
                &[
                    b"220 mail.example\r\n",
                    b"EHLO a\r\n",
                    b"250 STARTTLS\r\n",
                    b"starttls\r\n",
                    b"220 go on\r\n",
                ],
            ),
            ("starttls", &[b"* OK\r\n", b"a1 StartTLS\r\n", b"a1 OK\r\n"]),
            ("starttls", &[b"+OK\r\n", b"STLS\r\n", b"+OK\r\n"]),
            (
                "starttls",
                &[b"220 ftp\r\n", b"AUTH TLS\r\n", b"234 go on\r\n"],
            ),
            (
                "starttls",
                &[
                    b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
                    b"<proceed/>",
                ],
            ),
            ("starttls", &[&ldap, b"0"]),
            // Two commands at once, which one packet may carry.
            ("starttls", &[b"EHLO a\r\nSTARTTLS\r\n", b"220 go on\r\n"]),
            ("starttls", &[b"auth ssl\r\n", b"234 go on\r\n"]),
            ("starttls", &[b"AUTH TLS-P\n", b"234 go on\r\n"]),
            (
                "http-connect",
                &[b"CONNECT a.example:443 HTTP/1.0\r\nHost: a\r\n\r\n"],
            ),
            ("socks4", &[b"\x04\x02\0\x50\0\0\0\x01user\0a.example\0"]),
            ("socks5", &[&[5, 3, 0, 1, 2]]),
            ("sslrequest", &[&SSL_REQUEST, b"S"]),
            ("sslrequest", &[b"J\0\0\0\n8.0", &mysql]),
            ("", &[b"GET / HTTP/1.1\r\n\r\n"]),
            ("", &[b"GET / HTTP/1.1\r\n\r\n", &[5, 1, 0]]),
        ];
        for (name, packets) in cases {
            assert_eq!(said(packets), None, "{name}");
            let with_hello = [packets, &[&HELLO]].concat();
            let expected = (!name.is_empty()).then(|| format!("preface: {name}"));
            assert_eq!(said(&with_hello), expected, "{packets:?}");
        }
        // In one packet with the hello.
        assert_eq!(
            said(&[&[v1, &HELLO[..]].concat()]).as_deref(),
            Some("preface: proxy-v1")
        );
        assert_eq!(
            said(&[&[&v2[..], &HELLO].concat()]).as_deref(),
            Some("preface: proxy-v2")
        );
        // Far behind nothing is looked for, and what came cut off is nothing.
        let far = [&[&v1[..]][..], &[&b"x"[..]; 64], &[&HELLO[..]]].concat();
        assert_eq!(said(&far), None);
        for cut in 0..v2.len() {
            assert_eq!(said(&[&v2[..cut], &HELLO]), None, "{cut}");
        }
    }

    #[test]
    fn what_looks_like_one_is_none() {
        let v2 = |octets: &[u8]| [&PROXY_V2[..], octets].concat();
        let ldap = [LDAP_STARTTLS, &[0; 256]].concat();
        let cases: [&[u8]; 29] = [
            // Lines without their end, or that are no such line.
            b"PROXY TCP4 10.0.0.1 10.0.0.2 1 443\n",
            b"PROXY",
            b"PROXYTCP4 10.0.0.1 10.0.0.2 1 443\r\n",
            b"proxy TCP4 10.0.0.1 10.0.0.2 1 443\r\n",
            b"CONNECT a.example:443\r\n\r\n",
            b"CONNECT a.example:443 HTTP/2\r\n\r\n",
            b"CONNECTED a HTTP/1.1\r\n\r\n",
            b"GET CONNECT HTTP/1.1\r\n\r\n",
            b"STARTTLS now please\r\n",
            b"XSTARTTLS\r\n",
            b"* CAPABILITY IMAP4rev1 STARTTLS\r\n",
            b"STARTTLS\r\nQUIT\r\n",
            b"STLSX\r\n",
            b"AUTH PLAIN\r\n",
            b"AUTH TLSX\r\n",
            b"<start tls/>",
            // Another version of PROXY, and one whose length is cut off.
            &v2(&[0x11, 0x11, 0, 0]),
            &v2(&[0x22, 0x11, 0, 0]),
            &v2(&[0x21, 0x11, 0]),
            // Other lengths than what they say.
            &[5, 2, 0],
            &[5, 1, 0, 0],
            &[4, 1, 1, 187, 1, 2, 3, 4],
            &[4, 1, 1, 187, 1, 2, 3, 0],
            &[4, 3, 1, 187, 1, 2, 3, 4, 0],
            &[4, 1, 1, 187, 1, 2, 3, 4, 1],
            // PostgreSQL's GSSENCRequest, and a cancellation.
            &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x30],
            &[0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e],
            // Not MySQL's second packet.
            &[&[32, 0, 0, 2][..], &[0; 32]].concat(),
            &ldap,
        ];
        for packet in cases {
            assert_eq!(said(&[packet, &HELLO]), None, "{packet:?}");
        }
        // What begins a connection stands nowhere else.
        let first: [&[u8]; 4] = [
            b"PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n",
            &v2(&[0x21, 0x11, 0, 0]),
            &[5, 1, 0],
            &[4, 1, 1, 187, 1, 2, 3, 4, 0],
        ];
        for packet in first {
            assert!(said(&[packet, &HELLO]).is_some(), "{packet:?}");
            assert_eq!(said(&[b"x", packet, &HELLO]), None, "{packet:?}");
        }
        // A hello before the preface is none after it.
        assert_eq!(said(&[&HELLO, b"STLS\r\n", &HELLO]), None);
    }
}
