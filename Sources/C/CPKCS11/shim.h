// The types and constants of PKCS #11 v2.40 alone. Nothing is linked: the driver is loaded when a key is on a token.
#include <p11-kit-1/p11-kit/pkcs11.h>
