// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"crypto/tls"
	"net"
)

// full is a cache of sessions for connections that resume none; the ones that they get are kept.
type full struct{ tls.ClientSessionCache }

func (full) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

func port(address net.Addr) int { return address.(*net.TCPAddr).Port }
