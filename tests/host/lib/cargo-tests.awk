# SPDX-License-Identifier: GPL-2.0-only
# Counts the tests in what `cargo test -- --show-output` said: prints "PASSED FAILED SKIPPED", and lines that say SKIP to
# standard error.
#
# A test that has to leave something out prints a line SKIP with the reason, and cargo counts it as passed. However often
# it says so, it is one test. Lines that a test has written past the harness count once for its whole binary.

/^ *(Running|Doc-tests) / { binary = $0; part = test = "" }
/^(successes|failures):$/ { part = $1; test = "" }
/^---- .* stdout ----$/ { test = $2 }
/^test result: / {
    part = test = ""
    for (at = 2; at <= NF; at++) {
        if ($at == "passed;") passed += $(at - 1)
        if ($at == "failed;") failed += $(at - 1)
    }
}
/(^|[^A-Za-z])SKIP[: ]/ && part != "failures:" {
    match($0, /SKIP[: ]/)
    print "    " substr($0, RSTART) >"/dev/stderr"
    if (!((binary, test) in left)) {
        left[binary, test] = 1
        skipped++
    }
}
END { print (passed > skipped ? passed - skipped : 0), failed + 0, skipped + 0 }
