// SPDX-License-Identifier: GPL-2.0-only

// A TLS client or server on Node.js's tls module, with the arguments that peer.py describes.
"use strict";

const fs = require("fs");
const net = require("net");
const tls = require("tls");

const SWITCHES = ["retry", "ask", "padding"];

function tell(event, facts) {
    process.stderr.write(JSON.stringify({ event, ...facts }) + "\n");
}

function fail(error) {
    tell("error", { text: String(error) });
}

function given() {
    const [role, ...words] = process.argv.slice(2);
    const found = { role };
    while (words.length) {
        const name = words.shift().slice(2);
        found[name] = SWITCHES.includes(name) || words.shift();
    }
    return found;
}

function address(text) {
    const [host, port] = text.split(":");
    return { host, port: Number(port) };
}

function logKeys(line) {
    if (process.env.SSLKEYLOGFILE) fs.appendFileSync(process.env.SSLKEYLOGFILE, line);
}

function told(port, socket) {
    tell("handshake", {
        port,
        version: socket.getProtocol().replace("TLSv", ""),
        cipher: socket.getCipher().name,
        resumed: socket.isSessionReused(),
        alpn: socket.alpnProtocol || null,
        early: false,
    });
}

// The end of one is the end of both.
function join(one, other) {
    one.pipe(other);
    other.pipe(one);
    for (const socket of [one, other]) {
        socket.on("error", (error) => {
            fail(error);
            one.destroy();
            other.destroy();
        });
    }
}

function settings(words) {
    const version = `TLSv${words.version}`;
    const found = { minVersion: version, maxVersion: version, ALPNProtocols: [words.alpn], rejectUnauthorized: false };
    if (words.cert) Object.assign(found, { cert: fs.readFileSync(words.cert), key: fs.readFileSync(words.key) });
    if (words.retry) found.ecdhCurve = "P-384";
    if (words.ask) found.requestCert = true;
    return found;
}

function serve(words) {
    const server = tls.createServer(settings(words), (socket) => {
        told(socket.remotePort, socket);
        join(socket, net.connect(address(words.connect)));
    });
    server.on("keylog", logKeys);
    server.on("tlsClientError", fail);
    server.listen(address(words.listen), () => tell("listening"));
}

function connect(words) {
    let newest;
    let doors = 0;
    for (const [at, resume] of [[words.listen, false], [words.resume, true]]) {
        const door = net.createServer({ pauseOnConnect: true }, (plain) => {
            const options = { ...settings(words), ...address(words.connect), servername: words.name };
            if (resume) options.session = newest;
            const socket = tls.connect(options, () => {
                told(socket.localPort, socket);
                join(plain, socket);
            });
            if (words.limit) socket.setMaxSendFragment(Number(words.limit));
            socket.on("keylog", logKeys);
            socket.on("session", (session) => { newest = session; });
            socket.once("error", fail);
        });
        door.listen(address(at), () => {
            doors += 1;
            if (doors === 2) tell("listening");
        });
    }
}

const words = given();
if (words.role === "server") serve(words);
else connect(words);
