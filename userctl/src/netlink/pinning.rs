// SPDX-License-Identifier: GPL-2.0-only

//! What is asked for with a pin.

use tlsconn_uapi as uapi;

use super::{
    attribute::{Attributes, NESTED},
    selector::selector,
};
use crate::{
    duration::Duration,
    mark::{Mark, PinName},
    selector::Selector,
};

/// What a pin is to be bound to.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// This connection.
    Connection(u64),
    /// The next one that the selector fits.
    Next,
}

/// What is asked for.
pub(crate) struct PinRequest<'a> {
    pub(crate) name: &'a PinName,
    /// Which one, if not the one that the kernel gives it.
    pub(crate) mark: Option<Mark>,
    pub(crate) target: Target,
    /// Kept with the pin, to be shown; waited for with [`Target::Next`].
    pub(crate) selector: &'a Selector,
    pub(crate) lasts: Option<Duration>,
    pub(crate) replace: bool,
    /// Needs `lasts`.
    pub(crate) follow: bool,
    pub(crate) shared: bool,
    /// A shared one too.
    pub(crate) deny: bool,
}

impl PinRequest<'_> {
    /// Its attributes, and what a failure says that did not work.
    pub(super) fn attributes(&self) -> (Attributes, String) {
        let name = &self.name.0;
        let mut asked = Attributes::default()
            .string(uapi::TLSCONN_A_PIN_NAME, name)
            .flag(uapi::TLSCONN_A_PIN_REPLACE, self.replace)
            .flag(uapi::TLSCONN_A_PIN_FOLLOW, self.follow)
            .flag(uapi::TLSCONN_A_PIN_SHARED, self.shared)
            .flag(uapi::TLSCONN_A_PIN_DENY, self.deny);
        if let Some(mark) = self.mark {
            asked = asked
                .u32(uapi::TLSCONN_A_PIN_MARK, mark.value)
                .u32(uapi::TLSCONN_A_PIN_MASK, mark.mask);
        }
        let doing = match self.target {
            Target::Connection(id) => {
                asked = asked.uint(uapi::TLSCONN_A_PIN_CONNECTION, id);
                format!("cannot bind pin {name} to connection {id}")
            }
            Target::Next => {
                asked = asked.flag(uapi::TLSCONN_A_PIN_NEXT, true);
                format!("cannot arm pin {name}")
            }
        };
        if !self.selector.is_empty() {
            let nest = selector(self.selector);
            asked = asked.push(uapi::TLSCONN_A_PIN_SELECTOR | NESTED, nest.as_slice());
        }
        if let Some(Duration(seconds)) = self.lasts {
            asked = asked.u32(uapi::TLSCONN_A_PIN_LASTS, seconds);
        }
        (asked, doing)
    }
}
