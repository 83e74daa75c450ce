# SPDX-License-Identifier: GPL-2.0-only
# Counts the tests in what `python3 -m unittest -v` said: prints "FAILED SKIPPED RAN", without RAN when it did not get to
# the end, and lines that say why one was left out to standard error. A test whose sub-tests fail, or are left out, is one.

{ sub(/\r$/, "") }
# Its docstring, if it has one, comes on a line of its own, and the outcome behind that.
/^ *[A-Za-z_0-9]+ \([^ ]+\)/ { test = $1 " " $2 }
/ \.\.\. skipped / {
    print "    SKIP " test ": " substr($0, index($0, " ... skipped ") + 13) >"/dev/stderr"
    if (!(test in left)) { skipped++; outside += test ~ /^setUp(Class|Module) / }
    left[test] = 1
}
/^(FAIL|ERROR): / {
    if (!(($2, $3) in bad)) { failed++; outside += $2 ~ /^(setUp|tearDown)(Class|Module)$/ }
    bad[$2, $3] = 1
}
# A class or a whole file that is left out or fails before its tests is one here, and none in what unittest ran.
/^Ran [0-9]+ tests? in / { ran = $2 + outside }
END { print failed + 0, skipped + 0, ran }
