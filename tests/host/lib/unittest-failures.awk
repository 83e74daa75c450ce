# SPDX-License-Identifier: GPL-2.0-only
# What failed, of what `python3 -m unittest -v` said: a line for each, with the first line of its exception.

{ sub(/\r$/, "") }
/^(FAIL|ERROR): / { test = substr($0, index($0, " ") + 1); traced = 0; next }
/^Traceback / { traced = 1; next }
# An exception's line is the first behind the trace that is not indented.
test && traced && /^[A-Za-z_]/ { print test ": " $0; test = "" }
