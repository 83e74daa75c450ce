// SPDX-License-Identifier: GPL-2.0-only

//! What attributes requests may have: the kernel refuses all others before a handler sees them.
//!
//! A policy is a type, and each of its attributes a constant of it that says what kind of value it has. A request of an
//! operation gives attributes of the operation's policy only: others do not compile.

use super::zeroed;
use crate::bindings;
use core::{marker::PhantomData, mem::ManuallyDrop};

/// What the kernel is given: rules by the numbers of their attributes.
pub struct Table(pub(super) &'static [bindings::nla_policy]);

impl Table {
    /// That of these rules.
    pub const fn of<const N: usize>(rules: &'static Rules<N>) -> Self {
        Self(&rules.0)
    }
}

/// A list of attributes. Only the macro below gives a type attributes, and the table that belongs to them.
pub trait Policy {
    /// The list as the kernel wants it.
    const TABLE: Table;
}

/// An attribute of a policy, with a value of a kind.
pub struct Attribute<P, K> {
    number: u32,
    _of: PhantomData<fn() -> (P, K)>,
}

impl<P, K> Attribute<P, K> {
    /// One of a policy whose table has a rule for the number. In constants.
    pub const fn new(number: u32) -> Self
    where
        P: Policy,
    {
        let Table(rules) = P::TABLE;
        assert!((number as usize) < rules.len());
        Self {
            number,
            _of: PhantomData,
        }
    }

    /// Its number, which the table of its policy has a rule for.
    pub(super) fn number(&self) -> u32 {
        self.number
    }
}

/// A kind of value.
pub trait Kind {
    /// What it is read as.
    type Value<'a>;
    /// What the kernel holds it against.
    const RULE: Rule;
    /// Reads it; None where it has the wrong length, which the kernel lets none have.
    fn read(bytes: &[u8]) -> Option<Self::Value<'_>>;
}

/// What the kernel holds an attribute against.
pub struct Rule(bindings::nla_policy);

impl Rule {
    const fn new(kind: u32, len: usize) -> Self {
        // SAFETY: All-zero bytes are a valid policy: no attribute of that number.
        let mut policy: bindings::nla_policy = unsafe { zeroed() };
        policy.type_ = kind as u8;
        policy.len = len as u16;
        Self(policy)
    }
}

/// Nothing but whether it is there.
pub struct Flag;

impl Kind for Flag {
    type Value<'a> = ();
    const RULE: Rule = Rule::new(bindings::NLA_FLAG, 0);
    fn read(_: &[u8]) -> Option<()> {
        Some(())
    }
}

/// One byte.
pub struct U8;

impl Kind for U8 {
    type Value<'a> = u8;
    const RULE: Rule = Rule::new(bindings::NLA_U8, 0);
    fn read(bytes: &[u8]) -> Option<u8> {
        bytes.first().copied()
    }
}

/// 32 bits.
pub struct U32;

impl Kind for U32 {
    type Value<'a> = u32;
    const RULE: Rule = Rule::new(bindings::NLA_U32, 0);
    fn read(bytes: &[u8]) -> Option<u32> {
        bytes.try_into().ok().map(u32::from_ne_bytes)
    }
}

/// 32 bits, of which only some may be set.
pub struct Mask<const BITS: u32>;

impl<const BITS: u32> Kind for Mask<BITS> {
    type Value<'a> = u32;
    const RULE: Rule = {
        let mut rule = Rule::new(bindings::NLA_U32, 0);
        rule.0.validation_type = bindings::TLSCONN_VALIDATE_MASK as u8;
        rule.0.__bindgen_anon_1.mask = ManuallyDrop::new(BITS);
        rule
    };
    fn read(bytes: &[u8]) -> Option<u32> {
        U32::read(bytes)
    }
}

/// A number in 4 or 8 bytes.
pub struct Uint;

impl Kind for Uint {
    type Value<'a> = u64;
    const RULE: Rule = Rule::new(bindings::NLA_UINT, 0);
    fn read(bytes: &[u8]) -> Option<u64> {
        let wide = bytes.try_into().ok().map(u64::from_ne_bytes);
        wide.or_else(|| U32::read(bytes).map(u64::from))
    }
}

/// A number of 16 bits.
pub struct U16;

impl Kind for U16 {
    type Value<'a> = u16;
    const RULE: Rule = Rule::new(bindings::NLA_U16, 0);
    fn read(bytes: &[u8]) -> Option<u16> {
        bytes.try_into().ok().map(u16::from_ne_bytes)
    }
}

/// A port.
pub struct Port;

impl Kind for Port {
    type Value<'a> = u16;
    const RULE: Rule = Rule::new(bindings::NLA_U16, 0);
    fn read(bytes: &[u8]) -> Option<u16> {
        bytes.try_into().ok().map(u16::from_be_bytes)
    }
}

/// Bytes, as many at most.
pub struct Binary<const MOST: usize>;

impl<const MOST: usize> Kind for Binary<MOST> {
    type Value<'a> = &'a [u8];
    const RULE: Rule = Rule::new(bindings::NLA_BINARY, MOST);
    fn read(bytes: &[u8]) -> Option<&[u8]> {
        Some(bytes)
    }
}

/// A string of as many bytes at most, which is read without its NUL.
pub struct Text<const MOST: usize>;

impl<const MOST: usize> Kind for Text<MOST> {
    type Value<'a> = &'a [u8];
    const RULE: Rule = Rule::new(bindings::NLA_NUL_STRING, MOST);
    fn read(bytes: &[u8]) -> Option<&[u8]> {
        bytes.split(|&byte| byte == 0).next()
    }
}

/// Attributes in a nest.
pub struct Nest<'a, P> {
    bytes: &'a [u8],
    _policy: PhantomData<P>,
}

impl<'a, P> Nest<'a, P> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            _policy: PhantomData,
        }
    }

    /// What an attribute says, if it is there.
    pub fn get<K: Kind>(&self, attribute: Attribute<P, K>) -> Option<K::Value<'a>> {
        /// What is left of a type without its flags (NLA_TYPE_MASK).
        const TYPE_MASK: u16 = 0x3fff;
        let mut rest = self.bytes;
        loop {
            let [l0, l1, t0, t1] = *rest.first_chunk()?;
            let len = usize::from(u16::from_ne_bytes([l0, l1]));
            let value = rest.get(4..len)?;
            if u32::from(u16::from_ne_bytes([t0, t1]) & TYPE_MASK) == attribute.number() {
                return K::read(value);
            }
            // Attributes begin at multiples of 4 bytes.
            rest = rest.get(len.wrapping_add(3) & !3..)?;
        }
    }
}

/// Attributes of a policy of their own, against which the kernel holds them.
pub struct Nested<P>(PhantomData<P>);

impl<P: Policy> Kind for Nested<P> {
    type Value<'a> = Nest<'a, P>;
    const RULE: Rule = {
        let Table(attributes) = P::TABLE;
        let mut rule = Rule::new(bindings::NLA_NESTED, attributes.len() - 1);
        rule.0.__bindgen_anon_1.nested_policy = ManuallyDrop::new(attributes.as_ptr());
        rule
    };
    fn read(bytes: &[u8]) -> Option<Nest<'_, P>> {
        Some(Nest::new(bytes))
    }
}

/// Rules by the numbers of their attributes, shared with the kernel, which only reads them.
pub struct Rules<const N: usize>([bindings::nla_policy; N]);

// SAFETY: Nobody writes to it.
unsafe impl<const N: usize> Sync for Rules<N> {}

impl<const N: usize> Rules<N> {
    /// None: all attributes are refused.
    pub const fn none() -> Self {
        Self([REJECTED; N])
    }

    /// One more, for the attribute of that number. In constants.
    pub const fn with(mut self, number: u32, rule: Rule) -> Self {
        self.0[number as usize] = rule.0;
        self
    }
}

const REJECTED: bindings::nla_policy = Rule::new(bindings::NLA_REJECT, 0).0;

/// How many rules there are up to the last of these numbers.
pub const fn room(numbers: &[u32]) -> usize {
    let (mut room, mut at) = (0, 0);
    while at < numbers.len() {
        let number = numbers[at] as usize;
        if number >= room {
            room = number + 1;
        }
        at += 1;
    }
    room
}

/// Makes the type of a policy out of its attributes. What is not among them is refused.
macro_rules! policy {
    ($(#[$doc:meta])* $name:ident { $($attribute:ident: $kind:ty = $number:ident,)* }) => {
        $(#[$doc])*
        pub struct $name;

        impl $name {
            $(
                #[doc = concat!("`", stringify!($number), "`.")]
                pub const $attribute: $crate::sys::policy::Attribute<Self, $kind> =
                    $crate::sys::policy::Attribute::new($crate::bindings::$number);
            )*
        }

        impl $crate::sys::policy::Policy for $name {
            const TABLE: $crate::sys::policy::Table = {
                use $crate::sys::policy::{room, Rules, Table};
                const ROOM: usize = room(&[$($crate::bindings::$number),*]);
                static RULES: Rules<ROOM> = Rules::none()
                    $(.with($crate::bindings::$number, <$kind as $crate::sys::policy::Kind>::RULE))*;
                Table::of(&RULES)
            };
        }
    };
}

pub(crate) use policy;
