// SPDX-License-Identifier: GPL-2.0-only

//! What is said of a pin.

/// Where a pin stands.
#[macro_export]
macro_rules! pin_states {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { Armed TLSCONN_PIN_STATE_ARMED "armed" "It waits for a connection that fits." }
            { Bound TLSCONN_PIN_STATE_BOUND "bound" "A connection carries its mark." }
            { Released TLSCONN_PIN_STATE_RELEASED "released" "It is over." }
        }
    };
}

/// Why a pin was released.
#[macro_export]
macro_rules! releases {
    ($to:ident $($with:tt)*) => {
        $to! {
            $($with)*
            { Unpinned TLSCONN_RELEASE_UNPINNED "unpinned" "Somebody asked for it." }
            { Replaced TLSCONN_RELEASE_REPLACED "replaced" "The pin was bound to another connection." }
            { Expired TLSCONN_RELEASE_EXPIRED "expired" "Its time was over (`--for`)." }
            { Closed TLSCONN_RELEASE_CLOSED "closed" "The connection has ended: both FINs, or a reset." }
            { Gone TLSCONN_RELEASE_GONE "gone"
                "Conntrack dropped the connection's entry (timeout, `conntrack -D`, its table full), or the module went." }
        }
    };
}
