// libssl, for programs that make TLS connections. Macros of OpenSSL that Swift does not import are functions here.
#pragma once
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline long rn_ssl_set_server_name(SSL *ssl, const char *name) { return SSL_set_tlsext_host_name(ssl, name); }
static inline long rn_ssl_set_minimum(SSL_CTX *context, int version) {
  return SSL_CTX_set_min_proto_version(context, version);
}
static inline X509 *rn_ssl_peer(const SSL *ssl) { return SSL_get1_peer_certificate(ssl); }
static inline long rn_ssl_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
