// SPDX-License-Identifier: GPL-2.0-only

//! What ends a command early: the exit code and one line with the cause and the next step.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use nix::errno::Errno;
use serde_json::json;

/// The exit codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Code {
    /// It was tried and did not work.
    Failed = 1,
    /// The arguments make no sense; nothing was tried.
    Usage = 2,
    /// No connection, pin or set is like that.
    NotFound = 3,
    /// Several connections are.
    Ambiguous = 4,
    /// The module is not loaded, or the caller lacks CAP_NET_ADMIN.
    Unavailable = 5,
}

/// A command's failure.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    /// One line; empty where the output has told already.
    pub(crate) message: String,
    /// Lines after it that are for people only, such as a table of candidates.
    pub(crate) detail: String,
}

impl Failure {
    /// A failure with the given code.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: String::new(),
        }
    }

    /// Arguments that make no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// A failure of which the output has told already.
    pub(crate) fn told(code: Code) -> Self {
        Self::new(code, "")
    }

    /// A system call's error, in the course of what `doing` says.
    pub(crate) fn system(doing: &str, error: Errno) -> Self {
        match error {
            Errno::EPERM | Errno::EACCES => Self::new(
                Code::Unavailable,
                format!("{doing}: not permitted; run it as root (CAP_NET_ADMIN)"),
            ),
            error => Self::new(Code::Failed, format!("{doing}: {}", error.desc())),
        }
    }

    /// Prints the failure to standard error and gives the exit code.
    pub(crate) fn report(&self, as_json: bool, pretty: bool) -> ExitCode {
        let code = self.code as u8;
        if self.message.is_empty() {
            return ExitCode::from(code);
        }
        let text = if as_json {
            let error = json!({"error": {"code": code, "message": self.message}});
            if pretty {
                format!("{error:#}\n")
            } else {
                format!("{error}\n")
            }
        } else {
            format!("tlsconnctl: {}\n{}", self.message, self.detail)
        };
        // Nobody is left to tell when standard error is closed.
        let _ = io::stderr().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}
