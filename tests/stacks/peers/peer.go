// SPDX-License-Identifier: GPL-2.0-only

// peer is a TLS client or server on Go's crypto/tls, with the arguments that tests/guest/stacks/peer.py describes. What
// happens is told on standard error, a JSON object a line.
package main

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"maps"
	"net"
	"os"
	"strings"
	"sync"
)

var (
	flags       = flag.NewFlagSet("peer", flag.ExitOnError)
	listen      = flags.String("listen", "", "where a server takes TLS, a client plain connections")
	resume      = flags.String("resume", "", "where a client takes plain connections that resume a session")
	connectTo   = flags.String("connect", "", "the TLS server of a client, the plain one of a server")
	name        = flags.String("name", "server.example", "SNI")
	version     = flags.String("version", "", "1.2 or 1.3; none: as the library likes")
	protocols   = flags.String("alpn", "", "protocols, with commas between them")
	certificate = flags.String("cert", "", "certificate, a client's too")
	key         = flags.String("key", "", "its key")
	ask         = flags.Bool("ask", false, "a server asks for the client's certificate, and takes any")
	retry       = flags.Bool("retry", false, "a server takes P-384 only")
)

var out sync.Mutex

type facts map[string]any

// tell writes an event in one piece.
func tell(event string, parts ...facts) {
	all := facts{"event": event}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	line, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	out.Lock()
	defer out.Unlock()
	os.Stderr.Write(append(line, '\n'))
}

func fail(err error) {
	tell("error", facts{"text": err.Error()})
	os.Exit(1)
}

func main() {
	if len(os.Args) < 2 {
		fail(errors.New("usage: peer client|server OPTION..."))
	}
	flags.Parse(os.Args[2:])
	config, err := configuration()
	if err != nil {
		fail(err)
	}
	listeners := map[string]func(net.Conn){}
	switch os.Args[1] {
	case "server":
		listeners[*listen] = func(raw net.Conn) { serve(raw, config) }
	case "client":
		sessions := tls.NewLRUClientSessionCache(8)
		listeners[*listen] = func(plain net.Conn) { connect(plain, config, full{sessions}) }
		listeners[*resume] = func(plain net.Conn) { connect(plain, config, sessions) }
	default:
		fail(errors.New("neither client nor server"))
	}
	var running sync.WaitGroup
	for at, take := range listeners {
		listener, err := net.Listen("tcp", at)
		if err != nil {
			fail(err)
		}
		running.Add(1)
		go accept(listener, take)
	}
	tell("listening")
	running.Wait()
}

func accept(listener net.Listener, take func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			fail(err)
		}
		go take(conn)
	}
}

// configuration is what is the same for all connections.
func configuration() (*tls.Config, error) {
	config := &tls.Config{ServerName: *name, InsecureSkipVerify: true}
	// Each connection has a copy of this, and all of them open each other's tickets.
	var sealing [32]byte
	rand.Read(sealing[:])
	config.SetSessionTicketKeys([][32]byte{sealing})
	switch *version {
	case "1.2":
		config.MinVersion, config.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	case "1.3":
		config.MinVersion = tls.VersionTLS13
	}
	if *protocols != "" {
		config.NextProtos = strings.Split(*protocols, ",")
	}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
		// It signs for whoever is asked for: nobody here looks at who the other one is.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if file := os.Getenv("SSLKEYLOGFILE"); file != "" {
		log, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		config.KeyLogWriter = log
	}
	if *ask {
		config.ClientAuth = tls.RequireAnyClientCert
	}
	if *retry {
		config.CurvePreferences = []tls.CurveID{tls.CurveP384}
	}
	return config, nil
}

// serve is one connection of a server.
func serve(raw net.Conn, config *tls.Config) {
	own := config.Clone()
	conn := tls.Server(raw, own)
	about := facts{"port": port(raw.RemoteAddr())}
	if !shake(conn, about, nil) {
		return
	}
	plain, err := net.Dial("tcp", *connectTo)
	if err != nil {
		fail(err)
	}
	relay(conn, plain, about)
}

// connect is one connection of a client.
func connect(plain net.Conn, config *tls.Config, sessions tls.ClientSessionCache) {
	raw, err := net.Dial("tcp", *connectTo)
	if err != nil {
		fail(err)
	}
	own := config.Clone()
	about := facts{"port": port(raw.LocalAddr())}
	own.ClientSessionCache = sessions
	conn := tls.Client(raw, own)
	if shake(conn, about, plain) {
		relay(conn, plain, about)
	}
}

// shake completes the handshake and tells what it has come to. A client's plain connection is there before it.
func shake(conn *tls.Conn, about facts, plain net.Conn) bool {
	if err := conn.Handshake(); err != nil {
		tell("error", about, facts{"text": err.Error()})
		conn.Close()
		if plain != nil {
			plain.Close()
		}
		return false
	}
	state := conn.ConnectionState()
	var protocol any
	if state.NegotiatedProtocol != "" {
		protocol = state.NegotiatedProtocol
	}
	tell("handshake", about, facts{
		"version": strings.TrimPrefix(tls.VersionName(state.Version), "TLS "),
		"cipher":  tls.CipherSuiteName(state.CipherSuite),
		"resumed": state.DidResume,
		"alpn":    protocol,
		"early":   false,
	})
	return true
}

// relay takes octets both ways until both are at their end, which it passes on.
func relay(conn *tls.Conn, plain net.Conn, about facts) {
	var both sync.WaitGroup
	both.Add(2)
	go func() {
		defer both.Done()
		if _, err := io.Copy(conn, plain); err != nil {
			tell("error", about, facts{"text": err.Error()})
		}
		conn.CloseWrite()
	}()
	go func() {
		defer both.Done()
		if _, err := io.Copy(plain, conn); err != nil {
			tell("error", about, facts{"text": err.Error()})
		}
		plain.(*net.TCPConn).CloseWrite()
	}()
	both.Wait()
	conn.Close()
	plain.Close()
	tell("closed", about)
}
