// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"crypto/tls"
	"net"
)

// full is a cache of sessions for connections that resume none; the ones that they get are kept.
type full struct{ tls.ClientSessionCache }

func (full) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

// told is a cache of sessions that tells when a connection has got one.
type told struct {
	tls.ClientSessionCache
	about facts
}

func (cache told) Put(server string, session *tls.ClientSessionState) {
	cache.ClientSessionCache.Put(server, session)
	// None: the one that was there is not to be used again.
	if session != nil {
		tell("session", cache.about)
	}
}

func port(address net.Addr) int { return address.(*net.TCPAddr).Port }
