// libcrypto alone: libssl has a module of its own, so that a program that makes no TLS connection does not load it.
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// A macro of macros, which Swift does not import.
enum { CCrypto_EVP_PKEY_PUBLIC_KEY = EVP_PKEY_PUBLIC_KEY };
