// SPDX-License-Identifier: GPL-2.0-only

//! What has a number on the wire and a name for people.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use tlsconn_uapi as uapi;

/// An enumeration with a number on the wire and a name for people, of rows of tlsconn's facts. After `and`: what only captures
/// have, which has no number.
macro_rules! named {
    (
        $(#[$doc:meta])* $name:ident
        $(and { $($other:ident $word:literal)+ })?
        $({ $variant:ident $number:ident $text:literal $means:literal $($more:tt)* })+
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(crate) enum $name { $($variant,)+ $($($other,)+)? }

        impl $name {
            pub(crate) fn from_number(number: u8) -> Option<Self> {
                match u32::from(number) {
                    $(uapi::$number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)+
                    $($(Self::$other => $word,)+)?
                })
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    $($($word => Ok(Self::$other),)+)?
                    _ => Err(concat!("one of:" $(, " ", $text)+ $($(, " ", $word)+)?).into()),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

pub(crate) use named;

crate::states! { named
    /// State of a connection.
    State
}

impl State {
    /// All there are, in the order of their numbers, from 0.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map_while(Self::from_number)
    }
}

crate::sides! { named
    /// An end of a connection: src opened it.
    Side
}

crate::resumptions! { named
    /// The evidence for a resumed session.
    Resumption
}

/// The reasons, with those that only captures have.
macro_rules! all_reasons {
    ($({ $other:ident $word:literal $($more:tt)* })+) => {
        crate::reasons! { named
            /// Why a connection is lost, tainted or not TLS.
            Reason
            and { $($other $word)+ }
        }
    };
}

crate::capture_reasons! { all_reasons }

crate::pin_states! { named
    /// State of a pin.
    PinState
}

macro_rules! versions {
    ($({ $variant:ident $number:literal $text:literal })+) => {
        /// A protocol version.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(crate) enum Version { $($variant,)+ }

        impl Version {
            /// From its bytes on the wire. Drafts and versions that nobody has defined are not known.
            pub(crate) fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for Version {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $text,)+ })
            }
        }

        impl FromStr for Version {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(concat!("one of:" $(, " ", $text)+).into()),
                }
            }
        }
    };
}

crate::versions! { versions }

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_belong_together() {
        let states: Vec<String> = (0..=7)
            .filter_map(State::from_number)
            .map(|state| state.to_string())
            .collect();
        assert_eq!(
            states,
            [
                "new",
                "hello",
                "handshake",
                "established",
                "closed",
                "not-tls",
                "lost",
                "tainted"
            ]
        );
        assert_eq!(State::from_number(8), None);
        assert_eq!("not-tls".parse(), Ok(State::NotTls));
        assert!("NEW".parse::<State>().is_err());
        assert_eq!(Reason::from_number(0), None);
        assert_eq!(
            Version::from_number(0x0304)
                .map(|version| version.to_string())
                .as_deref(),
            Some("1.3")
        );
        assert_eq!(Version::from_number(0x7f1c), None);
    }
}
