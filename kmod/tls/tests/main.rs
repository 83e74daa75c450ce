// SPDX-License-Identifier: GPL-2.0-only
//! The engine's tests. They are one program: to link one for each file takes minutes.

mod bounds;
mod common;
mod conditions;
mod crossed;
mod decided;
mod ends;
mod evasions;
mod flights;
mod garbage;
mod given_back;
mod given_up;
mod heard;
mod hello;
mod ja4;
mod ja4_told;
mod lengths;
mod lost;
mod offer;
mod outstanding;
mod packed;
mod pages;
mod properties;
mod reorder;
mod resent;
mod resent_acknowledged;
mod resent_kept;
mod rules;
mod second_opinion;
mod sessions;
mod stream;
mod timed_out;
mod tls12;
mod tls13;
mod waiting;
mod wildcard;
