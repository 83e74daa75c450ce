// SPDX-License-Identifier: GPL-2.0-only

// A TLS client or server on Botan, with the arguments that tests/guest/stacks/peer.py describes, or "version".

#include <arpa/inet.h>
#include <botan/auto_rng.h>
#include <botan/certstor.h>
#include <botan/credentials_manager.h>
#include <botan/data_src.h>
#include <botan/hex.h>
#include <botan/pkcs8.h>
#include <botan/tls_callbacks.h>
#include <botan/tls_client.h>
#include <botan/tls_policy.h>
#include <botan/tls_server.h>
#include <botan/tls_session_manager_memory.h>
#include <botan/version.h>
#include <botan/x509cert.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

namespace tls = Botan::TLS;
using Octets = std::vector<uint8_t>;

// What waits for a socket before no more is read for it.
constexpr size_t ENOUGH = 1 << 18;
// Of the next connection with a full handshake: sessions are kept by it.
std::atomic<uint16_t> number{1};
std::atomic<uint16_t> newest{0};
std::map<std::string, std::string> words;
std::mutex out;

void tell(const std::string& line) {
    const std::lock_guard lock(out);
    std::cerr << line + "\n" << std::flush;
}

void failed(std::string why) {
    for (char& one : why)
        if (one == '"' || one == '\\') one = '\'';
    tell("{\"event\": \"error\", \"text\": \"" + why + "\"}");
}

bool given(const std::string& word) { return words.contains(word); }

sockaddr_in address(const std::string& text) {
    const auto colon = text.find(':');
    sockaddr_in found{};
    found.sin_family = AF_INET;
    found.sin_port = htons(std::stoi(text.substr(colon + 1)));
    inet_pton(AF_INET, text.substr(0, colon).c_str(), &found.sin_addr);
    return found;
}

int connect_to(const std::string& text) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const auto to = address(text);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("it does not connect");
    return fd;
}

class Policy : public tls::Policy {
  public:
    bool allow_tls12() const override { return words["version"] == "1.2"; }
    bool allow_tls13() const override { return words["version"] == "1.3"; }
    bool allow_ssl_key_log_file() const override { return std::getenv("SSLKEYLOGFILE") != nullptr; }
    bool require_cert_revocation_info() const override { return false; }
    bool request_client_certificate_authentication() const override { return given("ask"); }
    std::optional<uint16_t> record_size_limit() const override {
        if (!given("limit")) return std::nullopt;
        // Its type is one more.
        return static_cast<uint16_t>(std::stoi(words["limit"]) + 1);
    }
    std::vector<tls::Group_Params> key_exchange_groups() const override {
        if (given("retry")) return {tls::Group_Params::SECP384R1};
        return tls::Policy::key_exchange_groups();
    }
};

class Credentials : public Botan::Credentials_Manager {
  public:
    Credentials() {
        if (!given("cert")) return;
        chain.emplace_back(words["cert"]);
        Botan::DataSource_Stream source(words["key"]);
        key = Botan::PKCS8::load_key(source);
    }

    std::vector<Botan::X509_Certificate> cert_chain(const std::vector<std::string>& kinds,
                                                    const std::vector<Botan::AlgorithmIdentifier>&, const std::string&,
                                                    const std::string&) override {
        const bool fits = key && std::find(kinds.begin(), kinds.end(), key->algo_name()) != kinds.end();
        return fits ? chain : std::vector<Botan::X509_Certificate>{};
    }

    std::vector<Botan::X509_Certificate> find_cert_chain(const std::vector<std::string>& kinds,
                                                         const std::vector<Botan::AlgorithmIdentifier>& schemes,
                                                         const std::vector<Botan::X509_DN>&, const std::string& type,
                                                         const std::string& context) override {
        return cert_chain(kinds, schemes, type, context);
    }

    std::shared_ptr<Botan::Private_Key> private_key_for(const Botan::X509_Certificate&, const std::string&,
                                                        const std::string&) override {
        return key;
    }

  private:
    std::vector<Botan::X509_Certificate> chain;
    std::shared_ptr<Botan::Private_Key> key;
};

struct Library {
    std::shared_ptr<Botan::RandomNumberGenerator> random = std::make_shared<Botan::AutoSeeded_RNG>();
    std::shared_ptr<tls::Session_Manager> sessions = std::make_shared<tls::Session_Manager_In_Memory>(random);
    std::shared_ptr<Botan::Credentials_Manager> credentials = std::make_shared<Credentials>();
    std::shared_ptr<tls::Policy> policy = std::make_shared<Policy>();
};

class Connection : public tls::Callbacks {
  public:
    void tls_emit_data(std::span<const uint8_t> octets) override { to_tls.insert(to_tls.end(), octets.begin(), octets.end()); }

    void tls_record_received(uint64_t, std::span<const uint8_t> octets) override {
        to_plain.insert(to_plain.end(), octets.begin(), octets.end());
    }

    void tls_alert(tls::Alert alert) override {
        if (alert.is_fatal()) failed(alert.type_string());
    }

    bool tls_peer_closed_connection() override {
        open = false;
        return true;
    }

    void tls_verify_cert_chain(const std::vector<Botan::X509_Certificate>&,
                               const std::vector<std::optional<Botan::OCSP::Response>>&,
                               const std::vector<Botan::Certificate_Store*>&, Botan::Usage_Type, std::string_view,
                               const tls::Policy&) override {}

    std::string tls_server_choose_app_protocol(const std::vector<std::string>& offered) override {
        const bool known = std::find(offered.begin(), offered.end(), words["alpn"]) != offered.end();
        return known ? words["alpn"] : "";
    }

    void tls_session_established(const tls::Session_Summary& session) override {
        about = "\"version\": \"" + words["version"] + "\", \"cipher\": \"" + session.ciphersuite().to_string() +
                "\", \"resumed\": " + (session.was_resumption() ? "true" : "false");
    }

    void tls_session_activated() override { active = true; }

    void tls_ssl_key_log_data(std::string_view label, std::span<const uint8_t> random,
                              std::span<const uint8_t> secret) const override {
        const std::lock_guard lock(out);
        std::ofstream(std::getenv("SSLKEYLOGFILE"), std::ios::app)
            << label << ' ' << Botan::hex_encode(random, false) << ' ' << Botan::hex_encode(secret, false) << '\n';
    }

    // The end of one is the end of both.
    void run(tls::Channel& channel, int raw, int plain, uint16_t port) {
        bool told = false;
        while (true) {
            if (active && !told) {
                told = true;
                const std::string agreed = channel.application_protocol();
                tell("{\"event\": \"handshake\", \"port\": " + std::to_string(port) + ", " + about + ", \"alpn\": " +
                     (agreed.empty() ? "null" : "\"" + agreed + "\"") + ", \"early\": false}");
                if (plain < 0) plain = connect_to(words["connect"]);
                fcntl(plain, F_SETFL, O_NONBLOCK);
            }
            if (!open && to_tls.empty() && to_plain.empty()) break;
            pollfd waits[2] = {{raw, 0, 0}, {told ? plain : -1, 0, 0}};
            if (open && to_plain.size() < ENOUGH) waits[0].events |= POLLIN;
            if (!to_tls.empty()) waits[0].events |= POLLOUT;
            if (open && to_tls.size() < ENOUGH) waits[1].events |= POLLIN;
            if (!to_plain.empty()) waits[1].events |= POLLOUT;
            poll(waits, 2, -1);
            if (waits[0].revents & (POLLERR | POLLHUP) && !(waits[0].revents & POLLIN)) break;
            if (waits[1].revents & (POLLERR | POLLHUP) && !(waits[1].revents & POLLIN)) close_tls(channel);
            if (waits[0].revents & POLLOUT) send_some(raw, to_tls);
            if (waits[1].revents & POLLOUT) send_some(plain, to_plain);
            if (waits[0].revents & POLLIN) {
                if (const Octets octets = receive(raw); !octets.empty()) channel.received_data(octets);
                else open = false;
            }
            if (waits[1].revents & POLLIN) {
                if (const Octets octets = receive(plain); !octets.empty()) channel.send(octets);
                else close_tls(channel);
            }
        }
        if (plain >= 0) close(plain);
    }

  private:
    Octets to_tls, to_plain;
    bool open = true, active = false;
    std::string about;

    void close_tls(tls::Channel& channel) {
        if (open) channel.close();
        open = false;
    }

    static Octets receive(int fd) {
        Octets octets(65536);
        const ssize_t size = recv(fd, octets.data(), octets.size(), 0);
        octets.resize(size > 0 ? size : 0);
        return octets;
    }

    static void send_some(int fd, Octets& octets) {
        const ssize_t size = send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
        if (size > 0) octets.erase(octets.begin(), octets.begin() + size);
        else octets.clear();
    }
};

uint16_t port_of(int fd, bool own) {
    sockaddr_in found{};
    socklen_t size = sizeof found;
    (own ? getsockname : getpeername)(fd, reinterpret_cast<sockaddr*>(&found), &size);
    return ntohs(found.sin_port);
}

void serve(const Library& library, int raw) {
    auto connection = std::make_shared<Connection>();
    fcntl(raw, F_SETFL, O_NONBLOCK);
    tls::Server channel(connection, library.sessions, library.credentials, library.policy, library.random);
    connection->run(channel, raw, -1, port_of(raw, false));
    close(raw);
}

void connect_one(const Library& library, int plain, bool resume) {
    auto connection = std::make_shared<Connection>();
    const int raw = connect_to(words["connect"]);
    fcntl(raw, F_SETFL, O_NONBLOCK);
    const uint16_t which = resume ? newest.load() : number++;
    if (!resume) newest = which;
    const auto version = words["version"] == "1.2" ? tls::Protocol_Version::TLS_V12 : tls::Protocol_Version::TLS_V13;
    tls::Client channel(connection, library.sessions, library.credentials, library.policy, library.random,
                        tls::Server_Information(words["name"], which), version, {words["alpn"]});
    connection->run(channel, raw, plain, port_of(raw, true));
    close(raw);
}

void listen_at(const std::string& text, const std::function<void(int)>& take) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto at = address(text);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(fd, 64) != 0) {
        failed("it cannot listen at " + text);
        std::exit(1);
    }
    std::thread([fd, take] {
        while (true) {
            const int accepted = accept(fd, nullptr, nullptr);
            std::thread([accepted, take] {
                try {
                    take(accepted);
                } catch (const std::exception& error) {
                    failed(error.what());
                    close(accepted);
                }
            }).detach();
        }
    }).detach();
}

int main(int count, char** all) {
    if (count == 2 && std::string(all[1]) == "version") {
        std::cout << Botan::short_version_string() << '\n';
        return 0;
    }
    for (int at = 2; at < count; at++) {
        const std::string word = std::string(all[at]).substr(2);
        const bool alone = at + 1 == count || std::string(all[at + 1]).starts_with("--");
        words[word] = alone ? "" : all[++at];
    }
    const Library library;
    if (std::string(all[1]) == "server") {
        listen_at(words["listen"], [&](int raw) { serve(library, raw); });
    } else {
        listen_at(words["listen"], [&](int plain) { connect_one(library, plain, false); });
        listen_at(words["resume"], [&](int plain) { connect_one(library, plain, true); });
    }
    tell("{\"event\": \"listening\"}");
    pause();
}
