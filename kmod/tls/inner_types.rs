// SPDX-License-Identifier: GPL-2.0-only
//! What application_data records of a TLS 1.3 handshake carry, as far as it can be known from outside.
//!
//! The handshake's encrypted records look like data (RFC 8446 5.2); what tells them apart is their order, their
//! lengths, and what acknowledges what. In doubt a record is data, unless a handshake of a real endpoint could not
//! complete then; what may pass so is bounded.

use super::client_flight::{ClientFlight, Finished};
use super::decided::Rule;
use super::encrypted::{Encrypted, Suite};
use super::sequence::Kind;
use super::server_flight::ServerFlight;
use super::told::Told;
use super::types::Side;

#[cfg(feature = "explain")]
mod explained;
#[cfg(feature = "explain")]
pub(super) use explained::tell_next;

/// Bytes of the largest record with its header (RFC 8446 5.2).
const RECORD_MAX: u32 = 5 + (1 << 14) + 256;

/// What ServerHello has settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub(super) client: Side,
    pub(super) cipher: u16,
    /// Early data was offered in the ClientHello that was answered.
    pub(super) early_data: bool,
    /// A pre-shared key was accepted, and none beside a certificate (RFC 8773).
    pub(super) psk: bool,
}

/// The rules for a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum InnerTypes {
    /// No ServerHello yet, or one of an older version: data is data.
    #[default]
    AsOnWire,
    /// Between ServerHello and the client's Finished.
    Flights(Flights),
    /// The client's Finished was seen.
    Done,
    /// A direction is lost: where the handshake ends cannot be known.
    GivenUp,
}

/// Both flights after ServerHello.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flights {
    settled: Settled,
    suite: Suite,
    server: ServerFlight,
    client: ClientFlight,
}

impl InnerTypes {
    /// ServerHello of TLS 1.3 was seen.
    pub(super) fn begin(&mut self, settled: Settled) {
        if let InnerTypes::AsOnWire = self {
            *self = InnerTypes::Flights(Flights {
                settled,
                suite: Suite::of(settled.cipher),
                server: ServerFlight::default(),
                client: ClientFlight::default(),
            });
        }
    }

    /// From now on data is data.
    pub(super) fn give_up(&mut self) {
        *self = InnerTypes::GivenUp;
    }

    /// Both flights, if the handshake is between ServerHello and the client's Finished.
    #[inline]
    pub(super) fn flights(&mut self) -> Option<&mut Flights> {
        match self {
            InnerTypes::Flights(flights) => Some(flights),
            _ => None,
        }
    }

    /// The client's Finished was seen.
    pub(super) fn end(&mut self) {
        *self = InnerTypes::Done;
    }

    /// Whether a direction is lost.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self, InnerTypes::GivenUp)
    }

    /// Whether the handshake is over.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, InnerTypes::Done)
    }

    /// What the next record of that side is, if every length gives the same.
    #[inline]
    pub(super) fn at_once(&self, from: Side) -> Kind {
        match self {
            InnerTypes::Flights(flights) => flights.at_once(from),
            _ => Kind::ApplicationData,
        }
    }

    /// What a record is.
    #[inline]
    pub(super) fn record(&mut self, record: &Encrypted, budget: u32, told: Told<'_>) -> Verdict {
        let InnerTypes::Flights(flights) = self else {
            return Verdict::EARLY;
        };
        let verdict = flights.whole(record, budget, told);
        if verdict.is_over {
            *self = InnerTypes::Done;
        }
        verdict
    }
}

/// What a record is, and whether the handshake is over with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) kind: Kind,
    pub(super) is_over: bool,
    /// It is the client's Finished, and nothing else that has such a length.
    pub(super) is_certain: bool,
    /// The client has answered the server's flight, whose Finished has come so.
    pub(super) is_answer: bool,
    /// Where nobody asks it is not kept.
    #[cfg(feature = "explain")]
    rule: Rule,
}

impl Verdict {
    /// The client's Finished.
    const FINISHED: Self = Self::of(Kind::EncryptedHandshake, true);
    /// Data while the handshake goes on.
    const EARLY: Self = Self::of(Kind::ApplicationData, false);
    /// Data that shows that the handshake is over.
    const BEYOND: Self = Self::of(Kind::ApplicationData, true);
    /// Of a flight that goes on.
    const IN_DOUBT: Self = Self::of(Kind::InDoubt, false);

    const fn of(kind: Kind, is_over: bool) -> Self {
        Self {
            kind,
            is_over,
            is_certain: false,
            is_answer: false,
            #[cfg(feature = "explain")]
            rule: Rule::A1,
        }
    }

    /// With the rule that decided.
    #[cfg_attr(not(feature = "explain"), allow(unused_variables))]
    const fn by(self, rule: Rule) -> Self {
        Self {
            #[cfg(feature = "explain")]
            rule,
            ..self
        }
    }

    const fn certain(self) -> Self {
        Self {
            is_certain: true,
            ..self
        }
    }
}

impl Flights {
    /// What a record is whose header comes as a whole: where [`at_once`](Self::at_once) tells, this says the same.
    #[inline(always)]
    pub(super) fn whole(&mut self, record: &Encrypted, budget: u32, told: Told<'_>) -> Verdict {
        let verdict = self.verdict(record, budget);
        #[cfg(feature = "explain")]
        told.decided(|| self.decided(record, budget, verdict));
        #[cfg(not(feature = "explain"))]
        let _ = told;
        verdict
    }

    #[inline(always)]
    fn verdict(&mut self, record: &Encrypted, budget: u32) -> Verdict {
        if record.from != self.settled.client {
            return self.server_record(record);
        }
        let verdict = self.client_record(record, budget);
        Verdict {
            is_answer: verdict.is_over || verdict.kind != Kind::ApplicationData,
            ..verdict
        }
    }

    #[inline]
    fn at_once(&self, from: Side) -> Kind {
        let Settled {
            early_data, psk, ..
        } = self.settled;
        // Rule 2, where it takes nothing but ServerHello.
        if from == self.settled.client && psk && !early_data && !self.client.has_begun() {
            return Kind::EncryptedHandshake;
        }
        let roomy = self.server.has_room(RECORD_MAX);
        if from != self.settled.client
            && !self.server.has_finished()
            && roomy
            && !self.client.has_begun()
        {
            Kind::EncryptedHandshake
        } else {
            Kind::Unknown
        }
    }

    #[inline]
    fn server_record(&mut self, record: &Encrypted) -> Verdict {
        // "A server record whose packet acknowledges anything after the first byte of that flight's first type-23 record"
        // ends the handshake: "no server says anything between a client's Certificate and its Finished but an alert".
        let start = self.client.start();
        if start.is_some_and(|start| record.acknowledges(start.wrapping_add(2))) {
            let is_alert = record.len == self.suite.alert();
            return match self.server.after_finished(record) {
                Kind::InDoubt if is_alert => Verdict::IN_DOUBT.by(Rule::S5),
                _ => Verdict::BEYOND.by(Rule::S5),
            };
        }
        let answered = self.client.has_begun();
        let psk = self.settled.psk;
        let had_finished = self.server.has_finished();
        let kind = self.server.record(record, self.suite, answered, psk);
        Verdict::of(kind, false).by(self.server.rule(kind, had_finished))
    }

    #[inline]
    fn client_record(&mut self, record: &Encrypted, budget: u32) -> Verdict {
        let Settled {
            early_data, psk, ..
        } = self.settled;
        if early_data && psk {
            // "Records between ServerHello and the Finished by rule C1 are application-data, but for one of
            // EndOfEarlyData's length" (RFC 8446 4.2.10, 4.5). Both are sent once the client has the server's Finished.
            return if !self.server.may_be_answered(record) {
                Verdict::EARLY.by(Rule::E2)
            } else if record.len == self.suite.finished() {
                Verdict::FINISHED.certain().by(Rule::E3)
            } else if self.client.ends_early_data(record, self.suite) {
                Verdict::of(Kind::EncryptedHandshake, false).by(Rule::E4)
            } else {
                Verdict::EARLY.by(Rule::E2)
            };
        }
        // "If early data was offered and no PSK accepted, only those that do not acknowledge the server's flight are":
        // the server skips them (RFC 8446 4.2.10), and the client stops once it has the server's flight.
        let has_flight = self.server.has_begun() && record.acknowledges(self.server.flight_end());
        if early_data && !has_flight {
            return Verdict::EARLY.by(Rule::E5);
        }
        // Rule C1: "the record with a Finished's length for the negotiated suite, or that of an empty Certificate and a
        // Finished in one record" (RFC 8446 4.4.2, 4.4.4).
        let finished = self.client.finished(record.len, self.suite);
        // Rule C2: "where the server cannot have asked for a certificate, the first record, whatever its length (record
        // padding). That is so if a PSK was accepted (RFC 8446 4.3.2), or if the server's flight was exactly four
        // records […]. Not used where early data was offered".
        let no_certificate = !early_data && (psk || self.server.asks_no_certificate());
        if finished == Finished::Exact || no_certificate && !self.client.has_begun() {
            return Verdict::FINISHED.certain().by(match finished {
                Finished::No => Rule::C2,
                _ => Rule::C1,
            });
        }
        // "Stacks that pad: a Finished may have 16 more, or its inner plaintext rounded up to 16 and the tag".
        if finished == Finished::Padded {
            return Verdict::FINISHED.by(Rule::C1);
        }
        // Rule C3: "else a client-certificate flight, handshake as long as it has that shape, all of it within
        // client_flight_budget. A record that does not fit is application-data, and ends the handshake" (RFC 8446 4.4).
        match self.client.goes_on(record, self.suite, budget) {
            true => Verdict::IN_DOUBT.by(Rule::C3),
            false => Verdict::BEYOND.by(Rule::C4),
        }
    }
}
