// SPDX-License-Identifier: GPL-2.0-only
//! What client and server are set to do. Neither looks at who the other one is.

use crate::words::Words;
use crate::Outcome;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, Tls12Resumption};
#[cfg(feature = "aws-lc")]
use rustls::crypto::aws_lc_rs as library;
#[cfg(not(feature = "aws-lc"))]
use rustls::crypto::ring as library;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, KeyLogFile, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};
use std::sync::Arc;

/// Bytes of early data that a server takes.
const EARLY: u32 = 16384;

pub(crate) fn server(words: &Words) -> Outcome<Arc<ServerConfig>> {
    let provider = provider(words);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(version(words))?;
    let builder = match words.is("ask") {
        true => builder.with_client_cert_verifier(Arc::new(Anybody(provider))),
        false => builder.with_no_client_auth(),
    };
    let (chain, key) = certificate(words)?;
    let mut config = builder.with_single_cert(chain, key)?;
    // It takes early data only where it keeps sessions itself, so that none is used twice.
    if words.is("tickets") && words.get("early").is_empty() {
        config.ticketer = library::Ticketer::new()?;
    }
    config.max_early_data_size = if words.get("early").is_empty() {
        0
    } else {
        EARLY
    };
    config.max_fragment_size = fragment_size(words);
    config.alpn_protocols = protocols(words);
    config.key_log = Arc::new(KeyLogFile::new());
    Ok(Arc::new(config))
}

/// The same server, which resumes the same sessions.
pub(crate) fn without_early_data(config: &ServerConfig) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.max_early_data_size = 0;
    Arc::new(config)
}

pub(crate) fn client(words: &Words) -> Outcome<Arc<ClientConfig>> {
    let provider = provider(words);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(version(words))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)));
    let mut config = match words.is("certificate") {
        true => {
            let (chain, key) = certificate(words)?;
            builder.with_client_auth_cert(chain, key)?
        }
        false => builder.with_no_client_auth(),
    };
    let by = match words.is("tickets") {
        true => Tls12Resumption::SessionIdOrTickets,
        false => Tls12Resumption::SessionIdOnly,
    };
    config.resumption = Resumption::in_memory_sessions(8).tls12_resumption(by);
    config.enable_early_data = !words.get("early").is_empty();
    config.max_fragment_size = fragment_size(words);
    config.alpn_protocols = protocols(words);
    config.key_log = Arc::new(KeyLogFile::new());
    Ok(Arc::new(config))
}

/// The one suite and the groups that are asked for, or all.
fn provider(words: &Words) -> Arc<CryptoProvider> {
    let mut provider = library::default_provider();
    let suite = words.get("suite");
    let is_it = |known: &rustls::SupportedCipherSuite| format!("{:?}", known.suite()) == suite;
    if !suite.is_empty() {
        provider.cipher_suites.retain(is_it);
    }
    let groups = words.get("groups");
    let group = |name: &str| match name {
        "X25519" => library::kx_group::X25519,
        _ => library::kx_group::SECP384R1,
    };
    if !groups.is_empty() {
        provider.kx_groups = groups.split(':').map(group).collect();
    }
    Arc::new(provider)
}

fn version(words: &Words) -> &'static [&'static SupportedProtocolVersion] {
    static TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
    static TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
    match words.get("version") {
        "1.2" => TLS12,
        _ => TLS13,
    }
}

fn certificate(words: &Words) -> Outcome<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = vec![CertificateDer::from_pem_file(words.get("cert"))?];
    Ok((chain, PrivateKeyDer::from_pem_file(words.get("key"))?))
}

fn fragment_size(words: &Words) -> Option<usize> {
    let limit = words.get("limit");
    (!limit.is_empty()).then(|| limit.parse().expect("a number"))
}

fn protocols(words: &Words) -> Vec<Vec<u8>> {
    let names = words.get("alpn").split(',').filter(|name| !name.is_empty());
    names.map(|name| name.as_bytes().to_vec()).collect()
}

/// Takes everybody whose signature fits the certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
