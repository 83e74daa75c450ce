// SPDX-License-Identifier: GPL-2.0-only

//! What checks find.

use serde::Serialize;

/// What a check found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// The check's name; it may have several findings.
    pub(crate) check: &'static str,
    /// Whether all is well; None where it cannot be told.
    pub(crate) ok: Option<bool>,
    pub(crate) detail: String,
    /// A command line for a shell; none where nothing is wrong, or no command fixes it without letting more pass.
    pub(crate) fix: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            ok: Some(true),
            detail: detail.into(),
            fix: None,
        }
    }

    /// Something is wrong, and a command fixes it.
    pub(super) fn bad(
        check: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            check,
            ok: Some(false),
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }

    /// Whether something is wrong cannot be told, and why.
    pub(super) fn unknown(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            ok: None,
            detail: detail.into(),
            fix: None,
        }
    }

    #[cfg(test)]
    pub(super) fn is_good(&self) -> bool {
        self.ok == Some(true)
    }

    /// Something is wrong.
    pub(crate) fn is_wrong(&self) -> bool {
        self.ok == Some(false)
    }
}

/// What a check found wrong, or the one good finding where it found nothing.
pub(super) fn or_good(bad: Vec<Finding>, check: &'static str, detail: &str) -> Vec<Finding> {
    if bad.is_empty() {
        vec![Finding::good(check, detail)]
    } else {
        bad
    }
}
