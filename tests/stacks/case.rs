// SPDX-License-Identifier: GPL-2.0-only
//! The cases of the matrix: what both stacks are told to do.

use tlsconn_tls::Resumption;

/// A version of TLS.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub(crate) enum Version {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl Version {
    /// Its number in hellos (RFC 8446 4.1.2).
    pub(crate) fn number(self) -> u16 {
        match self {
            Version::Tls10 => 0x0301,
            Version::Tls11 => 0x0302,
            Version::Tls12 => 0x0303,
            Version::Tls13 => 0x0304,
        }
    }

    /// "1.2".
    pub(crate) fn digits(self) -> &'static str {
        match self {
            Version::Tls10 => "1.0",
            Version::Tls11 => "1.1",
            Version::Tls12 => "1.2",
            Version::Tls13 => "1.3",
        }
    }
}

/// What encrypts the records. Below TLS 1.2 it is always AES-128 in CBC mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suite {
    /// With SHA-256.
    Aes128,
    /// With SHA-384.
    Aes256,
    /// With SHA-256.
    ChaCha,
    /// AES-128 with SHA-256 and a tag of 8 bytes.
    Ccm8,
}

/// Whether the server asks for a certificate, and the client has one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Certificate {
    NotAsked,
    Given,
    Withheld,
}

/// Data that the client sends with its first flight (RFC 8446 2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Early {
    NotOffered,
    Accepted,
    /// Rejected, for HelloRetryRequest or as the server likes; the session too where the ticket was used before.
    Rejected,
}

/// What both stacks are told to do.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) version: Version,
    pub(crate) suite: Suite,
    /// How the session of a first connection is resumed.
    pub(crate) resumed: Option<Resumption>,
    pub(crate) certificate: Certificate,
    pub(crate) early: Early,
    /// HelloRetryRequest, for want of a key share.
    pub(crate) retry: bool,
    /// Records of at most 512 bytes.
    pub(crate) small: bool,
    /// TLS 1.3's padding of records.
    pub(crate) padded: bool,
    pub(crate) alpn: bool,
    /// X25519MLKEM768 as the only group.
    pub(crate) post_quantum: bool,
    /// The client has its data before the handshake begins.
    pub(crate) at_once: bool,
}

const TLS13: Case = Case {
    version: Version::Tls13,
    suite: Suite::Aes256,
    resumed: None,
    certificate: Certificate::NotAsked,
    early: Early::NotOffered,
    retry: false,
    small: false,
    padded: false,
    alpn: false,
    post_quantum: false,
    at_once: false,
};

const TLS12: Case = Case {
    version: Version::Tls12,
    ..TLS13
};

impl Case {
    /// What the client sends, more than one small record of it where these are asked for. A protocol's name is at its
    /// end only: whoever has read that has read all.
    pub(crate) fn request(&self) -> String {
        let lines = if self.small { 4 } else { 0 };
        let more = format!("X-Fill: {}\r\n", "x".repeat(300)).repeat(lines);
        format!("GET /some-page-of-the-server HTTP/1.1\r\n{more}Via: HTTP/1.0\r\n\r\n")
    }

    /// What it sends early: as long, and not yet a request.
    pub(crate) fn early_text(&self) -> String {
        self.request().replace("HTTP/1.0\r\n\r\n", "HTTP/1.1----")
    }

    /// Whether the client offers the session of a connection before.
    pub(crate) fn offers_session(&self) -> bool {
        self.resumed.is_some() || self.is_early()
    }

    pub(crate) fn is_early(&self) -> bool {
        self.early != Early::NotOffered
    }

    /// Connections that are made before the one that the case is about: one for the session, and one to use it up.
    pub(crate) fn before(&self) -> Vec<Case> {
        let early = self.early;
        let full = Case {
            resumed: None,
            early: Early::NotOffered,
            ..self.clone()
        };
        let used = Case {
            early: Early::Accepted,
            resumed: Some(Resumption::Psk),
            ..self.clone()
        };
        let mut before = vec![];
        if self.offers_session() {
            before.push(full);
        }
        if early == Early::Rejected && !self.retry && self.resumed.is_none() {
            before.push(used);
        }
        before
    }

    pub(crate) fn name(&self) -> String {
        let mut name = format!("{} {:?}", self.version.digits(), self.suite);
        if let Some(resumption) = self.resumed {
            name += &format!(" {resumption:?}");
        }
        if self.certificate != Certificate::NotAsked {
            name += &format!(" certificate {:?}", self.certificate);
        }
        if self.is_early() {
            name += &format!(", early data {:?}", self.early);
        }
        for (is, what) in [
            (self.retry, "HelloRetryRequest"),
            (self.small, "small records"),
            (self.padded, "padding"),
            (self.alpn, "ALPN"),
            (self.post_quantum, "post-quantum"),
            (self.at_once, "data at once"),
        ] {
            if is {
                name += &format!(", {what}");
            }
        }
        name
    }
}

/// All cases.
pub(crate) fn all() -> Vec<Case> {
    use Certificate::{Given, Withheld};
    let mut cases = vec![];
    let psk = || Case {
        resumed: Some(Resumption::Psk),
        ..TLS13
    };
    for suite in [Suite::Aes128, Suite::Aes256, Suite::ChaCha, Suite::Ccm8] {
        cases.push(Case { suite, ..TLS13 });
        cases.push(Case { suite, ..psk() });
        cases.push(Case {
            suite,
            certificate: Given,
            ..TLS13
        });
        cases.push(Case {
            suite,
            early: Early::Accepted,
            ..psk()
        });
    }
    for retry in [false, true] {
        for base in [TLS13, psk()] {
            cases.push(Case {
                retry,
                early: Early::Rejected,
                ..base
            });
        }
    }
    for base in [TLS13, psk()] {
        let retry = true;
        let small = true;
        let padded = true;
        let post_quantum = true;
        cases.push(Case {
            retry,
            ..base.clone()
        });
        cases.push(Case {
            small,
            ..base.clone()
        });
        cases.push(Case {
            padded,
            ..base.clone()
        });
        cases.push(Case {
            post_quantum,
            ..base
        });
    }
    for base in [TLS13, TLS12] {
        let (alpn, small, at_once) = (true, true, true);
        for certificate in [Given, Withheld] {
            cases.push(Case {
                certificate,
                small,
                ..base
            });
            cases.push(Case {
                certificate,
                at_once,
                ..base
            });
        }
        cases.push(Case {
            certificate: Withheld,
            ..base
        });
        cases.push(Case { alpn, ..base });
    }
    cases.push(Case {
        certificate: Given,
        retry: true,
        ..TLS13
    });
    for version in [Version::Tls10, Version::Tls11, Version::Tls12] {
        for resumed in [None, Some(Resumption::SessionId), Some(Resumption::Ticket)] {
            cases.push(Case {
                version,
                resumed,
                ..TLS12
            });
        }
        cases.push(Case {
            version,
            certificate: Given,
            ..TLS12
        });
    }
    for suite in [Suite::Aes128, Suite::ChaCha] {
        cases.push(Case { suite, ..TLS12 });
        cases.push(Case {
            suite,
            resumed: Some(Resumption::Ticket),
            ..TLS12
        });
    }
    cases.push(Case {
        small: true,
        ..TLS12
    });
    cases
}
