// SPDX-License-Identifier: GPL-2.0-only

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** A TLS client or server on JSSE that relays octets between TLS and plain connections, with the arguments that
 * tests/guest/stacks/peer.py describes. */
public final class Peer {
    private static final int PIECE = 16384;

    private final Map<String, String> options;
    private final SSLContext context;
    private final SSLSocketFactory factory;

    private interface Taker {
        void take(Socket socket) throws IOException, GeneralSecurityException;
    }

    public static void main(String[] words) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int at = 1; at < words.length; at++) {
            boolean alone = at + 1 == words.length || words[at + 1].startsWith("--");
            options.put(words[at].substring(2), alone ? "" : words[++at]);
        }
        Peer peer = new Peer(options);
        if (words[0].equals("server")) {
            peer.listen("listen", peer::serve);
        } else {
            peer.listen("listen", plain -> peer.connect(plain, false));
            peer.listen("resume", plain -> peer.connect(plain, true));
        }
        tell("listening", Map.of());
    }

    private Peer(Map<String, String> options) throws Exception {
        this.options = options;
        context = SSLContext.getInstance("TLS");
        KeyManager[] keys = null;
        if (options.containsKey("cert")) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("own", key(options.get("key")), new char[0], new Certificate[] {certificate(options.get("cert"))});
            KeyManagerFactory made = KeyManagerFactory.getInstance("SunX509");
            made.init(store, new char[0]);
            keys = made.getKeyManagers();
        }
        context.init(keys, new TrustManager[] {new Anybody()}, null);
        factory = context.getSocketFactory();
    }

    private void listen(String option, Taker taker) throws IOException {
        ServerSocket listener = new ServerSocket();
        listener.setReuseAddress(true);
        listener.bind(address(option));
        start(() -> {
            while (true) {
                Socket socket = listener.accept();
                start(() -> taker.take(socket));
            }
        });
    }

    private void serve(Socket raw) throws IOException {
        Map<String, Object> facts = new LinkedHashMap<>(Map.of("port", raw.getPort()));
        SSLSocket tls = (SSLSocket) factory.createSocket(raw, InputStream.nullInputStream(), true);
        tls.setSSLParameters(parameters());
        if (shake(tls, facts)) {
            InetSocketAddress backend = address("connect");
            relay(tls, new Socket(backend.getAddress(), backend.getPort()), facts);
        }
    }

    private void connect(Socket plain, boolean resume) throws IOException {
        if (!resume) {
            forget();
        }
        InetSocketAddress address = address("connect");
        Socket raw = new Socket(address.getAddress(), address.getPort());
        Map<String, Object> facts = new LinkedHashMap<>(Map.of("port", raw.getLocalPort()));
        // The name goes out as SNI, and sessions are kept under it.
        String name = options.getOrDefault("name", "server.example");
        SSLSocket tls = (SSLSocket) factory.createSocket(raw, name, address.getPort(), true);
        tls.setSSLParameters(parameters());
        if (shake(tls, facts)) {
            relay(tls, plain, facts);
        } else {
            plain.close();
        }
    }

    /** The sessions that are there are not resumed by connections to come. */
    private synchronized void forget() {
        SSLSessionContext sessions = context.getClientSessionContext();
        for (byte[] id : Collections.list(sessions.getIds())) {
            SSLSession session = sessions.getSession(id);
            if (session != null) {
                session.invalidate();
            }
        }
    }

    private SSLParameters parameters() {
        SSLParameters made = context.getDefaultSSLParameters();
        if (options.containsKey("version")) {
            made.setProtocols(new String[] {"TLSv" + options.get("version")});
        }
        if (options.containsKey("alpn")) {
            made.setApplicationProtocols(options.get("alpn").split(","));
        }
        made.setNeedClientAuth(options.containsKey("ask"));
        if (options.containsKey("retry")) {
            made.setNamedGroups(new String[] {"secp384r1"});
        }
        if (options.containsKey("limit")) {
            made.setMaximumPacketSize(Integer.parseInt(options.get("limit")));
        }
        return made;
    }

    /** Completes the handshake and tells what it has come to. */
    private boolean shake(SSLSocket tls, Map<String, Object> facts) throws IOException {
        long begun = System.currentTimeMillis();
        try {
            tls.startHandshake();
        } catch (SSLException failed) {
            tell("error", facts, "text", failed.toString());
            tls.close();
            return false;
        }
        SSLSession session = tls.getSession();
        String protocol = tls.getApplicationProtocol();
        // A session that is resumed is as old as it was.
        tell("handshake", facts, "version", session.getProtocol().replace("TLSv", ""), "cipher", session.getCipherSuite(),
            "resumed", session.getCreationTime() < begun, "alpn", protocol.isEmpty() ? null : protocol, "early", false);
        return true;
    }

    /** Takes octets both ways until both are at their end, which it passes on. */
    private void relay(SSLSocket tls, Socket plain, Map<String, Object> facts) throws IOException {
        Thread out = start(() -> {
            copy(plain.getInputStream(), tls.getOutputStream(), facts);
            tls.shutdownOutput();
        });
        copy(tls.getInputStream(), plain.getOutputStream(), facts);
        plain.shutdownOutput();
        try {
            out.join();
        } catch (InterruptedException never) {
            throw new IllegalStateException(never);
        }
        tls.close();
        plain.close();
        tell("closed", facts);
    }

    private static void copy(InputStream from, OutputStream to, Map<String, Object> facts) {
        byte[] piece = new byte[PIECE];
        try {
            for (int size; (size = from.read(piece)) >= 0; ) {
                to.write(piece, 0, size);
                to.flush();
            }
        } catch (IOException failed) {
            tell("error", facts, "text", failed.toString());
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private static Thread start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Exception failed) {
                tell("error", Map.of("text", failed.toString()));
            }
        });
        thread.start();
        return thread;
    }

    private static synchronized void tell(String event, Map<String, Object> facts, Object... more) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("event", event);
        all.putAll(facts);
        for (int at = 0; at < more.length; at += 2) {
            all.put((String) more[at], more[at + 1]);
        }
        StringBuilder line = new StringBuilder();
        all.forEach((name, value) -> line.append(line.isEmpty() ? "{" : ", ").append('"').append(name).append("\": ").append(
            value instanceof String text ? '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", " ") + '"' : value));
        System.err.println(line.append('}'));
    }

    private InetSocketAddress address(String option) throws IOException {
        String words = options.get(option);
        int colon = words.lastIndexOf(':');
        InetAddress host = InetAddress.getByName(words.substring(0, colon));
        return new InetSocketAddress(host, Integer.parseInt(words.substring(colon + 1)));
    }

    private static X509Certificate certificate(String file) throws Exception {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    private static PrivateKey key(String file) throws Exception {
        String text = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]*-----|\\s", "");
        PKCS8EncodedKeySpec octets = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
        for (String kind : List.of("EC", "RSA")) {
            try {
                return KeyFactory.getInstance(kind).generatePrivate(octets);
            } catch (GeneralSecurityException other) {
                // It is of another kind.
            }
        }
        throw new GeneralSecurityException(file + ": neither EC nor RSA");
    }

    /** Nobody here looks at who the other one is. */
    private static final class Anybody extends X509ExtendedTrustManager {
        @Override public void checkClientTrusted(X509Certificate[] chain, String kind, Socket socket) { }
        @Override public void checkServerTrusted(X509Certificate[] chain, String kind, Socket socket) { }
        @Override public void checkClientTrusted(X509Certificate[] chain, String kind, SSLEngine engine) { }
        @Override public void checkServerTrusted(X509Certificate[] chain, String kind, SSLEngine engine) { }
        @Override public void checkClientTrusted(X509Certificate[] chain, String kind) { }
        @Override public void checkServerTrusted(X509Certificate[] chain, String kind) { }
        @Override public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }
}
